"""Contents that are opened to be served: found, looked at, and withdrawn when they changed."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from weakref import WeakSet

from p2ptui.base.ids import ContentId
from p2ptui.net.loop import Offload
from p2ptui.node.manifest import MIN_CHUNK_LOG2
from p2ptui.node.open_content import OpenContent
from p2ptui.node.shared_files import ShareFolder
from p2ptui.node.small_reading import read_files
from p2ptui.node.storage_errors import ContentChanged
from p2ptui.node.store_changes import FileChanges
from p2ptui.node.store_files import FileTable
from p2ptui.node.store_values import FileRecord, Fingerprint, ShareRecord
from p2ptui.node.uploads import SmallContents

log = logging.getLogger(__name__)


class Contents:
    """What is open of the library."""

    def __init__(
        self,
        files: FileTable,
        changes: FileChanges,
        offload: Offload,
        on_listed: Callable[[], Awaitable[None]],
    ) -> None:
        """`on_listed`: files were withdrawn, to be hashed again."""
        self._files = files
        self._changes = changes
        self._offload = offload
        self._on_listed = on_listed
        self._shares: Mapping[int, ShareRecord] = {}
        self._open: WeakSet[OpenContent] = WeakSet()

    def use_shares(self, shares: Mapping[int, ShareRecord]) -> None:
        """Say which shares there are now, by number."""
        self._shares = shares

    async def paths_of(self, content: ContentId) -> list[Path]:
        """Where a shared content lies."""
        return [
            self._shares[record.share].root / record.place
            for record in await self._files.with_content(content)
            if record.share in self._shares
        ]

    async def open(self, content: ContentId) -> OpenContent | None:
        """A shared content, opened; None when there is none that is as it was (F80, F81)."""
        manifest = await self._files.manifest(content)
        if manifest is None:
            return None
        for record in await self._files.with_content(content):
            share = self._shares.get(record.share)
            if share is None:
                continue
            try:
                opened = await self._offload(OpenContent, share, record, manifest)
            except ContentChanged:
                await self._look(record)
                continue
            except OSError as error:
                log.warning("%s cannot be served: %s", share.root / record.place, error)
                await self._changes.list_again([record.id])
                await self._on_listed()
                continue
            self._open.add(opened)
            return opened
        return None

    async def read_small(self, contents: Sequence[ContentId], limit: int) -> SmallContents:
        """Shared contents of one chunk, read whole, of at most `limit` bytes together.

        A file that is not the one that was hashed is withdrawn and hashed again (F80, F81).
        """
        files = {
            record.content: (share.root, record)
            for record in await self._files.with_contents(contents)
            if (share := self._shares.get(record.share)) is not None
            and record.size <= 1 << MIN_CHUNK_LOG2
        }
        if not files:
            return SmallContents([None] * len(contents), "")
        wanted = [files.get(content) for content in contents]
        read = await self._offload(read_files, wanted, limit)
        for record in read.changed:
            await self._look(record)
        first = next((found[1].wire for found in wanted if found is not None), "")
        return SmallContents(read.given, first.rpartition("/")[0].partition("/")[0] or first)

    async def look_again(self, content: ContentId) -> None:
        """Files with this content were seen to have changed: withdraw those that did."""
        for record in await self._files.with_content(content):
            await self._look(record)

    def withdraw(self, is_meant: Callable[[FileRecord], bool]) -> None:
        """Let no more be read of opened files that are no longer shared."""
        for opened in tuple(self._open):
            if is_meant(opened.file):
                opened.withdraw()

    def close(self) -> None:
        """Close whatever is still open."""
        for opened in tuple(self._open):
            opened.close()

    async def _look(self, record: FileRecord) -> None:
        share = self._shares.get(record.share)
        if share is None:
            return

        def mark() -> Fingerprint:
            with ShareFolder(share.root) as folder:
                return folder.mark(record.folder, record.name)

        try:
            found = await self._offload(mark)
        except OSError:
            await self._changes.list_again([record.id])
        else:
            await self._changes.apply_scan(record.share, (), [(record.id, found)])
        await self._on_listed()
