"""Uploads: what other members take from us. One desk a connection, one ledger a node.

Requests name a content id and a chunk, never a path (PROTOCOL.md 5, serving). A desk answers in the
order of asking, reads the next chunk while one is being sent, and turns away what exceeds its list.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId, PeerId, TransferId
from p2ptui.base.rates import RateMeter
from p2ptui.net.link import Buffer, Link, LinkClosed
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.node.manifest import Manifest
from p2ptui.node.storage_errors import ContentChanged

log = logging.getLogger(__name__)

MAX_WAITING = 64
"""Requests of one connection that wait at a time (F90)."""
MAX_CHUNKS_IN_MEMORY = 64
"""Chunks read and not yet sent, over all connections."""
IDLE_S = 10.0
"""An upload that nobody asks of for so long is over."""


class Offer(Protocol):
    """A content that can be read chunk by chunk: a shared file, or what a download has so far."""

    @property
    def manifest(self) -> Manifest:
        """The proven manifest."""
        ...

    @property
    def name(self) -> str:
        """The name it is known by here."""
        ...

    def bitmap(self) -> bytes | None:
        """The chunks that can be read; None: all."""
        ...

    def read(self, index: int) -> Buffer | None:
        """One chunk (blocking); None when it is not here. Raises `ContentChanged`, `OSError`."""
        ...

    def close(self) -> None:
        """Close its file."""
        ...


class Offers(Protocol):
    """Where a desk finds contents."""

    async def open(self, content: ContentId) -> Offer | None:
        """The content, opened; None when it is not offered. Raises `ContentChanged`."""
        ...

    async def changed(self, content: ContentId) -> None:
        """The content's file changed under us: withdraw it and hash it again."""
        ...

    async def list_files(
        self, text: str, offset: int, limit: int
    ) -> tuple[tuple[m.Entry, ...], int]:
        """A page of our own list and its length."""
        ...


@dataclass(slots=True, eq=False)
class Upload:
    """What one peer takes of one content."""

    id: TransferId
    """Below zero: only what is over has a number in the history."""
    peer: PeerId
    nick: str
    content: ContentId
    name: str
    size: int
    started_wall: float
    """Seconds since 1970; the other times are monotonic seconds."""
    started: float
    last: float
    meter: RateMeter
    sent: int = 0


class UploadLedger:
    """All uploads of the node, for the screens, the history and the totals."""

    def __init__(
        self, clock: Clock, on_end: Callable[[Upload], Awaitable[None]] | None = None
    ) -> None:
        self._clock = clock
        self._on_end = on_end
        self._uploads: dict[tuple[PeerId, ContentId], Upload] = {}
        self._last_id = 0
        self.meter = RateMeter(clock.monotonic())
        self.slots = asyncio.Semaphore(MAX_CHUNKS_IN_MEMORY)

    @property
    def current(self) -> tuple[Upload, ...]:
        """Uploads in progress, the oldest first."""
        return tuple(self._uploads.values())

    def count(self, peer: PeerId, nick: str, content: ContentId, offer: Offer, sent: int) -> None:
        """Bytes of a content went out to a peer."""
        now = self._clock.monotonic()
        upload = self._uploads.get((peer, content))
        if upload is None:
            self._last_id -= 1
            upload = Upload(
                id=TransferId(self._last_id),
                peer=peer,
                nick=nick,
                content=content,
                name=offer.name,
                size=offer.manifest.size,
                started_wall=self._clock.wall(),
                started=now,
                last=now,
                meter=RateMeter(now),
            )
            self._uploads[peer, content] = upload
        upload.sent += sent
        upload.last = now
        upload.meter.add(now, sent)
        self.meter.add(now, sent)

    async def sweep(self) -> None:
        """End the uploads that nobody asks of any more; called every second or so."""
        now = self._clock.monotonic()
        for key, upload in list(self._uploads.items()):
            if upload.sent >= upload.size or now - upload.last > IDLE_S:
                await self._end(key)

    async def end_peer(self, peer: PeerId) -> None:
        """The peer is gone."""
        for key in [key for key in self._uploads if key[0] == peer]:
            await self._end(key)

    async def _end(self, key: tuple[PeerId, ContentId]) -> None:
        upload = self._uploads.pop(key, None)
        if upload is not None and self._on_end is not None:
            await self._on_end(upload)


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
        self._waiting: deque[m.GetChunk] = deque()
        self._open: dict[ContentId, Offer] = {}
        self._wake = asyncio.Event()
        self._ready: asyncio.Queue[tuple[m.GetChunk, Offer, Buffer]] = asyncio.Queue(maxsize=1)
        self._tasks = TaskSet()
        self.watched: set[ContentId] = set()
        """Contents of which the peer wants to hear what we verify."""

    def ask_chunk(self, request: m.GetChunk) -> None:
        """Queue a chunk request; refused at once when too many wait."""
        if any(waiting.id == request.id for waiting in self._waiting):
            self._link.post(m.Failure(request.id, "duplicate", "this request is already waiting"))
            return
        if len(self._waiting) >= MAX_WAITING:
            self._link.post(m.Failure(request.id, "busy", "too many requests at once"))
            return
        self._waiting.append(request)
        self._wake.set()
        if not len(self._tasks):
            self._tasks.spawn(self._read_chunks(), name=f"upload-read-{self._peer}")
            self._tasks.spawn(self._send_chunks(), name=f"upload-send-{self._peer}")

    def cancel(self, request_id: int) -> None:
        """The peer no longer wants the answer."""
        for waiting in self._waiting:
            if waiting.id == request_id:
                self._waiting.remove(waiting)
                return

    async def answer(self, request: m.GetManifest | m.Interest | m.ListFiles) -> None:
        """Answer a request that needs no queue. Raises `LinkClosed`."""
        if isinstance(request, m.ListFiles):
            entries, total = await self._offers.list_files(
                request.text, request.offset, request.limit
            )
            await self._link.send(m.Listing(request.id, entries, total))
            return
        offer = await self._find(request.id, request.content)
        if offer is None:
            return
        if isinstance(request, m.Interest):
            bitmap = offer.bitmap()
            self.watched.add(request.content)
            await self._link.send(m.Have(request.id, bitmap is None, bitmap or b""))
            return
        hashes = offer.manifest.hashes
        await self._link.send(m.Manifest(request.id, offer.manifest.size, len(hashes)))
        if hashes:
            await self._link.send_data(request.id, 0, hashes)

    def verified(self, content: ContentId, indexes: tuple[int, ...]) -> None:
        """Tell the peer that a content it watches has grown here."""
        if content in self.watched:
            self._link.post(m.HaveMore(content, indexes))

    async def forget(self, content: ContentId) -> None:
        """The content is withdrawn, complete or moved: open it anew when it is asked for again."""
        offer = self._open.pop(content, None)
        if offer is not None:
            await self._offload(offer.close)

    async def close(self) -> None:
        """End the tasks and close the files."""
        await self._tasks.cancel_all()
        while not self._ready.empty():
            self._ready.get_nowait()
            self._ledger.slots.release()
        for content in list(self._open):
            await self.forget(content)

    async def _find(self, request_id: int, content: ContentId) -> Offer | None:
        """The opened content, or None after a `Failure` has been sent."""
        offer = self._open.get(content)
        if offer is not None:
            return offer
        try:
            offer = await self._offers.open(content)
        except ContentChanged:
            await self._offers.changed(content)
            self._link.post(m.Failure(request_id, "changed", "the file has changed here"))
            return None
        except OSError as error:
            log.warning("cannot open a shared file: %s", error)
            self._link.post(m.Failure(request_id, "gone", "the file cannot be read here"))
            return None
        if offer is None:
            self._link.post(m.Failure(request_id, "not_shared", "this content is not offered here"))
            return None
        self._open[content] = offer
        return offer

    async def _read_chunks(self) -> None:
        while True:
            await self._wake.wait()
            if not self._waiting:
                self._wake.clear()
                continue
            request = self._waiting.popleft()
            await self._ledger.slots.acquire()
            handed_over = False
            try:
                read = await self._read(request)
                if read is not None:
                    await self._ready.put((request, *read))
                    handed_over = True
            finally:
                if not handed_over:
                    self._ledger.slots.release()

    async def _read(self, request: m.GetChunk) -> tuple[Offer, Buffer] | None:
        offer = await self._find(request.id, request.content)
        if offer is None:
            return None
        if request.index >= offer.manifest.chunk_count:
            self._link.post(m.Failure(request.id, "bad_request", "there is no such chunk"))
            return None
        try:
            chunk = await self._offload(offer.read, request.index)
        except ContentChanged:
            await self.forget(request.content)
            await self._offers.changed(request.content)
            self._link.post(m.Failure(request.id, "changed", "the file has changed here"))
            return None
        except OSError as error:
            log.warning("cannot read %s: %s", offer.name, error)
            await self.forget(request.content)
            await self._offers.changed(request.content)
            self._link.post(m.Failure(request.id, "gone", "the file cannot be read here"))
            return None
        if chunk is None:
            self._link.post(m.Failure(request.id, "gone", "this chunk is not here"))
            return None
        return offer, chunk

    async def _send_chunks(self) -> None:
        while True:
            request, offer, chunk = await self._ready.get()
            try:
                await self._link.send_data(request.id, 0, chunk)
            except LinkClosed:
                return
            finally:
                self._ledger.slots.release()
            self._ledger.count(self._peer, self._nick, request.content, offer, len(chunk))
