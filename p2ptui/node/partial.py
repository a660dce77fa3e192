"""A download on its way: the files in `.p2ptui-partial/` beside the destination (PROTOCOL.md 5).

`<cid>.part`, `.journal`, `.manifest` and `.lock`; no remote name in those paths. The journal never
claims what is not on the disk: a checkpoint syncs the part, then appends the claims, then syncs the
journal. A chunk that is claimed is never written again, so claims outlive a crash. All calls block
and may come from several threads at once; the owner brings them off the event loop.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId, content_id_text
from p2ptui.base.text import clamp_mtime
from p2ptui.net.link import Buffer
from p2ptui.node.chunkmap import ChunkMap, runs_of
from p2ptui.node.disk import Disk, PosixDisk
from p2ptui.node.finish import FolderNames, Placing
from p2ptui.node.journal import (
    RECORD_BYTES,
    claim_records,
    clean_record,
    read_journal,
    withdrawal_records,
)
from p2ptui.node.manifest import HASH_BYTES, MAX_CHUNKS, Manifest, ManifestMismatch
from p2ptui.node.storage_errors import NoSpace, PartialBusy, explain, is_full

log = logging.getLogger(__name__)

PARTIALS = ".p2ptui-partial"
CHECKPOINT_BYTES = 64 * 2**20
CHECKPOINT_S = 5.0
CACHED_BYTES = 256 * 2**20
"""Contents up to this size stay in the page cache as they are written."""

_MAX_JOURNAL = 64 * MAX_CHUNKS * RECORD_BYTES
_SIZE_BYTES = 8
_FOLDER_NAMES = FolderNames()


class PartialClosed(Exception):  # noqa: N818  (a race with the end of a fetch, not a fault)
    """The partial was closed, finished or discarded before this call."""


class Partial:
    """One content that is being fetched into one folder; locked against other processes."""

    def __init__(
        self, folder: Path, manifest: Manifest, *, clock: Clock, disk: Disk, folder_handle: int
    ) -> None:
        """Use `Partial.open`."""
        self.folder = folder
        self.manifest = manifest
        self.chunkmap = ChunkMap(manifest.chunk_count)
        """Chunks that are verified and written; changed under a lock, read freely."""
        self._clock = clock
        self._disk = disk
        self._text = content_id_text(manifest.content_id)
        self._folder = folder_handle
        self._handles = [folder_handle]
        self._partials = self._part = -1
        self._journal: int | None = None
        self._journal_end = 0
        self._unverified = ChunkMap(manifest.chunk_count)
        self._fresh: list[int] = []
        self._withdrawn: set[int] = set()
        self._fresh_bytes = 0
        self._cached: list[int] = []
        self._checkpoint_at = clock.monotonic()
        self._state = threading.Condition()
        self._checkpointing = threading.Lock()
        self._users = 0
        self._closed = False

    @classmethod
    def open(
        cls,
        folder: Path,
        manifest: Manifest,
        *,
        clock: Clock,
        reserve_bytes: int = 0,
        disk: Disk | None = None,
    ) -> "Partial":
        """Begin a download into an existing folder, or take it up again.

        Raises `PartialBusy` (F87), `NoSpace` unless size and reserve fit (F86), or `P2PError`.
        """
        disk = disk or PosixDisk()
        with _told(folder, "open"):
            handle = disk.open_folder(folder)
        partial = cls(folder, manifest, clock=clock, disk=disk, folder_handle=handle)
        try:
            with _told(folder, "write to"), partial._full_disk_told():
                partial._take_up(reserve_bytes)
        except BaseException:
            partial._release()
            raise
        return partial

    @property
    def content_id(self) -> ContentId:
        """What is being fetched."""
        return self.manifest.content_id

    @property
    def done(self) -> int:
        """Bytes that are verified and written."""
        manifest, last = self.manifest, self.manifest.chunk_count - 1
        if self.chunkmap.count and self.chunkmap.has(last):
            short = manifest.chunk_size - manifest.chunk_length(last)
        else:
            short = 0
        return self.chunkmap.count * manifest.chunk_size - short

    @property
    def complete(self) -> bool:
        """Whether all chunks are there: `finish` may be called."""
        return self.chunkmap.complete

    def unverified(self) -> list[int]:
        """Chunks that a run without an orderly end claims: `recheck` each before asking for it."""
        with self._state:
            return list(self._unverified.present())

    def recheck(self, index: int) -> bool:
        """Read a claimed chunk and hash it; False when it must be fetched again (F84, F97)."""
        with self._busy("read"):
            data = self._disk.read(
                self._part, self.manifest.chunk_length(index), self.manifest.chunk_offset(index)
            )
            good = self.manifest.holds(index, data)
            with self._state:
                if self._unverified.clear(index):
                    if good:
                        self.chunkmap.set(index)
                    else:
                        self._withdrawn.add(index)
                return self.chunkmap.has(index)

    def write_chunk(self, index: int, data: Buffer) -> None:
        """Write one verified chunk. Raises `NoSpace`, `P2PError`, `PartialClosed`."""
        if len(data) != self.manifest.chunk_length(index):
            raise ValueError(f"{len(data)} bytes for chunk {index}")
        with self._busy("write to"):
            if self.chunkmap.has(index):
                return
            self._disk.write(self._part, data, self.manifest.chunk_offset(index))
            with self._state:
                self._unverified.clear(index)
                if self.chunkmap.set(index):
                    self._fresh.append(index)
                    self._fresh_bytes += len(data)

    def accept_chunk(self, index: int, data: Buffer) -> bool:
        """Hash a chunk and write it; False, and nothing is written, when its hash is wrong."""
        if not self.manifest.holds(index, data):
            return False
        self.write_chunk(index, data)
        return True

    def read_chunk(self, index: int) -> bytes | None:
        """A chunk to be served on; None when it is not there. Raises `IndexError` (F89)."""
        if not self.chunkmap.has(index):
            return None
        with self._busy("read"):
            length = self.manifest.chunk_length(index)
            data = self._disk.read(self._part, length, self.manifest.chunk_offset(index))
        return data if len(data) == length else None

    @property
    def checkpoint_due(self) -> bool:
        """Whether 64 MiB were written, or 5 s have passed, since the last checkpoint."""
        if not self._fresh:
            return False
        waited = self._clock.monotonic() - self._checkpoint_at
        return self._fresh_bytes >= CHECKPOINT_BYTES or waited >= CHECKPOINT_S

    def checkpoint(self) -> None:
        """Bring all that was written onto the disk, then into the journal; writes go on meanwhile.

        When the part cannot be synced, the system may have forgotten its pages: the chunks since
        the last checkpoint leave the chunk map, to be fetched again, and the error is raised.
        """
        with self._busy("write to"), self._checkpointing:
            self._checkpoint()

    def finish(self, name: str, mtime: float) -> Path:
        """Give the complete file its final name, remove the partials and close; the final path.

        The same as `place` and `discard`; between the two the owner may note the path.
        """
        path = self.place(name, mtime)
        self.discard()
        return path

    def place(self, name: str, mtime: float) -> Path:
        """Give the complete file a name that is safe and free, durably (F47 to F49, F57).

        `name` may come from elsewhere; `mtime` in seconds since 1970 is clamped. May be called
        again when it raised `NoSpace` or another `P2PError`.
        """
        if not self.complete:
            raise ValueError("the content is not complete")
        disk = self._disk
        with self._busy("finish a file in"), self._checkpointing:
            # The journal stays behind on purpose: after a kill right here it tells what is whole.
            if self.manifest.chunk_count > 1:
                self._checkpoint()
            disk.set_mtime(self._part, clamp_mtime(mtime))
            disk.sync(self._part)
            placing = Placing(disk, self._partials, f"{self._text}.part", self._folder)
            final = _FOLDER_NAMES.place(placing, name)
            disk.sync(self._folder)
        return self.folder / final

    def discard(self) -> None:
        """Remove the partials and close; what cannot be removed is left and logged."""
        if self._retire():
            try:
                self._remove_files()
            except OSError as error:
                log.warning("cannot clean up %s: %s", self.folder / PARTIALS, error)
            finally:
                self._release()

    def close(self) -> None:
        """Stop in an orderly way, to be taken up later; may be called twice. Raises `P2PError`.

        Whatever is raised, the partial is closed and unlocked afterwards.
        """
        if not self._retire():
            return
        try:
            with _told(self.folder, "write to"), self._full_disk_told():
                self._checkpoint()
                if self._journal is not None and not self._unverified.count:
                    self._append(clean_record(self.content_id, self._disk.stat(self._part)))
        finally:
            self._release()

    def _take_up(self, reserve_bytes: int) -> None:
        disk, manifest = self._disk, self.manifest
        self._partials = self._own(disk.make_folder(self._folder, PARTIALS))
        self._lock_content()
        self._part = self._own(disk.open_file(self._partials, f"{self._text}.part", create=True))
        found = disk.stat(self._part)
        if found.size not in {0, manifest.size}:
            disk.truncate(self._part, 0)
            found = disk.stat(self._part)
        self._read_claims()
        needed = max(manifest.size - found.allocated, 0) + reserve_bytes
        free = disk.free(self._partials)
        if free < needed and found.allocated < manifest.size:
            if found.size == 0:
                self._remove_files()
            raise NoSpace(self.folder, needed, free)
        if found.size != manifest.size:
            disk.allocate(self._part, manifest.size)
        if manifest.chunk_count > 1:
            self._keep_manifest()

    def _lock_content(self) -> None:
        name = f"{self._text}.lock"
        while True:
            handle = self._own(self._disk.open_file(self._partials, name, create=True))
            if not self._disk.try_lock(handle):
                raise PartialBusy(self.folder)
            # Whoever had it before may have removed the name meanwhile: then ours locks nothing.
            named = self._disk.stat_name(self._partials, name)
            if named is not None and named.inode == self._disk.stat(handle).inode:
                return

    def _read_claims(self) -> None:
        disk, name = self._disk, f"{self._text}.journal"
        part = disk.stat(self._part)
        if disk.stat_name(self._partials, name) is None:
            if part.links > 1 and part.size == self.manifest.size:
                # Placed by a run that was killed while it cleaned up: all there, to be looked at.
                self._unverified = ChunkMap.full(self.manifest.chunk_count)
            return
        self._journal = self._own(disk.open_file(self._partials, name, create=False))
        data = disk.read(self._journal, _MAX_JOURNAL, 0)
        self._journal_end = len(data) - len(data) % RECORD_BYTES
        claims = read_journal(self.content_id, self.manifest.chunk_count, data, part)
        # With another name (F83) somebody else may write to it: look at every chunk.
        if claims.clean and part.links == 1:
            self.chunkmap = claims.chunks
        else:
            self._unverified = claims.chunks

    def _keep_manifest(self) -> None:
        disk, name = self._disk, f"{self._text}.manifest"
        said = self.manifest.size.to_bytes(_SIZE_BYTES, "big") + self.manifest.hashes
        handle = disk.open_file(self._partials, name, create=True)
        try:
            if disk.stat(handle).size != len(said):
                disk.truncate(handle, 0)
                disk.write(handle, said, 0)
                disk.sync(handle)
                disk.sync(self._partials)
        finally:
            disk.close(handle)

    def _remove_files(self) -> None:
        # The part goes last: as long as it is there, a killed run is taken up where it was.
        for kind in ("journal", "manifest", "part", "lock"):
            self._disk.remove(self._partials, f"{self._text}.{kind}")
        self._disk.remove_folder(self._folder, PARTIALS)

    def _checkpoint(self) -> None:
        with self._state:
            fresh, self._fresh = self._fresh, []
            fresh_bytes, self._fresh_bytes = self._fresh_bytes, 0
            withdrawn, self._withdrawn = self._withdrawn, set()
            self._checkpoint_at = self._clock.monotonic()
        if not fresh and not withdrawn:
            return
        try:
            self._disk.sync_data(self._part)
        except OSError:
            with self._state:
                self._withdrawn |= withdrawn
                for index in fresh:
                    self.chunkmap.clear(index)
            raise
        try:
            self._append(
                withdrawal_records(self.content_id, sorted(withdrawn))
                + claim_records(self.content_id, sorted(fresh))
            )
        except OSError:
            with self._state:
                self._withdrawn |= withdrawn
                self._fresh = fresh + self._fresh
                self._fresh_bytes += fresh_bytes
            raise
        self._uncache(fresh)

    def _uncache(self, synced: list[int]) -> None:
        """Give back the pages of the checkpoint before: the newest chunks are the most asked for.

        A large download does not push everything else out of the page cache; and where the system
        is slow to find fresh pages (measured in a virtual machine: 0.35 GB/s against 2.3 with
        pages used again) it would be the bottleneck.
        """
        if self.manifest.size <= CACHED_BYTES:
            return
        size = self.manifest.chunk_size
        for first, count in runs_of(sorted(self._cached)):
            self._disk.uncache(self._part, first * size, count * size)
        self._cached = synced

    def _append(self, records: bytes) -> None:
        disk = self._disk
        if self._journal is None:
            self._journal = self._own(
                disk.open_file(self._partials, f"{self._text}.journal", create=True)
            )
            disk.sync(self._partials)
            disk.sync(self._folder)
        if disk.stat(self._journal).size != self._journal_end:
            disk.truncate(self._journal, self._journal_end)  # a torn end, or a try that failed
        disk.write(self._journal, records, self._journal_end)
        disk.sync_data(self._journal)
        self._journal_end += len(records)

    def _own(self, handle: int) -> int:
        self._handles.append(handle)
        return handle

    @contextlib.contextmanager
    def _busy(self, doing: str) -> Iterator[None]:
        with self._state:
            if self._closed:
                raise PartialClosed(self._text)
            self._users += 1
        try:
            with _told(self.folder, doing), self._full_disk_told():
                yield
        finally:
            with self._state:
                self._users -= 1
                self._state.notify_all()

    @contextlib.contextmanager
    def _full_disk_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not is_full(error):
                raise
            there = self._disk.stat(self._part).allocated if self._part >= 0 else 0
            free = self._disk.free(self._folder)
            # A quota may be full while the disk is not; and a journal needs room as well.
            needed = max(self.manifest.size - there, free + 1)
            raise NoSpace(self.folder, needed, free) from error

    def _retire(self) -> bool:
        """Let nobody begin anything more and wait for those at work; False when closed before."""
        with self._state:
            if self._closed:
                return False
            self._closed = True
            return self._state.wait_for(lambda: self._users == 0)

    def _release(self) -> None:
        self._closed = True
        while self._handles:
            self._disk.close(self._handles.pop())


def stored_manifest(
    folder: Path, content_id: ContentId, disk: Disk | None = None
) -> Manifest | None:
    """The manifest that an earlier run kept beside its partial; None when there is no good one."""
    disk = disk or PosixDisk()
    handles: list[int] = []
    try:
        handles.append(disk.open_folder(folder))
        if disk.stat_name(handles[0], PARTIALS) is None:
            return None
        handles.append(disk.make_folder(handles[0], PARTIALS))
        name = f"{content_id_text(content_id)}.manifest"
        handles.append(disk.open_file(handles[1], name, create=False))
        said = disk.read(handles[2], _SIZE_BYTES + MAX_CHUNKS * HASH_BYTES + 1, 0)
        size = int.from_bytes(said[:_SIZE_BYTES], "big")
        return Manifest.verified(content_id, size, said[_SIZE_BYTES:])
    except (OSError, ManifestMismatch):
        return None
    finally:
        for handle in handles:
            disk.close(handle)


@contextlib.contextmanager
def _told(folder: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise explain(error, folder, doing) from error
