"""Uploads: the ledger of a node and the desk of one connection (F31, F32, F80, F89, F90, F92)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from p2ptui.base.errors import P2PError, storage_error
from p2ptui.base.ids import ContentId
from p2ptui.net.link import LinkClosed
from p2ptui.net.loop import Inline
from p2ptui.net.tasks import TaskSet, spawn
from p2ptui.net.throttle import Throttle
from p2ptui.net.wire import messages as m
from p2ptui.node.open_offers import MAX_OPEN
from p2ptui.node.storage_errors import ContentChanged
from p2ptui.node.upload_desk import MAX_WAITING, UploadDesk
from p2ptui.node.uploads import IDLE_S, MAX_CHUNKS_IN_MEMORY, Upload, UploadLedger
from tests.support.contents import MIB, chunks_of, make_bytes, make_manifest
from tests.support.conversation import greeted_pair
from tests.support.eventually import eventually
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import MemoryLink, peer_id_of
from tests.support.offers import MemoryOffer, MemoryOffers

BERT = peer_id_of("bert")
SONG = make_bytes(3 * MIB + 5, seed=3)
SONG_ID = make_manifest(SONG).content_id


class Taker:
    """The other side of a desk: collects what comes by request."""

    def __init__(self, link: MemoryLink) -> None:
        self.link = link
        self.data: dict[int, bytearray] = {}
        self.messages: asyncio.Queue[object] = asyncio.Queue()
        self._frame = bytearray()
        link.set_sink(self)

    def data_buffer(self, request_id: int, offset: int, length: int) -> memoryview | None:
        if offset == 0:  # a number may be used again
            self.data[request_id] = bytearray()
        assert offset == len(self.data[request_id])
        self._frame = bytearray(length)
        return memoryview(self._frame)

    def data_received(self, request_id: int, offset: int, length: int) -> None:
        self.data[request_id] += self._frame

    async def run(self) -> None:
        try:
            while True:
                self.messages.put_nowait(await self.link.receive())
        except LinkClosed as closed:
            self.messages.put_nowait(closed)

    async def until(self, request_id: int, size: int) -> bytes:
        await eventually(lambda: len(self.data.get(request_id, b"")) >= size)
        return bytes(self.data[request_id])

    async def failure(self, request_id: int) -> m.FailureCode:
        message = await self.messages.get()
        assert isinstance(message, m.Failure)
        assert message.id == request_id
        return message.code


class DeskRun:
    """A desk at work."""

    def __init__(self, offers: MemoryOffers, clock: FakeClock, link: MemoryLink) -> None:
        self.offers = offers
        self.clock = clock
        self.ended: list[Upload] = []
        self.ledger = UploadLedger(clock, self._upload_ended)
        self.link = link
        self.desk = UploadDesk(
            link,
            peer=BERT,
            nick="bert",
            offers=offers,
            ledger=self.ledger,
            offload=Inline(),
        )

    async def _upload_ended(self, upload: Upload) -> None:
        self.ended.append(upload)

    @property
    def slots_taken(self) -> int:
        return MAX_CHUNKS_IN_MEMORY - self.ledger.room._value

    def ask(self, number: int, index: int = 0, content: ContentId = SONG_ID) -> None:
        self.desk.ask_chunk(m.GetChunk(number, content, index))


@asynccontextmanager
async def serving(*contents: bytes) -> AsyncIterator[tuple[DeskRun, Taker]]:
    clock = FakeClock()
    ours, theirs = await greeted_pair(clock)
    offers = MemoryOffers(*contents)
    run, taker = DeskRun(offers, clock, ours), Taker(theirs)
    tasks = TaskSet()
    tasks.spawn(taker.run(), name="taker")
    async with asyncio.timeout(300):
        yield run, taker
    await run.desk.close()
    assert run.offers.still_open == 0, "a file was left open"
    assert run.slots_taken == 0, "a place in memory was lost"
    ours.abort()
    await tasks.wait()


# --- chunks ------------------------------------------------------------------------------------


@virtual_time
async def test_chunks_are_answered_in_the_order_of_asking() -> None:
    async with serving(SONG) as (run, taker):
        for number, index in ((1, 3), (2, 0), (3, 1)):
            run.ask(number, index)
        chunks = chunks_of(SONG)
        for number, index in ((1, 3), (2, 0), (3, 1)):
            assert await taker.until(number, len(chunks[index])) == chunks[index]
        assert list(taker.data) == [1, 2, 3]
        assert run.offers.given[0].reads == [3, 0, 1]
        assert len(run.offers.given) == 1, "the file was opened once"


@virtual_time
async def test_f32_a_number_in_use_is_refused_whether_it_waits_or_is_being_sent() -> None:
    async with serving(SONG) as (run, taker):
        run.ask(1, 0)
        run.ask(1, 1)
        assert await taker.failure(1) == "duplicate"
        taker.link.cut()
        await asyncio.sleep(1)  # the first one is stuck on its way
        run.ask(1, 2)
        taker.link.mend()
        assert await taker.failure(1) == "duplicate"
        assert await taker.until(1, MIB) == chunks_of(SONG)[0]
        taker.data.clear()
        run.ask(1, 3)
        assert len(await taker.until(1, 5)) == 5


@pytest.mark.parametrize("index", [4, 5, 65535])
@virtual_time
async def test_f89_a_chunk_that_does_not_exist(index: int) -> None:
    async with serving(SONG) as (run, taker):
        run.ask(1, index)
        assert await taker.failure(1) == "bad_request"
        run.ask(2, 3)
        assert len(await taker.until(2, 5)) == 5


@virtual_time
async def test_what_is_not_offered_is_refused() -> None:
    async with serving() as (run, taker):
        run.ask(1)
        assert await taker.failure(1) == "not_shared"


@virtual_time
async def test_f80_a_file_that_changed_is_withdrawn_and_the_taker_told() -> None:
    async with serving() as (run, taker):
        offer = MemoryOffer(SONG)
        offer.trouble = ContentChanged("song.mp3")
        run.offers.prepare([offer])
        run.ask(1)
        assert await taker.failure(1) == "changed"
        assert run.offers.changes == [SONG_ID]
        assert offer.closed
        run.ask(2)
        assert await taker.failure(2) == "not_shared"


@virtual_time
async def test_f80_a_second_copy_is_served_when_the_first_one_changed_or_was_removed() -> None:
    async with serving(SONG) as (run, taker):
        stale = MemoryOffer(SONG)
        stale.trouble = ContentChanged("song.mp3")
        run.offers.prepare([stale])
        run.ask(1, 3)
        assert len(await taker.until(1, 5)) == 5
        assert stale.closed
        assert run.offers.changes == [SONG_ID]


@virtual_time
async def test_f80_a_file_that_changed_before_it_was_opened() -> None:
    async with serving(SONG) as (run, taker):
        run.offers.trouble = ContentChanged("song.mp3")
        run.ask(1)
        assert await taker.failure(1) == "changed"
        assert run.offers.changes == [SONG_ID] * 2, "looked at again, at the second try too"


@virtual_time
async def test_f92_a_file_that_cannot_be_read_is_looked_at_again() -> None:
    async with serving() as (run, taker):
        offer = MemoryOffer(SONG)
        offer.trouble = OSError(5, "Input/output error")
        run.offers.prepare([offer])
        run.ask(1)
        assert await taker.failure(1) == "gone"
        assert run.offers.changes == [SONG_ID]


@pytest.mark.parametrize("trouble", [storage_error("database"), RuntimeError("a bug")])
@virtual_time
async def test_one_failure_inside_does_not_silence_the_desk(trouble: Exception) -> None:
    async with serving(SONG) as (run, taker):
        run.offers.trouble = trouble
        run.ask(1)
        assert await taker.failure(1) == "internal"
        run.offers.trouble = None
        run.ask(2, 3)
        assert len(await taker.until(2, 5)) == 5


@virtual_time
async def test_a_download_that_became_a_file_is_opened_anew() -> None:
    async with serving(SONG) as (run, taker):
        finished = MemoryOffer(SONG)
        finished.chunks = [None] * 4  # the partial was closed when the download was complete
        run.offers.prepare([finished])
        run.ask(1, 3)
        assert len(await taker.until(1, 5)) == 5
        assert finished.closed
        assert len(run.offers.given) == 2


@virtual_time
async def test_a_chunk_that_is_not_here_yet_is_gone() -> None:
    async with serving(SONG) as (run, taker):
        partials = [MemoryOffer(SONG), MemoryOffer(SONG)]
        for partial in partials:
            partial.chunks[1] = None
        run.offers.prepare(partials)
        run.ask(1, 1)
        assert await taker.failure(1) == "gone"
        assert run.offers.changes == []


@virtual_time
async def test_a_request_taken_back_while_it_waits_is_not_read() -> None:
    async with serving(SONG) as (run, taker):
        run.offers.gate.clear()
        for number in (1, 2, 3):
            run.ask(number, number)
        await asyncio.sleep(1)
        run.desk.cancel(2)
        run.desk.cancel(77)
        run.offers.gate.set()
        await taker.until(3, 5)
        assert run.offers.given[0].reads == [1, 3]


@virtual_time
async def test_a_request_taken_back_on_its_way_is_cut_short() -> None:
    async with serving(SONG) as (run, taker):
        run.link.set_throttles(Throttle(256 * 1024), Throttle())
        run.ask(1, 0)
        run.ask(2, 3)
        await eventually(lambda: 1 in taker.data)
        run.desk.cancel(1)
        assert len(await taker.until(2, 5)) == 5
        assert len(taker.data[1]) < MIB
        run.ask(1, 3)  # the number is free again
        await eventually(lambda: run.offers.given[0].reads == [0, 3, 3])


@virtual_time
async def test_f90_no_more_than_sixty_four_requests_wait() -> None:
    async with serving(SONG) as (run, taker):
        run.offers.gate.clear()
        run.ask(1000)
        await asyncio.sleep(1)  # being looked up: it does not wait any more
        for number in range(MAX_WAITING):
            await run.desk.room()
            run.ask(number, 3)
        waiting = TaskSet()
        room = waiting.spawn(run.desk.room(), name="room")
        await asyncio.sleep(10)
        assert not room.done(), "back-pressure"
        run.ask(2000)
        assert await taker.failure(2000) == "busy"
        run.offers.gate.set()
        await room
        await taker.until(MAX_WAITING - 1, 5)


@virtual_time
async def test_room_is_made_by_taking_back_and_by_the_end() -> None:
    async with serving(SONG) as (run, _taker):
        run.offers.gate.clear()
        run.ask(1000)
        await asyncio.sleep(1)
        for number in range(MAX_WAITING):
            run.ask(number)
        waiting = TaskSet()
        first = waiting.spawn(run.desk.room(), name="room")
        await asyncio.sleep(1)
        run.desk.cancel(5)
        await first
        run.ask(2000)
        second = waiting.spawn(run.desk.room(), name="room")
        await asyncio.sleep(1)
        assert not second.done()
        await run.desk.close()
        await second


@virtual_time
async def test_the_end_of_the_link_gives_everything_back() -> None:
    async with serving(SONG) as (run, taker):
        taker.link.cut()
        for number in range(20):
            run.ask(number, number % 4)
        await asyncio.sleep(1)
        assert run.slots_taken > 0
        run.link.abort()
        await asyncio.sleep(1)
        await run.desk.close()
        assert run.slots_taken == 0
        run.ask(30)
        assert run.offers.still_open == 0


@virtual_time
async def test_many_contents_over_one_connection_keep_few_files_open() -> None:
    contents = [make_bytes(10, seed=seed) for seed in range(100)]
    async with serving(*contents) as (run, taker):
        for number, data in enumerate(contents):
            await run.desk.room()
            run.ask(number, 0, make_manifest(data).content_id)
            assert await taker.until(number, 10) == data
            assert run.offers.still_open <= MAX_OPEN + 1
        assert len(run.offers.given) == 100


@virtual_time
async def test_two_that_open_the_same_content_at_once_leave_one_open() -> None:
    async with serving(SONG) as (run, taker):
        run.offers.gate.clear()
        tasks = TaskSet()
        tasks.spawn(run.desk.answer(m.GetManifest(1, SONG_ID)), name="manifest")
        tasks.spawn(run.desk.answer(m.Interest(2, SONG_ID)), name="interest")
        run.ask(3, 3)
        await asyncio.sleep(1)
        run.offers.gate.set()
        await tasks.wait()
        await taker.until(3, 5)
        assert run.offers.still_open == 1


# --- other questions ----------------------------------------------------------------------------


@virtual_time
async def test_manifest_map_and_list() -> None:
    async with serving(SONG) as (run, taker):
        manifest = make_manifest(SONG)
        await run.desk.answer(m.GetManifest(7, SONG_ID))
        assert await taker.messages.get() == m.Manifest(7, len(SONG), len(manifest.hashes))
        assert await taker.until(7, len(manifest.hashes)) == manifest.hashes
        await run.desk.answer(m.Interest(8, SONG_ID))
        assert await taker.messages.get() == m.Have(8, complete=True)
        run.offers.entries = (m.Entry(("a",), 1, SONG_ID, 0),)
        await run.desk.answer(m.ListFiles(9, "x", 0, 5))
        assert await taker.messages.get() == m.Listing(9, run.offers.entries, 1)
        assert run.offers.asked_lists == [("x", 0, 5)]


@virtual_time
async def test_a_list_of_long_names_fits_its_message() -> None:
    async with serving() as (run, taker):
        long = tuple(f"{part:03}" * 80 for part in range(20))
        run.offers.entries = tuple(m.Entry((*long, str(n)), 1, SONG_ID, 0) for n in range(200))
        await run.desk.answer(m.ListFiles(1, "", 0, 200))
        listing = await taker.messages.get()
        assert isinstance(listing, m.Listing)
        assert 0 < len(listing.entries) < 200
        assert listing.total == 200


@virtual_time
async def test_a_partial_content_tells_what_it_has_and_what_it_gains() -> None:
    async with serving() as (run, taker):
        offer = MemoryOffer(SONG)
        offer.partial = True
        offer.chunks[1] = offer.chunks[2] = None
        run.offers.prepare([offer])
        run.desk.verified(SONG_ID, (0,))
        await run.desk.answer(m.Interest(1, SONG_ID))
        assert await taker.messages.get() == m.Have(1, complete=False, bitmap=b"\x90")
        run.desk.verified(SONG_ID, (1,))
        assert await taker.messages.get() == m.HaveMore(SONG_ID, (1,)), "only after it asked"


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(ContentChanged("x"), "changed"), (OSError(5, "x"), "gone"), (None, "not_shared")],
)
@virtual_time
async def test_questions_about_what_cannot_be_served(
    trouble: Exception | None, code: m.FailureCode
) -> None:
    async with serving() as (run, taker):
        run.offers.trouble = trouble
        await run.desk.answer(m.GetManifest(1, SONG_ID))
        assert await taker.failure(1) == code
        assert SONG_ID not in run.desk.watched


@virtual_time
async def test_a_question_that_fails_inside_is_told_to_the_caller() -> None:
    async with serving() as (run, _taker):
        run.offers.trouble = storage_error("Cannot use the node's database")
        with pytest.raises(P2PError, match="database"):
            await run.desk.answer(m.Interest(1, SONG_ID))


# --- the ledger -----------------------------------------------------------------------------------


@virtual_time
async def test_an_upload_counts_what_went_out_and_ends_when_all_did() -> None:
    async with serving(SONG) as (run, taker):
        for number in range(4):
            run.ask(number, number)
        await taker.until(3, 5)
        await asyncio.sleep(1)
        (upload,) = run.ledger.current
        assert (upload.sent, upload.size, upload.busy) == (len(SONG), len(SONG), 0)
        assert upload.id < 0
        assert run.ledger.meter.total == len(SONG)
        await run.ledger.sweep()
        assert run.ended == [upload]
        assert run.ledger.current == ()


@virtual_time
async def test_a_slow_taker_is_one_upload_however_long_a_chunk_takes() -> None:
    async with serving(SONG) as (run, taker):
        run.link.set_throttles(Throttle(16 * 1024), Throttle())
        run.ask(1, 0)
        while len(taker.data.get(1, b"")) < MIB:
            await asyncio.sleep(1)
            await run.ledger.sweep()
        await asyncio.sleep(IDLE_S + 1)
        await run.ledger.sweep()
        (upload,) = run.ended
        assert upload.sent == MIB


@virtual_time
async def test_an_upload_that_nobody_asks_of_any_more_ends() -> None:
    async with serving(SONG) as (run, taker):
        run.ask(1, 3)
        await taker.until(1, 5)
        await asyncio.sleep(IDLE_S - 1)
        await run.ledger.sweep()
        assert not run.ended
        await asyncio.sleep(2)
        await run.ledger.sweep()
        assert [upload.sent for upload in run.ended] == [5]


async def test_the_end_of_a_peer_ends_its_uploads_and_no_others() -> None:
    ended = []

    async def on_end(upload: Upload) -> None:
        ended.append(upload.nick)

    ledger = UploadLedger(FakeClock(), on_end)
    offer = MemoryOffer(SONG)
    for name in ("anna", "bert"):
        upload = ledger.begin(peer_id_of(name), name, SONG_ID, offer)
        ledger.count(upload, 5)
        ledger.end(upload)
    await ledger.end_peer(BERT)
    assert ended == ["bert"]
    assert [upload.nick for upload in ledger.current] == ["anna"]


async def test_a_history_that_cannot_be_written_stops_nothing() -> None:
    async def on_end(upload: Upload) -> None:
        raise storage_error("The disk is full")

    ledger = UploadLedger(FakeClock(), on_end)
    upload = ledger.begin(BERT, "bert", SONG_ID, MemoryOffer(SONG))
    ledger.count(upload, len(SONG))
    ledger.end(upload)
    await ledger.sweep()
    assert ledger.current == ()


async def test_an_upload_is_there_until_it_is_in_the_history_and_never_twice() -> None:
    history: list[Upload] = []
    written = asyncio.Event()

    async def on_end(upload: Upload) -> None:
        await written.wait()
        history.append(upload)
        await asyncio.sleep(0)

    async def seen() -> list[Upload]:
        async with ledger.settling:
            now = list(ledger.current)
            await asyncio.sleep(0)  # the history is read
            return [*now, *history]

    ledger = UploadLedger(FakeClock(), on_end)
    upload = ledger.begin(BERT, "bert", SONG_ID, MemoryOffer(SONG))
    ledger.count(upload, len(SONG))
    ledger.end(upload)
    ending = spawn(ledger.sweep(), name="end")
    await asyncio.sleep(0)
    assert ledger.current == (upload,)
    again = ledger.begin(BERT, "bert", SONG_ID, MemoryOffer(SONG))
    assert again is not upload, "what is asked for anew is another upload"
    looks = [spawn(seen(), name="look") for _ in range(3)]
    written.set()
    for look in looks:
        assert sorted(map(id, await look)) == sorted(map(id, (upload, again)))
    await ending
    assert (ledger.current, history) == ((again,), [upload])


async def test_an_end_that_is_cancelled_leaves_no_upload_behind() -> None:
    async def on_end(_upload: Upload) -> None:
        await asyncio.sleep(3600)

    ledger = UploadLedger(FakeClock(), on_end)
    upload = ledger.begin(BERT, "bert", SONG_ID, MemoryOffer(SONG))
    ledger.count(upload, len(SONG))
    ledger.end(upload)
    ending = spawn(ledger.end_peer(BERT), name="end")
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait({ending})
    assert ledger.current == ()


async def test_what_sent_nothing_is_not_told() -> None:
    ended = []

    async def on_end(upload: Upload) -> None:
        ended.append(upload)

    ledger = UploadLedger(FakeClock(), on_end)
    ledger.end(ledger.begin(BERT, "bert", SONG_ID, MemoryOffer(SONG)))
    await ledger.end_peer(BERT)
    assert ended == []
