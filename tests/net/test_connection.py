"""Connections over cables in memory, on virtual time: order, room and the end."""

import asyncio
from random import Random

import pytest

from p2ptui.net.connection import MAX_POSTED_BYTES, MAX_WAITING
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.tasks import spawn
from p2ptui.net.throttle import Throttle
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.net.wire.frames import MAX_PAYLOAD_BYTES, data_header
from p2ptui.net.wire.protocol import Role
from tests.support.conversation import ChunkSink, greeted_pair, greeted_raw, raw_pair
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import peer_id_of
from tests.support.messages import CONTENT, PEER_HELLO, frame

MIB = 1024 * 1024


def chunk_of(size: int) -> bytes:
    return Random(size).randbytes(size)


@virtual_time
async def test_messages_arrive_in_order_and_payloads_whole() -> None:
    ours, theirs = await greeted_pair(FakeClock(), delay_s=0.02)
    link: Link = ours
    sink = ChunkSink(MIB + 1)
    theirs.set_sink(sink)
    chunk = chunk_of(MIB + 1)
    await link.send_data(7, 0, chunk)
    for number in range(100):
        await link.send(m.Cancel(number))
    assert [await theirs.receive() for _ in range(100)] == [m.Cancel(n) for n in range(100)]
    assert sink.chunk == chunk
    assert [frame[1:] for frame in sink.frames] == [
        *((offset, MAX_PAYLOAD_BYTES) for offset in range(0, MIB, MAX_PAYLOAD_BYTES)),
        (MIB, 1),
    ]
    assert (link.peer_id, theirs.peer_id) == (peer_id_of("bert"), peer_id_of("anna"))
    assert not link.closed


@virtual_time
async def test_two_payloads_sent_at_once_share_the_link() -> None:
    ours, theirs = await greeted_pair(FakeClock())
    sink = ChunkSink(4 * MIB)
    theirs.set_sink(sink)
    chunk = chunk_of(2 * MIB)
    async with asyncio.TaskGroup() as group:
        group.create_task(ours.send_data(1, 0, chunk))
        group.create_task(ours.send_data(2, 2 * MIB, memoryview(chunk)))
        group.create_task(sink.complete.wait())
    assert sink.chunk == chunk * 2
    assert {frame[0] for frame in sink.frames[:4]} == {1, 2}


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_f2_without_a_greeting_it_ends_after_5_s(role: Role) -> None:
    @virtual_time
    async def run() -> None:
        clock = FakeClock()
        began = clock.monotonic()
        link, raw = raw_pair(role, clock)
        raw.transport.write(frame(PEER_HELLO)[:7])
        with pytest.raises(LinkClosed, match="idle: no greeting within 5 s"):
            await link.receive()
        assert clock.monotonic() - began == pytest.approx(5)
        await raw.lost

    run()


@virtual_time
async def test_f19_a_frame_that_is_never_complete_ends_it_after_30_s() -> None:
    clock = FakeClock()
    link, raw = await greeted_raw(clock)
    await asyncio.sleep(60)
    began = clock.monotonic()

    async def drip() -> None:
        for byte in frame(m.GetChunk(1, CONTENT, 0)):
            raw.transport.write(bytes([byte]))
            await asyncio.sleep(1)

    dripping = spawn(drip(), name="drip")
    with pytest.raises(LinkClosed, match="not complete within 30 s") as caught:
        await link.receive()
    assert (caught.value.code, caught.value.theirs) == ("protocol", False)
    assert clock.monotonic() - began == pytest.approx(30)
    dripping.cancel()
    await raw.lost
    assert raw.messages()[-1] == m.Goodbye("protocol", "a frame was not complete within 30 s")


@pytest.mark.parametrize(("role", "silence_s"), [(Role.PEER, 120), (Role.MEMBER, 45)])
def test_f67_silence_ends_it(role: Role, silence_s: float) -> None:
    @virtual_time
    async def run() -> None:
        clock = FakeClock()
        link, raw = raw_pair(role, clock)
        if role is Role.PEER:
            greeting: object = PEER_HELLO
        else:
            greeting = m.Welcome(0, (), "x", "home", 0, "10.0.0.9", 0, 15, 1)
        raw.transport.write(frame(greeting))
        await link.receive()
        await asyncio.sleep(40)
        raw.transport.write(frame(m.Ping(1)))
        await asyncio.sleep(1)
        began = clock.monotonic() - 1
        raw.transport.set_cut(True)
        with pytest.raises(LinkClosed, match="idle"):
            await link.receive()
        assert clock.monotonic() - began == pytest.approx(silence_s)

    run()


@virtual_time
async def test_the_longest_silence_can_be_set() -> None:
    clock = FakeClock()
    ours, theirs = await greeted_pair(clock)
    began = clock.monotonic()
    ours.set_idle_timeout(9)
    with pytest.raises(LinkClosed):
        await theirs.receive()
    assert clock.monotonic() - began == pytest.approx(9)


@virtual_time
async def test_pings_are_answered_and_not_received() -> None:
    ours, theirs = await greeted_pair(FakeClock(), delay_s=0.1)
    ours.post(m.Ping(5))
    ours.post(m.Cancel(1))
    assert await ours.receive() == m.Pong(5)
    assert await theirs.receive() == m.Cancel(1)


@virtual_time
async def test_a_ping_before_our_greeting_is_answered_after_it() -> None:
    link, raw = raw_pair(Role.PEER, FakeClock())
    raw.transport.write(frame(PEER_HELLO) + frame(m.Ping(5)))
    assert await link.receive() == PEER_HELLO
    await asyncio.sleep(0.1)
    assert raw.messages() == []
    await link.send(PEER_HELLO)
    await asyncio.sleep(0.1)
    assert raw.messages() == [PEER_HELLO, m.Pong(5)]


@virtual_time
async def test_a_flood_of_pings_that_reads_no_pong_takes_no_memory() -> None:
    link, raw = await greeted_raw(FakeClock())
    raw.transport.pause_reading()
    for _ in range(100):
        raw.transport.write(frame(m.Ping(1)) * 1000)
    await asyncio.sleep(1)
    assert link.transport.get_write_buffer_size() < MIB
    assert len(link._owed_pongs) <= 16


# --- room ----------------------------------------------------------------------------------------


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


# --- faults and ends -----------------------------------------------------------------------------


@virtual_time
async def test_a_violation_ends_this_link_and_tells_both_sides_why() -> None:
    link, raw = await greeted_raw(FakeClock())
    raw.transport.write(frame(m.Cancel(1)) + b"\0\0\0\0" + frame(m.Cancel(2)))
    assert await link.receive() == m.Cancel(1)
    with pytest.raises(LinkClosed) as caught:
        await link.receive()
    assert (caught.value.code, caught.value.theirs) == ("protocol", False)
    assert link.closed
    await raw.lost
    assert raw.messages() == [PEER_HELLO, m.Goodbye("protocol", "a frame of no length")]


@virtual_time
async def test_f22_data_that_nobody_asked_for_is_a_violation() -> None:
    link, raw = await greeted_raw(FakeClock())
    raw.transport.write(data_header(1, 0, 3) + b"abc")
    with pytest.raises(LinkClosed, match="data that nobody asked for"):
        await link.receive()


@virtual_time
async def test_a_sink_that_refuses_ends_the_link() -> None:
    ours, theirs = await greeted_pair(FakeClock())
    theirs.set_sink(ChunkSink(10))
    await ours.send_data(1, 0, bytes(11))
    with pytest.raises(LinkClosed, match="data beyond the chunk"):
        await theirs.receive()
    with pytest.raises(LinkClosed) as caught:
        await ours.receive()
    assert (caught.value.code, caught.value.theirs) == ("protocol", True)


class _RefusingLate(ChunkSink):
    def data_received(self, request_id: int, offset: int, length: int) -> None:
        raise ProtocolViolation("one frame too many")


class _Broken(ChunkSink):
    def data_received(self, request_id: int, offset: int, length: int) -> None:
        raise MemoryError


@virtual_time
async def test_a_sink_may_refuse_a_payload_that_has_come() -> None:
    ours, theirs = await greeted_pair(FakeClock())
    theirs.set_sink(_RefusingLate(10))
    await ours.send_data(1, 0, bytes(10))
    with pytest.raises(LinkClosed, match="protocol: one frame too many"):
        await theirs.receive()


def test_f99_a_sink_that_fails_ends_its_own_link_with_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @virtual_time
    async def run() -> None:
        ours, theirs = await greeted_pair(FakeClock())
        theirs.set_sink(_Broken(10))
        await ours.send_data(1, 0, bytes(10))
        with pytest.raises(LinkClosed) as caught:
            await ours.receive()
        assert (caught.value.code, caught.value.theirs) == ("internal", True)

    run()
    (record,) = (record for record in caplog.records if record.exc_info)
    assert record.exc_info is not None
    assert record.exc_info[0] is MemoryError


@virtual_time
async def test_their_goodbye_comes_after_all_that_they_said_before() -> None:
    ours, theirs = await greeted_pair(FakeClock())
    for number in range(150):
        ours.post(m.Cancel(number))
    closing = spawn(ours.close("stopping", "good night"), name="close")
    assert [await theirs.receive() for _ in range(150)] == [m.Cancel(n) for n in range(150)]
    with pytest.raises(LinkClosed) as caught:
        await theirs.receive()
    assert (caught.value.code, caught.value.text) == ("stopping", "good night")
    assert caught.value.theirs
    await closing
    with pytest.raises(LinkClosed) as ended:
        await ours.receive()
    assert (ended.value.code, ended.value.theirs) == ("stopping", False)


@virtual_time
async def test_what_was_complete_before_a_reset_is_received() -> None:
    link, raw = await greeted_raw(FakeClock())
    frames = b"".join(frame(m.Cancel(number)) for number in range(200))
    assert len(frames) < 16 * 1024
    raw.transport.write(frames + frame(m.Goodbye("kicked")))
    await asyncio.sleep(0.1)
    raw.transport.abort()
    await raw.lost
    assert [await link.receive() for _ in range(200)] == [m.Cancel(n) for n in range(200)]
    with pytest.raises(LinkClosed, match="kicked"):
        await link.receive()


@virtual_time
async def test_a_reset_without_a_goodbye_is_told_as_such() -> None:
    link, raw = await greeted_raw(FakeClock())
    raw.transport.abort()
    with pytest.raises(LinkClosed, match="gone: connection reset") as caught:
        await link.receive()
    assert caught.value.theirs
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@virtual_time
async def test_closing_waits_2_s_for_who_does_not_read_and_never_raises() -> None:
    clock = FakeClock()
    link, raw = await greeted_raw(clock)
    raw.transport.pause_reading()
    sending = asyncio.gather(link.send_data(1, 0, chunk_of(4 * MIB)), return_exceptions=True)
    await asyncio.sleep(1)
    began = clock.monotonic()
    await link.close()
    assert clock.monotonic() - began == pytest.approx(2)
    (error,) = await sending
    assert isinstance(error, LinkClosed)
    await link.close("stopping")
    link.abort()
    link.post(m.Cancel(1))
    assert clock.monotonic() - began == pytest.approx(2)
    with pytest.raises(LinkClosed, match="done"):
        await link.receive()


@virtual_time
async def test_both_sides_may_close_at_once() -> None:
    ours, theirs = await greeted_pair(FakeClock(), delay_s=0.05)
    async with asyncio.timeout(2.5), asyncio.TaskGroup() as group:
        group.create_task(ours.close("done"))
        group.create_task(theirs.close("done"))


@virtual_time
async def test_abort_ends_it_at_once() -> None:
    clock = FakeClock()
    ours, theirs = await greeted_pair(clock)
    receiving = asyncio.gather(ours.receive(), return_exceptions=True)
    await asyncio.sleep(0)
    ours.abort()
    (error,) = await receiving
    assert isinstance(error, LinkClosed)
    assert ours.closed
    with pytest.raises(LinkClosed, match="gone"):
        await theirs.receive()
    assert clock.monotonic() == 1000.0


@virtual_time
async def test_a_cut_cable_is_noticed_by_silence() -> None:
    ours, theirs = await greeted_pair(FakeClock())
    ours.cut()
    ours.post(m.Cancel(1))
    ours.mend()
    assert await theirs.receive() == m.Cancel(1)
    ours.cut()
    for link in (ours, theirs):
        with pytest.raises(LinkClosed, match="idle"):
            await link.receive()


@virtual_time
async def test_one_receives_at_a_time_and_giving_up_loses_nothing() -> None:
    ours, theirs = await greeted_pair(FakeClock())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await theirs.receive()
    receiving = spawn(theirs.receive(), name="receive")
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="somebody else"):
        await theirs.receive()
    ours.post(m.Cancel(9))
    assert await receiving == m.Cancel(9)


@virtual_time
async def test_no_timer_and_no_task_is_left_behind() -> None:
    ours, theirs = await greeted_pair(FakeClock())
    await ours.close()
    await theirs.close()
    assert ours._timer is not None
    assert ours._timer.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}
