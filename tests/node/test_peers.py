"""Sessions with other members: greeting, sharing, limits, blame, kicks (F61, F70, F73)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from p2ptui.base.errors import P2PError, storage_error
from p2ptui.net.link import LinkClosed
from p2ptui.net.tasks import TaskSet, spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.peers import (
    BAR_S,
    HELLO_TIMEOUT_S,
    MAX_LINKS_PER_PEER,
    MAX_RECORDS,
)
from p2ptui.node.uploads import Upload
from tests.support.contents import MIB, make_bytes, make_manifest
from tests.support.eventually import eventually
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.members import Member, ScriptedPeer, hello, kick_list, network_of
from tests.support.memory_net import MemoryLink, MemoryNetwork, peer_id_of
from tests.support.offers import MemoryOffer, MemoryOffers

SONG = make_bytes(MIB + 3, seed=9)
SONG_ID = make_manifest(SONG).content_id


class Pair:
    """Anna and Bert; Bert listens."""

    def __init__(self, network: MemoryNetwork) -> None:
        self.network = network
        self.anna = Member(network, "anna")
        self.bert = Member(network, "bert", offers=MemoryOffers(SONG))
        self.endpoint: m.Endpoint

    async def meet(self) -> PeerSession:
        return await self.anna.peers.session(self.bert.id, (self.endpoint,))

    async def dial(self) -> MemoryLink:
        """A link from Anna to Bert, not greeted, played by hand."""
        return await self.anna.host.dial_peer(self.endpoint, self.bert.id)


@asynccontextmanager
async def two_members() -> AsyncIterator[Pair]:
    pair = Pair(network_of())
    pair.endpoint = await pair.bert.listen()
    yield pair
    await pair.anna.close()
    await pair.bert.close()
    assert not pair.anna.peers.sessions
    assert not pair.bert.peers.sessions


@virtual_time
async def test_both_sides_greet_and_each_serves_the_other() -> None:
    async with two_members() as pair:
        session = await pair.meet()
        assert (session.peer_id, session.nick) == (pair.bert.id, "bert")
        await eventually(lambda: pair.bert.peers.sessions)
        (back,) = pair.bert.peers.sessions
        assert (back.peer_id, back.nick) == (pair.anna.id, "anna")
        assert await session.manifest(SONG_ID) == make_manifest(SONG)


@virtual_time
async def test_a_session_is_used_again_whoever_dialled() -> None:
    async with two_members() as pair:
        session = await pair.meet()
        assert await pair.meet() is session
        await eventually(lambda: pair.bert.peers.sessions)
        assert await pair.bert.peers.session(pair.anna.id, ()) is pair.bert.peers.sessions[0]
        session.link.abort()
        await eventually(lambda: session.closed)
        assert await pair.meet() is not session


@virtual_time
async def test_thirty_who_want_the_same_member_dial_once() -> None:
    async with two_members() as pair:
        sessions = await asyncio.gather(*(pair.meet() for _ in range(30)))
        assert len(set(map(id, sessions))) == 1
        assert len(pair.network.cables) == 1


@virtual_time
async def test_thirty_who_want_a_dead_member_wait_for_one_dial() -> None:
    async with two_members() as pair:
        silent = await ScriptedPeer(pair.network, "cara", SONG).listen()
        silent.mute = True
        source = silent.source()
        began = asyncio.get_running_loop().time()
        dials = [pair.anna.peers.session(source.peer, source.endpoints) for _ in range(30)]
        outcomes = await asyncio.gather(*dials, return_exceptions=True)
        assert all(isinstance(outcome, P2PError) for outcome in outcomes)
        assert asyncio.get_running_loop().time() - began == HELLO_TIMEOUT_S
        silent.mute = False
        later = await pair.anna.peers.session(source.peer, source.endpoints)
        assert later.nick == "cara"
        await silent.stop()


@virtual_time
async def test_a_dial_that_is_cancelled_fails_nobody_else() -> None:
    async with two_members() as pair:
        pair.network.delay_s = 1.0
        first, second = (spawn(pair.meet(), name="meet") for _ in range(2))
        await asyncio.sleep(0.5)
        first.cancel()
        assert (await second).peer_id == pair.bert.id


@virtual_time
async def test_endpoints_are_tried_in_turn() -> None:
    async with two_members() as pair:
        endpoints = (m.Endpoint("10.9.9.9", 1), pair.endpoint)
        assert (await pair.anna.peers.session(pair.bert.id, endpoints)).nick == "bert"
        with pytest.raises(P2PError, match="Nobody answers"):
            await pair.anna.peers.session(peer_id_of("cara"), (m.Endpoint("10.9.9.9", 1),))
        with pytest.raises(P2PError, match="No address"):
            await pair.anna.peers.session(peer_id_of("cara"), ())


@virtual_time
async def test_whoever_answers_at_an_address_can_be_met() -> None:
    async with two_members() as pair:
        assert (await pair.anna.peers.session(None, (pair.endpoint,))).peer_id == pair.bert.id


@virtual_time
async def test_whoever_was_met_at_an_address_is_not_dialled_again() -> None:
    async with two_members() as pair:
        places = (pair.endpoint,)
        met = await asyncio.gather(*(pair.anna.peers.session(None, places) for _ in range(30)))
        assert len(set(map(id, met))) == 1
        assert await pair.meet() is met[0]
        met[0].link.abort()
        await eventually(lambda: not pair.anna.peers.sessions)
        assert await pair.anna.peers.session(None, places) is not met[0]


@virtual_time
async def test_a_node_does_not_talk_to_itself() -> None:
    async with two_members() as pair:
        with pytest.raises(P2PError, match="this node itself"):
            await pair.bert.peers.session(None, (pair.endpoint,))


@virtual_time
async def test_who_does_not_greet_is_let_go() -> None:
    async with two_members() as pair:
        link = await pair.dial()
        with pytest.raises(LinkClosed):  # noqa: PT012  (one of these fails)
            while True:
                await link.receive()
        assert not pair.bert.peers.sessions


@virtual_time
async def test_no_more_than_four_links_to_one_member() -> None:
    async with two_members() as pair:
        links = [await pair.dial() for _ in range(MAX_LINKS_PER_PEER + 3)]
        for link in links:
            link.post(hello("anna"))
        await eventually(lambda: sum(link.closed for link in links) == 3)
        await asyncio.sleep(10)
        assert len(pair.bert.peers.sessions) == MAX_LINKS_PER_PEER
        late = await pair.dial()
        await eventually(lambda: late.closed)
        for link in links:
            link.abort()


@virtual_time
async def test_f73_two_wrong_chunks_bar_a_member_for_an_hour() -> None:
    async with two_members() as pair:
        session = await pair.meet()
        assert not pair.anna.peers.blame(pair.bert.id)
        assert not session.closed
        assert pair.anna.peers.blame(pair.bert.id)
        assert session.closed
        with pytest.raises(P2PError, match="barred"):
            await pair.meet()
        await eventually(lambda: not pair.bert.peers.sessions)
        await pair.anna.listen()
        with pytest.raises(P2PError):
            await pair.bert.peers.session(pair.anna.id, (pair.anna.listening.endpoint,))
        clock = pair.network.clock
        assert isinstance(clock, FakeClock)
        clock.advance(BAR_S + 1)
        assert not (await pair.meet()).closed
        assert not pair.anna.peers.blame(pair.bert.id), "it begins anew"


@virtual_time
async def test_what_is_remembered_of_members_is_bounded() -> None:
    async with two_members() as pair:
        peers = pair.anna.peers
        peers.blame(pair.bert.id)
        for number in range(3 * MAX_RECORDS):
            with pytest.raises(P2PError):
                await peers.session(peer_id_of(f"peer {number}"), ())
            assert len(peers._records) <= MAX_RECORDS
        assert peers.blame(pair.bert.id), "a wrong chunk is not forgotten"


@virtual_time
async def test_f70_a_kicked_member_is_neither_met_nor_let_in() -> None:
    async with two_members() as pair:
        pair.bert.kicks.take(kick_list(1, pair.anna.id))
        with pytest.raises(P2PError):
            await pair.meet()
        pair.anna.kicks.take(kick_list(1, pair.bert.id))
        with pytest.raises(P2PError, match="kicked"):
            await pair.meet()


@virtual_time
async def test_a_newer_kick_list_is_passed_on() -> None:
    async with two_members() as pair:
        newer = kick_list(7, peer_id_of("mallory"))
        pair.bert.kicks.take(newer)
        await pair.meet()
        await eventually(lambda: pair.anna.applied == [newer])
        assert pair.anna.kicks.number == 7
        assert not pair.bert.applied


@virtual_time
async def test_a_forged_kick_list_costs_the_link() -> None:
    async with two_members() as pair:
        link = await pair.dial()
        link.post(hello("anna"))
        assert isinstance(await link.receive(), m.PeerHello)
        link.post(m.KickList(9, (m.Kick(pair.bert.id, 0, ""),), b"forged"))
        with pytest.raises(LinkClosed) as closed:
            await link.receive()
        assert closed.value.code == "protocol"
        assert pair.bert.kicks.number == 0


@virtual_time
async def test_a_kick_list_that_cannot_be_kept_costs_nothing() -> None:
    async with two_members() as pair:

        async def full(_kicks: m.KickList) -> bool:
            raise storage_error("The disk is full")

        pair.anna.apply = full
        pair.bert.kicks.take(kick_list(1))
        session = await pair.meet()
        await eventually(lambda: pair.anna.applied)
        await asyncio.sleep(1)
        assert not session.closed


@virtual_time
async def test_who_watches_a_content_hears_what_is_verified() -> None:
    async with two_members() as pair:
        session = await pair.meet()
        gained: list[tuple[int, ...]] = []
        assert (await session.interest(SONG_ID, gained.append)).complete
        pair.bert.peers.verified(SONG_ID, (1,))
        pair.bert.peers.verified(make_manifest(b"other").content_id, (0,))
        await eventually(lambda: gained)
        assert gained == [(1,)]


@virtual_time
async def test_the_last_session_of_a_member_ends_its_uploads() -> None:
    async with two_members() as pair:
        links = [await pair.dial() for _ in range(2)]
        for link in links:
            link.post(hello("anna"))
        await eventually(lambda: len(pair.bert.peers.sessions) == 2)
        ended: list[Upload] = []
        ledger = pair.bert.ledger

        async def on_end(upload: Upload) -> None:
            ended.append(upload)

        ledger._on_end = on_end
        upload = ledger.begin(pair.anna.id, "anna", SONG_ID, MemoryOffer(SONG))
        ledger.count(upload, 10)
        ledger.end(upload)
        links[0].abort()
        await eventually(lambda: len(pair.bert.peers.sessions) == 1)
        assert not ended
        links[1].abort()
        await eventually(lambda: ended)


@virtual_time
async def test_closing_says_goodbye_to_everybody_at_once() -> None:
    async with two_members() as pair:
        session = await pair.meet()
        link = await pair.dial()
        link.post(hello("anna"))
        await eventually(lambda: len(pair.bert.peers.sessions) == 2)
        tasks = TaskSet()
        tasks.spawn(pair.bert.peers.close(), name="close")
        with pytest.raises(LinkClosed) as closed:  # noqa: PT012  (the hello comes first)
            while True:
                await link.receive()
        assert closed.value.code == "stopping"
        await tasks.wait()
        await eventually(lambda: session.closed)
