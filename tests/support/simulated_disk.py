"""A disk in memory that can be cut from power, run full, fail, or see its process killed.

What was not synced is lost or kept at a power cut as the seed has it: each write and each change of
a folder by itself, in no order, which is worse than any real disk.
"""

import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from p2ptui.net.link import Buffer
from p2ptui.node.disk import FileStat

ROOT = Path("/downloads")


class Killed(BaseException):
    """The process is gone: nothing more of it runs."""


@dataclass(eq=False)
class File:
    """A file: what a reader sees, and what the disk has for certain."""

    number: int
    data: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Unsynced writes (offset, bytes) and sizes (size, None)."""
    allocated: int = 0
    mtime_ns: int = 1_000_000_000
    links: int = 0


@dataclass(eq=False)
class Folder:
    """A folder, with the changes of its names that are not on the disk yet."""

    number: int
    names: dict[str, "File | Folder"] = field(default_factory=dict)
    durable: dict[str, "File | Folder"] = field(default_factory=dict)
    mtime_ns: int = 1_000_000_000


class SimulatedDisk:
    """Implements `p2ptui.node.disk.Disk`. One folder of downloads, `ROOT`."""

    def __init__(
        self, capacity: int = 2**40, *, hard_links: bool = True, together: bool = True
    ) -> None:
        """`together`: all files can be synced with one call."""
        self.capacity = capacity
        self.hard_links = hard_links
        self.together = together
        self.root = Folder(1)
        self.calls: list[str] = []
        """Names of all calls that change something, in order."""
        self.trouble: Callable[[int, str], None] = lambda _count, _call: None
        """Called before each of them with its number from 0; may raise `OSError` or `Killed`."""
        self.writes: dict[int, list[tuple[int, int]]] = {}
        """Offset and length of all writes by inode."""
        self._open: dict[int, File | Folder] = {}
        self._locks: dict[int, int] = {}
        self._last = 1
        self._tick = 1_000_000_000

    # --- what happens to the machine --------------------------------------------------------------

    def kill(self) -> None:
        """The process dies: its descriptors and locks are gone, its writes are not."""
        self._open.clear()
        self._locks.clear()
        self.trouble = lambda _count, _call: None

    def cut_power(self, seed: int) -> None:
        """The machine dies: what was not synced is kept or lost by chance."""
        self.kill()
        chance = random.Random(seed)
        self._cut_folder(self.root, chance)

    def file(self, name: str) -> bytes:
        """What a reader sees under a name of the folder of downloads."""
        found = self.root.names[name]
        assert isinstance(found, File)
        return bytes(found.data)

    @property
    def visible(self) -> set[str]:
        """The names in the folder of downloads, hidden ones left out."""
        return {name for name in self.root.names if not name.startswith(".")}

    # --- Disk -------------------------------------------------------------------------------------

    def open_folder(self, path: Path) -> int:
        if path != ROOT:
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(path))
        return self._handle(self.root)

    def make_folder(self, folder: int, name: str) -> int:
        parent = self._folder(folder)
        if name not in parent.names:
            self._step("mkdir")
            parent.names[name] = Folder(self._number())
            self._touch(parent)
        found = parent.names[name]
        if not isinstance(found, Folder):
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", name)
        return self._handle(found)

    def open_file(self, folder: int, name: str, *, create: bool) -> int:
        parent = self._folder(folder)
        if name not in parent.names:
            if not create:
                raise FileNotFoundError(errno.ENOENT, "no such file", name)
            self._step("create")
            parent.names[name] = File(self._number(), links=1)
            self._touch(parent)
        return self._handle(parent.names[name])

    def create_file(self, folder: int, name: str) -> int:
        if name in self._folder(folder).names:
            raise FileExistsError(errno.EEXIST, "exists", name)
        return self.open_file(folder, name, create=True)

    def open_past_cache(self, folder: int, name: str) -> int | None:
        return self.open_file(folder, name, create=False)

    def close(self, handle: int) -> None:
        self._open.pop(handle, None)
        self._locks = {inode: owner for inode, owner in self._locks.items() if owner != handle}

    def try_lock(self, handle: int) -> bool:
        return self._locks.setdefault(self._file(handle).number, handle) == handle

    def stat(self, handle: int) -> FileStat:
        return self._stat(self._open[handle])

    def stat_name(self, folder: int, name: str) -> FileStat | None:
        found = self._folder(folder).names.get(name)
        return None if found is None else self._stat(found)

    def read(self, handle: int, length: int, offset: int) -> bytes:
        return bytes(self._file(handle).data[offset : offset + length])

    def write(self, handle: int, data: Buffer, offset: int) -> None:
        self._step("write")
        file = self._file(handle)
        end = max(len(file.data), offset + len(data))
        self._grow(file, end)
        self._apply(file.data, offset, bytes(data))
        file.pending.append((offset, bytes(data)))
        self.writes.setdefault(file.number, []).append((offset, len(data)))
        file.mtime_ns = self._now()

    def allocate(self, handle: int, size: int) -> None:
        self._step("allocate")
        file = self._file(handle)
        self._grow(file, size)
        self._resize(file, size)

    def truncate(self, handle: int, size: int) -> None:
        self._step("truncate")
        file = self._file(handle)
        file.allocated = min(file.allocated, size)
        self._resize(file, size)

    def sync_data(self, handle: int) -> None:
        self._step("fdatasync")
        file = self._file(handle)
        file.durable = bytearray(file.data)
        file.pending.clear()

    def sync(self, handle: int) -> None:
        self._step("fsync")
        found = self._open[handle]
        if isinstance(found, Folder):
            found.durable = dict(found.names)
        else:
            found.durable = bytearray(found.data)
            found.pending.clear()

    def syncs_together(self, folder: int) -> bool:
        self._folder(folder)
        return self.together

    def sync_together(self, folder: int) -> None:
        self._step("syncfs")
        self._folder(folder)
        for place in self._folders(self.root):
            place.durable = dict(place.names)
        for file in self._files(self.root).values():
            file.durable = bytearray(file.data)
            file.pending.clear()

    def copy(self, source: int, handle: int, offset: int, length: int) -> bool:
        assert source >= 0
        assert offset + length <= len(self._file(handle).data)
        return False

    def uncache(self, handle: int, offset: int, length: int) -> None:
        assert offset + length >= 0
        self._file(handle)

    def set_mtime(self, handle: int, seconds: int) -> None:
        self._step("utime")
        self._file(handle).mtime_ns = seconds * 10**9

    def names(self, folder: int) -> list[str]:
        return list(self._folder(folder).names)

    def link(self, folder: int, name: str, target: int, new_name: str) -> None:
        self._step("link")
        if not self.hard_links:
            raise PermissionError(errno.EPERM, "no hard links here", new_name)
        into, found = self._folder(target), self._folder(folder).names[name]
        assert isinstance(found, File)
        if new_name in into.names:
            raise FileExistsError(errno.EEXIST, "exists", new_name)
        into.names[new_name] = found
        found.links += 1
        self._touch(into)

    def rename(self, folder: int, name: str, target: int, new_name: str) -> None:
        self._step("rename")
        into, origin = self._folder(target), self._folder(folder)
        into.names[new_name] = origin.names.pop(name)
        self._touch(into)
        self._touch(origin)

    def remove(self, folder: int, name: str) -> None:
        parent = self._folder(folder)
        if name in parent.names:
            self._step("unlink")
            found = parent.names.pop(name)
            if isinstance(found, File):
                found.links -= 1
            self._touch(parent)

    def remove_folder(self, folder: int, name: str) -> None:
        parent = self._folder(folder)
        found = parent.names.get(name)
        if isinstance(found, Folder) and not found.names:
            self._step("rmdir")
            del parent.names[name]
            self._touch(parent)

    def free(self, folder: int) -> int:
        self._folder(folder)
        return self.capacity - self._used()

    # --- inside -----------------------------------------------------------------------------------

    def _step(self, call: str) -> None:
        self.trouble(len(self.calls), call)
        self.calls.append(call)

    def _handle(self, found: File | Folder) -> int:
        self._last += 1
        self._open[self._last] = found
        return self._last

    def _file(self, handle: int) -> File:
        found = self._open[handle]
        assert isinstance(found, File)
        return found

    def _folder(self, handle: int) -> Folder:
        found = self._open[handle]
        assert isinstance(found, Folder)
        return found

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _now(self) -> int:
        self._tick += 1_000_003
        return self._tick

    def _touch(self, folder: Folder) -> None:
        folder.mtime_ns = self._now()

    def _stat(self, found: File | Folder) -> FileStat:
        if isinstance(found, Folder):
            return FileStat(0, found.mtime_ns, 1, found.number, 1, 0, regular=False)
        return FileStat(
            len(found.data), found.mtime_ns, 1, found.number, found.links, found.allocated, True
        )

    def _files(self, folder: Folder) -> dict[int, File]:
        found: dict[int, File] = {}
        for entry in folder.names.values():
            if isinstance(entry, Folder):
                found |= self._files(entry)
            else:
                found[entry.number] = entry
        return found

    def _used(self) -> int:
        return sum(file.allocated for file in self._files(self.root).values())

    def _grow(self, file: File, size: int) -> None:
        more = max(size - file.allocated, 0)
        if self._used() + more > self.capacity:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file.allocated += more

    def _resize(self, file: File, size: int) -> None:
        self._apply(file.data, size, None)
        file.pending.append((size, None))
        file.mtime_ns = self._now()

    @staticmethod
    def _apply(data: bytearray, offset: int, written: bytes | None) -> None:
        end = offset + len(written or b"")
        if len(data) < end:
            data.extend(bytes(end - len(data)))
        if written is None:
            del data[offset:]
        else:
            data[offset:end] = written

    def _cut_folder(self, folder: Folder, chance: random.Random) -> None:
        kept = dict(folder.durable)
        for name in sorted(folder.names.keys() | folder.durable.keys()):
            if folder.names.get(name) is not folder.durable.get(name) and chance.random() < 0.5:
                if name in folder.names:
                    kept[name] = folder.names[name]
                else:
                    kept.pop(name, None)
        folder.names, folder.durable = kept, dict(kept)
        for entry in kept.values():
            if isinstance(entry, Folder):
                self._cut_folder(entry, chance)
            else:
                for offset, written in entry.pending:
                    if chance.random() < 0.5:
                        self._apply(entry.durable, offset, written)
                entry.data, entry.pending = bytearray(entry.durable), []
        for number, file in self._files(self.root).items():
            file.links = sum(
                entry is file
                for place in self._folders(self.root)
                for entry in place.names.values()
            )
            assert number == file.number

    def _folders(self, folder: Folder) -> list[Folder]:
        below = [entry for entry in folder.names.values() if isinstance(entry, Folder)]
        return [folder, *(place for entry in below for place in self._folders(entry))]
