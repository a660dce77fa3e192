"""Upload desk: serves one connection.

Requests name a content id and a chunk, never a path (PROTOCOL.md 5, serving). A desk answers in the
order of asking, reads the next chunk while one is being sent, and lets only so many requests wait.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.link import Buffer, Link, LinkClosed
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.node.listing import fit
from p2ptui.node.open_offers import OpenOffers
from p2ptui.node.small_desk import SmallDesk
from p2ptui.node.storage_errors import ContentChanged
from p2ptui.node.uploads import Offer, Offers, Upload, UploadLedger

log = logging.getLogger(__name__)

MAX_WAITING = 64
"""Requests of one connection that wait at a time (F90)."""
MAX_TOLD = 1024
"""Chunks that one message tells of."""
PIECE_BYTES = 256 * 1024
"""What is sent between two looks at whether it is still wanted."""
AT_ONCE_BYTES = 2**20
"""Largest chunk that is copied from the page cache on the loop: a tenth of a millisecond. To hand
it to a thread takes longer."""


class UploadDesk:
    """Serves one connection."""

    def __init__(
        self,
        link: Link,
        *,
        peer: PeerId,
        nick: str,
        offers: Offers,
        ledger: UploadLedger,
        offload: Offload,
    ) -> None:
        self._link = link
        self._peer = peer
        self._nick = nick
        self._offers = offers
        self._ledger = ledger
        self._offload = offload
        self._open = OpenOffers(offers, offload)
        self._small = SmallDesk(link, peer=peer, nick=nick, offers=offers, ledger=ledger)
        self._waiting: deque[m.GetChunk] = deque()
        self._unanswered: set[int] = set()
        """Numbers of the requests that wait or are being answered."""
        self._cancelled: set[int] = set()
        """Those of them that are being answered and no longer wanted."""
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()
        self._ready: asyncio.Queue[tuple[m.GetChunk, Offer, Buffer]] = asyncio.Queue(maxsize=1)
        self._spare: list[bytearray] = []
        """Memory of chunks that were sent, as long as more are asked for."""
        self._tasks = TaskSet()
        self._over = False
        self._put_off: dict[ContentId, int] = {}
        """What the peer asked for last and must ask for again when it is its turn."""
        ledger.open_counter(peer, self)
        self.watched: set[ContentId] = set()
        """Contents of which the peer wants to hear what we verify."""
        self.ask_back: Callable[[ContentId], None] = lambda _content: None
        """Asks the peer what it has of a content and reports it with `taker_has`."""

    async def room(self) -> None:
        """Wait until one more request may wait, or the connection is over."""
        while len(self._waiting) >= MAX_WAITING and not self._over:
            self._has_room.clear()
            await self._has_room.wait()

    def ask_chunk(self, request: m.GetChunk) -> None:
        """Queue a chunk request; refused at once when its number is in use or too many wait."""
        if self._over:
            return
        if request.id in self._unanswered:
            self._link.post(m.Failure(request.id, "duplicate", "this request is already waiting"))
            return
        if len(self._waiting) >= MAX_WAITING:
            self._link.post(m.Failure(request.id, "busy", "too many requests at once"))
            return
        place = self._ledger.ask(self._peer)
        if place:
            self._put_off[request.content] = request.index
            self._link.post(m.Failure(request.id, "busy", "all slots are taken", place))
            return
        self._put_off.pop(request.content, None)
        self._waiting.append(request)
        self._unanswered.add(request.id)
        self._ledger.seeding.asked(self, request.content, request.index)
        self._wake.set()
        if not len(self._tasks):
            self._tasks.spawn(self._read_chunks(), name=f"upload-read-{self._peer}")
            self._tasks.spawn(self._send_chunks(), name=f"upload-send-{self._peer}")

    def cancel(self, request_id: int) -> None:
        """The peer no longer wants the answer."""
        if request_id not in self._unanswered:
            self._small.cancel(request_id)
            return
        for waiting in self._waiting:
            if waiting.id == request_id:
                self._waiting.remove(waiting)
                self._answered(waiting, sent=False)
                self._has_room.set()
                return
        self._cancelled.add(request_id)

    async def answer(
        self, request: m.GetManifest | m.Interest | m.ListFiles | m.GetContents
    ) -> None:
        """Answer a request that needs no queue. Raises `LinkClosed`, `P2PError`."""
        if isinstance(request, m.GetContents):
            await self._small.answer(request)
            return
        if isinstance(request, m.ListFiles):
            entries, total = await self._offers.list_files(
                request.text, request.offset, request.limit
            )
            await self._link.send(m.Listing(request.id, fit(entries), total))
            return
        try:
            async with self._open.use(request.content) as offer:
                if offer is not None:
                    await self._answer_from(offer, request)
                    return
        except ContentChanged:
            await self._offers.changed(request.content)
            self._link.post(_changed(request.id))
        except OSError as error:
            log.warning("cannot open a shared file: %s", error)
            self._link.post(_unreadable(request.id))
        else:
            self._link.post(_not_shared(request.id))

    def verified(self, content: ContentId, indexes: tuple[int, ...]) -> None:
        """Tell the peer that a content it watches has grown here."""
        if content in self.watched:
            self.show(content, indexes)

    def call(self) -> None:
        """It is the peer's turn: have it ask again now."""
        for content, index in self._put_off.items():
            self.show(content, (index,))
        self._put_off.clear()

    def show(self, content: ContentId, indexes: tuple[int, ...]) -> None:
        """The peer may ask for these chunks as well."""
        for begin in range(0, len(indexes), MAX_TOLD):
            self._link.post(m.HaveMore(content, indexes[begin : begin + MAX_TOLD]))

    def follow(self, content: ContentId) -> None:
        """Hear what the peer gets elsewhere of a content that it takes here."""
        self.ask_back(content)

    def taker_has(self, content: ContentId, indexes: Iterable[int]) -> None:
        """The peer has these chunks of a content that it takes here."""
        self._ledger.seeding.has(self, content, indexes)

    async def close(self) -> None:
        """End the tasks and close the files."""
        self._end()
        await self._tasks.cancel_all()
        self._ledger.close_counter(self._peer, self)
        for content in self.watched:
            self._ledger.seeding.leave(self, content)
        while not self._ready.empty():
            self._ready.get_nowait()
            self._ledger.room.release()
        await self._open.close()

    async def _answer_from(self, offer: Offer, request: m.GetManifest | m.Interest) -> None:
        if isinstance(request, m.Interest):
            bitmap = offer.bitmap()
            self.watched.add(request.content)
            if bitmap is None:
                chunks = offer.manifest.chunk_count
                bitmap = self._ledger.seeding.join(self, request.content, chunks)
            await self._link.send(m.Have(request.id, bitmap is None, bitmap or b""))
            return
        hashes = offer.manifest.hashes
        await self._link.send(m.Manifest(request.id, offer.manifest.size, len(hashes)))
        if hashes:
            await self._link.send_data(request.id, 0, hashes)

    # --- chunks: one task reads ahead, another sends --------------------------------------------

    async def _read_chunks(self) -> None:
        while True:
            await self._wake.wait()
            if not self._waiting:
                self._wake.clear()
                continue
            request = self._waiting.popleft()
            self._has_room.set()
            await self._ledger.room.acquire()
            handed_over = False
            try:
                if request.id in self._cancelled:
                    continue
                found = await self._read(request)
                if isinstance(found, m.Failure):
                    self._link.post(found)
                else:
                    await self._ready.put((request, *found))
                    handed_over = True
            finally:
                if not handed_over:
                    self._ledger.room.release()
                    self._answered(request, sent=False)

    async def _read(self, request: m.GetChunk) -> tuple[Offer, Buffer] | m.Failure:
        try:
            found = await self._look_up_anew(request)
        except ContentChanged:
            return await self._withdraw(request, _changed(request.id))
        except OSError as error:
            log.warning("cannot read a shared file: %s", error)
            return await self._withdraw(request, _unreadable(request.id))
        except P2PError as error:
            log.warning("cannot serve peer %s: %s", self._peer, error)
            return m.Failure(request.id, "internal", "this cannot be looked up now")
        except Exception:
            # Without an answer the peer would wait, and this desk would serve nobody any more.
            log.exception("cannot serve peer %s", self._peer)
            return m.Failure(request.id, "internal")
        return found

    async def _look_up_anew(self, request: m.GetChunk) -> tuple[Offer, Buffer] | m.Failure:
        """A chunk, of what is here now if not of what was opened some time ago."""
        try:
            found = await self._look_up(request)
            if not isinstance(found, m.Failure) or found.code != "gone":
                return found
            # A download that was opened may have become a shared file, or begun anew.
            await self._open.drop(request.content)
        except ContentChanged:
            failure = await self._withdraw(request, _changed(request.id))
            # The same may lie here a second time, or be shared again after it was withdrawn.
            found = await self._look_up(request)
            return failure if isinstance(found, m.Failure) else found
        return await self._look_up(request)

    async def _look_up(self, request: m.GetChunk) -> tuple[Offer, Buffer] | m.Failure:
        async with self._open.use(request.content) as offer:
            if offer is None:
                return _not_shared(request.id)
            if request.index >= offer.manifest.chunk_count:
                return m.Failure(request.id, "bad_request", "there is no such chunk")
            chunk: Buffer | None = self._read_at_once(offer, request.index)
            if chunk is None:
                chunk = await self._offload(offer.read, request.index)
            if chunk is None:
                return m.Failure(request.id, "gone", "this chunk is not here")
            return offer, chunk

    def _read_at_once(self, offer: Offer, index: int) -> memoryview | None:
        length = offer.manifest.chunk_length(index)
        if length > AT_ONCE_BYTES:
            return None
        memory = self._spare.pop() if self._spare else bytearray(0)
        if len(memory) < length:
            memory = bytearray(length)
        buffer = memoryview(memory)[:length]
        if offer.read_cached(index, buffer):
            return buffer
        self._spare.append(memory)
        return None

    async def _withdraw(self, request: m.GetChunk, failure: m.Failure) -> m.Failure:
        """The file is not what it was: have the library look at it; what to answer."""
        await self._open.drop(request.content)
        try:
            await self._offers.changed(request.content)
        except P2PError as error:
            log.warning("cannot look at a changed file: %s", error)
        return failure

    async def _send_chunks(self) -> None:
        while True:
            request, offer, chunk = await self._ready.get()
            upload = self._ledger.begin(self._peer, self._nick, request.content, offer)
            sent = False
            try:
                sent = await self._send(request, chunk, upload)
            except LinkClosed:
                self._end()
                return
            finally:
                self._ledger.end(upload)
                self._ledger.room.release()
                self._answered(request, sent=sent)
                self._use_again(chunk)

    def _use_again(self, chunk: Buffer) -> None:
        """Keep the memory of a chunk that was sent, if there is something to read into it."""
        if self._unanswered and isinstance(chunk, memoryview) and isinstance(chunk.obj, bytearray):
            self._spare.append(chunk.obj)

    async def _send(self, request: m.GetChunk, chunk: Buffer, upload: Upload) -> bool:
        """Send a chunk; whether all of it went out."""
        view = memoryview(chunk)
        for offset in range(0, len(view), PIECE_BYTES):
            if request.id in self._cancelled:
                return False
            piece = view[offset : offset + PIECE_BYTES]
            await self._link.send_data(request.id, offset, piece)
            self._ledger.count(upload, len(piece))
        return True

    def _answered(self, request: m.GetChunk, *, sent: bool) -> None:
        self._unanswered.discard(request.id)
        if not self._unanswered:
            self._spare.clear()
        self._cancelled.discard(request.id)
        self._ledger.answered(self._peer)
        self._ledger.seeding.answered(self, request.content, request.index, sent=sent)

    def _end(self) -> None:
        self._over = True
        self._has_room.set()


def _changed(request_id: int) -> m.Failure:
    return m.Failure(request_id, "changed", "the file has changed here")


def _unreadable(request_id: int) -> m.Failure:
    return m.Failure(request_id, "gone", "the file cannot be read here")


def _not_shared(request_id: int) -> m.Failure:
    return m.Failure(request_id, "not_shared", "this content is not offered here")
