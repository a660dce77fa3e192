"""The disk as an argument: every call that a fetch makes, so that tests can put a simulated one.

`PosixDisk` is the real one and the only place of this package that knows POSIX locks and flags; on
other systems it says so. Folders are walked by descriptor with `O_NOFOLLOW|O_DIRECTORY`, for
`O_NOFOLLOW` alone does not guard the parents (PROTOCOL.md 5, F82). All calls block.
"""

import contextlib
import ctypes
import errno
import functools
import os
from pathlib import Path
from typing import NamedTuple, Protocol

from p2ptui.base.errors import storage_error
from p2ptui.net.link import Buffer
from p2ptui.node.kernel_copy import KernelCopy
from p2ptui.node.whole_sync import sync_whole, syncs_whole

BLOCK_BYTES = 4096
"""Where writes past the page cache begin and end, in memory and in the file."""


class FileStat(NamedTuple):
    """What is looked at of a file: `allocated` in bytes, times in nanoseconds since 1970."""

    size: int
    mtime_ns: int
    device: int
    inode: int
    links: int
    allocated: int
    regular: bool


class Disk(Protocol):
    """Blocking file calls on descriptors. All may raise `OSError`."""

    def open_folder(self, path: Path) -> int:
        """A descriptor of a folder that the user named."""
        ...

    def make_folder(self, folder: int, name: str) -> int:
        """A descriptor of a private (0700) subfolder, made when missing; never a link's target."""
        ...

    def open_file(self, folder: int, name: str, *, create: bool) -> int:
        """A descriptor to read and write a regular file; never a link's target."""
        ...

    def create_file(self, folder: int, name: str) -> int:
        """A descriptor to write a new file. Raises `FileExistsError` when the name is in use."""
        ...

    def open_past_cache(self, folder: int, name: str) -> int | None:
        """A second descriptor of a file, to write whole blocks of it to the disk itself.

        None where the system has none.
        """
        ...

    def close(self, handle: int) -> None:
        """Close a descriptor."""
        ...

    def try_lock(self, handle: int) -> bool:
        """Lock a file for this process until it is closed; False when another has it."""
        ...

    def stat(self, handle: int) -> FileStat:
        """What an open file is now."""
        ...

    def stat_name(self, folder: int, name: str) -> FileStat | None:
        """What lies under a name, links not followed; None when nothing does."""
        ...

    def read(self, handle: int, length: int, offset: int) -> bytes:
        """Bytes of a file; fewer at its end only."""
        ...

    def write(self, handle: int, data: Buffer, offset: int) -> None:
        """Write all of a buffer."""
        ...

    def copy(self, source: int, handle: int, offset: int, length: int) -> bool:
        """Copy a part of a file to the same place of another without reading it.

        False where the system cannot: then it is to be read and written.
        """
        ...

    def allocate(self, handle: int, size: int) -> None:
        """Give a file its size, with room on the disk where the file system can."""
        ...

    def truncate(self, handle: int, size: int) -> None:
        """Cut a file."""
        ...

    def sync_data(self, handle: int) -> None:
        """Return when the data of a file is on the disk."""
        ...

    def sync(self, handle: int) -> None:
        """Return when a file or a folder is on the disk."""
        ...

    def syncs_together(self, folder: int) -> bool:
        """Whether `sync_together` is as good for what a folder holds as `sync` for each file."""
        ...

    def sync_together(self, folder: int) -> None:
        """Return when all that was written to the file system of a folder is on the disk.

        Tells the trouble of every write since the folder was opened.
        """
        ...

    def uncache(self, handle: int, offset: int, length: int) -> None:
        """Say that synced bytes are not needed soon: their pages may be used for something else."""
        ...

    def set_mtime(self, handle: int, seconds: int) -> None:
        """Set the modification time."""
        ...

    def names(self, folder: int) -> list[str]:
        """The names in a folder."""
        ...

    def link(self, folder: int, name: str, target: int, new_name: str) -> None:
        """Give a file a second name, in another folder; refuses an existing one."""
        ...

    def rename(self, folder: int, name: str, target: int, new_name: str) -> None:
        """Move a file over whatever has the new name."""
        ...

    def remove(self, folder: int, name: str) -> None:
        """Remove a name; it is no error when it is not there."""
        ...

    def remove_folder(self, folder: int, name: str) -> None:
        """Remove a subfolder when it is empty."""
        ...

    def free(self, folder: int) -> int:
        """Bytes that this user may still write."""
        ...


class PosixDisk:
    """The disks of this machine."""

    def __init__(self) -> None:
        self._copy = KernelCopy()

    def open_folder(self, path: Path) -> int:
        """See `Disk.open_folder`: links on the way to a folder that the user named are meant."""
        return os.open(path, _flag("O_DIRECTORY") | os.O_RDONLY | _flag("O_CLOEXEC"))

    def make_folder(self, folder: int, name: str) -> int:
        """See `Disk.make_folder`. A folder of another user is refused."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)
        flags = _flag("O_DIRECTORY") | _flag("O_NOFOLLOW") | os.O_RDONLY | _flag("O_CLOEXEC")
        handle = os.open(name, flags, dir_fd=folder)
        try:
            _make_private(handle, name)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def open_file(self, folder: int, name: str, *, create: bool) -> int:
        """See `Disk.open_file`. The folder is private, so the mode may be the one of the end."""
        flags = os.O_RDWR | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK") | _flag("O_CLOEXEC")
        handle = os.open(name, flags | (os.O_CREAT if create else 0), 0o666, dir_fd=folder)
        if not self.stat(handle).regular:
            os.close(handle)
            raise OSError(errno.EINVAL, "not a regular file", name)
        return handle

    def create_file(self, folder: int, name: str) -> int:
        """See `Disk.create_file`. The folder is private, so the mode may be the one of the end."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _flag("O_NOFOLLOW") | _flag("O_CLOEXEC")
        return os.open(name, flags, 0o666, dir_fd=folder)

    def open_past_cache(self, folder: int, name: str) -> int | None:
        """See `Disk.open_past_cache`: not every file system can, and macOS has another way."""
        direct: int = getattr(os, "O_DIRECT", 0)
        flags = os.O_WRONLY | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK") | _flag("O_CLOEXEC")
        try:
            return os.open(name, flags | direct, dir_fd=folder) if direct else None
        except OSError:
            return None

    def close(self, handle: int) -> None:
        """See `Disk.close`."""
        os.close(handle)

    def try_lock(self, handle: int) -> bool:
        """See `Disk.try_lock`."""
        import fcntl  # noqa: PLC0415  (POSIX only)

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def stat(self, handle: int) -> FileStat:
        """See `Disk.stat`."""
        return _stat_of(os.fstat(handle))

    def stat_name(self, folder: int, name: str) -> FileStat | None:
        """See `Disk.stat_name`."""
        try:
            return _stat_of(os.stat(name, dir_fd=folder, follow_symlinks=False))
        except FileNotFoundError:
            return None

    def read(self, handle: int, length: int, offset: int) -> bytes:
        """See `Disk.read`."""
        return read_at(handle, length, offset)

    def write(self, handle: int, data: Buffer, offset: int) -> None:
        """See `Disk.write`: one call, but when the system takes less."""
        written = os.pwrite(handle, data, offset)
        if written != len(data):
            view = memoryview(data)
            while written < len(view):
                written += os.pwrite(handle, view[written:], offset + written)

    def copy(self, source: int, handle: int, offset: int, length: int) -> bool:
        """See `Disk.copy`: blocks are shared where the file system can (`kernel_copy`)."""
        return self._copy(source, handle, offset, length)

    def allocate(self, handle: int, size: int) -> None:
        """See `Disk.allocate`: fewer CPU cycles per chunk, and a full disk shows at once."""
        if not _fallocate(handle, size):
            os.ftruncate(handle, size)

    def truncate(self, handle: int, size: int) -> None:
        """See `Disk.truncate`."""
        os.ftruncate(handle, size)

    def sync_data(self, handle: int) -> None:
        """See `Disk.sync_data`."""
        if hasattr(os, "fdatasync"):
            os.fdatasync(handle)
        else:
            self.sync(handle)

    def sync(self, handle: int) -> None:
        """See `Disk.sync`."""
        os.fsync(handle)

    def syncs_together(self, folder: int) -> bool:
        """See `Disk.syncs_together`."""
        return syncs_whole(folder)

    def sync_together(self, folder: int) -> None:
        """See `Disk.sync_together`: one call for hundreds of files."""
        sync_whole(folder)

    def uncache(self, handle: int, offset: int, length: int) -> None:
        """See `Disk.uncache`."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, offset, length, os.POSIX_FADV_DONTNEED)

    def set_mtime(self, handle: int, seconds: int) -> None:
        """See `Disk.set_mtime`."""
        os.utime(handle, (seconds, seconds))

    def names(self, folder: int) -> list[str]:
        """See `Disk.names`."""
        return os.listdir(folder)

    def link(self, folder: int, name: str, target: int, new_name: str) -> None:
        """See `Disk.link`."""
        os.link(name, new_name, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)

    def rename(self, folder: int, name: str, target: int, new_name: str) -> None:
        """See `Disk.rename`."""
        os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=target)

    def remove(self, folder: int, name: str) -> None:
        """See `Disk.remove`."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)

    def remove_folder(self, folder: int, name: str) -> None:
        """See `Disk.remove_folder`."""
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=folder)

    def free(self, folder: int) -> int:
        """See `Disk.free`."""
        space = os.fstatvfs(folder)
        return space.f_bavail * space.f_frsize


def read_at(handle: int, length: int, offset: int) -> bytes:
    """Read at a place until `length` bytes are there or the file ends."""
    data = os.pread(handle, length, offset)
    if len(data) == length or not data:
        return data
    parts = [data]
    have = len(data)
    while have < length:
        data = os.pread(handle, length - have, offset + have)
        if not data:
            break
        parts.append(data)
        have += len(data)
    return b"".join(parts)


def _make_private(handle: int, name: str) -> None:
    found = os.fstat(handle)
    if found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "the folder belongs to another user", name)
    if found.st_mode & 0o077:
        os.fchmod(handle, 0o700)


def _stat_of(found: os.stat_result) -> FileStat:
    return FileStat(
        found.st_size,
        found.st_mtime_ns,
        found.st_dev,
        found.st_ino,
        found.st_nlink,
        found.st_blocks * 512,
        (found.st_mode & 0o170000) == 0o100000,
    )


def _flag(name: str) -> int:
    value: int | None = getattr(os, name, None)
    if value is None:
        raise storage_error(
            "Not possible on this system",
            f"safe file access needs {name}, which only POSIX systems have",
            "Use Linux or macOS.",
        )
    return value


@functools.cache
def _libc_fallocate() -> "ctypes._FuncPointer | None":
    """fallocate(2) itself: `os.posix_fallocate` writes into every block where it is missing."""
    try:
        function: ctypes._FuncPointer = ctypes.CDLL(None, use_errno=True).fallocate
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return function


def _fallocate(handle: int, size: int) -> bool:
    """Whether room was made; False where the file system cannot. Raises `OSError` when full."""
    function = _libc_fallocate()
    if function is None or size == 0:
        return False
    while function(handle, 0, 0, size) != 0:
        code = ctypes.get_errno()
        if code in {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}:
            return False
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))
    return True
