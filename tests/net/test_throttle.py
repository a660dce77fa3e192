"""Throttles: a shared limit, and none."""

import asyncio

import pytest

from p2ptui.net.tasks import spawn
from p2ptui.net.throttle import MAX_GRAIN_BYTES, MIN_GRAIN_BYTES, Narrowed, Throttle
from tests.support.fake_time import virtual_time

MIB = 1024 * 1024


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_no_limit_takes_no_time() -> None:
    throttle = Throttle()
    began = now()
    for _ in range(1000):
        await throttle.take(MIB)
        assert throttle.charge(MIB) == 0.0
    assert now() == began
    assert throttle.rate_bps is None
    assert throttle.grain == MAX_GRAIN_BYTES


def test_no_limit_reads_no_clock() -> None:
    assert Throttle().charge(MIB) == 0.0, "there is no loop whose time could be read"
    with pytest.raises(RuntimeError):
        Throttle(MIB).charge(MIB)


@virtual_time
async def test_ten_seconds_worth_takes_ten_seconds_less_the_burst() -> None:
    throttle = Throttle(MIB)
    began = now()
    for _ in range(10 * MIB // throttle.grain):
        await throttle.take(throttle.grain)
    assert now() - began == pytest.approx(10 - 0.25, abs=0.01)


@virtual_time
async def test_several_takers_share_the_rate_in_the_order_of_asking() -> None:
    throttle = Throttle(MIB)
    turns: list[str] = []

    async def take(name: str) -> None:
        for _ in range(16):
            await throttle.take(throttle.grain)
            turns.append(name)

    began = now()
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(take(name))
    assert now() - began == pytest.approx(48 / 8 - 0.25, abs=0.01)
    later = "".join(turns[6:])
    assert all(sorted(later[at : at + 3]) == ["a", "b", "c"] for at in range(0, 30, 3))


@virtual_time
async def test_a_new_rate_is_felt_within_a_second_by_who_waits() -> None:
    throttle = Throttle(4096)
    await throttle.take(MIB)
    began = now()
    async with asyncio.TaskGroup() as group:
        group.create_task(throttle.take(MIB))
        await asyncio.sleep(5)
        assert throttle.charge(0) == 1.0, "whoever is held asks again after a second"
        throttle.set_rate(None)
    assert 5 <= now() - began <= 6
    assert throttle.charge(MIB) == 0.0


@virtual_time
async def test_a_taker_that_gives_up_leaves_its_turn_to_the_next() -> None:
    throttle = Throttle(MIB)
    await throttle.take(MIB)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await throttle.take(MIB)
    async with asyncio.timeout(3):
        await throttle.take(1)


@virtual_time
async def test_what_has_passed_is_held_against_the_next() -> None:
    throttle = Throttle(MIB)
    hold_s = throttle.charge(MIB // 2)
    assert hold_s == pytest.approx(0.25)
    await asyncio.sleep(hold_s)
    assert throttle.charge(0) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("rate_bps", "grain"),
    [(1, MIN_GRAIN_BYTES), (MIB, MIB // 8), (1024 * MIB, MAX_GRAIN_BYTES)],
)
def test_a_slow_flow_moves_in_small_pieces(rate_bps: float, grain: int) -> None:
    throttle = Throttle(rate_bps)
    assert throttle.grain == grain
    assert throttle.rate_bps == rate_bps


@virtual_time
async def test_two_members_get_the_same_however_many_connections_one_has() -> None:
    throttle = Throttle(MIB)
    passed = {"greedy": 0, "modest": 0}

    async def take(flow: str, amount: int) -> None:
        while True:
            await throttle.take(amount, flow)
            passed[flow] += amount

    takers = [spawn(take("greedy", throttle.grain), name="greedy") for _ in range(4)]
    takers.append(spawn(take("modest", throttle.grain), name="modest"))
    await asyncio.sleep(20)
    for taker in takers:
        taker.cancel()
    await asyncio.wait(takers)
    assert passed["greedy"] == pytest.approx(passed["modest"], rel=0.1)


@virtual_time
async def test_one_that_gives_up_leaves_its_turn_to_the_next() -> None:
    throttle = Throttle(4096)
    await throttle.take(8192)
    waiting = [spawn(throttle.take(4096, number), name=f"take-{number}") for number in range(4)]
    await asyncio.sleep(0.1)
    waiting[0].cancel()  # it waits for the bucket
    waiting[2].cancel()  # it waits for its turn
    await asyncio.sleep(5)
    assert [task.done() and not task.cancelled() for task in waiting] == [False, True, False, True]
    began = now()
    await throttle.take(1)
    assert now() - began < 5, "the turn is free again"


@virtual_time
async def test_a_limit_within_a_limit() -> None:
    own, common = Throttle(MIB), Throttle(4 * MIB)
    both = Narrowed(own, common)
    assert both.grain == own.grain
    began = now()
    for _ in range(4 * MIB // both.grain):
        await both.take(both.grain)
    assert now() - began == pytest.approx(4 - 0.25, abs=0.05)
    both.charge(10 * MIB)
    assert both.charge(0) > 0
    own.set_rate(None)
    assert both.charge(0) > 0, "the common one was charged as well"
