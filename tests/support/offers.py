"""Contents in memory to be served by an upload desk, with everything that can go wrong."""

import asyncio
from collections.abc import Iterable, Sequence

from p2ptui.base.ids import ContentId
from p2ptui.net.wire import messages as m
from p2ptui.node.chunkmap import ChunkMap
from p2ptui.node.manifest import Manifest
from p2ptui.node.uploads import Offer, SmallContents
from tests.support.contents import MIB, chunks_of, make_manifest


class MemoryOffer:
    """One opened content. Set `trouble` to have reading fail, `chunks` to None what is not here."""

    def __init__(self, data: bytes, name: str = "song.mp3") -> None:
        self.manifest: Manifest = make_manifest(data)
        self.name = name
        self.chunks: list[bytes | None] = list(chunks_of(data))
        self.trouble: Exception | None = None
        self.partial = False
        self.closed = False
        self.cached = False
        """Whether all of it is in memory, to be read at once."""
        self.reads: list[int] = []

    def bitmap(self) -> bytes | None:
        if not self.partial:
            return None
        there = ChunkMap(len(self.chunks))
        for index, chunk in enumerate(self.chunks):
            if chunk is not None:
                there.set(index)
        return there.to_bytes()

    def read(self, index: int) -> bytes | None:
        assert not self.closed, "a closed content is read"
        self.reads.append(index)
        if self.trouble is not None:
            raise self.trouble
        return self.chunks[index]

    def read_cached(self, index: int, into: memoryview) -> bool:
        if not self.cached or self.trouble is not None:
            return False
        chunk = self.chunks[index]
        if chunk is not None:
            into[:] = chunk
        return chunk is not None

    def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True


class MemoryOffers:
    """All that is offered. `opened` counts; `gate` holds up the opening until it is set."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = {make_manifest(data).content_id: data for data in contents}
        self.given: list[MemoryOffer] = []
        self.prepared: dict[ContentId, list[MemoryOffer]] = {}
        """Offers to give out for a content, one after the other, instead of fresh ones."""
        self.changes: list[ContentId] = []
        self.trouble: Exception | None = None
        self.entries: tuple[m.Entry, ...] = ()
        self.asked_lists: list[tuple[str, int, int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def open(self, content: ContentId) -> Offer | None:
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        if self.prepared.get(content):
            offer = self.prepared[content].pop(0)
        elif content in self.contents:
            offer = MemoryOffer(self.contents[content])
        else:
            return None
        self.given.append(offer)
        return offer

    async def changed(self, content: ContentId) -> None:
        self.changes.append(content)

    async def list_files(
        self, text: str, offset: int, limit: int
    ) -> tuple[tuple[m.Entry, ...], int]:
        self.asked_lists.append((text, offset, limit))
        return self.entries[offset : offset + limit], len(self.entries)

    async def read_small(self, contents: Sequence[ContentId], limit: int) -> SmallContents:
        if self.trouble is not None:
            raise self.trouble
        given: list[bytes | None] = []
        for content in contents:
            data = self.contents.get(content)
            fits = data is not None and len(data) <= min(limit, MIB)
            given.append(data if fits else None)
            limit -= len(data) if data is not None and fits else 0
        return SmallContents(given, "small")

    def prepare(self, offers: Iterable[MemoryOffer]) -> None:
        for offer in offers:
            self.prepared.setdefault(offer.manifest.content_id, []).append(offer)

    @property
    def still_open(self) -> int:
        """Opened contents that nobody closed."""
        return sum(not offer.closed for offer in self.given)
