"""Whole sync: one call that brings all that was written to a file system onto the disk (syncfs(2)).

Only where it is as good as fsync(2) on each file. A file system in user space (FUSE) or of another
machine hands over what was written and is not told to keep it; an overlay does not tell of writes
that failed below it. There, and wherever nothing is known, each file is synced by itself.
"""

import ctypes
import errno
import functools
import os
import re
import sys

_AS_GOOD = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x01021994})
"""Types in statfs(2): ext2 to ext4, XFS, Btrfs, F2FS, tmpfs."""
_STATFS_BYTES = 256
"""More than any statfs(2) writes."""
_SINCE = (5, 8)
"""The Linux from which it tells of writes that failed."""


def syncs_whole(folder: int) -> bool:
    """Whether the file system of an open folder can be synced so."""
    return _function("syncfs") is not None and _type_of(folder) in _AS_GOOD


def sync_whole(folder: int) -> None:
    """Sync the file system of an open folder. Raises `OSError`: trouble since it was opened too."""
    function = _function("syncfs")
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    while function(folder) != 0:
        code = ctypes.get_errno()
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))


def _type_of(folder: int) -> int | None:
    function = _function("fstatfs")
    found = ctypes.create_string_buffer(_STATFS_BYTES)
    if function is None or function(folder, found) != 0:
        return None
    return ctypes.c_long.from_buffer(found).value & 0xFFFFFFFF


@functools.cache
def _function(name: str) -> "ctypes._FuncPointer | None":
    if sys.platform != "linux":
        return None
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release is None or (int(release[1]), int(release[2])) < _SINCE:
        return None
    try:
        function: ctypes._FuncPointer = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_void_p) if name == "fstatfs" else (ctypes.c_int,)
    return function
