"""A shared file that is being served, chunk by chunk, as long as it is the one that was hashed.

Never mapped into memory: somebody who truncates it would kill the process with SIGBUS.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from p2ptui.node.disk import read_at
from p2ptui.node.manifest import Manifest
from p2ptui.node.shared_files import ShareFolder, mark_of
from p2ptui.node.storage_errors import ContentChanged
from p2ptui.node.store_values import FileRecord, ShareRecord


class OpenContent:
    """A shared file, open for reading. Reads may come from several threads."""

    def __init__(self, share: ShareRecord, file: FileRecord, manifest: Manifest) -> None:
        """Open it (blocking). Raises `ContentChanged`, `OSError`."""
        self.file = file
        self.manifest = manifest
        self.path: Path = share.root / file.place
        """Where it lies."""
        self._mark = file.mark
        self._lock = threading.Lock()
        self._users = 0
        self._closed = True
        self._withdrawn = False
        with ShareFolder(share.root) as folder:
            self._handle = folder.open(file.folder, file.name)
        try:
            self._look()
        except BaseException:
            os.close(self._handle)
            raise
        self._tells_cached = _tells_cached(self._handle)
        self._closed = False

    def __del__(self) -> None:
        # When the call that opened it in a thread was cancelled, nobody else will.
        self.close()

    @property
    def name(self) -> str:
        """Its wire name joined with `/`."""
        return self.file.wire

    def bitmap(self) -> bytes | None:
        """The chunks that can be read: None, for all of them."""
        return None

    def read(self, index: int) -> bytes:
        """One chunk (blocking). Raises `ContentChanged`, `OSError`, `IndexError` (F89)."""
        manifest = self.manifest
        length, offset = manifest.chunk_length(index), manifest.chunk_offset(index)
        handle = self._enter()
        try:
            self._look()
            data = read_at(handle, length, offset)
            self._look()
        finally:
            self._leave()
        if len(data) != length:
            raise ContentChanged(str(self.path))
        return data

    def read_cached(self, index: int, into: memoryview) -> bool:
        """Read one chunk into a buffer of its length if it is in memory; never waits for a disk.

        False: use `read`. Raises `ContentChanged`, `OSError`, `IndexError` (F89).
        """
        offset = self.manifest.chunk_offset(index)
        if not self._tells_cached:
            return False
        handle = self._enter()
        try:
            self._look()
            try:
                found = os.preadv(handle, (into,), offset, os.RWF_NOWAIT)
            except BlockingIOError:
                return False
            self._look()
        finally:
            self._leave()
        return found == len(into)

    def copy(self, index: int, into: Callable[[int], bool]) -> bool:
        """Give the descriptor to what copies a chunk (blocking). Raises as `read` does."""
        self.manifest.chunk_length(index)
        handle = self._enter()
        try:
            self._look()
            copied = into(handle)
            self._look()
        finally:
            self._leave()
        return copied

    def withdraw(self) -> None:
        """Let no more be read: the file is no longer shared."""
        self._withdrawn = True

    def close(self) -> None:
        """Close it once no thread reads any more; may be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            idle = not self._users
        if idle:
            os.close(self._handle)

    def _look(self) -> None:
        if self._withdrawn or mark_of(os.fstat(self._handle)) != self._mark:
            raise ContentChanged(str(self.path))

    def _enter(self) -> int:
        with self._lock:
            if self._closed:
                raise ContentChanged(str(self.path))
            self._users += 1
        return self._handle

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            last = self._closed and not self._users
        if last:
            os.close(self._handle)


def _tells_cached(handle: int) -> bool:
    """Whether the file system says at once what is not in memory; those that do are local."""
    if not hasattr(os, "RWF_NOWAIT"):
        return False
    try:
        os.preadv(handle, (bytearray(1),), 0, os.RWF_NOWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True
