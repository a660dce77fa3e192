"""Comparing a share's folder with what the database knows of it, folder by folder.

New files are listed, changed ones put back to be hashed, vanished ones forgotten; an unchanged
share of a million files writes nothing. What cannot be looked at is withdrawn but not forgotten: a
disk that comes back is not hashed again (F100).
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from p2ptui.net.loop import Offload
from p2ptui.node.scan import FolderSlice, Skipped, Walk
from p2ptui.node.shared_files import NotRegular, ShareFolder
from p2ptui.node.store_changes import FileChanges
from p2ptui.node.store_files import FileTable, batches
from p2ptui.node.store_values import FileRecord, Fingerprint, ScannedFile, ShareRecord

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ScanResult:
    """What a scan of one share found."""

    changed: int = 0
    """Files that are new, changed, gone, withdrawn or back."""
    away: bool = False
    """Whether the share's folder is not there."""
    skipped: Skipped = field(default_factory=Skipped)
    empty: list[str] = field(default_factory=list)
    """Wire paths of folders that hold nothing to share."""


class Reconciler:
    """Scans shares one after the other."""

    def __init__(self, files: FileTable, changes: FileChanges, offload: Offload) -> None:
        self._files = files
        self._changes = changes
        self._offload = offload

    async def scan(
        self, share: ShareRecord, passed_over: Collection[tuple[int, int]] = ()
    ) -> ScanResult:
        """Bring the database up to date with one share. Raises `P2PError` of the database."""
        if share.kind == "file":
            return await self._scan_file(share)
        try:
            walk = await self._offload(Walk, share, passed_over)
        except OSError as error:
            log.warning("%s: %s", share.path, error)
            return await self._lose(share)
        try:
            return await _FolderScan(self._files, self._changes, self._offload, share, walk).run()
        finally:
            await self._offload(walk.close)

    async def _lose(self, share: ShareRecord) -> ScanResult:
        return ScanResult(await self._changes.set_share_away(share.id), away=True)

    async def _scan_file(self, share: ShareRecord) -> ScanResult:
        result = ScanResult()
        name = share.path.rpartition("/")[2]
        known = await self._files.at(share.id, "", name)

        def look() -> Fingerprint:
            with ShareFolder(share.root) as folder:
                return folder.mark("", name)

        try:
            mark = await self._offload(look)
        except NotRegular as error:
            result.skipped.add(name, error.strerror or "")
            mark = None
        except OSError:
            if not await self._offload(share.root.is_dir):
                return await self._lose(share)
            mark = None
        if mark is None:
            if known is not None:
                await self._changes.delete([known.id])
                result.changed = 1
            return result
        found = ScannedFile("", name, share.name, mark)
        news = _News()
        news.compare([found], [] if known is None else [known])
        await news.write(self._changes, share.id)
        result.changed = news.count
        return result


class _FolderScan:
    """One scan of one folder share."""

    def __init__(
        self,
        files: FileTable,
        changes: FileChanges,
        offload: Offload,
        share: ShareRecord,
        walk: Walk,
    ) -> None:
        self._files = files
        self._changes = changes
        self._offload = offload
        self._share = share
        self._walk = walk
        self._result = ScanResult(skipped=walk.skipped, empty=walk.empty)
        self._visited: set[str] = set()
        self._partly: set[str] = set()
        """Names found so far in a folder that comes in several slices."""
        self._gone: list[int] = []

    async def run(self) -> ScanResult:
        """Walk to the end; forget what is gone only then, if the disk is still the same."""
        found = 0
        while slices := await self._offload(self._walk.next):
            found += sum(len(part.files) for part in slices)
            await self._take(slices)
        known = await self._files.folders(self._share.id)
        other_disk = self._share.device not in {0, self._walk.identity[0]}
        if not await self._offload(self._walk.still_there) or (
            other_disk and known and not found and self._visited <= {""}
        ):
            # Unmounted: the folder went away, or is the empty one that was below.
            self._result.changed = await self._changes.set_share_away(self._share.id)
            self._result.away = True
            return self._result
        await self._leave_folders(known - self._visited)
        for some in batches(self._gone):
            await self._changes.delete(some)
        self._result.changed += len(self._gone)
        await self._changes.note_scan(self._share.id, self._walk.identity[0])
        return self._result

    async def _take(self, slices: Sequence[FolderSlice]) -> None:
        share = self._share.id
        news = _News()
        whole = [part for part in slices if part.first and part.last]
        known = await self._files.in_folders(share, [part.folder for part in whole])
        found = [file for part in whole for file in part.files]
        self._gone += news.compare(found, known)
        for part in slices:
            if part.first and part.last:
                continue
            names = [file.name for file in part.files]
            news.compare(part.files, await self._files.in_folder(share, part.folder, names))
            self._partly = self._partly.union(names) if not part.first else set(names)
            if part.last:
                rows = await self._files.names_in(share, part.folder)
                self._gone += [number for number, name in rows if name not in self._partly]
                self._partly = set()
        self._visited.update(part.folder for part in slices)
        excluded = await self._files.exclusions(share)
        news.drop(excluded)
        await news.write(self._changes, share)
        self._result.changed += news.count

    async def _leave_folders(self, folders: Collection[str]) -> None:
        """Folders that hold files by the database, and were not found or not readable."""
        unreadable = self._walk.unreadable
        for some in batches(sorted(folders)):
            gone = await self._files.in_folders(self._share.id, some)
            hidden = [file for file in gone if _is_below(file.folder, unreadable)]
            await self._changes.set_away([file.id for file in hidden if file.state != "away"])
            kept = {file.id for file in hidden}
            self._gone += [file.id for file in gone if file.id not in kept]
            self._result.changed += sum(file.state != "away" for file in hidden)


class _News:
    """What of the files found differs from what is known."""

    def __init__(self) -> None:
        self.new: list[ScannedFile] = []
        self.changed: list[tuple[int, Fingerprint]] = []
        self.back: list[int] = []

    @property
    def count(self) -> int:
        """How many differences."""
        return len(self.new) + len(self.changed) + len(self.back)

    def compare(self, found: Sequence[ScannedFile], known: Sequence[FileRecord]) -> list[int]:
        """Note the differences; returns the numbers of known files that were not found."""
        rows = {(file.folder, file.name): file for file in known}
        for file in found:
            row = rows.pop((file.folder, file.name), None)
            if row is None:
                self.new.append(file)
            elif row.mark != file.mark:
                self.changed.append((row.id, file.mark))
            elif row.state == "away":
                self.back.append(row.id)
        return [file.id for file in rows.values()]

    def drop(self, excluded: Collection[tuple[str, str]]) -> None:
        """Leave out files that the user withdrew."""
        if excluded:
            self.new = [file for file in self.new if (file.folder, file.name) not in excluded]

    async def write(self, changes: FileChanges, share: int) -> None:
        """Bring them into the database."""
        if self.new or self.changed:
            await changes.apply_scan(share, self.new, self.changed)
        if self.back:
            await changes.bring_back(self.back)


def _is_below(folder: str, places: Sequence[str]) -> bool:
    return any(folder == place or not place or folder.startswith(f"{place}/") for place in places)
