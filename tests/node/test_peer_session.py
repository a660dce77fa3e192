"""Conversations of a session with a peer that is honest, slow, confused or hostile.

F31 unknown numbers, F32 numbers in use, F75 short, long and misplaced chunks, F76 wrong manifests,
F89 chunks that do not exist, F90 floods of requests.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from p2ptui.base.errors import storage_error
from p2ptui.net.link import LinkClosed
from p2ptui.net.loop import Inline
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import TaskSet, spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.manifest import ManifestMismatch
from p2ptui.node.peer_request import ANSWER_TIMEOUT_S
from p2ptui.node.peer_session import MAX_ANSWERING, MAX_ASKED, PeerSession, Withdrawn
from p2ptui.node.upload_desk import MAX_WAITING, UploadDesk
from p2ptui.node.uploads import UploadLedger
from tests.support.contents import MIB, chunks_of, make_bytes, make_manifest
from tests.support.conversation import ChunkSink, greeted_pair
from tests.support.eventually import eventually
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import MemoryLink, peer_id_of
from tests.support.messages import KICKS
from tests.support.offers import MemoryOffers

BERT = peer_id_of("bert")
SONG = make_bytes(2 * MIB + 7, seed=5)
MANIFEST = make_manifest(SONG)
SONG_ID = MANIFEST.content_id
CHUNKS = chunks_of(SONG)


@dataclass
class Talk:
    """A session, and its other side played by hand."""

    session: PeerSession
    peer: MemoryLink
    offers: MemoryOffers
    kicks: list[m.KickList]
    run: asyncio.Task[None]
    ledger: UploadLedger

    async def heard(self) -> object:
        """What we said next."""
        async with asyncio.timeout(60):
            return await self.peer.receive()

    async def asked(self) -> m.GetChunk:
        """The chunk that we asked for next."""
        message = await self.heard()
        assert isinstance(message, m.GetChunk)
        return message

    def chunk(self, index: int) -> tuple[asyncio.Task[None], bytearray]:
        """A request for a chunk, and where its bytes come."""
        buffer = bytearray(len(CHUNKS[index]))
        asking = self.session.chunk(SONG_ID, index, memoryview(buffer))
        return spawn(asking, name="chunk"), buffer

    async def ended_for(self) -> str:
        """Why we ended the connection."""
        async with asyncio.timeout(60):
            await asyncio.wait({self.run})
            try:
                while True:
                    await self.peer.receive()
            except LinkClosed as closed:
                return closed.code


@asynccontextmanager
async def talking(*contents: bytes) -> AsyncIterator[Talk]:
    clock = FakeClock()
    ours, theirs = await greeted_pair(clock)
    offers, ledger = MemoryOffers(*contents), UploadLedger(clock)
    desk = UploadDesk(ours, peer=BERT, nick="bert", offers=offers, ledger=ledger, offload=Inline())
    session = PeerSession(ours, BERT, "bert", desk)
    kicks: list[m.KickList] = []
    run = spawn(session.run(kicks.append), name="session")
    await asyncio.sleep(0)
    yield Talk(session, theirs, offers, kicks, run, ledger)
    ours.abort()
    await asyncio.wait({run})
    assert offers.still_open == 0
    assert not session._asks, "a request was left behind"


# --- chunks ---------------------------------------------------------------------------------------


@virtual_time
async def test_a_chunk_lands_in_the_askers_buffer_and_is_counted_as_it_comes() -> None:
    async with talking() as talk:
        counted: list[int] = []
        buffer = bytearray(MIB)
        asking = spawn(
            talk.session.chunk(SONG_ID, 1, memoryview(buffer), counted.append), name="chunk"
        )
        request = await talk.asked()
        assert (request.content, request.index) == (SONG_ID, 1)
        await talk.peer.send_data(request.id, 0, CHUNKS[1][:1000])
        await eventually(lambda: counted)
        assert counted == [1000]
        assert not asking.done()
        await talk.peer.send_data(request.id, 1000, CHUNKS[1][1000:])
        await asking
        assert bytes(buffer) == CHUNKS[1]
        assert sum(counted) == MIB


@virtual_time
async def test_answers_may_come_in_any_order() -> None:
    async with talking() as talk:
        first, one = talk.chunk(0)
        second, two = talk.chunk(2)
        asked = [await talk.asked(), await talk.asked()]
        assert asked[0].id != asked[1].id
        await talk.peer.send_data(asked[1].id, 0, CHUNKS[2])
        await second
        await talk.peer.send_data(asked[0].id, 0, CHUNKS[0])
        await first
        assert (bytes(one), bytes(two)) == (CHUNKS[0], CHUNKS[2])


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        pytest.param(0, len(CHUNKS[2]) + 1, id="too-long"),
        pytest.param(1, 3, id="beyond-its-beginning"),
        pytest.param(2**31, 3, id="far-away"),
        pytest.param(7, 1, id="past-its-end"),
    ],
)
@virtual_time
async def test_f75_data_that_does_not_fit_its_request_ends_the_connection(
    offset: int, length: int
) -> None:
    async with talking() as talk:
        asking, _ = talk.chunk(2)
        request = await talk.asked()
        await talk.peer.send_data(request.id, offset, bytes(length))
        with pytest.raises(LinkClosed) as closed:
            await asking
        assert (closed.value.code, closed.value.theirs) == ("protocol", False)
        assert await talk.ended_for() == "protocol"


@virtual_time
async def test_f75_the_same_place_twice_ends_the_connection() -> None:
    async with talking() as talk:
        asking, _ = talk.chunk(0)
        request = await talk.asked()
        await talk.peer.send_data(request.id, 0, CHUNKS[0][:100])
        await talk.peer.send_data(request.id, 0, CHUNKS[0][:100])
        with pytest.raises(LinkClosed):
            await asking


@virtual_time
async def test_f75_a_short_chunk_is_never_taken_for_a_whole_one() -> None:
    async with talking() as talk:
        asking, _ = talk.chunk(0)
        request = await talk.asked()
        await talk.peer.send_data(request.id, 0, CHUNKS[0][:-1])
        await asyncio.sleep(60)
        assert not asking.done(), "whoever watches the pace gives it up"
        asking.cancel()
        assert await talk.heard() == m.Cancel(request.id)


@virtual_time
async def test_f31_answers_and_data_that_nobody_asked_for_are_dropped_and_counted() -> None:
    async with talking() as talk:
        for message in (
            m.Failure(99, "busy"),
            m.Have(99, complete=True),
            m.Manifest(99, 5, 32),
            m.Listing(99, (), 0),
        ):
            talk.peer.post(message)
        await talk.peer.send_data(99, 0, b"surprise")
        await eventually(lambda: talk.session.unexpected == 5)
        asking, _ = talk.chunk(2)
        request = await talk.asked()
        await talk.peer.send_data(request.id, 0, CHUNKS[2])
        await asking


@virtual_time
async def test_f31_an_answer_of_the_wrong_kind_is_dropped() -> None:
    async with talking() as talk:
        asking, _ = talk.chunk(2)
        request = await talk.asked()
        talk.peer.post(m.Have(request.id, complete=True))
        talk.peer.post(m.Manifest(request.id, 5, 32))
        await eventually(lambda: talk.session.unexpected == 2)
        assert not asking.done()
        await talk.peer.send_data(request.id, 0, CHUNKS[2])
        await asking


@virtual_time
async def test_data_for_a_question_that_has_none_ends_the_connection() -> None:
    async with talking() as talk:
        asking = spawn(talk.session.interest(SONG_ID, lambda _: None), name="interest")
        request = await talk.heard()
        assert isinstance(request, m.Interest)
        await talk.peer.send_data(request.id, 0, b"x")
        with pytest.raises(LinkClosed):
            await asking


@virtual_time
async def test_a_refusal_is_raised_with_its_code() -> None:
    async with talking() as talk:
        asking, _ = talk.chunk(0)
        request = await talk.asked()
        talk.peer.post(m.Failure(request.id, "gone", "no longer here"))
        with pytest.raises(RequestFailed, match="no longer here"):
            await asking


@virtual_time
async def test_a_cancelled_request_is_taken_back_and_its_late_bytes_thrown_away() -> None:
    async with talking() as talk:
        asking, buffer = talk.chunk(0)
        request = await talk.asked()
        await talk.peer.send_data(request.id, 0, CHUNKS[0][:10])
        await eventually(lambda: bytes(buffer[:10]) == CHUNKS[0][:10])
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await talk.heard() == m.Cancel(request.id)
        await talk.peer.send_data(request.id, 10, CHUNKS[0][10:])
        await eventually(lambda: talk.session.unexpected)
        assert not any(buffer[10:]), "late bytes came into a buffer that was given up"


@virtual_time
async def test_a_chunk_that_somebody_else_brought_is_withdrawn() -> None:
    async with talking() as talk:
        first, _ = talk.chunk(0)
        second, buffer = talk.chunk(1)
        asked = [await talk.asked(), await talk.asked()]
        talk.session.withdraw(SONG_ID, 0)
        talk.session.withdraw(SONG_ID, 2)
        with pytest.raises(Withdrawn):
            await first
        assert await talk.heard() == m.Cancel(asked[0].id)
        await talk.peer.send_data(asked[1].id, 0, CHUNKS[1])
        await second
        assert bytes(buffer) == CHUNKS[1]


@virtual_time
async def test_the_end_of_the_link_ends_all_requests_and_later_ones_at_once() -> None:
    async with talking() as talk:
        asking, _ = talk.chunk(0)
        listing = spawn(talk.session.list_files("", 0, 5), name="list")
        await talk.asked()
        await talk.peer.close("stopping", "good night")
        for task in (asking, listing):
            with pytest.raises(LinkClosed, match="good night"):
                await task
        assert talk.session.closed
        with pytest.raises(LinkClosed):
            await talk.session.chunk(SONG_ID, 0, memoryview(bytearray(MIB)))


@virtual_time
async def test_no_more_chunks_are_asked_for_than_a_desk_lets_wait() -> None:
    assert MAX_ASKED < MAX_WAITING
    async with talking() as talk:
        tasks = TaskSet()

        async def ask() -> None:
            async with talk.session.turn():
                await talk.session.chunk(SONG_ID, 2, memoryview(bytearray(len(CHUNKS[2]))))

        for _ in range(MAX_ASKED + 10):
            tasks.spawn(ask(), name="ask")
        asked = [await talk.asked() for _ in range(MAX_ASKED)]
        further = spawn(talk.asked(), name="further")
        await asyncio.sleep(10)
        assert not further.done()
        await talk.peer.send_data(asked[0].id, 0, CHUNKS[2])
        await further
        await tasks.cancel_all()


# --- manifests ------------------------------------------------------------------------------------


async def answer_manifest(
    talk: Talk, *, data_first: bool = False, size: int = len(SONG), hashes: bytes = MANIFEST.hashes
) -> None:
    request = await talk.heard()
    assert isinstance(request, m.GetManifest)
    head = m.Manifest(request.id, size, len(hashes))
    if not data_first:
        talk.peer.post(head)
    if hashes:
        await talk.peer.send_data(request.id, 0, hashes)
    if data_first:
        await asyncio.sleep(5)
        talk.peer.post(head)


@pytest.mark.parametrize("data_first", [False, True])
@virtual_time
async def test_a_manifests_hashes_may_overtake_its_message(data_first: bool) -> None:
    async with talking() as talk:
        asking = spawn(talk.session.manifest(SONG_ID), name="manifest")
        await answer_manifest(talk, data_first=data_first)
        assert await asking == MANIFEST


@virtual_time
async def test_f85_the_manifest_of_an_empty_file() -> None:
    async with talking() as talk:
        empty = make_manifest(b"")
        asking = spawn(talk.session.manifest(empty.content_id), name="manifest")
        await answer_manifest(talk, size=0, hashes=b"")
        assert await asking == empty


@pytest.mark.parametrize(
    ("size", "hashes"),
    [
        pytest.param(len(SONG), bytes(96), id="wrong-hashes"),
        pytest.param(len(SONG) - 1, MANIFEST.hashes, id="wrong-size"),
        pytest.param(len(SONG), MANIFEST.hashes[:64], id="too-few"),
        pytest.param(len(SONG), MANIFEST.hashes[:50], id="not-whole-hashes"),
        pytest.param(len(SONG), MANIFEST.hashes + bytes(32), id="too-many"),
        pytest.param(2**63 - 1, MANIFEST.hashes, id="huge-size"),
        pytest.param(0, b"", id="empty"),
    ],
)
@virtual_time
async def test_f76_a_manifest_that_its_id_does_not_prove(size: int, hashes: bytes) -> None:
    async with talking() as talk:
        asking = spawn(talk.session.manifest(SONG_ID), name="manifest")
        await answer_manifest(talk, size=size, hashes=hashes)
        with pytest.raises(ManifestMismatch):
            await asking


@virtual_time
async def test_f76_more_hashes_than_were_announced_prove_nothing() -> None:
    async with talking() as talk:
        asking = spawn(talk.session.manifest(SONG_ID), name="manifest")
        request = await talk.heard()
        assert isinstance(request, m.GetManifest)
        await talk.peer.send_data(request.id, 0, MANIFEST.hashes + bytes(32))
        talk.peer.post(m.Manifest(request.id, len(SONG), len(MANIFEST.hashes)))
        with pytest.raises(ManifestMismatch):
            await asking


@virtual_time
async def test_f76_an_endless_manifest_ends_the_connection() -> None:
    async with talking() as talk:
        asking = spawn(talk.session.manifest(SONG_ID), name="manifest")
        request = await talk.heard()
        assert isinstance(request, m.GetManifest)
        with pytest.raises(LinkClosed):  # noqa: PT012  (the call that fails is not known)
            for begin in range(0, 4 * MIB, 2**18):
                await talk.peer.send_data(request.id, begin, bytes(2**18))
                await asyncio.sleep(0.1)
        with pytest.raises(LinkClosed):
            await asking


@virtual_time
async def test_hashes_out_of_order_end_the_connection() -> None:
    async with talking() as talk:
        asking = spawn(talk.session.manifest(SONG_ID), name="manifest")
        request = await talk.heard()
        assert isinstance(request, m.GetManifest)
        await talk.peer.send_data(request.id, 32, MANIFEST.hashes[32:])
        with pytest.raises(LinkClosed):
            await asking


@virtual_time
async def test_a_manifest_that_comes_slowly_is_waited_for_as_long_as_it_comes() -> None:
    async with talking() as talk:
        asking = spawn(talk.session.manifest(SONG_ID), name="manifest")
        request = await talk.heard()
        assert isinstance(request, m.GetManifest)
        talk.peer.post(m.Manifest(request.id, len(SONG), len(MANIFEST.hashes)))
        for begin in range(0, len(MANIFEST.hashes), 32):
            await asyncio.sleep(ANSWER_TIMEOUT_S - 1)
            await talk.peer.send_data(request.id, begin, MANIFEST.hashes[begin : begin + 32])
        assert await asking == MANIFEST


Question = Callable[[PeerSession], Awaitable[object]]


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(lambda session: session.manifest(SONG_ID), id="manifest"),
        pytest.param(lambda session: session.interest(SONG_ID, lambda _: None), id="interest"),
        pytest.param(lambda session: session.list_files("x", 0, 5), id="list"),
    ],
)
@virtual_time
async def test_a_question_without_an_answer_is_given_up_and_taken_back(question: Question) -> None:
    async with talking() as talk:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await question(talk.session)
        assert asyncio.get_running_loop().time() - began == ANSWER_TIMEOUT_S
        asked = await talk.heard()
        assert isinstance(asked, m.GetManifest | m.Interest | m.ListFiles)
        assert await talk.heard() == m.Cancel(asked.id)


# --- what the peer has -------------------------------------------------------------------------


@virtual_time
async def test_what_the_peer_has_and_what_it_gains() -> None:
    async with talking() as talk:
        gained: list[tuple[int, ...]] = []
        asking = spawn(talk.session.interest(SONG_ID, gained.append), name="interest")
        request = await talk.heard()
        assert isinstance(request, m.Interest)
        have = m.Have(request.id, complete=False, bitmap=b"\x80")
        talk.peer.post(have)
        talk.peer.post(m.HaveMore(SONG_ID, (1, 2)))
        assert await asking == have
        await eventually(lambda: gained == [(1, 2)])
        talk.session.forget(SONG_ID)
        talk.peer.post(m.HaveMore(SONG_ID, (0,)))
        await asyncio.sleep(5)
        assert gained == [(1, 2)]


# --- what the peer asks -------------------------------------------------------------------------


@virtual_time
async def test_a_peer_is_served_while_it_serves_us() -> None:
    async with talking(SONG) as talk:
        sink = ChunkSink(len(MANIFEST.hashes))
        talk.peer.set_sink(sink)
        asking, _ = talk.chunk(2)
        request = await talk.asked()
        talk.peer.post(m.GetManifest(request.id, SONG_ID))
        head = await talk.heard()
        assert head == m.Manifest(request.id, len(SONG), len(MANIFEST.hashes))
        await talk.peer.send_data(request.id, 0, CHUNKS[2])
        await asking
        await sink.complete.wait()
        assert bytes(sink.chunk) == MANIFEST.hashes


@virtual_time
async def test_f89_f32_bad_requests_are_answered_and_nothing_else_suffers() -> None:
    async with talking(SONG) as talk:
        talk.offers.gate.clear()
        for message in (
            m.GetChunk(1, SONG_ID, 3),
            m.GetChunk(2, SONG_ID, 65535),
            m.GetChunk(2, SONG_ID, 0),
            m.GetChunk(3, make_manifest(b"other").content_id, 0),
            m.Cancel(50),
        ):
            talk.peer.post(message)
        assert await talk.heard() == m.Failure(2, "duplicate", "this request is already waiting")
        talk.offers.gate.set()
        answers = [await talk.heard() for _ in range(3)]
        codes = [answer.code for answer in answers if isinstance(answer, m.Failure)]
        assert codes == ["bad_request", "bad_request", "not_shared"]
        assert not talk.session.closed


@virtual_time
async def test_f90_a_flood_of_requests_is_held_back_and_answered_in_the_end() -> None:
    asked = 2000
    async with talking(SONG) as talk:
        talk.offers.gate.clear()
        for number in range(asked):
            talk.peer.post(m.GetChunk(number, SONG_ID, 65535))
        await asyncio.sleep(10)
        assert len(talk.session.desk._waiting) == MAX_WAITING
        assert talk.peer.transport.get_write_buffer_size() > 0, "the rest waits with the peer"
        talk.offers.gate.set()
        for number in range(asked):
            answer = await talk.heard()
            assert isinstance(answer, m.Failure)
            assert (answer.id, answer.code) == (number, "bad_request")


@virtual_time
async def test_f90_the_end_of_a_flooded_link_is_heard() -> None:
    async with talking(SONG) as talk:
        talk.offers.gate.clear()
        for number in range(500):
            talk.peer.post(m.GetChunk(number, SONG_ID, 0))
        await asyncio.sleep(10)
        talk.offers.gate.set()
        talk.peer.abort()
        async with asyncio.timeout(60):
            await asyncio.wait({talk.run})
        assert talk.ledger.room._value == 64


@virtual_time
async def test_side_questions_are_bounded() -> None:
    async with talking(SONG) as talk:
        talk.offers.gate.clear()
        for number in range(MAX_ANSWERING + 3):
            talk.peer.post(m.Interest(number, SONG_ID))
        for number in range(3):
            answer = await talk.heard()
            assert isinstance(answer, m.Failure)
            assert (answer.id, answer.code) == (MAX_ANSWERING + number, "busy")
        talk.offers.gate.set()
        for _ in range(MAX_ANSWERING):
            assert isinstance(await talk.heard(), m.Have)


@virtual_time
async def test_a_question_that_fails_inside_is_answered() -> None:
    async with talking(SONG) as talk:
        talk.offers.trouble = storage_error("Cannot use the node's database")
        talk.peer.post(m.Interest(4, SONG_ID))
        answer = await talk.heard()
        assert isinstance(answer, m.Failure)
        assert (answer.id, answer.code) == (4, "internal")


@virtual_time
async def test_an_answer_that_is_being_looked_up_ends_with_its_link() -> None:
    async with talking(SONG) as talk:
        talk.offers.gate.clear()
        talk.peer.post(m.GetManifest(1, SONG_ID))
        await asyncio.sleep(1)
        talk.peer.abort()
        async with asyncio.timeout(10):
            await asyncio.wait({talk.run})


@virtual_time
async def test_kick_lists_are_passed_on() -> None:
    async with talking() as talk:
        talk.peer.post(KICKS)
        await eventually(lambda: talk.kicks == [KICKS])
