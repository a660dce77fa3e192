"""One greeted connection to another member: our requests to it, and its requests to us.

A session is symmetric: whoever dialled, both sides may ask. Answers are matched here; what the peer
asks goes to its `UploadDesk`. Payloads land straight in the asker's buffer (PROTOCOL.md 2).

A buffer that was given to a request belongs to the connection until the request has succeeded: when
it is abandoned, late bytes may still arrive in it, so it must never be used for anything else.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.node.chunkmap import ChunkMap
from p2ptui.node.manifest import MAX_CHUNKS, Manifest
from p2ptui.node.peer_request import ANSWER_TIMEOUT_S, Answer, PeerRequest
from p2ptui.node.upload_desk import UploadDesk

log = logging.getLogger(__name__)

MAX_MANIFEST_BYTES = 65536 * 32
MAX_ASKED = 48
"""Chunks of all downloads asked of one peer at a time: less than what it lets wait (F90)."""
MAX_ANSWERING = 64
"""Requests for manifests, maps and lists that are answered at a time."""

PathTaken = Literal["direct", "inbound", "connect-back", "relay"]
"""We dialled it; it dialled us, by itself or because it was asked to; through the tracker."""
SideRequest = m.GetManifest | m.Interest | m.ListFiles | m.GetContents


class Withdrawn(Exception):  # noqa: N818  (a wish of ours)
    """We took a request back ourselves: somebody else was faster."""


class PeerSession:
    """A greeted link. `run` it, then ask with the other methods.

    They raise `RequestFailed` when the peer cannot, `LinkClosed` when it is gone, `TimeoutError`
    when it does not answer.
    """

    def __init__(self, link: Link, peer_id: PeerId, nick: str, desk: UploadDesk) -> None:
        self.link = link
        self.peer_id = peer_id
        self.nick = nick
        self.desk = desk
        self.path: PathTaken = "direct"
        """How the connection came about."""
        self.features: frozenset[str] = frozenset()
        """What the peer's hello says that it can do beyond the least."""
        self.unexpected = 0
        """Answers and payloads to requests that nobody waits for (F31)."""
        self._over = False
        self._end: LinkClosed | None = None
        """How the connection ended."""
        self._asks: dict[int, PeerRequest] = {}
        self._next_id = 0
        self._watchers: dict[ContentId, Callable[[tuple[int, ...]], None]] = {}
        self._answering = TaskSet()
        self._turns = asyncio.Semaphore(MAX_ASKED)
        self._heard = asyncio.get_running_loop().time()
        """When something last came from the peer."""
        # Now, not in `run`: what we ask for may come before that task has its first turn.
        link.set_sink(self)
        desk.ask_back = self._follow

    @property
    def closed(self) -> bool:
        """Whether the connection is over."""
        return self._over or self.link.closed

    async def run(self, on_kicks: Callable[[m.KickList], None]) -> None:
        """Handle what the peer says until the link closes; owns the link's receiving side."""
        end = LinkClosed("done")
        try:
            while True:
                message = await self.link.receive()
                self._heard = asyncio.get_running_loop().time()
                if isinstance(message, m.KickList):
                    on_kicks(message)
                    continue
                if isinstance(message, m.GetChunk):
                    # Back-pressure: what is not read stays with the peer (F90). No two of us can
                    # wait for each other: we ask for less at a time than a desk takes.
                    await self.desk.room()
                self._handle(message)
        except LinkClosed as closed:
            end = closed
        finally:
            self._over, self._end = True, end
            for ask in self._asks.values():
                ask.fail(end)
            self._asks.clear()
            await self._answering.cancel_all()
            await self.desk.close()

    # --- asking -------------------------------------------------------------------------------

    async def manifest(self, content: ContentId) -> Manifest:
        """The proven manifest of a content. Raises `ManifestMismatch` when it is not."""
        ask = self._ask(m.Manifest, hashes=bytearray())
        async with asyncio.timeout(ANSWER_TIMEOUT_S) as ask.patience:
            head = await self._answer(ask, lambda number: m.GetManifest(number, content))
        assert isinstance(head, m.Manifest)
        return Manifest.verified(content, head.size, bytes(ask.hashes or b""))

    async def chunk(
        self,
        content: ContentId,
        index: int,
        buffer: memoryview,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        """Bring one chunk into `buffer`, whose length is the chunk's.

        Has no timeout of its own: whoever asks watches the pace by `on_bytes`, which is told of
        each payload. When it raises, the buffer must not be used again. Raises `Withdrawn` after
        `withdraw`.
        """
        ask = self._ask(None, wanted=(content, index), chunk=buffer, on_bytes=on_bytes)
        await self._answer(ask, lambda number: m.GetChunk(number, content, index))

    async def contents(
        self,
        wanted: Sequence[ContentId],
        buffer: memoryview,
        on_bytes: Callable[[int], None] | None = None,
    ) -> tuple[int | None, ...]:
        """Bring small contents, one behind the other, into `buffer`; the size of each.

        None for one that is not given. All together they are no longer than the buffer, which is
        not to be used again when this raises. Only for a peer with that feature.
        """
        ask = self._ask(m.Contents, chunk=buffer, on_bytes=on_bytes)
        limit = len(buffer)
        async with asyncio.timeout(ANSWER_TIMEOUT_S) as ask.patience:
            answer = await self._answer(
                ask, lambda number: m.GetContents(number, tuple(wanted), limit)
            )
        assert isinstance(answer, m.Contents)
        if len(answer.sizes) != len(wanted):
            raise RequestFailed("bad_request", "it answered for other contents")
        return answer.sizes

    def turn(self) -> asyncio.Semaphore:
        """To be held while a chunk is asked for: the peer lets only so many requests wait."""
        return self._turns

    def withdraw(self, content: ContentId, index: int) -> None:
        """Take back the request for a chunk that is no longer needed, if there is one."""
        for number, ask in self._asks.items():
            if ask.wanted == (content, index) and not ask.answer.done():
                ask.fail(Withdrawn())
                self.link.post(m.Cancel(number))

    async def interest(
        self, content: ContentId, watcher: Callable[[tuple[int, ...]], None]
    ) -> m.Have:
        """What the peer has of a content; `watcher` is called as that grows."""
        self._watchers[content] = watcher
        ask = self._ask(m.Have)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            have = await self._answer(ask, lambda number: m.Interest(number, content))
        assert isinstance(have, m.Have)
        return have

    def end_if_silent(self) -> None:
        """Break the connection when nothing at all has come for long.

        What we say into a dead one keeps it open, and the next try would use it again.
        """
        if asyncio.get_running_loop().time() - self._heard >= ANSWER_TIMEOUT_S:
            self.link.abort()

    def count_under_way(self) -> None:
        """Tell whoever counts a request's bytes of those whose frame is not complete yet."""
        frame = self.link.under_way
        ask = None if frame is None else self._asks.get(frame.request_id)
        if frame is not None and ask is not None and not ask.answer.done():
            ask.note_part(frame.length)

    def forget(self, content: ContentId) -> None:
        """Stop listening to what the peer has of a content."""
        self._watchers.pop(content, None)

    async def list_files(self, text: str, offset: int, limit: int) -> m.Listing:
        """A page of the peer's own list."""
        ask = self._ask(m.Listing)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            listing = await self._answer(
                ask, lambda number: m.ListFiles(number, text, offset, limit)
            )
        assert isinstance(listing, m.Listing)
        return listing

    def _ask(
        self,
        expects: type[Answer] | None,
        *,
        wanted: tuple[ContentId, int] | None = None,
        chunk: memoryview | None = None,
        hashes: bytearray | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> PeerRequest:
        return PeerRequest(
            asyncio.get_running_loop().create_future(),
            expects,
            wanted=wanted,
            chunk=chunk,
            hashes=hashes,
            on_bytes=on_bytes,
        )

    async def _answer(self, ask: PeerRequest, make: Callable[[int], object]) -> Answer | None:
        # One that is closing is asked all the same: its end, which says why, is the answer.
        if self._over:
            end = self._end or LinkClosed("done")
            raise LinkClosed(end.code, end.text, theirs=end.theirs)
        while self._next_id in self._asks:
            self._next_id = (self._next_id + 1) % 2**32
        number = self._next_id
        self._next_id = (number + 1) % 2**32
        self._asks[number] = ask
        try:
            self.link.post(make(number))
            return await ask.answer
        except asyncio.CancelledError:
            self.link.post(m.Cancel(number))
            raise
        finally:
            self._asks.pop(number, None)
            if not ask.answer.cancelled() and ask.answer.done():
                ask.answer.exception()  # it may have failed just when we were cancelled

    # --- payloads (the link's data sink) --------------------------------------------------------

    def data_buffer(self, request_id: int, offset: int, length: int) -> memoryview | None:
        """Where a data frame goes. Raises `ProtocolViolation` when it does not fit its request."""
        ask = self._asks.get(request_id)
        if ask is None or ask.answer.done():
            self.unexpected += 1
            return None
        if ask.chunk is not None:
            if offset != ask.filled or offset + length > len(ask.chunk):
                raise ProtocolViolation("data beyond the chunk that was asked for")
            return ask.chunk[offset : offset + length]
        if ask.hashes is None:
            raise ProtocolViolation("data for a request that has none")
        if offset != ask.filled or offset + length > MAX_MANIFEST_BYTES:
            raise ProtocolViolation("a manifest out of order or too long")
        ask.frame = bytearray(length)
        return memoryview(ask.frame)

    def data_received(self, request_id: int, offset: int, length: int) -> None:  # noqa: ARG002
        """A data frame lies in its buffer."""
        self._heard = asyncio.get_running_loop().time()
        ask = self._asks.get(request_id)
        if ask is None or ask.answer.done():
            return
        ask.note(length)
        if ask.expects is m.Contents:
            ask.check_whole()
        elif ask.chunk is not None:
            if ask.filled == len(ask.chunk):
                ask.succeed(None)
        elif ask.hashes is not None:
            ask.hashes += ask.frame
            ask.check_whole()

    # --- messages -------------------------------------------------------------------------------

    def _handle(self, message: object) -> None:
        match message:
            case m.GetChunk():
                self.desk.ask_chunk(message)
            case m.Cancel():
                self.desk.cancel(message.id)
            case m.GetManifest() | m.Interest() | m.ListFiles() | m.GetContents():
                self._answer_aside(message)
            case m.HaveMore():
                watcher = self._watchers.get(message.content)
                if watcher is not None:
                    watcher(message.indexes)
            case m.Manifest() | m.Have() | m.Listing() | m.Contents() | m.Failure():
                self._match(message)
            case _:
                pass

    def _match(self, message: Answer | m.Failure) -> None:
        ask = self._asks.get(message.id)
        if ask is None:
            self.unexpected += 1
        elif isinstance(message, m.Failure):
            ask.fail(RequestFailed(message.code, message.text, message.place))
        elif ask.expects is None or not isinstance(message, ask.expects):
            self.unexpected += 1
        elif isinstance(message, m.Manifest | m.Contents):
            ask.head = message
            ask.check_whole()
        else:
            ask.succeed(message)

    def _answer_aside(self, request: SideRequest) -> None:
        """Answer what takes a look at the disk or the store, without holding up the link."""
        if len(self._answering) >= MAX_ANSWERING:
            self.link.post(m.Failure(request.id, "busy", "too many requests at once"))
            return
        self._answering.spawn(self._answer_quietly(request), name=f"answer-{self.peer_id}")

    def _follow(self, content: ContentId) -> None:
        """Hear what the peer gets elsewhere of a content that it takes from us."""
        self._answering.spawn(self._ask_back(content), name=f"follow-{self.peer_id}")

    async def _ask_back(self, content: ContentId) -> None:
        def heard(indexes: Iterable[int]) -> None:
            self.desk.taker_has(content, indexes)

        try:
            have = await self.interest(content, heard)
        except (RequestFailed, LinkClosed, TimeoutError) as error:
            log.debug("peer %s does not say what it has: %s", self.peer_id, error)
            return
        some = ChunkMap.from_bytes(8 * len(have.bitmap), have.bitmap).present()
        heard(range(MAX_CHUNKS) if have.complete else some)

    async def _answer_quietly(self, request: SideRequest) -> None:
        try:
            await self.desk.answer(request)
        except LinkClosed:
            log.debug("peer %s left before its answer", self.peer_id)
        except P2PError as error:
            log.warning("peer %s is not answered: %s", self.peer_id, error)
            self.link.post(m.Failure(request.id, "internal", "this cannot be looked up now"))
