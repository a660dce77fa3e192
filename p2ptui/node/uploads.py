"""Uploads: what other members take from us, counted over all connections: the node's ledger.

Each connection is served by a desk of its own (`upload_desk`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, PeerId, TransferId
from p2ptui.base.rates import RateMeter
from p2ptui.net.link import Buffer
from p2ptui.net.wire import messages as m
from p2ptui.node.manifest import Manifest
from p2ptui.node.seeding import Seeding
from p2ptui.node.slots import Slots

log = logging.getLogger(__name__)

MAX_CHUNKS_IN_MEMORY = 64
"""Chunks read and not yet sent, over all connections."""
SLOTS = 16
"""Members that are served at a time, when no setting says so."""
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

    def read_cached(self, index: int, into: memoryview) -> bool:
        """One chunk into a buffer of its length, without waiting for a disk; False: use `read`.

        Raises as `read` does.
        """
        ...

    def close(self) -> None:
        """Close its file."""
        ...


class SmallContents(NamedTuple):
    """Contents that were read whole."""

    given: list[bytes | None]
    """In the order of asking; None for one that cannot be given so."""
    name: str
    """What they may be called together: the folder that they are in, by its name on the wire."""


class Offers(Protocol):
    """Where a desk finds contents."""

    async def open(self, content: ContentId) -> Offer | None:
        """The content, opened; None when it is not offered.

        Raises `ContentChanged`, `OSError`, `P2PError`.
        """
        ...

    async def changed(self, content: ContentId) -> None:
        """The content's file changed under us: withdraw it and hash it again."""
        ...

    async def list_files(
        self, text: str, offset: int, limit: int
    ) -> tuple[tuple[m.Entry, ...], int]:
        """A page of our own list and its length."""
        ...

    async def read_small(self, contents: Sequence[ContentId], limit: int) -> "SmallContents":
        """Whole contents of one chunk, of at most `limit` bytes together. Raises `P2PError`."""
        ...


class Counter(Protocol):
    """A connection whose member may have to wait for its turn."""

    def call(self) -> None:
        """It is the member's turn now."""
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
    busy: int = 0
    """Chunks of it that are on their way."""


class UploadLedger:
    """All uploads of the node, for the screens, the history and the totals."""

    def __init__(
        self,
        clock: Clock,
        on_end: Callable[[Upload], Awaitable[None]] | None = None,
        *,
        slots: int = SLOTS,
    ) -> None:
        """`on_end` hears of each upload that is over; `slots`: members served at a time."""
        self._clock = clock
        self._on_end = on_end
        self._uploads: dict[tuple[PeerId, ContentId], Upload] = {}
        self._ending: list[Upload] = []
        """Those that are over and not yet in the history."""
        self.settling = asyncio.Lock()
        """Held while one goes from here into the history: who reads both holds it meanwhile."""
        self._last_id = 0
        self.meter = RateMeter(clock.monotonic())
        self.room = asyncio.Semaphore(MAX_CHUNKS_IN_MEMORY)
        """To be held while a chunk that is to be sent is in memory."""
        self.slots: Slots[PeerId] = Slots(slots)
        self._counters: dict[PeerId, set[Counter]] = {}
        self.seeding = Seeding(clock)

    @property
    def current(self) -> tuple[Upload, ...]:
        """Uploads in progress, the oldest first; each until it is in the history."""
        return (*self._ending, *self._uploads.values())

    # --- whose turn it is -------------------------------------------------------------------------

    def open_counter(self, peer: PeerId, counter: Counter) -> None:
        """A connection to a member is served, and wants to hear when it is the member's turn."""
        self._counters.setdefault(peer, set()).add(counter)

    def close_counter(self, peer: PeerId, counter: Counter) -> None:
        """A connection is over."""
        counters = self._counters.get(peer, set())
        counters.discard(counter)
        if not counters:
            self._counters.pop(peer, None)
            self.slots.leave(peer)

    def ask(self, peer: PeerId) -> int:
        """A member wants a chunk: 0 when it has a slot, and `answered` is owed; else its place."""
        place = self.slots.ask(peer, self._clock.monotonic())
        if not place:
            self.slots.begin(peer)
        return place

    def answered(self, peer: PeerId) -> None:
        """A chunk that was asked for went out or will not."""
        self.slots.end(peer, self._clock.monotonic())

    # --- what goes out ----------------------------------------------------------------------------

    def begin(self, peer: PeerId, nick: str, content: ContentId, offer: Offer) -> Upload:
        """A chunk is about to go out; `end` it."""
        return self._begin(peer, nick, content, name=offer.name, size=offer.manifest.size)

    def begin_small(self, peer: PeerId, nick: str, name: str, size: int) -> Upload:
        """Small contents are about to go out together; `end` them.

        All that a member takes in a row so are one upload, without a content.
        """
        upload = self._begin(peer, nick, ContentId(b""), name=name, size=0)
        upload.size += size
        return upload

    def _begin(
        self, peer: PeerId, nick: str, content: ContentId, *, name: str, size: int
    ) -> Upload:
        now = self._clock.monotonic()
        upload = self._uploads.get((peer, content))
        if upload is None:
            self._last_id -= 1
            upload = Upload(
                id=TransferId(self._last_id),
                peer=peer,
                nick=nick,
                content=content,
                name=name,
                size=size,
                started_wall=self._clock.wall(),
                started=now,
                last=now,
                meter=RateMeter(now),
            )
            self._uploads[peer, content] = upload
        upload.busy += 1
        return upload

    def count(self, upload: Upload, sent: int) -> None:
        """Bytes of it went out."""
        now = self._clock.monotonic()
        upload.sent += sent
        upload.last = now
        upload.meter.add(now, sent)
        self.meter.add(now, sent)

    def end(self, upload: Upload) -> None:
        """The chunk is out, or will not go out."""
        upload.busy -= 1
        upload.last = self._clock.monotonic()

    async def sweep(self) -> None:
        """End the uploads that nobody asks of any more; called every second or so."""
        self.seeding.look()
        now = self._clock.monotonic()
        for peer in self.slots.look(now):
            for counter in self._counters.get(peer, ()):
                counter.call()
        for key, upload in list(self._uploads.items()):
            if upload.busy:  # however slow the taker is
                continue
            complete = upload.content and upload.sent >= upload.size
            if complete or now - upload.last > IDLE_S:
                await self._end(key)

    async def end_peer(self, peer: PeerId) -> None:
        """The peer is gone."""
        for key in [key for key in self._uploads if key[0] == peer]:
            await self._end(key)

    async def _end(self, key: tuple[PeerId, ContentId]) -> None:
        upload = self._uploads.pop(key, None)
        if upload is None or not upload.sent or self._on_end is None:
            return
        self._ending.append(upload)
        try:
            async with self.settling:
                await self._on_end(upload)
                self._ending.remove(upload)
        except P2PError as error:
            log.warning("the upload of %s is not in the history: %s", upload.name, error)
        finally:
            if upload in self._ending:
                self._ending.remove(upload)
