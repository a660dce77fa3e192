"""Kernel copy: bytes from one file into another that never pass through this process.

Where the file system can (Btrfs, XFS, APFS has another way) the two files then share their blocks:
a copy costs no space and no time, and a change of the one leaves the other as it was. Otherwise the
system copies (`copy_file_range`), on a file server without the network. Blocks; Linux alone.
"""

import errno
import os
import struct
import sys
from collections.abc import Callable
from typing import Literal

CopyWay = Literal["share", "copy", "none"]
"""Share blocks; have the system copy; not at all."""

_FICLONERANGE = 0x4020940D
"""`_IOW(0x94, 13, struct file_clone_range)`: the same on all architectures but four old ones."""
_RANGE = struct.Struct("qQQQ")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def share_blocks(source: int, target: int, offset: int, length: int) -> None:
    """Have a part of `target` share the blocks of the same part of `source`. Raises `OSError`."""
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    import fcntl  # noqa: PLC0415  (POSIX only)

    fcntl.ioctl(target, _FICLONERANGE, _RANGE.pack(source, offset, length, offset))


def copy_blocks(source: int, target: int, offset: int, length: int) -> None:
    """Have the system copy a part of `source` to the same part of `target`. Raises `OSError`."""
    copy_file_range = getattr(os, "copy_file_range", None)
    if copy_file_range is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    while length:
        copied = copy_file_range(source, target, length, offset, offset)
        if not copied:
            raise OSError(errno.EIO, "the file is shorter than it was")
        offset += copied
        length -= copied


class KernelCopy:
    """Copies between two file systems in the best way that works there; remembers which that is."""

    def __init__(
        self,
        share: Callable[[int, int, int, int], None] = share_blocks,
        copy: Callable[[int, int, int, int], None] = copy_blocks,
    ) -> None:
        """`share` and `copy` raise `OSError` where there is no such thing."""
        self._calls = {"share": share, "copy": copy}
        self.way: CopyWay = "share"
        """What will be tried first."""

    def __call__(self, source: int, target: int, offset: int, length: int) -> bool:
        """Copy a part of a file to the same place of another; False: it has to be done by hand.

        Raises `OSError` when the disk or a quota is full.
        """
        ways: tuple[CopyWay, ...] = ("share", "copy")
        for way in ways[ways.index(self.way) :] if self.way != "none" else ():
            try:
                self._calls[way](source, target, offset, length)
            except OSError as error:
                if error.errno in _FULL:
                    raise
            else:
                self.way = way
                return True
        self.way = "none"
        return False
