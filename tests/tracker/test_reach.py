"""What the tracker does for those who cannot be dialled; whom it never has dialled (F59, F60)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from tests.support.eventually import eventually
from tests.support.fake_time import virtual_time
from tests.support.memory_net import peer_id_of
from tests.support.tracker_rig import ScriptedMember, TrackerRig
from tracker.reach import CHECK_REACHABLE_S, CHECK_UNREACHABLE_S


@asynccontextmanager
async def rig_in(folder: Path) -> AsyncIterator[TrackerRig]:
    rig = await TrackerRig.start(folder)
    yield rig
    await rig.stop()


async def member(
    rig: TrackerRig, name: str, *, dialled: bool, **hello: object
) -> tuple[ScriptedMember, m.Endpoint]:
    """A member that knows whether it can be dialled, and where it would be."""
    at = m.Endpoint(rig.network.host(name).address, 7071)
    if dialled:
        rig.reachable.add((at.host, at.port))
    member, _ = await rig.welcomed(name, **hello)
    await member.next_push(m.Reachability)
    return member, at


async def next_word(member: ScriptedMember) -> m.Reachability:
    """The next that it hears of its reachability, whenever that is."""
    await eventually(lambda: not member.pushed.empty(), 2 * CHECK_REACHABLE_S)
    return await member.next_push(m.Reachability)


async def failure_of(asker: ScriptedMember, request: type, peer: str) -> RequestFailed:
    with pytest.raises(RequestFailed) as failed:
        await asker.ask(lambda number: request(number, peer_id_of(peer)), object)
    return failed.value


@virtual_time
async def test_f114_members_hear_whether_they_can_be_dialled_and_when_it_changes(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        at = rig.network.host("anna").address
        anna, _ = await rig.welcomed("anna")
        assert await anna.next_push(m.Reachability) == m.Reachability(at, ())
        rig.reachable.add((at, 7071))
        began = rig.clock.monotonic()
        assert (await next_word(anna)).endpoints == (m.Endpoint(at, 7071),)
        assert rig.clock.monotonic() - began <= CHECK_UNREACHABLE_S + 1
        rig.reachable.clear()
        assert not (await next_word(anna)).reachable
        assert rig.clock.monotonic() - began > CHECK_REACHABLE_S


@virtual_time
async def test_a_member_that_does_not_listen_is_told_once(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna", port=0)
        assert not (await anna.next_push(m.Reachability)).reachable
        assert not rig.probed


@virtual_time
async def test_a_member_has_another_dial_it_where_it_was_met(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.reachable.add(("192.168.7.7", 7071))
        declared = ("192.168.7.7", "203.0.113.9")
        taker, at = await member(rig, "taker", dialled=True, addresses=declared)
        source, _ = await member(rig, "source", dialled=False)
        await taker.ask(lambda number: m.CallBack(number, source.peer), m.Calling)
        dial = await source.next_push(m.Dial)
        assert dial == m.Dial(taker.peer, (at, m.Endpoint("192.168.7.7", 7071)))


@virtual_time
async def test_f59_nobody_is_told_to_dial_what_was_not_proven(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await member(rig, "taker", dialled=False, addresses=("203.0.113.9",))
        source, _ = await member(rig, "source", dialled=True)
        failure = await failure_of(taker, m.CallBack, "source")
        assert (failure.code, failure.text) == ("denied", "you cannot be dialled either")
        assert source.pushed.empty()


@virtual_time
async def test_f60_a_port_of_another_service_is_called_back_only_where_it_was_met(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await rig.welcomed("taker", port=22)
        await taker.next_push(m.Reachability)
        await member(rig, "source", dialled=True)
        assert (await failure_of(taker, m.CallBack, "source")).code == "denied"


@virtual_time
async def test_calls_are_limited_for_who_asks(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await member(rig, "taker", dialled=True)
        await member(rig, "source", dialled=False)
        codes = []
        for _ in range(20):
            try:
                await taker.ask(lambda number: m.CallBack(number, peer_id_of("source")), m.Calling)
            except RequestFailed as failure:
                codes.append(failure.code)
        assert codes
        assert set(codes) == {"limit"}


@virtual_time
async def test_who_is_away_or_oneself_is_not_called(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await member(rig, "taker", dialled=True)
        for request in (m.CallBack, m.AskRelay):
            assert (await failure_of(taker, request, "nobody")).code == "offline"
            assert (await failure_of(taker, request, "taker")).code == "bad_request"


@virtual_time
async def test_two_who_cannot_dial_get_the_same_ticket_or_hear_why_not(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await member(rig, "taker", dialled=False)
        source, _ = await member(rig, "source", dialled=False)
        ask = await taker.ask(lambda number: m.AskRelay(number, source.peer), m.RelayTicket)
        dial = await source.next_push(m.RelayDial)
        assert dial == m.RelayDial(taker.peer, ask.ticket)
        rig.relay.switch(on=False)
        failure = await failure_of(taker, m.AskRelay, "source")
        assert failure.code == "denied"
        assert "relays nothing" in failure.text


@virtual_time
async def test_a_member_that_left_is_probed_no_more(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await member(rig, "anna", dialled=True)
        await anna.link.close()
        await eventually(lambda: len(rig.registry) == 0)
        probed = len(rig.probed)
        await eventually(lambda: rig.clock.monotonic() > 1000 + 2 * CHECK_REACHABLE_S, 3000)
        assert len(rig.probed) == probed
