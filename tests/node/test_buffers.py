"""Chunk buffers: bounded, used again, fair, and never used again while bytes may still come."""

import asyncio
import ctypes
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.net.tasks import spawn
from p2ptui.node.buffers import ChunkBuffers, is_blocks
from p2ptui.node.disk import BLOCK_BYTES
from tests.support.fake_time import run_virtual, virtual_time


def taking(buffers: ChunkBuffers, length: int) -> asyncio.Task[memoryview]:
    return spawn(buffers.take(length), name="take")


async def settled(*tasks: asyncio.Task[memoryview]) -> list[bool]:
    """Which of these have their buffer, once all that can happen has happened."""
    for _ in range(5):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


async def test_a_buffer_has_exactly_the_length_asked_for() -> None:
    buffers = ChunkBuffers(100)
    buffer = await buffers.take(30)
    assert len(buffer) == 30
    assert not buffer.readonly
    assert buffers.in_use == 30
    buffers.give_back(buffer, clean=True)
    assert buffers.in_use == 0


async def test_a_clean_buffer_is_used_again_an_unclean_one_never() -> None:
    buffers = ChunkBuffers(100)
    first = await buffers.take(50)
    buffers.give_back(first, clean=True)
    second = await buffers.take(20)
    assert second.obj is first.obj
    buffers.give_back(second, clean=False)
    third = await buffers.take(20)
    assert third.obj is not first.obj


async def test_whoever_finds_it_used_up_waits_in_line() -> None:
    buffers = ChunkBuffers(100)
    first = await buffers.take(80)
    large, small = taking(buffers, 60), taking(buffers, 10)
    assert await settled(large, small) == [False, False], "nobody is passed over"
    buffers.give_back(first, clean=True)
    assert await settled(large, small) == [True, True]
    assert buffers.in_use == 70


async def test_a_chunk_larger_than_the_capacity_passes_alone() -> None:
    buffers = ChunkBuffers(100)
    huge = await buffers.take(250)
    assert len(huge) == 250
    other = taking(buffers, 1)
    assert await settled(other) == [False]
    buffers.give_back(huge, clean=True)
    assert await settled(other) == [True]


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    buffers = ChunkBuffers(100)
    first = await buffers.take(90)
    large, small = taking(buffers, 50), taking(buffers, 10)
    await settled(large, small)
    large.cancel()
    assert await settled(small) == [True]
    buffers.give_back(first, clean=True)
    assert buffers.in_use == 10


async def test_who_is_cancelled_with_the_buffer_in_hand_gives_it_back() -> None:
    buffers = ChunkBuffers(100)
    first = await buffers.take(100)
    waiting = taking(buffers, 100)
    await settled(waiting)
    buffers.give_back(first, clean=True)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert buffers.in_use == 0


async def test_a_cancelled_one_may_be_passed_over_before_it_hears_of_it() -> None:
    buffers = ChunkBuffers(100)
    first = await buffers.take(100)
    gone, next_one = taking(buffers, 60), taking(buffers, 70)
    await settled(gone, next_one)
    gone.cancel()
    buffers.give_back(first, clean=True)  # passes over the first in line, which has not run yet
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await settled(next_one) == [True]
    assert buffers.in_use == 70


async def test_kept_buffers_are_bounded() -> None:
    buffers = ChunkBuffers(100)
    taken = [await buffers.take(10) for _ in range(10)]
    for buffer in taken:
        buffers.give_back(buffer, clean=True)
    kept = sum(len(spare) for spare in buffers._spare)
    assert 0 < kept <= 50


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=25), seed=st.integers(0, 2**20))
def test_nothing_is_lost_whatever_is_cancelled(lengths: list[int], seed: int) -> None:
    run_virtual(jostle(lengths, random.Random(seed)))


async def jostle(lengths: list[int], chance: random.Random) -> None:
    buffers = ChunkBuffers(100)
    tasks = [spawn(use(buffers, length, chance.random), name="use") for length in lengths]
    for task in tasks:
        if chance.random() < 0.4:
            await asyncio.sleep(chance.random())
            task.cancel()
    await asyncio.wait(tasks, timeout=1000)
    assert all(task.done() for task in tasks)
    assert buffers.in_use == 0
    assert not buffers._waiting


async def use(buffers: ChunkBuffers, length: int, chance: Callable[[], float]) -> None:
    buffer = await buffers.take(length)
    try:
        assert 0 <= buffers.in_use <= 100
        await asyncio.sleep(chance())
    finally:
        buffers.give_back(buffer, clean=chance() < 0.5)


@virtual_time
async def test_waiting_takes_no_time_of_the_loop() -> None:
    buffers = ChunkBuffers(10)
    held = await buffers.take(10)
    waiting = taking(buffers, 10)
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(60)
    assert not waiting.done()
    buffers.give_back(held, clean=True)
    await waiting
    assert asyncio.get_running_loop().time() - began == 60


@pytest.mark.parametrize("length", [BLOCK_BYTES, 256 * BLOCK_BYTES])
async def test_whole_blocks_begin_at_a_page_and_go_round(length: int) -> None:
    buffers = ChunkBuffers()
    buffer = await buffers.take(length)
    assert is_blocks(buffer)
    address = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
    assert address % BLOCK_BYTES == 0
    buffers.give_back(buffer, clean=True)
    again = await buffers.take(length)
    assert again.obj is buffer.obj


async def test_what_is_no_whole_block_is_known() -> None:
    buffers = ChunkBuffers()
    whole = await buffers.take(4 * BLOCK_BYTES)
    assert not is_blocks(whole[: BLOCK_BYTES + 1])
    assert not is_blocks(await buffers.take(BLOCK_BYTES - 1))
    assert not is_blocks(await buffers.take(0))
    assert not is_blocks(bytes(BLOCK_BYTES))
    assert not is_blocks(memoryview(bytearray(BLOCK_BYTES)))
