"""Members that a plain dial does not reach: called back, relayed, or told of all that was tried."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.ids import PeerId
from p2ptui.net.link import Link
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.protocol import Role
from p2ptui.node.peers import BAR_S, CALL_AFTER_S, CALL_BACK_S, WRONG_CHUNKS_BEFORE_BAR, in_turn
from tests.support.eventually import eventually
from tests.support.fake_time import virtual_time
from tests.support.members import Member, network_of
from tests.support.memory_net import MemoryNetwork, link_pair

DEAD = m.Endpoint("10.0.9.9", 7071)


class Helper:
    """A tracker that calls Bert for Anna, or relays between them."""

    def __init__(self, network: MemoryNetwork) -> None:
        self.network = network
        self.anna = Member(network, "anna")
        self.bert = Member(network, "bert")
        self.calls: Callable[[], Awaitable[object]] | None = None
        """What Bert does when he is called; None: the tracker refuses."""
        self.relays = True
        self.tasks = TaskSet()
        self.log: list[str] = []
        self.anna.peers.ways = self

    async def call_back(self, peer: PeerId) -> None:
        self.log.append("call")
        assert peer == self.bert.id
        if self.calls is None:
            raise unreachable("No call back", "you cannot be dialled either")
        self.tasks.spawn(self.calls(), name="called")  # type: ignore[arg-type]

    async def relay(self, peer: PeerId) -> Link:
        self.log.append("relay")
        assert peer == self.bert.id
        if not self.relays:
            raise unreachable("The tracker refused", "this tracker relays nothing")
        ours, theirs = link_pair(
            (Role.PEER, Role.PEER), (self.anna.id, self.bert.id), clock=self.network.clock
        )
        self.tasks.spawn(self.bert.peers.accept(theirs, path="relay"), name="relayed")
        return ours

    async def dial_back(self) -> None:
        await self.bert.peers.dial_back(self.anna.id, (self.anna.listening.endpoint,))

    async def close(self) -> None:
        await self.anna.close()
        await self.bert.close()
        await self.tasks.cancel_all()


def helped() -> Helper:
    return Helper(network_of())


@virtual_time
async def test_a_member_that_cannot_be_dialled_dials_us() -> None:
    pair = helped()
    await pair.anna.listen()
    pair.calls = pair.dial_back
    session = await pair.anna.peers.session(pair.bert.id, (DEAD,))
    assert (session.peer_id, session.path) == (pair.bert.id, "connect-back")
    assert pair.anna.peers.path(pair.bert.id) == "connect-back"
    assert pair.log == ["call"]
    assert await pair.anna.peers.session(pair.bert.id, (DEAD,)) is session
    await pair.close()


@virtual_time
async def test_when_neither_can_dial_it_goes_through_the_tracker() -> None:
    pair = helped()
    session = await pair.anna.peers.session(pair.bert.id, (DEAD,))
    assert session.path == "relay"
    await eventually(lambda: pair.bert.peers.path(pair.anna.id) == "relay")
    assert pair.log == ["call", "relay"]
    await pair.close()


@virtual_time
async def test_one_that_was_called_and_does_not_come_is_relayed() -> None:
    pair = helped()
    pair.calls = _nothing
    began = asyncio.get_running_loop().time()
    session = await pair.anna.peers.session(pair.bert.id, (DEAD,))
    assert session.path == "relay"
    assert asyncio.get_running_loop().time() - began >= CALL_BACK_S
    await pair.close()


async def _nothing() -> None:
    """Bert was called, and is not heard of."""


@virtual_time
async def test_all_that_was_tried_is_told() -> None:
    pair = helped()
    pair.relays = False
    with pytest.raises(P2PError) as caught:
        await pair.anna.peers.session(pair.bert.id, (DEAD,))
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    for said in ("10.0.9.9:7071", "you cannot be dialled either", "relays nothing"):
        assert said in caught.value.message
    assert str(caught.value).count("Cannot reach") == 1, "nothing is said twice"
    await pair.close()


@virtual_time
async def test_a_member_that_answers_is_not_called() -> None:
    pair = helped()
    endpoint = await pair.bert.listen()
    session = await pair.anna.peers.session(pair.bert.id, (endpoint,))
    assert session.path == "direct"
    assert not pair.log
    await pair.close()


@virtual_time
async def test_a_dial_that_hangs_is_helped_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = helped()
    await pair.anna.listen()
    pair.calls = pair.dial_back

    async def hang(_endpoint: m.Endpoint, _expect: PeerId | None) -> Link:
        await asyncio.sleep(5)
        raise unreachable("Cannot reach the peer", "does not answer")

    monkeypatch.setattr(pair.anna.host, "dial_peer", hang)
    began = asyncio.get_running_loop().time()
    session = await pair.anna.peers.session(pair.bert.id, (DEAD,))
    assert session.path == "connect-back"
    assert asyncio.get_running_loop().time() - began < CALL_AFTER_S + 0.5
    await pair.close()


@virtual_time
async def test_somebody_else_there_is_not_the_last_word() -> None:
    pair = helped()
    await pair.anna.listen()
    pair.calls = pair.dial_back
    cora = Member(pair.network, "cora")
    endpoint = await cora.listen()
    session = await pair.anna.peers.session(pair.bert.id, (endpoint,))
    assert session.peer_id == pair.bert.id
    await pair.close()
    await cora.close()


@virtual_time
async def test_a_barred_member_is_not_dialled_for_the_tracker() -> None:
    pair = helped()
    await pair.anna.listen()
    for _ in range(WRONG_CHUNKS_BEFORE_BAR):
        pair.bert.peers.blame(pair.anna.id)
    await pair.dial_back()
    assert not pair.bert.peers.sessions
    await asyncio.sleep(BAR_S + 1)
    await pair.dial_back()
    assert pair.bert.peers.sessions
    await pair.close()


@virtual_time
async def test_neighbours_are_dialled_where_they_say_to_be() -> None:
    pair = helped()
    endpoint = await pair.bert.listen()
    pair.anna.peers.nearby = lambda peer: (endpoint,) if peer == pair.bert.id else ()
    session = await pair.anna.peers.session(pair.bert.id, ())
    assert session.path == "direct"
    await pair.close()


def test_f108_families_take_turns_and_nothing_is_dialled_twice() -> None:
    four, other, six = (
        m.Endpoint("10.0.0.1", 1),
        m.Endpoint("10.0.0.2", 1),
        m.Endpoint("fd00::1", 1),
    )
    assert in_turn((four, other, four, six)) == [four, six, other]
    assert in_turn(()) == []


async def test_a_member_that_dialled_us_by_itself_is_told_as_such_at_both_ends() -> None:
    pair = helped()
    await pair.anna.listen()
    session = await pair.bert.peers.session(pair.anna.id, (pair.anna.listening.endpoint,))
    assert session.path == "direct"
    await eventually(lambda: pair.anna.peers.path(pair.bert.id) == "inbound")
    # What Anna fetches from Bert takes the connection that is there.
    back = await pair.anna.peers.session(pair.bert.id, (DEAD,))
    assert back.path == "inbound"
    assert pair.log == []
    await pair.close()


@virtual_time
async def test_the_one_that_dials_back_tells_the_same_path() -> None:
    pair = helped()
    await pair.anna.listen()
    pair.calls = pair.dial_back
    await pair.anna.peers.session(pair.bert.id, (DEAD,))
    assert pair.bert.peers.path(pair.anna.id) == "connect-back"
    await pair.close()
