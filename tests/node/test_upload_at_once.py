"""Chunks in the page cache are read on the loop, into memory that goes round (F80)."""

import asyncio

import pytest

from p2ptui.net.throttle import Throttle
from p2ptui.node import upload_desk
from p2ptui.node.storage_errors import ContentChanged
from tests.node.test_uploads import SONG, SONG_ID, serving
from tests.support.contents import MIB, chunks_of
from tests.support.fake_time import virtual_time
from tests.support.offers import MemoryOffer

CHUNKS = chunks_of(SONG)


def cached(data: bytes) -> MemoryOffer:
    offer = MemoryOffer(data)
    offer.cached = True
    return offer


@virtual_time
async def test_what_is_in_memory_is_sent_without_a_thread() -> None:
    async with serving(SONG) as (run, taker):
        offer = cached(SONG)
        run.offers.prepare([offer])
        wanted = [3, 0, 2, 1, 3, 3, 0]
        for number, index in enumerate(wanted):
            run.ask(number, index)
        for number, index in enumerate(wanted):
            assert await taker.until(number, len(CHUNKS[index])) == CHUNKS[index]
        assert offer.reads == []


@virtual_time
async def test_a_slow_taker_gets_each_chunk_whole_while_the_next_are_read() -> None:
    async with serving(SONG) as (run, taker):
        run.offers.prepare([cached(SONG)])
        run.link.set_throttles(Throttle(MIB), Throttle())
        for number in range(12):
            run.ask(number, number % len(CHUNKS))
        for number in range(12):
            chunk = CHUNKS[number % len(CHUNKS)]
            assert await taker.until(number, len(chunk)) == chunk
            assert len(run.desk._spare) <= 2, "memory of three chunks goes round"
        await asyncio.sleep(1)
        assert run.desk._spare == [], "who is asked for nothing keeps nothing"


@virtual_time
async def test_what_is_not_in_memory_is_left_to_a_thread() -> None:
    async with serving(SONG) as (run, taker):
        offer = cached(SONG)
        run.offers.prepare([offer])
        run.ask(1, 0)
        assert await taker.until(1, len(CHUNKS[0])) == CHUNKS[0]
        offer.cached = False
        run.ask(2, 1)
        assert await taker.until(2, len(CHUNKS[1])) == CHUNKS[1]
        assert offer.reads == [1]


@virtual_time
async def test_memory_into_which_nothing_could_be_read_is_tried_again() -> None:
    class Cold(MemoryOffer):
        def read_cached(self, index: int, into: memoryview) -> bool:
            tried.append(into.obj)
            return False

    tried: list[object] = []
    async with serving(SONG) as (run, taker):
        run.offers.prepare([Cold(SONG)])
        for number in range(4):
            run.ask(number, number)
        for number in range(4):
            assert await taker.until(number, len(CHUNKS[number])) == CHUNKS[number]
        assert len({id(memory) for memory in tried}) < len(tried) == 4
        assert run.desk._spare == [], "who is asked for nothing keeps nothing"


@virtual_time
async def test_a_chunk_that_would_hold_up_the_loop_is_left_to_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upload_desk, "AT_ONCE_BYTES", MIB - 1)
    async with serving(SONG) as (run, taker):
        offer = cached(SONG)
        run.offers.prepare([offer])
        for number, index in ((1, 0), (2, 3)):
            run.ask(number, index)
            assert await taker.until(number, len(CHUNKS[index])) == CHUNKS[index]
        assert offer.reads == [0], "the last one is a short one"


@virtual_time
async def test_f80_a_change_that_shows_at_once_is_told() -> None:
    class Changed(MemoryOffer):
        def read_cached(self, index: int, into: memoryview) -> bool:
            raise ContentChanged("song")

    async with serving() as (run, taker):
        run.offers.prepare([Changed(SONG)])
        run.ask(1)
        assert await taker.failure(1) == "changed"
        assert run.offers.changes == [SONG_ID]
