"""Members of a swarm in memory: real `Peers` on a `MemoryNetwork`, and members played by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from p2ptui.base.ids import PeerId
from p2ptui.net.identity import BadIdentity, new_key
from p2ptui.net.kicks import KickBook, sign_kicks
from p2ptui.net.link import LinkClosed
from p2ptui.net.loop import Inline
from p2ptui.net.tasks import TaskSet
from p2ptui.net.throttle import Throttle
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.frames import MAX_PAYLOAD_BYTES, data_header
from p2ptui.node.chunkmap import ChunkMap
from p2ptui.node.peers import Peers
from p2ptui.node.uploads import Offers, UploadLedger
from tests.support.contents import chunks_of, make_manifest
from tests.support.fake_time import FakeClock
from tests.support.memory_net import MemoryLink, MemoryListening, MemoryNetwork
from tests.support.offers import MemoryOffers
from tracker.certificates import make_ca

CA_KEY = new_key()
CA = make_ca(CA_KEY, 1_800_000_000.0)
DATA_PORT = 7071


def kick_list(number: int, *peers: PeerId) -> m.KickList:
    """A list that the swarm's key has signed."""
    return sign_kicks(CA_KEY, number, tuple(m.Kick(peer, 0, "") for peer in peers))


def hello(nick: str, kicks: int = 0, features: tuple[str, ...] = ()) -> m.PeerHello:
    """The first words of a member."""
    return m.PeerHello(0, features, "script", nick, 1_800_000_000, kicks)


class Member:
    """A member with real `Peers`; `listen` opens its data port."""

    def __init__(
        self,
        network: MemoryNetwork,
        name: str,
        *,
        offers: Offers | None = None,
        throttles: tuple[Throttle, Throttle] | None = None,
    ) -> None:
        self.host = network.host(name)
        self.kicks = KickBook(CA)
        self.ledger = UploadLedger(network.clock)
        self.applied: list[m.KickList] = []
        self.apply: Callable[[m.KickList], Awaitable[bool]] | None = None
        """What is done with a kick list that a peer passes on, instead of taking it."""
        self.listening: MemoryListening
        self.peers = Peers(
            peer_id=self.host.peer_id,
            nick=name,
            network=self.host,
            kicks=self.kicks,
            offers=offers if offers is not None else MemoryOffers(),
            ledger=self.ledger,
            throttles=throttles or (Throttle(), Throttle()),
            offload=Inline(),
            clock=network.clock,
            apply_kicks=self._apply,
        )

    @property
    def id(self) -> PeerId:
        return self.host.peer_id

    async def listen(self) -> m.Endpoint:
        """Open the data port."""
        self.listening = await self.host.listen("", DATA_PORT, self.peers.accept)
        return self.listening.endpoint

    def source(self) -> m.Source:
        """As the tracker would name it."""
        return m.Source(self.id, self.host.name, (self.listening.endpoint,))

    async def close(self) -> None:
        """Leave in an orderly way."""
        if hasattr(self, "listening"):
            await self.listening.close()
        await self.peers.close()

    async def _apply(self, kicks: m.KickList) -> bool:
        self.applied.append(kicks)
        if self.apply is not None:
            return await self.apply(kicks)
        if not self.kicks.take(kicks):
            raise BadIdentity("bad_signature", "not newer")
        return True


class ScriptedPeer:
    """A member that serves one content as a test tells it to.

    Chunks in `lies` come wrong, those in `silent` never, those in `gone` are refused; `drip_bps`
    sends them in drips; `refusal` refuses everything; `leaves_after` ends the link after so many
    chunks; `manifest` is what it gives for one.
    """

    def __init__(self, network: MemoryNetwork, name: str, data: bytes) -> None:
        self.network = network
        self.host = network.host(name)
        self.nick = name
        self.data = data
        self.manifest = make_manifest(data)
        self.chunks = chunks_of(data)
        self.has: set[int] | None = None
        """None: everything."""
        self.lies: set[int] = set()
        self.silent: set[int] = set()
        self.gone: set[int] = set()
        self.bitmap: bytes | None = None
        """What it says it has, instead of the truth."""
        self.more: dict[int, tuple[int, ...]] = {}
        """Chunks to announce right behind the n-th map."""
        self.drip_bps = 0.0
        self.drips_within_frames = False
        """Whether a drip is a part of a frame, not a frame of its own; a frame is so many drips."""
        self.chunk_s = 0.0
        """Time that each chunk takes."""
        self.refusal: m.FailureCode | None = None
        self.chunk_refusals: list[m.FailureCode] = []
        """Said to the first requests for chunks, one each."""
        self.leaves_after: int | None = None
        self.misplaced: set[int] = set()
        """Chunks sent to a wrong place of their request."""
        self.short: set[int] = set()
        self.mute = False
        """It greets nobody."""
        self.contents_pause_s: float | None = None
        """Between two bytes of a bundle; None: it knows no bundles."""
        self.bundles_asked = 0
        self.links: list[MemoryLink] = []
        self.asked: list[int] = []
        self.cancelled: set[int] = set()
        self.sent = 0
        self.maps = 0
        self.listening: MemoryListening
        self._tasks = TaskSet()
        self._line = asyncio.Lock()

    async def listen(self) -> "ScriptedPeer":
        self.listening = await self.host.listen("", DATA_PORT, self._serve)
        return self

    async def stop(self) -> None:
        await self.listening.close()
        await self._tasks.cancel_all()

    def source(self) -> m.Source:
        return m.Source(self.host.peer_id, self.nick, (self.listening.endpoint,))

    def gain(self, indexes: Iterable[int]) -> None:
        """Have more, and tell all who are connected."""
        assert self.has is not None
        told = tuple(indexes)
        self.has.update(told)
        for link in self.links:
            link.post(m.HaveMore(self.manifest.content_id, told))

    def vanish(self) -> None:
        """Break all connections."""
        for link in self.links:
            link.abort()

    async def _serve(self, link: object) -> None:
        assert isinstance(link, MemoryLink)
        self.links.append(link)
        try:
            if self.mute:
                await asyncio.sleep(3600)
            bundles = () if self.contents_pause_s is None else (m.CONTENTS_FEATURE,)
            link.post(hello(self.nick, features=bundles))
            await link.receive()
            while True:
                self._answer(link, await link.receive())
        except LinkClosed:
            pass
        finally:
            self.links.remove(link)

    def _answer(self, link: MemoryLink, message: object) -> None:
        match message:
            case m.Cancel():
                self.cancelled.add(message.id)
            case m.GetChunk() if self.chunk_refusals:
                link.post(m.Failure(message.id, self.chunk_refusals.pop(0)))
            case m.GetManifest() | m.GetChunk() | m.Interest() if self.refusal is not None:
                link.post(m.Failure(message.id, self.refusal))
            case m.GetManifest():
                self._tasks.spawn(self._send_manifest(link, message), name="manifest")
            case m.Interest():
                self._send_map(link, message)
            case m.GetChunk():
                self.asked.append(message.index)
                self._tasks.spawn(self._send_chunk(link, message), name="chunk")
            case m.GetContents():
                self.bundles_asked += 1
                self._tasks.spawn(self._drip_contents(link, message), name="contents")
            case _:
                pass

    def _send_map(self, link: MemoryLink, request: m.Interest) -> None:
        bitmap = self.bitmap
        if bitmap is None and self.has is not None:
            made = ChunkMap(len(self.chunks))
            for index in self.has:
                made.set(index)
            bitmap = made.to_bytes()
        link.post(m.Have(request.id, bitmap is None, bitmap or b""))
        more = self.more.get(self.maps)
        self.maps += 1
        if more is not None:
            self.gain(more)

    async def _send_manifest(self, link: MemoryLink, request: m.GetManifest) -> None:
        hashes = self.manifest.hashes
        link.post(m.Manifest(request.id, self.manifest.size, len(hashes)))
        if hashes:
            await self._send(link, request.id, 0, hashes)

    async def _send_chunk(self, link: MemoryLink, request: m.GetChunk) -> None:
        index = request.index
        if index in self.gone:
            link.post(m.Failure(request.id, "gone"))
            return
        if index in self.silent:
            return
        async with self._line:
            await asyncio.sleep(self.chunk_s)
            chunk = self.chunks[index]
            if index in self.lies:
                chunk = bytes(len(chunk))
            if index in self.short:
                chunk = chunk[:-1]
            if self.drip_bps:
                await self._drip(link, request, chunk)
                return
            await self._send(link, request.id, 5 if index in self.misplaced else 0, chunk)
            self.sent += 1
        if self.leaves_after is not None and self.sent >= self.leaves_after:
            await asyncio.sleep(0.001)  # so long it takes to arrive
            self.vanish()

    async def _drip_contents(self, link: MemoryLink, request: m.GetContents) -> None:
        link.post(m.Contents(request.id, (len(self.data),)))
        for begin in range(len(self.data)):
            await asyncio.sleep(self.contents_pause_s or 0.0)
            if request.id in self.cancelled or link.closed:
                return
            await self._send(link, request.id, begin, self.data[begin : begin + 1])

    async def _drip(self, link: MemoryLink, request: m.GetChunk, chunk: bytes) -> None:
        step = max(1, int(self.drip_bps))
        for begin in range(0, len(chunk), step):
            if request.id in self.cancelled or link.closed:
                return
            drop = chunk[begin : begin + step]
            if not self.drips_within_frames:
                await self._send(link, request.id, begin, drop)
            else:
                if begin % MAX_PAYLOAD_BYTES == 0:
                    length = min(MAX_PAYLOAD_BYTES, len(chunk) - begin)
                    link.transport.write(data_header(request.id, begin, length))
                link.transport.write(drop)
            await asyncio.sleep(step / self.drip_bps)
        self.sent += 1

    async def _send(self, link: MemoryLink, number: int, offset: int, data: bytes) -> None:
        try:
            await link.send_data(number, offset, data)
        except LinkClosed:
            pass


def network_of(clock: FakeClock | None = None) -> MemoryNetwork:
    """A network with a clock of its own."""
    return MemoryNetwork(clock or FakeClock())
