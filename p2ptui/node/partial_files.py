"""The files of a partial: `<cid>.part`, `.journal`, `.manifest` and `.lock` in `.p2ptui-partial/`.

All calls block. No remote name stands in these paths; the folder is private and is reached by
descriptor, never through a link (F82). What chunks mean is `partial`'s business.
"""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from p2ptui.base.ids import ContentId, content_id_text
from p2ptui.net.link import Buffer
from p2ptui.node.buffers import is_blocks
from p2ptui.node.disk import Disk, PosixDisk
from p2ptui.node.finish import FolderNames, Placing
from p2ptui.node.journal import RECORD_BYTES, clean_record
from p2ptui.node.manifest import HASH_BYTES, MAX_CHUNKS, Manifest, ManifestMismatch
from p2ptui.node.storage_errors import NoSpace, PartialBusy, explain, is_full

PARTIALS = ".p2ptui-partial"

_MAX_JOURNAL = 64 * MAX_CHUNKS * RECORD_BYTES
_SIZE_BYTES = 8
_NOTES_BYTES = 64 * 1024
"""Room that journal, manifest and the names in the folder may take besides the part."""
FOLDER_NAMES = FolderNames()


class PartialFiles:
    """The files of one content in one folder, locked against other processes while open."""

    def __init__(self, folder: Path, manifest: Manifest, disk: Disk) -> None:
        """Open the folder. Raises `OSError`; `lock` and `open_part` come next."""
        self.folder = folder
        self.disk = disk
        self.part = -1
        self._manifest = manifest
        self._text = content_id_text(manifest.content_id)
        self._handles: list[int] = []
        self._partials = -1
        self._past_cache: int | None = None
        """Another descriptor of the part."""
        self._journal: int | None = None
        self._journal_end = 0
        self._folder = self._own(disk.open_folder(folder))

    def __del__(self) -> None:
        # When the call that opened it in a thread was cancelled, nobody else will unlock it.
        self.close()

    def lock(self) -> None:
        """Make the private folder and lock the content. Raises `PartialBusy` (F87)."""
        self._partials = self._own(self.disk.make_folder(self._folder, PARTIALS))
        name = f"{self._text}.lock"
        while True:
            try:
                handle = self._own(self.disk.open_file(self._partials, name, create=True))
            except FileNotFoundError:
                # Whoever had the last file in it removed the folder meanwhile.
                self._partials = self._own(self.disk.make_folder(self._folder, PARTIALS))
                continue
            if not self.disk.try_lock(handle):
                raise PartialBusy(self.folder)
            # Whoever had it before may have removed the name meanwhile: then ours locks nothing.
            named = self.disk.stat_name(self._partials, name)
            if named is not None and named.inode == self.disk.stat(handle).inode:
                return

    def open_part(self, *, past_cache: bool = False) -> None:
        """Open the part, empty unless it has the content's size.

        `past_cache`: it will be written past the page cache as far as that is possible.
        """
        self.part = self._own(
            self.disk.open_file(self._partials, f"{self._text}.part", create=True)
        )
        if self.disk.stat(self.part).size not in {0, self._manifest.size}:
            self.disk.truncate(self.part, 0)
        if past_cache:
            handle = self.disk.open_past_cache(self._partials, f"{self._text}.part")
            self._past_cache = None if handle is None else self._own(handle)

    def write_part(self, data: Buffer, offset: int, *, cached: bool) -> None:
        """Write into the part, one thread at a time; `cached`: it will be asked for soon.

        Past the page cache a chunk costs neither a copy nor fresh pages: half of the processor
        time that a written byte takes (measured in a virtual machine).
        """
        if not cached and self._past_cache is not None and is_blocks(data):
            try:
                self.disk.write(self._past_cache, data, offset)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                self._past_cache = None  # it has larger blocks
            else:
                return
        self.disk.write(self.part, data, offset)

    def make_room(self, reserve_bytes: int) -> None:
        """Give the part its size. Raises `NoSpace` unless that and the reserve fit (F86)."""
        disk, size = self.disk, self._manifest.size
        found = disk.stat(self.part)
        needed = max(size - found.allocated, 0) + reserve_bytes
        free = disk.free(self._folder)
        if free < needed and found.allocated < size:
            if found.size == 0:
                self.remove()
            raise NoSpace(self.folder, needed, free)
        if found.size != size:
            disk.allocate(self.part, size)

    def read_journal(self) -> bytes | None:
        """All of the journal; None when there is none."""
        name = f"{self._text}.journal"
        if self.disk.stat_name(self._partials, name) is None:
            return None
        self._journal = self._own(self.disk.open_file(self._partials, name, create=False))
        data = self.disk.read(self._journal, _MAX_JOURNAL, 0)
        self._journal_end = len(data) - len(data) % RECORD_BYTES
        return data

    def append(self, records: bytes) -> None:
        """Append to the journal; they are on the disk when this returns."""
        disk = self.disk
        if self._journal is None:
            name = f"{self._text}.journal"
            self._journal = self._own(disk.open_file(self._partials, name, create=True))
            disk.sync(self._partials)
            disk.sync(self._folder)
        if disk.stat(self._journal).size != self._journal_end:
            disk.truncate(self._journal, self._journal_end)  # a torn end, or a try that failed
        disk.write(self._journal, records, self._journal_end)
        disk.sync_data(self._journal)
        self._journal_end += len(records)

    def append_clean_end(self) -> None:
        """Note an orderly end; without a journal there is nothing to trust."""
        if self._journal is not None:
            self.append(clean_record(self._manifest.content_id, self.disk.stat(self.part)))

    def keep_manifest(self) -> None:
        """Keep the manifest for the next run."""
        disk = self.disk
        said = self._manifest.size.to_bytes(_SIZE_BYTES, "big") + self._manifest.hashes
        handle = disk.open_file(self._partials, f"{self._text}.manifest", create=True)
        try:
            if disk.stat(handle).size != len(said):
                disk.truncate(handle, 0)
                disk.write(handle, said, 0)
                disk.sync(handle)
                disk.sync(self._partials)
        finally:
            disk.close(handle)

    def place(self, name: str, mtime: int) -> Path:
        """Give the part a final name that is safe and free, durably."""
        self.disk.set_mtime(self.part, mtime)
        self.disk.sync(self.part)
        placing = Placing(self.disk, self._partials, f"{self._text}.part", self._folder)
        final = FOLDER_NAMES.place(placing, name)
        self.disk.sync(self._folder)
        return self.folder / final

    def remove(self) -> None:
        """Remove them all, and the folder when it is empty then."""
        # The part goes last: as long as it is there, a killed run is taken up where it was.
        for kind in ("journal", "manifest", "part", "lock"):
            self.disk.remove(self._partials, f"{self._text}.{kind}")
        self.disk.remove_folder(self._folder, PARTIALS)

    def close(self) -> None:
        """Close and unlock; may be called twice."""
        while self._handles:
            self.disk.close(self._handles.pop())

    @contextlib.contextmanager
    def told(self, doing: str) -> Iterator[None]:
        """Tell the trouble of what is done inside as `NoSpace` or another `P2PError`."""
        with told(self.folder, doing):
            try:
                yield
            except OSError as error:
                if not is_full(error):
                    raise
                there = self.disk.stat(self.part).allocated if self.part >= 0 else 0
                free = self.disk.free(self._folder)
                # A quota may be full while the disk is not.
                needed = max(self._manifest.size - there + _NOTES_BYTES, free + 1)
                raise NoSpace(self.folder, needed, free) from error

    def _own(self, handle: int) -> int:
        self._handles.append(handle)
        return handle


@contextlib.contextmanager
def told(folder: Path, doing: str) -> Iterator[None]:
    """Tell an `OSError` inside as a `P2PError` about a folder."""
    try:
        yield
    except OSError as error:
        raise explain(error, folder, doing) from error


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
