"""A download on its way: the files in `.p2ptui-partial/` beside the destination (PROTOCOL.md 5).

The files are those of `partial_files`; here is what becomes of the chunks. The journal never
claims what is not on the disk: a checkpoint syncs the part, then appends the claims, then syncs the
journal. A chunk that is claimed is never written again, so claims outlive a crash. All calls block
and may come from several threads at once; the owner brings them off the event loop.
"""

import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.base.errors import storage_error
from p2ptui.base.ids import ContentId
from p2ptui.base.text import clamp_mtime
from p2ptui.net.link import Buffer
from p2ptui.node.chunkmap import ChunkMap, runs_of
from p2ptui.node.disk import Disk, PosixDisk
from p2ptui.node.journal import claim_records, read_journal, withdrawal_records
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial_files import PARTIALS, PartialFiles, stored_manifest, told

__all__ = [
    "CACHED_BYTES",
    "CHECKPOINT_BYTES",
    "CHECKPOINT_S",
    "PARTIALS",
    "Partial",
    "PartialClosed",
    "stored_manifest",
]

log = logging.getLogger(__name__)

CopyInto = Callable[[int, Callable[[int], bool]], bool]
"""Gives the descriptor of a file that has a chunk, which is as it was; what is answered to that."""
CHECKPOINT_BYTES = 16 * 2**20
"""Small enough that a checkpoint is made while more comes, within what a kill may cost."""
CHECKPOINT_S = 5.0
CACHED_BYTES = 256 * 2**20
"""Contents up to this size stay in the page cache as they are written."""


class PartialClosed(Exception):  # noqa: N818  (a race with the end of a fetch, not a fault)
    """The partial was closed, finished or discarded before this call."""


class Partial:
    """One content that is being fetched into one folder; locked against other processes."""

    def __init__(self, files: PartialFiles, manifest: Manifest, clock: Clock) -> None:
        """Use `Partial.open`."""
        self.manifest = manifest
        self.chunkmap = ChunkMap(manifest.chunk_count)
        """Chunks that are verified and written; changed under a lock, read freely."""
        self._files = files
        self._disk = files.disk
        self._clock = clock
        self._unverified = ChunkMap(manifest.chunk_count)
        self._fresh: list[int] = []
        self._fresh_bytes = 0
        self._syncing_bytes = 0
        self._withdrawn: set[int] = set()
        self._cached: list[int] = []
        self._in_demand = False
        """Whether somebody takes chunks from us: then the newest stay in the page cache."""
        self._checkpoint_at = clock.monotonic()
        self._state = threading.Condition()
        self._checkpointing = threading.Lock()
        self._writing = threading.Lock()
        """The system lets one thread at a time write to a file; the others would burn CPU."""
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
        with told(folder, "open"):
            files = PartialFiles(folder, manifest, disk or PosixDisk())
        partial = cls(files, manifest, clock)
        try:
            with files.told("write to"):
                files.lock()
                files.open_part(past_cache=manifest.size > CACHED_BYTES)
                partial._read_claims()
                files.make_room(reserve_bytes)
                if manifest.chunk_count > 1:
                    files.keep_manifest()
        except BaseException:
            files.close()
            raise
        return partial

    @property
    def folder(self) -> Path:
        """The destination folder."""
        return self._files.folder

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
                self._files.part,
                self.manifest.chunk_length(index),
                self.manifest.chunk_offset(index),
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
            with self._writing:
                offset = self.manifest.chunk_offset(index)
                self._files.write_part(data, offset, cached=self._in_demand)
            self._note_written(index, len(data))

    def _note_written(self, index: int, length: int) -> None:
        with self._state:
            self._unverified.clear(index)
            if self.chunkmap.set(index):
                self._fresh.append(index)
                self._fresh_bytes += length

    def accept_chunk(self, index: int, data: Buffer) -> bool:
        """Hash a chunk and write it; False, and nothing is written, when its hash is wrong."""
        if not self.manifest.holds(index, data):
            return False
        self.write_chunk(index, data)
        return True

    def copy_chunk(self, index: int, copy: CopyInto) -> bool | None:
        """Have a chunk copied into the part from a file here, and hash what lies there then.

        None when the system cannot copy like that; False when it is not that chunk. Only as long
        as nobody else writes chunks: it would be overwritten.
        """
        with self._busy("write to"), self._writing:
            if self.chunkmap.has(index):
                return True
            length = self.manifest.chunk_length(index)
            offset = self.manifest.chunk_offset(index)
            into = functools.partial(self._disk.copy, handle=self._files.part)
            if not copy(index, lambda source: into(source, offset=offset, length=length)):
                return None
            data = self._disk.read(self._files.part, length, offset)
            if not self.manifest.holds(index, data):
                return False
            self._note_written(index, length)
        return True

    def read_chunk(self, index: int) -> bytes | None:
        """A chunk to be served on; None when it is not there. Raises `IndexError` (F89)."""
        if not self.chunkmap.has(index):
            return None
        self._in_demand = True
        with self._busy("read"):
            length = self.manifest.chunk_length(index)
            data = self._disk.read(self._files.part, length, self.manifest.chunk_offset(index))
        return data if len(data) == length else None

    @property
    def checkpoint_due(self) -> bool:
        """Whether 16 MiB were written, or 5 s have passed, since the last checkpoint."""
        if not self._fresh:
            return False
        waited = self._clock.monotonic() - self._checkpoint_at
        return self._fresh_bytes >= CHECKPOINT_BYTES or waited >= CHECKPOINT_S

    @property
    def unclaimed_bytes(self) -> int:
        """What is written and not in the journal yet."""
        return self._fresh_bytes + self._syncing_bytes

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
        with self._busy("finish a file in"), self._checkpointing:
            if not self.complete:  # a checkpoint that ran until now may have lost some of it
                raise storage_error("The disk lost what was written to it", str(self.folder))
            # The journal stays behind on purpose: after a kill right here it tells what is whole.
            if self.manifest.chunk_count > 1:
                self._checkpoint()
            return self._files.place(name, clamp_mtime(mtime))

    def discard(self) -> None:
        """Remove the partials and close; what cannot be removed is left and logged."""
        if self._retire():
            try:
                self._files.remove()
            except OSError as error:
                log.warning("cannot clean up %s: %s", self.folder / PARTIALS, error)
            finally:
                self._files.close()

    def close(self) -> None:
        """Stop in an orderly way, to be taken up later; may be called twice. Raises `P2PError`.

        Whatever is raised, the partial is closed and unlocked afterwards.
        """
        if not self._retire():
            return
        try:
            with self._files.told("write to"):
                self._checkpoint()
                if not self._unverified.count:
                    self._files.append_clean_end()
        finally:
            self._files.close()

    def _read_claims(self) -> None:
        part, chunks = self._disk.stat(self._files.part), self.manifest.chunk_count
        data = self._files.read_journal()
        if data is None:
            if part.links > 1 and part.size == self.manifest.size:
                # Placed by a run that was killed while it cleaned up: all there, to be looked at.
                self._unverified = ChunkMap.full(chunks)
            return
        claims = read_journal(self.content_id, chunks, data, part)
        # With another name (F83) somebody else may write to it: look at every chunk.
        if claims.clean and part.links == 1:
            self.chunkmap = claims.chunks
        else:
            self._unverified = claims.chunks

    def _checkpoint(self) -> None:
        with self._state:
            fresh, self._fresh = self._fresh, []
            fresh_bytes, self._fresh_bytes = self._fresh_bytes, 0
            self._syncing_bytes = fresh_bytes
            withdrawn, self._withdrawn = self._withdrawn, set()
            self._checkpoint_at = self._clock.monotonic()
        if not fresh and not withdrawn:
            return
        try:
            self._claim(fresh, fresh_bytes, withdrawn)
        finally:
            self._syncing_bytes = 0
        self._uncache(fresh)

    def _claim(self, fresh: list[int], fresh_bytes: int, withdrawn: set[int]) -> None:
        try:
            self._disk.sync_data(self._files.part)
        except OSError:
            with self._state:
                self._withdrawn |= withdrawn
                for index in fresh:
                    self.chunkmap.clear(index)
            raise
        try:
            self._files.append(
                withdrawal_records(self.content_id, sorted(withdrawn))
                + claim_records(self.content_id, sorted(fresh))
            )
        except OSError:
            with self._state:
                self._withdrawn |= withdrawn
                self._fresh = fresh + self._fresh
                self._fresh_bytes += fresh_bytes
            raise

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
            self._disk.uncache(self._files.part, first * size, count * size)
        self._cached = synced

    @contextlib.contextmanager
    def _busy(self, doing: str) -> Iterator[None]:
        with self._state:
            if self._closed:
                raise PartialClosed(str(self.folder))
            self._users += 1
        try:
            with self._files.told(doing):
                yield
        finally:
            with self._state:
                self._users -= 1
                self._state.notify_all()

    def _retire(self) -> bool:
        """Let nobody begin anything more and wait for those at work; False when closed before."""
        with self._state:
            if self._closed:
                return False
            self._closed = True
            return self._state.wait_for(lambda: self._users == 0)
