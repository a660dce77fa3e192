"""Members that are found on the local network, and where this machine is itself (F106, F112)."""

import asyncio

from p2ptui.base.ids import Pin, short_peer_id
from p2ptui.net.discovery import Card, Ground
from p2ptui.net.loop import Inline
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.neighbours import Neighbours
from p2ptui.node.whereabouts import CHECK_S, Whereabouts
from tests.support.fake_lan import FakeLan, LanCable
from tests.support.fake_time import virtual_time
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
