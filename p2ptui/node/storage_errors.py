"""What goes wrong with disks, told so that a person can act on it (F91 to F93, F101). Pure."""

import errno
from pathlib import Path

from p2ptui.base.errors import ExitCode, P2PError, storage_error
from p2ptui.base.text import display, format_bytes


class NoSpace(P2PError):  # noqa: N818  (a state of the disk, which may pass)
    """The disk is full: `needed` bytes are wanted where `free` are; it may go on later."""

    def __init__(self, folder: Path, needed: int, free: int) -> None:
        super().__init__(
            "Not enough space",
            f"needs {format_bytes(needed)} and has {format_bytes(free)} in {display(str(folder))}",
            f"Make room for {format_bytes(max(needed - free, 1))} more.",
            exit_code=ExitCode.STORAGE,
        )
        self.needed = needed
        self.free = free

    @property
    def missing(self) -> int:
        """Bytes that must become free."""
        return max(self.needed - self.free, 1)


class PartialBusy(P2PError):  # noqa: N818  (a condition, not a fault)
    """Another process is fetching the same content into the same folder (F87)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            "Already being fetched",
            f"another program is fetching this content into {display(str(folder))}",
            "Wait for it, or fetch into another folder.",
            exit_code=ExitCode.STORAGE,
        )


class ContentChanged(Exception):  # noqa: N818  (a condition, not a fault)
    """A shared file is no longer the one that was hashed, or is no longer shared (F80, F81)."""


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CURES: dict[int, tuple[str, str]] = {
    errno.EACCES: ("no permission", "Give this user the right to read and write it."),
    errno.EPERM: ("not permitted", "Give this user the right to read and write it."),
    errno.EROFS: ("the disk is read-only", "Choose another folder, or mount it writable."),
    errno.ENOENT: ("it is not there", "Look whether the folder still exists."),
    errno.ENOTDIR: ("a part of its path is no folder", "Choose another folder."),
    errno.ELOOP: ("there is a symbolic link in its path", "Remove the link, or use its target."),
    errno.EMFILE: ("too many open files", "Raise the limit: ulimit -n 4096."),
    errno.ENFILE: ("the system has too many open files", "Close other programs."),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "Choose a shorter folder."),
    errno.EFBIG: ("the file is too large for this disk", "FAT holds at most 4 GiB a file."),
    errno.EIO: ("the disk reports an error", "Check the disk; its log says more (dmesg)."),
    errno.ESTALE: ("the network disk is gone", "Mount it again."),
}


def is_full(error: OSError) -> bool:
    """Whether an error says that a disk or a quota is full."""
    return error.errno in _FULL


def explain(error: OSError, path: Path | str, doing: str = "use") -> P2PError:
    """The error as a person reads it: what could not be done with which path, why, the cure."""
    why, cure = _CURES.get(error.errno or 0, (error.strerror or str(error), ""))
    if is_full(error):
        why, cure = "the disk is full", "Make room on it."
    return storage_error(f"Cannot {doing} {display(str(path))}", why, cure)
