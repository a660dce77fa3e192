"""Connections and room: queues, send buffers and rate limits are bounded."""

import asyncio

import pytest

from p2ptui.net.connection import MAX_POSTED_BYTES, MAX_WAITING
from p2ptui.net.link import LinkClosed
from p2ptui.net.tasks import spawn
from p2ptui.net.throttle import Throttle
from p2ptui.net.wire import messages as m
from tests.support.conversation import MIB, ChunkSink, chunk_of, greeted_pair, greeted_raw
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_transport import MemoryTransport
from tests.support.messages import frame


@virtual_time
async def test_f78_who_never_reads_is_cut_off_after_30_s_and_takes_little_memory() -> None:
    clock = FakeClock()
    link, raw = await greeted_raw(clock)
    raw.transport.pause_reading()
    began = clock.monotonic()
    most = 0

    async def send() -> None:
        nonlocal most
        chunk = chunk_of(MIB)
        while True:
            sending = asyncio.gather(link.send_data(1, 0, chunk))
            await asyncio.sleep(0.1)
            most = max(most, link.transport.get_write_buffer_size())
            await sending

    with pytest.raises(LinkClosed, match="stalled"):
        await send()
    assert clock.monotonic() - began == pytest.approx(30, abs=0.2)
    assert 512 * 1024 < most <= MIB
    assert isinstance(await raw.lost, ConnectionResetError)


@virtual_time
async def test_who_reads_slowly_but_reads_is_not_cut_off() -> None:
    clock = FakeClock()
    link, raw = await greeted_raw(clock)

    async def read_a_little_each_20_s() -> None:
        while True:
            raw.transport.pause_reading()
            await asyncio.sleep(20)
            raw.transport.resume_reading()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    reading = spawn(read_a_little_each_20_s(), name="slow reader")
    began = clock.monotonic()
    for _ in range(4):
        await link.send_data(1, 0, chunk_of(MIB))
    assert clock.monotonic() - began > 60
    assert not link.closed
    reading.cancel()


@virtual_time
async def test_f90_of_many_requests_at_once_64_are_taken_and_the_rest_wait() -> None:
    link, raw = await greeted_raw(FakeClock())
    for begin in range(0, 100_000, 1000):
        requests = (m.Cancel(number) for number in range(begin, begin + 1000))
        raw.transport.write(b"".join(frame(request) for request in requests))
    await asyncio.sleep(10)
    assert len(link._inbox) == MAX_WAITING
    assert raw.transport.get_write_buffer_size() > 500_000, "the rest is not read"
    for number in range(100_000):
        assert await link.receive() == m.Cancel(number)
        assert len(link._inbox) <= MAX_WAITING
    assert raw.transport.get_write_buffer_size() == 0


@virtual_time
async def test_silence_counts_again_after_a_time_of_not_reading() -> None:
    clock = FakeClock()
    link, raw = await greeted_raw(clock)
    for number in range(MAX_WAITING):
        raw.transport.write(frame(m.Cancel(number)))
    await asyncio.sleep(1000)
    assert not link.closed
    for number in range(MAX_WAITING):
        assert await link.receive() == m.Cancel(number)
    began = clock.monotonic()
    with pytest.raises(LinkClosed, match="idle"):
        await link.receive()
    assert clock.monotonic() - began == pytest.approx(120)


class _Abyss(MemoryTransport):
    """Takes everything at once, as the transport of a very fast taker does."""

    def write(self, data: object) -> None:
        pass


@virtual_time
async def test_a_fast_taker_does_not_keep_the_loop_from_others() -> None:
    link, _ = await greeted_raw(FakeClock())
    link._transport = _Abyss(link)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    others = spawn(take_turns(), name="others")
    for _ in range(16):
        await link.send_data(1, 0, bytes(MIB))
    others.cancel()
    assert turns >= 16 * 4 - 2


@virtual_time
async def test_posting_without_end_to_who_does_not_read_gives_the_link_up() -> None:
    link, raw = await greeted_raw(FakeClock())
    raw.transport.pause_reading()
    text = "x" * 1000
    posted = 0
    while not link.closed:
        link.post(m.Failure(1, "busy", text))
        posted += len(text)
    assert MAX_POSTED_BYTES < posted * 1.1 < 2 * MAX_POSTED_BYTES
    link.post(m.Failure(1, "busy", text))
    with pytest.raises(LinkClosed, match="stalled"):
        await link.send(m.Cancel(1))


@virtual_time
async def test_a_limit_on_what_comes_in_is_kept_and_hurts_no_deadline() -> None:
    clock = FakeClock()
    ours, theirs = await greeted_pair(clock)
    theirs.set_throttles(Throttle(), Throttle(8 * 1024))
    sink = ChunkSink(MIB)
    theirs.set_sink(sink)
    began = clock.monotonic()
    sending = spawn(ours.send_data(1, 0, chunk_of(MIB)), name="send")
    await sink.complete.wait()
    await sending
    assert clock.monotonic() - began == pytest.approx(128, rel=0.05)
    assert sink.chunk == chunk_of(MIB)
    assert not theirs.closed


@virtual_time
async def test_a_limit_on_what_goes_out_is_kept_evenly() -> None:
    clock = FakeClock()
    ours, theirs = await greeted_pair(clock)
    ours.set_throttles(Throttle(MIB), Throttle())
    sink = ChunkSink(4 * MIB)
    theirs.set_sink(sink)
    began = clock.monotonic()
    await ours.send_data(1, 0, chunk_of(4 * MIB))
    assert clock.monotonic() - began == pytest.approx(4 - 0.25, abs=0.05)
    await sink.complete.wait()
    assert {length for _, _, length in sink.frames} == {MIB // 8}
