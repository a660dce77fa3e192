"""The announcer: what the tracker is told of our share, and how often (F63, F68)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptui.base.errors import P2PError, unreachable
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import encode
from p2ptui.net.wire.frames import MAX_CONTROL_BYTES
from p2ptui.net.wire.share_digest import ShareDigest
from p2ptui.node.announcer import MAX_RETRY_S, RETRY_S, SETTLE_S, Announcer
from tests.support.eventually import eventually, stays
from tests.support.fake_time import FakeClock, run_virtual, virtual_time
from tests.support.tracker_rig import entry


@dataclass(frozen=True)
class Batch:
    """Changes of a `Share`."""

    revision: int
    added: tuple[m.Entry, ...]
    removed: tuple[m.Path, ...]
    digest: bytes


class Share:
    """A library's change log in memory."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.revision = 0
        self.log: dict[m.Path, tuple[int, m.Entry | None]] = {}
        self.asked: list[tuple[int, int]] = []

    @property
    def entries(self) -> dict[m.Path, m.Entry]:
        return {path: made for path, (_, made) in self.log.items() if made is not None}

    @property
    def digest(self) -> bytes:
        return bytes(ShareDigest.of(self.entries.values()))

    def add(self, *names: str) -> None:
        for name in names:
            self.revision += 1
            made = entry(name, content=f"{name} {self.revision}")
            self.log[made.path] = (self.revision, made)
        self.changed.set()

    def remove(self, *names: str) -> None:
        for name in names:
            self.revision += 1
            self.log[tuple(name.split("/"))] = (self.revision, None)
        self.changed.set()

    async def changes_since(self, revision: int, limit: int) -> Batch:
        self.asked.append((revision, limit))
        newer = sorted(
            (number, path, made)
            for path, (number, made) in self.log.items()
            if number > revision and (made is not None or revision > 0)
        )
        some = newer[:limit]
        last = some[-1][0] if len(newer) > limit else self.revision
        return Batch(
            last,
            tuple(made for _, _, made in some if made is not None),
            tuple(path for _, path, made in some if made is None),
            self.digest if last == self.revision else b"",
        )


class Tracker:
    """The tracker's side: applies what is announced, as the protocol says."""

    def __init__(self) -> None:
        self.revision = 0
        self.entries: dict[m.Path, m.Entry] = {}
        self.heard: list[m.Announce] = []
        self.failures: list[P2PError | None] = []
        """Raised, one after the other, instead of an answer; None: it is answered."""
        self.forgets = 0
        """So many times it finds that the digests differ."""
        self.lost_answers = 0
        """So many announces are applied and not answered."""

    async def ask(self, make: Callable[[int], object], answer: type[m.Accepted]) -> m.Accepted:
        await asyncio.sleep(0.01)
        message = make(len(self.heard))
        assert isinstance(message, m.Announce)
        assert len(encode(message)) < MAX_CONTROL_BYTES
        assert max(len(message.added), len(message.removed)) <= m.MAX_BATCH
        self.heard.append(message)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        if message.base == 0:
            self.entries.clear()
        elif message.base != self.revision:
            return m.Accepted(message.id, 0)
        for path in message.removed:
            self.entries.pop(path, None)
        self.entries |= {each.path: each for each in message.added}
        self.revision = message.revision
        if message.digest and self._differs(message.digest):
            self.revision = 0
        if self.lost_answers:
            self.lost_answers -= 1
            raise unreachable("The tracker did not answer")
        return m.Accepted(message.id, self.revision)

    def _differs(self, digest: bytes) -> bool:
        if self.forgets:
            self.forgets -= 1
            return True
        return bytes(ShareDigest.of(self.entries.values())) != digest


class Announcing:
    """An announcer at work."""

    def __init__(self, share: Share, tracker: Tracker) -> None:
        self.share = share
        self.tracker = tracker
        self.published: list[float] = []
        self.refused: list[str] = []
        self.announcer = Announcer(
            share,
            FakeClock(),
            self.published.append,
            lambda error: self.refused.append(error.title),
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        run = spawn(self.announcer.run(self.tracker.ask, self.tracker.revision), name="announce")
        try:
            yield
        finally:
            run.cancel()
            await asyncio.wait({run})

    @property
    def in_step(self) -> bool:
        """Whether the tracker has exactly what we share."""
        return bool(self.published) and self.tracker.entries == self.share.entries


def announcing(*names: str) -> Announcing:
    share = Share()
    share.add(*names)
    return Announcing(share, Tracker())


@virtual_time
async def test_everything_is_announced_first_and_then_the_changes() -> None:
    run = announcing("a", "b", "sub/c")
    async with run.connected():
        await eventually(lambda: run.in_step)
        (first,) = run.tracker.heard
        assert (first.base, first.revision, len(first.added)) == (0, 3, 3)
        run.share.remove("b")
        run.share.add("d")
        await eventually(lambda: len(run.published) == 2)
        assert run.in_step
        second = run.tracker.heard[1]
        assert (second.base, second.revision) == (3, 5)
        assert [each.path for each in second.added] == [("d",)]
        assert second.removed == (("b",),)
        assert second.digest == run.share.digest


@virtual_time
async def test_an_empty_share_is_announced_too() -> None:
    run = announcing()
    async with run.connected():
        await eventually(lambda: run.published)
        (only,) = run.tracker.heard
        assert (only.base, only.revision, only.added) == (0, 0, ())
        await stays(lambda: len(run.tracker.heard) == 1, 100)


@virtual_time
async def test_changes_that_come_together_go_out_together() -> None:
    run = announcing("a")
    async with run.connected():
        await eventually(lambda: run.in_step)
        for number in range(20):
            run.share.add(f"b{number}")
            await asyncio.sleep(SETTLE_S / 30)
        await eventually(lambda: run.in_step)
        assert len(run.tracker.heard) == 2


@virtual_time
async def test_a_tracker_that_is_up_to_date_is_told_nothing() -> None:
    run = announcing("a", "b")
    async with run.connected():
        await eventually(lambda: run.in_step)
    async with run.connected():
        await eventually(lambda: len(run.published) == 2)
        assert len(run.tracker.heard) == 1


@virtual_time
async def test_f68_after_a_reconnection_only_what_is_new_is_sent() -> None:
    run = announcing("a", "b")
    async with run.connected():
        await eventually(lambda: run.in_step)
    run.share.add("c")
    async with run.connected():
        await eventually(lambda: run.in_step)
        assert [each.path for each in run.tracker.heard[-1].added] == [("c",)]


@virtual_time
async def test_a_library_that_was_put_back_is_sent_whole() -> None:
    run = announcing("a")
    run.tracker.revision = 70
    run.tracker.entries = {("old",): entry("old")}
    async with run.connected():
        await eventually(lambda: run.in_step)
        assert run.tracker.heard[0].base == 0


@virtual_time
async def test_a_large_share_goes_in_batches_of_five_hundred() -> None:
    run = announcing(*(f"file {number}" for number in range(1201)))
    async with run.connected():
        await eventually(lambda: run.in_step)
        assert [len(each.added) for each in run.tracker.heard] == [500, 500, 201]
        assert [each.base for each in run.tracker.heard] == [0, 500, 1000]
        assert [bool(each.digest) for each in run.tracker.heard] == [False, False, True]


@virtual_time
async def test_long_names_go_in_messages_that_fit_a_frame() -> None:
    deep = "/".join(f"{part:02}" * 100 for part in range(20))
    run = announcing(*(f"{deep}/{number}" for number in range(150)))
    async with run.connected():
        await eventually(lambda: run.in_step)
        assert len(run.tracker.heard) > 2
        run.share.remove(*(f"{deep}/{number}" for number in range(150)))
        await eventually(lambda: len(run.published) == 2)
        assert run.tracker.entries == {}


@virtual_time
async def test_lists_that_differ_are_sent_anew() -> None:
    run = announcing("a", "b")
    run.tracker.forgets = 1
    async with run.connected():
        await eventually(lambda: run.in_step)
        assert [each.base for each in run.tracker.heard] == [0, 0]


@virtual_time
async def test_lists_that_differ_again_and_again_are_not_sent_without_end() -> None:
    run = announcing("a")
    run.tracker.forgets = 10**6
    async with run.connected():
        await asyncio.sleep(2 * MAX_RETRY_S)
        assert run.refused == ["The tracker's list of our share differs again and again"]
        assert len(run.tracker.heard) < 20
        run.tracker.forgets = 0
        await eventually(lambda: run.in_step)


@virtual_time
async def test_an_interruption_between_batches_loses_nothing() -> None:
    run = announcing(*(f"file {number}" for number in range(1201)))
    run.tracker.failures = [None, None, unreachable("The tracker did not answer")]
    async with run.connected():
        await eventually(lambda: run.in_step)
        assert [each.base for each in run.tracker.heard] == [0, 500, 1000, 1000]
        assert run.refused == [], "the weather is not told"


@virtual_time
async def test_an_answer_that_was_lost_costs_a_whole_list_and_no_more() -> None:
    run = announcing("a", "b")
    async with run.connected():
        await eventually(lambda: run.in_step)
        run.tracker.lost_answers = 1
        run.share.add("c")
        await eventually(lambda: len(run.published) == 2)
        assert run.in_step
        assert [each.base for each in run.tracker.heard] == [0, 2, 2, 0]


@virtual_time
async def test_f63_a_refusal_is_told_once_and_tried_more_and_more_rarely() -> None:
    run = announcing("a")
    refusal = P2PError("The tracker asks to wait", "a member may announce 10 files")
    run.tracker.failures.extend([refusal] * 6)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with run.connected():
        await eventually(lambda: run.in_step, 10_000)
        assert run.refused == ["The tracker asks to wait"]
        waited = loop.time() - began
        assert waited > sum(RETRY_S * 2**n for n in range(5))
        assert run.tracker.failures == []


@pytest.mark.parametrize("moment", [0.0, 0.005, 0.011, 0.02, 0.4])
@virtual_time
async def test_a_change_at_any_moment_is_announced(moment: float) -> None:
    run = announcing("a")
    async with run.connected():
        await asyncio.sleep(moment)
        run.share.add("b")
        await eventually(lambda: ("b",) in run.tracker.entries)
        await asyncio.sleep(moment)
        run.share.remove("a")
        await eventually(lambda: run.in_step)


@given(st.lists(st.tuples(st.sampled_from("ars"), st.integers(0, 9)), max_size=30))
@settings(max_examples=60)
def test_whatever_happens_the_tracker_has_our_list_in_the_end(
    story: list[tuple[str, int]],
) -> None:
    run_virtual(live_through(story))


async def live_through(story: list[tuple[str, int]]) -> None:
    run = announcing("0", "1")
    for what, number in story:
        if what == "a":
            run.share.add(str(number))
        elif what == "r" and (str(number),) in run.share.entries:
            run.share.remove(str(number))
        else:
            async with run.connected():
                await asyncio.sleep(number / 7)
    async with run.connected():
        await eventually(lambda: run.in_step)
