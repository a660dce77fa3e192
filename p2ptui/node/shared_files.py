"""Opening shared files: below their share's folder, never through a link (PROTOCOL.md 5, F81, F82).

All calls block. A file is opened with `O_NOFOLLOW|O_NONBLOCK` relative to its folder, each folder
on the way with `O_NOFOLLOW|O_DIRECTORY`; anything but a regular file is refused before it is read.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Self

from p2ptui.base.errors import storage_error
from p2ptui.node.store_values import Fingerprint


class NotRegular(OSError):  # noqa: N818  (the condition)
    """What lies there is a link, a pipe, a device, a socket or a folder."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", name)


class ShareFolder:
    """The open folder of a share. Keeps the last subfolder open: files come folder by folder."""

    def __init__(self, root: Path) -> None:
        """Open it; links on the way to it were meant by the user. Raises `OSError`."""
        self._closed = True
        self._root = os.open(root, os.O_RDONLY | _flag("O_DIRECTORY") | _flag("O_CLOEXEC"))
        self._closed = False
        self._place = ""
        self._folder = self._root

    def __del__(self) -> None:
        # When the call that opened it in a thread was cancelled, nobody else will.
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode of the share's folder."""
        found = os.fstat(self._root)
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Close the folder; files that were opened stay open. May be called twice."""
        if not self._closed:
            self._closed = True
            self._leave()
            os.close(self._root)

    def subfolder(self, folder: str) -> int:
        """A descriptor of a subfolder, given by its `/`-joined path; it remains ours."""
        if folder == self._place:
            return self._folder
        self._leave()
        flags = os.O_RDONLY | _flag("O_DIRECTORY") | _flag("O_NOFOLLOW") | _flag("O_CLOEXEC")
        handle = self._root
        for part in folder.split("/") if folder else ():
            try:
                below = os.open(part, flags, dir_fd=handle)
            finally:
                if handle != self._root:
                    os.close(handle)
            handle = below
        self._place, self._folder = folder, handle
        return handle

    def open(self, folder: str, name: str) -> int:
        """A descriptor of a regular file, to be closed by the caller. Raises `OSError`."""
        flags = os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK") | _flag("O_CLOEXEC")
        try:
            handle = os.open(name, flags, dir_fd=self.subfolder(folder))
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENXIO}:  # a link; a socket, a pipe
                raise NotRegular(name) from error
            raise
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise NotRegular(name)
        return handle

    def mark(self, folder: str, name: str) -> Fingerprint:
        """What a regular file is now, unopened. Raises `OSError`."""
        found = os.stat(name, dir_fd=self.subfolder(folder), follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            raise NotRegular(name)
        return mark_of(found)

    def remove(self, folder: str, name: str) -> None:
        """Delete a file. Raises `OSError`."""
        os.unlink(name, dir_fd=self.subfolder(folder))

    def _leave(self) -> None:
        if self._folder != self._root:
            os.close(self._folder)
        self._place, self._folder = "", self._root


def mark_of(found: os.stat_result) -> Fingerprint:
    """By what a file is known to be the one that was hashed."""
    return Fingerprint(found.st_size, found.st_mtime_ns, found.st_ino)


def _flag(name: str) -> int:
    value: int | None = getattr(os, name, None)
    if value is None:
        raise storage_error(
            "Not possible on this system",
            f"safe file access needs {name}, which only POSIX systems have",
            "Use Linux or macOS.",
        )
    return value
