"""The library: all that this node shares. Shares, their files, and contents opened for others.

Files are listed as soon as a scan finds them and hashed in the background; only then are they
announced. Every change moves `revision` and sets `changed`. Adding, publishing and removing are in
`publishing`; this file keeps the parts together and answers questions.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId, content_id_text
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire.messages import Entry
from p2ptui.node import events
from p2ptui.node.api import FilePage, FileRow, FolderPage, Hashing, Page, Share
from p2ptui.node.contents import Contents
from p2ptui.node.empty_folders import EmptyFolders
from p2ptui.node.hashing import BackgroundHashing, HashingEvents, HashingTally
from p2ptui.node.manifest import Manifest
from p2ptui.node.open_content import OpenContent
from p2ptui.node.publishing import Publishing
from p2ptui.node.reconcile import Reconciler, ScanResult
from p2ptui.node.removals import Removals, Removed
from p2ptui.node.rescans import Rescans
from p2ptui.node.storage_errors import explain
from p2ptui.node.store import NodeStore
from p2ptui.node.store_changes import FileChanges
from p2ptui.node.store_files import FileTable
from p2ptui.node.store_leftovers import LeftoverTable
from p2ptui.node.store_pages import FilePages
from p2ptui.node.store_values import (
    Adopted,
    Changes,
    Counts,
    FileRecord,
    ShareRecord,
    StoredState,
    Totals,
)

log = logging.getLogger(__name__)

AWAY = "its disk is not there"


class Library:
    """All shares of a node."""

    def __init__(
        self,
        store: NodeStore,
        repository: Path,
        offload: Offload,
        clock: Clock,
        on_event: Callable[[events.NodeEvent], None],
        *,
        hash_threads: int = 2,
        rescan_s: float = 0.0,
        off_limits: Sequence[Path] = (),
    ) -> None:
        """`rescan_s` 0: only when asked. `off_limits`: folders never shared (the home)."""
        self.repository = repository
        self.changed = asyncio.Event()
        """Set after each change of what is shared; cleared by whoever waits for it."""
        self._store = store
        self._offload = offload
        self._clock = clock
        self._on_event = on_event
        self._off_limits = tuple(off_limits)
        self._files = FileTable(store)
        self._changes = FileChanges(store)
        self._pages = FilePages(store)
        self._reconciler = Reconciler(self._files, self._changes, offload)
        self._hashing = BackgroundHashing(
            self._files,
            self._changes,
            offload=offload,
            clock=clock,
            events=HashingEvents(
                self._refresh, self._tell_problem, self._look_for_share, self._tell_hashed
            ),
            threads=hash_threads,
        )
        self._shares: dict[int, ShareRecord] = {}
        self._totals: dict[tuple[int, StoredState], Totals] = {}
        self._skipped: dict[int, int] = {}
        self.empty_folders = EmptyFolders()
        self._scanning = asyncio.Lock()
        self.contents = Contents(self._files, self._changes, offload, self._woken)
        self._tasks = TaskSet()
        self._revision = store.revision
        self.rescans = Rescans(self.rescan, rescan_s)
        self._publishing = Publishing(
            self,
            self._files,
            self._changes,
            hashing=self._hashing,
            offload=offload,
            off_limits=off_limits,
        )
        self.removals = Removals(
            self,
            self._publishing,
            self._files,
            self._changes,
            LeftoverTable(store),
            offload=offload,
            woken=self._woken,
        )

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Make the repository folder if there is none, and begin to scan and hash.

        Returns before the scan is done. Raises `P2PError` when the folder cannot be made.
        """
        repository = self.repository
        try:
            await self._offload(lambda: repository.mkdir(parents=True, exist_ok=True))
            repository = await self._offload(repository.resolve)
        except OSError as error:
            raise explain(error, repository, "make the repository folder") from error
        self.repository = repository
        await self._publishing.use_repository(str(repository))
        await self.refresh_shares()
        self._tasks.spawn(self._hashing.run(), name="hashing-queue")
        self._tasks.spawn(self.rescans.run(), name="rescan")

    async def close(self) -> None:
        """Stop scanning and hashing; the store stays open."""
        await self._tasks.cancel_all()
        self.contents.close()

    async def wait_hashed(self) -> None:
        """Return once the first scan is done and everything that is listed is hashed."""
        await self.rescans.once.wait()
        await self._hashing.idle.wait()

    # --- what is shared -----------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Number of the latest change of what is shared."""
        return self._store.revision

    @property
    def digest(self) -> bytes:
        """Digest of all that is shared (see `messages.Announce`)."""
        return self._store.digest

    async def changes_since(self, revision: int, limit: int) -> Changes:
        """At most `limit` changes after a revision, in their order; after 0, all that is shared."""
        return await self._files.changes_since(revision, limit)

    async def entries(self, text: str, offset: int, limit: int) -> tuple[tuple[Entry, ...], int]:
        """A page of what is shared, by name, and how many entries there are."""
        return await self._pages.entries(text, offset, limit)

    async def library(self, page: Page) -> FilePage:
        """A page of all files, hashed or not. Raises a usage error for an unknown sort."""
        records, total = await self._pages.files(page)
        return FilePage(rows=tuple(self.row(record) for record in records), total=total)

    async def folder(self, name: str, page: Page) -> FolderPage:
        """What lies directly in a folder. Raises a usage error for an unknown sort."""
        folders, records, total = await self._pages.folder(name, page)
        return FolderPage(folders=folders, rows=tuple(map(self.row, records)), total=total)

    async def shares(self) -> tuple[Share, ...]:
        """All shares, the repository folder first."""
        return tuple(self.share_value(share) for share in self._shares.values())

    def counts(self) -> Counts:
        """The library in figures; costs nothing."""
        shared = self._total("shared")
        skipped = sum(self._skipped.values()) + self._total("error").files
        return Counts(shared.files, shared.bytes, self._total("listed").files, skipped)

    def hashing(self) -> Hashing:
        """Progress since there was last nothing to do; costs nothing."""
        tally, waiting = self._hashing.tally, self._total("listed")
        current = self._hashing.current
        done = tally.bytes + self._hashing.hashed_now
        passed = self._clock.monotonic() - tally.since
        return Hashing(
            files_done=tally.files,
            files_total=tally.files + waiting.files,
            bytes_done=done,
            bytes_total=max(tally.bytes + waiting.bytes, done),
            rate_bps=round(done / passed) if passed > 0 else 0,
            current=current.wire if current is not None else "",
        )

    # --- changing it --------------------------------------------------------------------------

    async def add_share(self, path: Path) -> Share:
        """Offer a folder; returns when its files are listed. Raises `P2PError`."""
        return await self._publishing.add_share(path)

    async def remove_share(self, path: Path) -> Share:
        """Stop offering a folder or a single file. Raises `P2PError`."""
        return await self._publishing.remove_share(path)

    async def share(self, path: str, on: bool) -> Share:
        """Offer a folder (absolute path), or stop offering it."""
        return await (self.add_share(Path(path)) if on else self.remove_share(Path(path)))

    async def publish_file(self, path: Path, name: str = "") -> FileRow:
        """Offer one file under a name; empty: its own. Returns when it is shared."""
        return self.row(await self._publishing.publish(path, name))

    async def remove(self, name: str) -> Removed:
        """Withdraw a file; `removals` puts it back, or deletes it when it lies in the repository.

        Raises `P2PError`.
        """
        removed = await self.removals.remove(name)
        what = removed.removal
        self._on_event(
            events.FileRemoved(time=self._clock.wall(), name=what.name, content_id=what.content_id)
        )
        return removed

    async def rescan(self) -> int:
        """Look for changed files in all shares; how many changes there were."""
        await self._changes.retry_errors()
        return sum([await self.scan(share) for share in tuple(self._shares.values())])

    async def adopt(self, path: Path, manifest: Manifest) -> FileRow | None:
        """Share a finished download without hashing it; None when it lies in no share."""
        record = await self._publishing.adopt(path, manifest)
        await self._refresh()
        return self.row(record) if record is not None else None

    async def adopt_all(self, files: Sequence[Adopted]) -> None:
        """Share finished downloads, as far as they lie in shares, without hashing them."""
        await self._publishing.adopt_all(files)
        await self._refresh()

    # --- contents -----------------------------------------------------------------------------

    async def have(self, contents: Collection[ContentId]) -> set[ContentId]:
        """Which of these contents are shared here."""
        return await self._files.having(contents)

    async def manifest(self, content: ContentId) -> Manifest | None:
        """The manifest of a content that was hashed or fetched here."""
        return await self._files.manifest(content)

    async def paths_of(self, content: ContentId) -> list[Path]:
        """Where a shared content lies."""
        return await self.contents.paths_of(content)

    async def open_content(self, content: ContentId) -> OpenContent | None:
        """A shared content, opened to be served; None when there is none that is as it was.

        A file that is not the one that was hashed is withdrawn and hashed again (F80, F81).
        """
        return await self.contents.open(content)

    async def content_changed(self, content: ContentId) -> None:
        """A file was seen to have changed: withdraw it and hash it again."""
        await self.contents.look_again(content)

    # --- for `publishing` ---------------------------------------------------------------------

    def row(self, record: FileRecord) -> FileRow:
        """A file as front-ends see it."""
        done = self._hashing.progress_of(record.id) if record.state == "listed" else None
        share = self._shares.get(record.share)
        return FileRow(
            name=record.wire,
            size=record.size,
            content_id=content_id_text(record.content) if record.content is not None else "",
            state="error" if record.state == "away" else "hashing" if done else record.state,
            path=str(share.root / record.place) if share is not None else "",
            reason=AWAY if record.state == "away" else record.reason,
            done=done or 0,
            changed=record.mtime_ns / 1e9,
        )

    def share_value(self, share: ShareRecord) -> Share:
        """A share as front-ends see it."""
        totals = [self._totals.get((share.id, state), Totals()) for state in ("shared", "listed")]
        return Share(
            path=share.path,
            name=share.name,
            kind=share.kind,
            files=sum(total.files for total in totals),
            bytes=sum(total.bytes for total in totals),
        )

    @property
    def records(self) -> dict[int, ShareRecord]:
        """All shares by number."""
        return self._shares

    async def refresh_shares(self) -> None:
        """Read the shares anew after one came or went."""
        self._shares = {share.id: share for share in await self._files.shares()}
        self._skipped = {share: self._skipped.get(share, 0) for share in self._shares}
        self._hashing.use_shares(self._shares)
        self.contents.use_shares(self._shares)
        await self._refresh()

    def withdraw_open(self, is_meant: Callable[[FileRecord], bool]) -> None:
        """Let no more be read of opened files that are no longer shared."""
        self.contents.withdraw(is_meant)

    async def scan(self, share: ShareRecord) -> int:
        """Scan one share and tell it; how many changes there were."""
        async with self._scanning:
            share = self._shares.get(share.id, share)
            passed_over = await self._offload(self._identities)
            result = await self._reconciler.scan(share, passed_over)
            if share.id not in self._shares:
                return 0
            self._skipped[share.id] = result.skipped.reasons.total()
            self.empty_folders.note(share.id, () if result.away else result.empty)
            if result.away != share.away or not share.device:
                await self.refresh_shares()
        self._hashing.wake()
        await self._refresh()
        self._tell_scan(share, result)
        return result.changed

    # --- inside -------------------------------------------------------------------------------

    def _identities(self) -> set[tuple[int, int]]:
        """Folders that no other share's scan enters."""
        found: set[tuple[int, int]] = set()
        folders = [share.root for share in self._shares.values() if share.kind != "file"]
        for path in (*folders, *self._off_limits):
            try:
                there = path.stat()
            except OSError:
                continue
            found.add((there.st_dev, there.st_ino))
        return found

    async def _woken(self) -> None:
        self._hashing.wake()
        await self._refresh()

    def _look_for_share(self, share_id: int) -> None:
        share = self._shares.get(share_id)
        if share is not None:
            self._tasks.spawn(self.scan(share), name=f"scan-{share_id}")

    async def _refresh(self) -> None:
        self._totals = await self._files.totals()
        if self._revision != self._store.revision:
            self._revision = self._store.revision
            self.changed.set()

    def _total(self, state: StoredState) -> Totals:
        found = [totals for (_, kept), totals in self._totals.items() if kept == state]
        return Totals(sum(one.files for one in found), sum(one.bytes for one in found))

    def _tell_problem(self, record: FileRecord, reason: str) -> None:
        share = self._shares.get(record.share)
        path = str(share.root / record.place) if share is not None else record.wire
        log.warning("%s cannot be shared: %s", path, reason)
        self._on_event(events.FileProblem(time=self._clock.wall(), path=path, reason=reason))

    def _tell_hashed(self, tally: HashingTally) -> None:
        seconds = self._clock.monotonic() - tally.since
        self._on_event(
            events.HashingFinished(
                time=self._clock.wall(), files=tally.files, bytes=tally.bytes, seconds=seconds
            )
        )

    def _tell_scan(self, share: ShareRecord, result: ScanResult) -> None:
        for place, reason in result.skipped.named:
            log.info("%s/%s is skipped: %s", share.path, place, reason)
        if share.kind == "file":
            return
        value = self.share_value(share)
        self._on_event(
            events.ShareScanned(
                time=self._clock.wall(),
                path=share.path,
                files=value.files,
                bytes=value.bytes,
                skipped=result.skipped.reasons.total(),
                changes=result.changed,
            )
        )
