"""The tests' own time: it jumps, but never over work that a thread has under way."""

import asyncio
import time

import pytest

from tests.support.fake_time import FakeClock, VirtualTimeLoop, run_virtual, virtual_time


@virtual_time
async def test_an_hour_passes_at_once_and_in_order() -> None:
    clock = FakeClock()
    began, real = clock.monotonic(), time.monotonic()
    order: list[int] = []

    async def wait(seconds: int) -> None:
        await asyncio.sleep(seconds)
        order.append(seconds)

    await asyncio.gather(wait(3600), wait(60), wait(1800))
    assert order == [60, 1800, 3600]
    assert clock.monotonic() - began == pytest.approx(3600)
    assert time.monotonic() - real < 5


@virtual_time
async def test_time_stands_while_a_thread_works() -> None:
    async with asyncio.timeout(0.001):
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.05)


@virtual_time
async def test_time_stands_where_it_is_told_to() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    done = asyncio.Event()
    with loop.real_time():
        asyncio.get_running_loop().call_later(1000, done.set)
        reading = loop.time()
        await asyncio.to_thread(time.sleep, 0.01)
        assert loop.time() == reading
    await done.wait()
    assert loop.time() == pytest.approx(reading + 1000)


def test_a_clock_is_moved_by_hand_and_its_wall_may_jump() -> None:
    clock = FakeClock(wall=5000)
    clock.advance(10)
    assert (clock.monotonic(), clock.wall()) == (1010, 5010)
    clock.set_wall(100)
    assert (clock.monotonic(), clock.wall()) == (1010, 100)


def test_a_clock_made_before_the_loop_goes_with_it() -> None:
    clock = FakeClock(wall=5000)

    async def sleep() -> tuple[float, float]:
        clock.monotonic()
        await asyncio.sleep(7)
        return clock.monotonic(), clock.wall()

    assert run_virtual(sleep()) == (1007, 5007)
