"""Upload desk: serves one connection.

Requests name a content id and a chunk, never a path (PROTOCOL.md 5, serving). A desk answers in the
order of asking, reads the next chunk while one is being sent, and lets only so many requests wait.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.link import Buffer, Link, LinkClosed
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.node.listing import fit
from p2ptui.node.storage_errors import ContentChanged
from p2ptui.node.uploads import Offer, Offers, Upload, UploadLedger

log = logging.getLogger(__name__)

MAX_WAITING = 64
"""Requests of one connection that wait at a time (F90)."""
MAX_OPEN = 16
"""Files that one connection keeps open between its requests."""
PIECE_BYTES = 256 * 1024
"""What is sent between two looks at whether it is still wanted."""


@dataclass(slots=True, eq=False)
class _Opened:
    offer: Offer
    users: int = 0


class OpenOffers:
    """The contents that one connection takes, kept open; those not used for longest are closed."""

    def __init__(self, offers: Offers, offload: Offload) -> None:
        self._offers = offers
        self._offload = offload
        self._opened: OrderedDict[ContentId, _Opened] = OrderedDict()
        self._closed = False

    def __len__(self) -> int:
        return len(self._opened)

    @asynccontextmanager
    async def use(self, content: ContentId) -> AsyncIterator[Offer | None]:
        """The opened content, not closed meanwhile; None when it is not offered.

        Raises `ContentChanged`, `OSError`, `P2PError`.
        """
        opened = await self._find(content)
        if opened is None:
            yield None
            return
        opened.users += 1
        try:
            await self._close_oldest()
            yield opened.offer
        finally:
            opened.users -= 1

    async def drop(self, content: ContentId) -> None:
        """Open the content anew when it is asked for again; whoever uses it ends first."""
        opened = self._opened.pop(content, None)
        if opened is not None:
            await self._offload(opened.offer.close)

    async def close(self) -> None:
        """Close all."""
        self._closed = True
        for content in list(self._opened):
            await self.drop(content)

    async def _find(self, content: ContentId) -> _Opened | None:
        opened = self._opened.get(content)
        if opened is not None:
            self._opened.move_to_end(content)
            return opened
        offer = await self._offers.open(content)
        if offer is None:
            return None
        if self._closed or content in self._opened:
            # Two asked for it at the same time, or the connection ended meanwhile.
            await self._offload(offer.close)
            return None if self._closed else await self._find(content)
        opened = self._opened[content] = _Opened(offer)
        return opened

    async def _close_oldest(self) -> None:
        idle = [content for content, each in self._opened.items() if not each.users]
        for content in idle[: max(0, len(self._opened) - MAX_OPEN)]:
            await self.drop(content)


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
        self._waiting: deque[m.GetChunk] = deque()
        self._unanswered: set[int] = set()
        """Numbers of the requests that wait or are being answered."""
        self._cancelled: set[int] = set()
        """Those of them that are being answered and no longer wanted."""
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()
        self._ready: asyncio.Queue[tuple[m.GetChunk, Offer, Buffer]] = asyncio.Queue(maxsize=1)
        self._tasks = TaskSet()
        self._over = False
        self.watched: set[ContentId] = set()
        """Contents of which the peer wants to hear what we verify."""

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
        self._waiting.append(request)
        self._unanswered.add(request.id)
        self._wake.set()
        if not len(self._tasks):
            self._tasks.spawn(self._read_chunks(), name=f"upload-read-{self._peer}")
            self._tasks.spawn(self._send_chunks(), name=f"upload-send-{self._peer}")

    def cancel(self, request_id: int) -> None:
        """The peer no longer wants the answer."""
        if request_id not in self._unanswered:
            return
        for waiting in self._waiting:
            if waiting.id == request_id:
                self._waiting.remove(waiting)
                self._unanswered.discard(request_id)
                self._has_room.set()
                return
        self._cancelled.add(request_id)

    async def answer(self, request: m.GetManifest | m.Interest | m.ListFiles) -> None:
        """Answer a request that needs no queue. Raises `LinkClosed`, `P2PError`."""
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
            self._link.post(m.HaveMore(content, indexes))

    async def close(self) -> None:
        """End the tasks and close the files."""
        self._end()
        await self._tasks.cancel_all()
        while not self._ready.empty():
            self._ready.get_nowait()
            self._ledger.slots.release()
        await self._open.close()

    async def _answer_from(self, offer: Offer, request: m.GetManifest | m.Interest) -> None:
        if isinstance(request, m.Interest):
            bitmap = offer.bitmap()
            self.watched.add(request.content)
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
            await self._ledger.slots.acquire()
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
                    self._ledger.slots.release()
                    self._answered(request)

    async def _read(self, request: m.GetChunk) -> tuple[Offer, Buffer] | m.Failure:
        try:
            found = await self._look_up(request)
            if isinstance(found, m.Failure) and found.code == "gone":
                # A download that was opened may have become a shared file, or begun anew.
                await self._open.drop(request.content)
                found = await self._look_up(request)
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

    async def _look_up(self, request: m.GetChunk) -> tuple[Offer, Buffer] | m.Failure:
        async with self._open.use(request.content) as offer:
            if offer is None:
                return _not_shared(request.id)
            if request.index >= offer.manifest.chunk_count:
                return m.Failure(request.id, "bad_request", "there is no such chunk")
            chunk = await self._offload(offer.read, request.index)
            if chunk is None:
                return m.Failure(request.id, "gone", "this chunk is not here")
            return offer, chunk

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
            try:
                await self._send(request, chunk, upload)
            except LinkClosed:
                self._end()
                return
            finally:
                self._ledger.end(upload)
                self._ledger.slots.release()
                self._answered(request)

    async def _send(self, request: m.GetChunk, chunk: Buffer, upload: Upload) -> None:
        view = memoryview(chunk)
        for offset in range(0, len(view), PIECE_BYTES):
            if request.id in self._cancelled:
                return
            piece = view[offset : offset + PIECE_BYTES]
            await self._link.send_data(request.id, offset, piece)
            self._ledger.count(upload, len(piece))

    def _answered(self, request: m.GetChunk) -> None:
        self._unanswered.discard(request.id)
        self._cancelled.discard(request.id)

    def _end(self) -> None:
        self._over = True
        self._has_room.set()


def _changed(request_id: int) -> m.Failure:
    return m.Failure(request_id, "changed", "the file has changed here")


def _unreadable(request_id: int) -> m.Failure:
    return m.Failure(request_id, "gone", "the file cannot be read here")


def _not_shared(request_id: int) -> m.Failure:
    return m.Failure(request_id, "not_shared", "this content is not offered here")
