"""Connections over cables in memory, on virtual time: order, pings and deadlines."""

import asyncio

import pytest

from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.frames import MAX_PAYLOAD_BYTES
from p2ptui.net.wire.protocol import Role
from tests.support.conversation import MIB, ChunkSink, chunk_of, greeted_pair, greeted_raw, raw_pair
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import peer_id_of
from tests.support.messages import CONTENT, PEER_HELLO, frame


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
    assert (caught.value.code, caught.value.theirs) == ("idle", False)
    assert clock.monotonic() - began == pytest.approx(30)
    dripping.cancel()
    await raw.lost
    assert raw.messages()[-1] == m.Goodbye("idle", "a piece of data was not complete within 30 s")


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
    sending = spawn(link.send_data(1, 0, chunk_of(MIB)), name="send")
    await asyncio.sleep(0.1)
    size = link.transport.get_write_buffer_size()
    for number in range(20_000):
        raw.transport.write(frame(m.Ping(number)))
    await asyncio.sleep(1)
    assert raw.transport.get_write_buffer_size() == 0
    assert link.transport.get_write_buffer_size() == size
    assert len(link._owed_pongs) <= 16
    raw.transport.resume_reading()
    await sending
    await asyncio.sleep(1)
    assert raw.messages()[-1] == m.Pong(19_999)
