"""Offers: where upload desks find contents: in the library, or in a download that is under way."""

from collections.abc import Callable, Sequence

from p2ptui.base.ids import ContentId
from p2ptui.net.link import Buffer
from p2ptui.net.wire import messages as m
from p2ptui.node.fetch import Fetch
from p2ptui.node.library import Library
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial, PartialClosed
from p2ptui.node.uploads import Offer, SmallContents


class PartialOffer:
    """What a running download has verified so far."""

    def __init__(self, partial: Partial, name: str) -> None:
        self._partial = partial
        self.name = name

    @property
    def manifest(self) -> Manifest:
        """The proven manifest."""
        return self._partial.manifest

    def bitmap(self) -> bytes | None:
        """The verified chunks."""
        return self._partial.chunkmap.to_bytes()

    def read(self, index: int) -> Buffer | None:
        """One verified chunk (blocking); None when it is not here, or no longer."""
        try:
            return self._partial.read_chunk(index)
        except PartialClosed:
            return None

    def read_cached(self, index: int, into: memoryview) -> bool:  # noqa: ARG002  (interface)
        """What was written just now may not be in memory."""
        return False

    def close(self) -> None:
        """The download owns its file: nothing to do."""


class NodeOffers:
    """All that this node can serve."""

    def __init__(self, library: Library, running: Callable[[ContentId], Fetch | None]) -> None:
        """`running` finds the download of a content that is under way."""
        self._library = library
        self._running = running

    async def open(self, content: ContentId) -> Offer | None:
        """The content, opened; None when it is not offered. Raises `ContentChanged`, `OSError`."""
        shared = await self._library.open_content(content)
        if shared is not None:
            return shared
        fetch = self._running(content)
        if fetch is None or fetch.partial is None:
            return None
        return PartialOffer(fetch.partial, fetch.job.name)

    async def changed(self, content: ContentId) -> None:
        """The content's file changed: it is withdrawn and hashed again."""
        await self._library.content_changed(content)

    async def list_files(
        self, text: str, offset: int, limit: int
    ) -> tuple[tuple[m.Entry, ...], int]:
        """A page of our own list and its length: files, and behind them empty folders."""
        entries, total = await self._library.entries(text, offset, limit)
        folders = self._library.empty_folders.entries(text, self._library.records)
        begin = max(0, offset - total)
        room = max(0, min(limit - len(entries), offset + limit - total))
        return (*entries, *folders[begin : begin + room]), total + len(folders)

    async def read_small(self, contents: Sequence[ContentId], limit: int) -> SmallContents:
        """Whole contents of one chunk, as far as they are shared files. Raises `P2PError`."""
        return await self._library.contents.read_small(contents, limit)
