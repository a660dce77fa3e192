"""Figures of the last minutes: rates, peaks, a ring that holds, a loop that stalls."""

import asyncio
import time

from tests.support.fake_time import FakeClock, virtual_time
from tracker.series import STEPS, Counts, History
from tracker.snapshot import Figures


def counts(searches: int = 0, announced: int = 0, messages: int = 0, hosts: int = 0) -> Counts:
    return Counts(searches, announced, messages, hosts)


def test_a_step_holds_rates_hosts_and_the_worst_lag() -> None:
    history = History(100.0)
    history.lagged(0.002)
    history.lagged(0.250)
    history.lagged(0.001)
    history.note(101.0, counts(searches=7, announced=500, messages=20, hosts=3))
    history.note(102.0, counts(searches=7, announced=600, messages=21, hosts=2))
    series = history.series()
    assert series.step_s == 1.0
    assert series.searches_s == (7.0, 0.0)
    assert series.announces_s == (500.0, 100.0)
    assert series.messages_s == (20.0, 1.0)
    assert series.hosts == (3, 2)
    assert series.lag_ms == (250.0, 0.0)


def test_looks_within_a_step_end_nothing_and_lose_nothing() -> None:
    history = History(0.0)
    for quarter, searches in enumerate((2, 4, 40, 44), start=1):
        history.note(quarter / 4, counts(searches=searches))
    assert history.series().searches_s == (44.0,)


def test_the_ring_holds_the_last_minutes_only_and_all_rows_are_of_one_length() -> None:
    history = History(0.0)
    for second in range(1, STEPS + 51):
        history.note(float(second), counts(searches=second * second, hosts=second))
    series = history.series()
    assert series.hosts == tuple(range(51, STEPS + 51))
    assert max(series.searches_s) == series.searches_s[-1] == 2.0 * (STEPS + 50) - 1
    assert {len(series.announces_s), len(series.messages_s), len(series.lag_ms)} == {STEPS}


def test_a_stalled_loop_leaves_no_hole_and_no_false_peak() -> None:
    history = History(0.0)
    history.note(1.0, counts(messages=100))
    history.lagged(9.5)
    history.note(11.0, counts(messages=1100))
    series = history.series()
    assert series.messages_s == (100.0,) * 11
    assert series.lag_ms == (0.0,) + (9500.0,) * 10


def test_a_stall_of_days_costs_no_more_than_the_ring() -> None:
    history = History(0.0)
    started = time.perf_counter()
    history.note(1e9, counts(searches=10))
    assert time.perf_counter() - started < 1
    assert len(history.series().hosts) == STEPS


def test_a_clock_that_goes_back_and_counters_that_fall_are_no_rates() -> None:
    history = History(100.0)
    history.note(50.0, counts(searches=5))
    assert history.series().hosts == ()
    history.note(101.0, counts(searches=5))
    history.note(102.0, counts(searches=3))
    assert history.series().searches_s == (5.0, 0.0)


@virtual_time
async def test_the_figures_write_the_history_by_themselves() -> None:
    figures = Figures(FakeClock())
    hosts = 4
    watching = asyncio.get_running_loop().create_task(figures.watch(lambda: hosts))
    figures.searched(0.001)
    figures.announced(250)
    figures.heard()
    figures.heard()
    await asyncio.sleep(1.1)
    hosts = 5
    await asyncio.sleep(1.0)
    watching.cancel()
    series = figures.series()
    assert (series.searches_s, series.announces_s) == ((1.0, 0.0), (250.0, 0.0))
    assert (series.messages_s, series.hosts) == ((2.0, 0.0), (4, 5))
