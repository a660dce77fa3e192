"""Connections and their ends: violations, failures, goodbyes, resets."""

import asyncio

import pytest

from p2ptui.net.link import LinkClosed
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.net.wire.frames import data_header
from tests.support.conversation import MIB, ChunkSink, chunk_of, greeted_pair, greeted_raw
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.messages import PEER_HELLO, frame


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
    for link in (ours, theirs):
        assert link._watch._timer is None
        assert link._aborter is None or link._aborter.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}
