"""What the tracker's help means to a node: its state, calls for others, relayed links."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from p2ptui.base.errors import P2PError, unreachable
from p2ptui.base.ids import PeerId
from p2ptui.net.link import Link
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.protocol import Role
from p2ptui.node.reach import MAX_CALLS, Reach, unreachable_text
from p2ptui.node.tracker_link import TrackerLink
from tests.support.eventually import eventually
from tests.support.fake_time import virtual_time
from tests.support.members import Member, hello, network_of
from tests.support.memory_net import MemoryLink, link_pair

HERE = m.Endpoint("10.0.0.2", 7071)
TICKET = bytes(16)


class Rig:
    """Anna, whose tracker and relay are played by hand."""

    def __init__(self) -> None:
        self.network = network_of()
        self.anna = Member(self.network, "anna")
        self.bert = Member(self.network, "bert")
        self.asked: list[object] = []
        self.tickets: list[tuple[str, int, bytes]] = []
        self.other_end: MemoryLink
        self.states: list[str] = []
        self.refuses = False
        self.reach = Reach(
            tracker=cast("TrackerLink", self),
            network=self,
            peers=self.anna.peers,
            tracker_at=lambda: ("10.0.0.1", 7070),
            on_change=lambda reach: self.states.append(reach.state),
        )

    async def ask(self, make: Callable[[int], object], _answer: type) -> object:
        request = make(1)
        self.asked.append(request)
        return m.RelayTicket(1, TICKET) if isinstance(request, m.AskRelay) else m.Calling(1)

    async def dial_relayed(self, host: str, port: int, ticket: bytes, expect: PeerId) -> Link:
        self.tickets.append((host, port, ticket))
        if self.refuses:
            raise unreachable("Not relayed")
        assert expect == self.bert.id
        ours, self.other_end = link_pair(
            (Role.PEER, Role.PEER), (self.anna.id, self.bert.id), clock=self.network.clock
        )
        return ours

    accept_relayed = dial_relayed

    async def close(self) -> None:
        await self.reach.close()
        await self.anna.close()
        await self.bert.close()


def status_of(reach: Reach) -> str:
    return reach.state


@virtual_time
async def test_the_state_is_what_the_tracker_found_and_a_change_is_told() -> None:
    rig = Rig()
    assert status_of(rig.reach) == "unknown"
    for endpoints in ((), (HERE,), (HERE,)):
        rig.reach.heard(m.Reachability("10.0.0.2", endpoints))
    assert rig.states == ["unreachable", "reachable"]
    assert rig.reach.addresses == ("10.0.0.2:7071",)
    rig.reach.forget()
    assert not rig.reach.addresses
    assert status_of(rig.reach) == "unknown"
    await rig.close()


@virtual_time
async def test_who_cannot_be_dialled_asks_nobody_to_dial() -> None:
    rig = Rig()
    await rig.reach.call_back(rig.bert.id)
    assert rig.asked == [m.CallBack(1, rig.bert.id)]
    rig.reach.heard(m.Reachability("10.0.0.2", ()))
    with pytest.raises(P2PError, match="cannot be dialled either"):
        await rig.reach.call_back(rig.bert.id)
    assert len(rig.asked) == 1
    await rig.close()


@virtual_time
async def test_a_relayed_link_is_dialled_with_the_ticket_where_the_tracker_is() -> None:
    rig = Rig()
    await rig.reach.relay(rig.bert.id)
    assert rig.tickets == [("10.0.0.1", 7070, TICKET)]
    await rig.close()


@virtual_time
async def test_a_member_that_asks_for_it_is_dialled() -> None:
    rig = Rig()
    endpoint = await rig.bert.listen()
    rig.reach.heard(m.Dial(rig.bert.id, (endpoint,)))
    await eventually(lambda: rig.anna.peers.path(rig.bert.id) == "connect-back")
    rig.reach.heard(m.Dial(rig.bert.id, (m.Endpoint("10.0.9.9", 7071),)))  # it comes to nothing
    await asyncio.sleep(1)
    assert len(rig.anna.peers.sessions) == 1
    await rig.close()


@virtual_time
async def test_a_relayed_caller_is_served_as_any_other() -> None:
    rig = Rig()
    rig.reach.heard(m.RelayDial(rig.bert.id, TICKET))
    await eventually(lambda: rig.tickets)
    rig.other_end.post(hello("bert"))
    await eventually(lambda: rig.anna.peers.path(rig.bert.id) == "relay")
    rig.other_end.abort()
    await eventually(lambda: rig.anna.peers.path(rig.bert.id) is None)
    rig.refuses = True
    rig.reach.heard(m.RelayDial(rig.bert.id, TICKET))
    await rig.close()


@virtual_time
async def test_a_flood_of_calls_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    dialled = 0

    async def hang(_endpoint: m.Endpoint, _expect: PeerId | None) -> Link:
        nonlocal dialled
        dialled += 1
        await asyncio.sleep(1000)
        raise unreachable("silent")

    monkeypatch.setattr(rig.anna.host, "dial_peer", hang)
    for _ in range(5 * MAX_CALLS):
        rig.reach.heard(m.Dial(rig.bert.id, (HERE,)))
    await asyncio.sleep(1)
    assert dialled == MAX_CALLS
    await rig.close()


def test_f114_what_is_told_names_port_address_and_cure() -> None:
    text, cure = unreachable_text("203.0.113.7", 7071)
    assert text == "others cannot reach you on 7071 (tried 203.0.113.7:7071)"
    assert "firewall" in cure
    assert "--listen" in unreachable_text("203.0.113.7", 0)[1]
