"""A source's tries and pace: back-off, silence, slowness, and what is not its fault (F77)."""

import random

import pytest

from p2ptui.base.rates import RateMeter
from p2ptui.node.source import (
    LANES,
    MAX_BACKOFF_S,
    MIN_LANES,
    SILENT_S,
    SLOW_BPS,
    SLOW_S,
    Source,
)
from tests.support.memory_net import peer_id_of

ANNA = peer_id_of("anna")
MIB = 1 << 20


def source_at(now: float = 0.0) -> Source:
    source = Source(ANNA, "anna", (), RateMeter(now))
    source.begin(now)
    source.owed = 1
    return source


def watch(
    source: Source, begin: int, end: int, bps: int, *, can_move: bool = True, **fair: float
) -> tuple[int, str]:
    """The first second at which something is said of a steady pace, and what."""
    for second in range(begin, end):
        if bps:
            source.meter.add(second, bps)
        reason = source.watch_pace(second, can_move=can_move, **fair)
        if reason:
            return second, reason
    return end, ""


def test_f77_silence_is_borne_for_thirty_seconds() -> None:
    when, reason = watch(source_at(), 0, 100, 0)
    assert when == SILENT_S
    assert reason == "silent for 30 s"


def test_f77_silence_after_some_bytes_counts_from_their_end() -> None:
    source = source_at()
    assert watch(source, 0, 20, 10 * SLOW_BPS) == (20, "")
    when, reason = watch(source, 20, 100, 0)
    assert 20 + SILENT_S <= when <= 20 + SILENT_S + 6, "the meter looks back five seconds"
    assert reason


def test_f77_a_drip_loses_its_chunks_after_ten_seconds() -> None:
    when, reason = watch(source_at(), 0, 100, 1)
    assert when == SLOW_S
    assert reason == "under 16 KiB/s for 10 s"


def test_a_slow_source_is_better_than_none() -> None:
    assert watch(source_at(), 0, 300, 100, can_move=False) == (300, "")


def test_a_silent_source_is_no_better_than_none() -> None:
    assert watch(source_at(), 0, 100, 0, can_move=False)[0] == SILENT_S


def test_a_source_at_the_limit_is_left_alone() -> None:
    assert watch(source_at(), 0, 100, SLOW_BPS) == (100, "")


def test_one_slow_moment_is_forgiven() -> None:
    source = source_at()
    for begin in range(0, 100, 20):
        assert watch(source, begin, begin + 6, 100)[1] == ""
        assert watch(source, begin + 6, begin + 20, 4 * SLOW_BPS)[1] == ""


def test_who_owes_nothing_is_neither_silent_nor_slow() -> None:
    source = source_at()
    assert watch(source, 0, 29, 0)[1] == ""
    source.owed = 0
    assert watch(source, 29, 100, 0)[1] == ""
    source.owed = 1
    assert watch(source, 100, 200, 0)[0] == 100 + SILENT_S


def test_our_own_rate_limit_is_nobodys_fault() -> None:
    assert watch(source_at(), 0, 100, 5000, fair_bps=5000.0) == (100, "")
    when, reason = watch(source_at(), 0, 1000, 0, fair_bps=8192.0)
    assert when == SILENT_S + 2 * 32, "two frames of 256 KiB at 8 KiB/s longer"
    assert reason


def test_a_fresh_connection_begins_with_a_clean_slate() -> None:
    source = source_at()
    watch(source, 0, 25, 0)
    source.begin(25)
    assert watch(source, 25, 54, 0)[1] == ""


def test_back_off_doubles_with_jitter_up_to_a_minute() -> None:
    source, chance = source_at(), random.Random(1)
    waits = []
    for number in range(12):
        source.fail(1000.0, 0.0, f"failure {number}", chance)
        waits.append(source.next_try - 1000.0)
    for number, wait in enumerate(waits):
        full = min(2.0**number, MAX_BACKOFF_S)
        assert full / 2 <= wait <= full


@pytest.mark.parametrize("failures", [1023, 1024, 5000])
def test_back_off_of_a_source_that_fails_for_days(failures: int) -> None:
    source = source_at()
    source.failures = failures
    source.fail(0.0, 0.0, "unreachable", random.Random(1))
    assert source.next_try <= MAX_BACKOFF_S


def test_its_story_is_bounded() -> None:
    source = source_at()
    for number in range(50):
        source.tell(float(number), f"event {number}")
    assert len(source.tried) == 20
    assert source.tried[-1] == (49.0, "event 49")


def test_rest_and_drop_are_states_with_a_reason() -> None:
    source = source_at()
    source.rest(77.0)
    assert (source.state, source.next_try) == ("idle", 77.0)
    source.drop(5.0, "sent wrong data")
    assert (source.state, source.reason) == ("dropped", "sent wrong data")


def test_a_slow_source_is_asked_for_less_at_a_time() -> None:
    source = source_at()
    assert source.window(0.0, MIB) == MIN_LANES, "nothing is known of it yet"
    source.meter.add(1.0, 2 * MIB)
    assert source.window(1.0, MIB) == MIN_LANES + 2
    source.meter.add(2.0, 1000 * MIB)
    assert source.window(2.0, MIB) == LANES
    assert source.window(60.0, MIB) == MIN_LANES, "it has become slow"
