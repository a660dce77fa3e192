"""Members that are found on the local network, and where this machine is itself (F106, F112)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from p2ptui.base.errors import unreachable
from p2ptui.base.ids import Pin, short_peer_id
from p2ptui.net.discovery import BROWSE_S, Card, Ground
from p2ptui.net.loop import Inline
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.acquaintances import MAX_KEPT, Acquaintances
from p2ptui.node.api import TrackerState, TrackerStatus
from p2ptui.node.company import ASKED_FOR, FIRST_S, SELDOMEST_S, SOON_S, SOONEST_S, Company
from p2ptui.node.neighbours import Neighbours
from p2ptui.node.store import NodeStore
from p2ptui.node.tracker_link import TrackerLink
from p2ptui.node.whereabouts import CHECK_S, Whereabouts
from tests.support.fake_lan import FakeLan, LanCable
from tests.support.fake_time import virtual_time
from tests.support.members import Member, network_of
from tests.support.memory_net import peer_id_of

PIN = Pin("p" * 32)
ANNA, BERT = peer_id_of("anna"), peer_id_of("bert")


async def neighbour(
    cable: LanCable, name: str, host: str, pin: Pin = PIN
) -> tuple[Neighbours, list[m.Source]]:
    found: list[m.Source] = []
    ground = Ground((host,), FakeLan(cable))
    neighbours = Neighbours(ground, pin, peer_id_of(name), found.append)
    await neighbours.start(7071)
    return neighbours, found


async def test_members_of_one_swarm_find_each_other() -> None:
    cable = LanCable()
    anna, anna_found = await neighbour(cable, "anna", "192.168.1.1")
    bert, bert_found = await neighbour(cable, "bert", "192.168.1.2")
    stranger, _ = await neighbour(cable, "eve", "192.168.1.3", Pin("q" * 32))
    at_bert = (m.Endpoint("192.168.1.2", 7071),)
    source = m.Source(BERT, short_peer_id(BERT), at_bert)
    assert anna_found == list(anna.sources) == [source]
    assert anna.endpoints(BERT) == at_bert
    assert [found.peer for found in bert_found] == [ANNA]
    await bert.close()
    assert anna.sources == ()
    for each in (anna, stranger):
        await each.close()


async def test_one_with_two_networks_is_one_and_a_move_is_told() -> None:
    cable = LanCable()
    anna, found = await neighbour(cable, "anna", "192.168.1.1")
    for host in ("192.168.1.2", "10.0.0.2"):
        cable.put(Card("member", PIN, "", BERT, (m.Endpoint(host, 7071),)))
    assert len(anna.sources) == 1
    assert [each.host for each in anna.endpoints(BERT)] == ["192.168.1.2", "10.0.0.2"]
    assert len(found) == 2
    await anna.close()


@virtual_time
async def test_f106_a_machine_that_moved_says_so_within_seconds() -> None:
    now = ["192.168.1.5"]
    moves: list[float] = []

    async def moved() -> None:
        moves.append(asyncio.get_running_loop().time())

    where = Whereabouts(Inline(), lambda: "::", lambda: tuple(now))
    watching = spawn(where.watch(moved), name="watch")
    await asyncio.sleep(5 * CHECK_S)
    assert not moves
    began = asyncio.get_running_loop().time()
    now[0] = "10.0.0.5"
    await asyncio.sleep(2 * CHECK_S)
    assert len(moves) == 1
    assert moves[0] - began < 60
    assert await where.addresses() == ("10.0.0.5",)
    watching.cancel()


async def test_a_node_that_listens_at_one_address_declares_that_or_none() -> None:
    def own() -> tuple[str, ...]:
        return ("10.0.0.5",)

    assert await Whereabouts(Inline(), lambda: "192.168.1.9", own).addresses() == ("192.168.1.9",)
    assert await Whereabouts(Inline(), lambda: "127.0.0.1", own).addresses() == ()
    assert await Whereabouts(Inline(), lambda: "", own).addresses() == ("10.0.0.5",)


async def test_f106_who_moves_is_found_at_the_new_place_and_at_no_old_one() -> None:
    cable, elsewhere = LanCable(), LanCable()
    anna, anna_found = await neighbour(cable, "anna", "192.168.1.1")
    bert, _ = await neighbour(cable, "bert", "192.168.1.2")
    cleo, _ = await neighbour(elsewhere, "cleo", "10.0.0.3")
    same = FakeLan(cable)
    await bert.move(Ground(("192.168.1.2",), same))
    assert same.closed, "nothing has changed"
    assert len(anna_found) == 1
    # Another address on the same network.
    await bert.move(Ground(("192.168.1.9", "10.0.0.9"), FakeLan(cable)))
    assert [each.host for each in anna.endpoints(BERT)] == ["192.168.1.9", "10.0.0.9"]
    assert [source.peer for source in bert.sources] == [ANNA]
    # Another network.
    await bert.move(Ground(("10.0.0.9",), FakeLan(elsewhere)))
    assert anna.sources == ()
    assert [source.peer for source in bert.sources] == [peer_id_of("cleo")]
    for each in (anna, bert, cleo):
        await each.close()


class Link:
    """A tracker's link that is down, or names members."""

    def __init__(self) -> None:
        self.up = asyncio.Event()
        self.status = TrackerStatus(state="waiting", reason="refused")
        self.neighbours: Callable[[], Sequence[m.Source]] = tuple
        self.suggested: list[m.Source] = []
        self.members: tuple[m.HostInfo, ...] = ()
        self.asked: list[m.Members] = []
        self.failures = 0

    def suggest(self, source: m.Source) -> None:
        self.suggested.append(source)

    async def ask(self, make: Callable[[int], m.Members], answer: type) -> m.MemberPage:
        asked = make(1)
        self.asked.append(asked)
        assert answer is m.MemberPage
        if self.failures:
            self.failures -= 1
            raise unreachable("away")
        page = self.members[asked.offset : asked.offset + asked.limit]
        return m.MemberPage(1, page, len(self.members))


class Kept:
    """A node's database that holds one value."""

    def __init__(self) -> None:
        self.value: bytes | None = None
        self.writes = 0

    async def setting(self, _key: str) -> bytes | None:
        return self.value

    async def set_setting(self, _key: str, value: bytes | None) -> None:
        self.value = value
        self.writes += 1


class Around:
    """The company of Anna, on a cable."""

    def __init__(self, cable: LanCable) -> None:
        self.member = Member(network_of(), "anna")
        self.link, self.kept = Link(), Kept()
        self.hosts: tuple[str, ...] = ("192.168.1.1",)
        self.cable = cable
        clock = self.member.peers._clock
        self.known = Acquaintances(cast("NodeStore", self.kept), PIN, ANNA, clock)
        self.company = Company(
            pin=PIN,
            own_id=ANNA,
            own_list=self._own_list,
            peers=self.member.peers,
            tracker=cast("TrackerLink", self.link),
            acquaintances=self.known,
            find_ground=self._find_ground,
            clock=clock,
        )

    async def _own_list(self, _text: str, _begin: int, _count: int) -> tuple[tuple[()], int]:
        return (), 0

    async def _find_ground(self, _host: str) -> Ground | None:
        return Ground(self.hosts, FakeLan(self.cable)) if self.hosts else None

    async def close(self) -> None:
        await self.company.close()
        await self.member.close()


@virtual_time
async def test_f106_a_node_that_gets_a_network_later_is_found_there() -> None:
    cable = LanCable()
    bert, bert_found = await neighbour(cable, "bert", "192.168.1.2")
    around = Around(cable)
    around.hosts = ()
    await around.company.start("::", 7071)
    await asyncio.sleep(0.1)
    assert around.company.circle.size == 0
    around.hosts = ("192.168.1.1",)
    await around.company.moved()
    assert [source.peer for source in bert_found] == [ANNA]
    assert [source.peer for source in around.link.neighbours()] == [BERT]
    assert [source.peer for source in around.link.suggested] == [BERT]
    around.hosts = ()
    await around.company.moved()
    assert bert.sources == ()
    assert around.link.neighbours() == ()
    await around.close()
    await bert.close()


@virtual_time
async def test_the_local_network_has_its_time_before_anybody_is_counted() -> None:
    cable = LanCable()
    bert, _ = await neighbour(cable, "bert", "192.168.1.2")
    around = Around(cable)
    await around.company.start("::", 7071)
    await asyncio.sleep(BROWSE_S / 2)
    assert around.company.circle.size is None
    await asyncio.sleep(BROWSE_S)
    assert around.company.circle.size == 1
    await around.close()
    await bert.close()


@virtual_time
async def test_the_tracker_is_asked_for_members_and_ever_less_often() -> None:
    def host(name: str) -> m.HostInfo:
        return m.HostInfo(
            peer_id_of(name), name, m.Endpoint("10.0.0.9", 7071), 3, 9, True, True, 1.0, 0
        )

    around = Around(LanCable())
    around.link.failures = 1
    await around.company.start("::", 7071)
    await asyncio.sleep(SOON_S)
    assert around.link.asked == []
    around.link.up.set()
    await asyncio.sleep(FIRST_S)
    assert len(around.link.asked) == 1
    around.link.members = tuple(host(f"peer {number}") for number in range(3 * ASKED_FOR))
    await asyncio.sleep(SOONEST_S)
    assert len(around.known.all) == ASKED_FOR
    assert around.kept.writes == 1
    await asyncio.sleep(24 * 3600)
    assert len(around.known.all) == MAX_KEPT, "not the same ones each time"
    assert len(around.link.asked) < 24 * 3600 / SELDOMEST_S * 5
    around.link.up.clear()
    before = len(around.link.asked)
    await asyncio.sleep(4 * SELDOMEST_S)
    assert len(around.link.asked) <= before + 2
    await around.close()


@pytest.mark.parametrize(
    ("state", "reason", "stands_in"),
    [
        ("connected", "", False), ("connecting", "", False), ("connecting", "refused", True),
        ("waiting", "refused", True), ("stopped", "kicked", False),
    ],
)  # fmt: skip
async def test_the_tracker_is_stood_in_for_once_it_is_known_to_be_away(
    state: TrackerState, reason: str, stands_in: bool
) -> None:
    around = Around(LanCable())
    around.link.status = TrackerStatus(state=state, reason=reason)
    tracker: object = around.link
    assert (around.company.answerer is not tracker) == stands_in
    await around.close()
