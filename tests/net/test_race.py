"""The race of several ways: stagger, failures, losers, errors (F108)."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from p2ptui.base.errors import ExitCode, P2PError, security_stop, unreachable
from p2ptui.net.race import STAGGER_S, first_success, gravest
from tests.support.fake_time import virtual_time


class Track:
    """Attempts that take their time, and what became of them."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        self.cancelled: list[str] = []
        self.discarded: list[str] = []
        self._start = asyncio.get_running_loop().time()

    def now(self) -> float:
        return round(asyncio.get_running_loop().time() - self._start, 3)

    async def _run(self, name: str, seconds: float, error: P2PError | None) -> str:
        self.began[name] = self.now()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        if error is not None:
            raise error
        return name

    def attempt(
        self, name: str, seconds: float, error: P2PError | None = None
    ) -> Callable[[], Awaitable[str]]:
        return partial(self._run, name, seconds, error)

    async def race(self, *attempts: Callable[[], Awaitable[str]]) -> str:
        return await first_success(attempts, discard=self.discarded.append)


@virtual_time
async def test_a_silent_address_costs_a_quarter_of_a_second() -> None:
    track = Track()
    assert await track.race(track.attempt("dead", 5), track.attempt("good", 0.1)) == "good"
    assert track.now() == STAGGER_S + 0.1
    assert track.cancelled == ["dead"]


@virtual_time
async def test_the_first_alone_is_enough_when_it_is_quick() -> None:
    track = Track()
    assert await track.race(track.attempt("good", 0.2), track.attempt("other", 0)) == "good"
    assert "other" not in track.began


@virtual_time
async def test_after_a_failure_the_next_begins_at_once() -> None:
    track = Track()
    failing = track.attempt("refused", 0.01, unreachable("no", "refused"))
    assert await track.race(failing, track.attempt("good", 0.1)) == "good"
    assert track.began["good"] == 0.01


@virtual_time
async def test_an_outcome_that_came_too_late_is_discarded() -> None:
    track = Track()
    same_time = (track.attempt("one", STAGGER_S + 0.5), track.attempt("two", 0.5))
    winner = await track.race(*same_time)
    assert {winner, *track.discarded} == {"one", "two"}
    assert not track.cancelled


@virtual_time
async def test_whoever_waits_may_be_cancelled_and_so_is_the_race() -> None:
    track = Track()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await track.race(track.attempt("one", 5), track.attempt("two", 5))
    assert sorted(track.cancelled) == ["one", "two"]


@virtual_time
async def test_when_all_fail_all_reasons_are_told_and_a_security_stop_above_all() -> None:
    track = Track()
    no = unreachable("Cannot reach the peer", "a: refused")
    silent = unreachable("Cannot reach the peer", "b: does not answer", "Is it right?")
    with pytest.raises(P2PError) as caught:
        await track.race(track.attempt("a", 0, no), track.attempt("b", 1, silent))
    assert caught.value.message == "a: refused; b: does not answer"
    assert caught.value.hint == "Is it right?"
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    stop = security_stop("This is not the peer")
    assert gravest([no, stop]) is stop


@virtual_time
async def test_a_mistake_of_ours_is_no_failed_attempt() -> None:
    async def broken() -> str:
        raise ZeroDivisionError

    track = Track()
    with pytest.raises(ZeroDivisionError):
        await track.race(broken, track.attempt("good", 1))
