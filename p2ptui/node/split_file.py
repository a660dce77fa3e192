"""A large file that several threads hash: each takes the next stretch of chunks that nobody has.

All calls block, but for `has_more`.
"""

import errno
import os
import threading
from typing import Protocol

from p2ptui.node.manifest import chunk_count, chunk_hasher, chunk_size_log2

SPLIT_BYTES = 64 * 2**20
"""From this size on a file may be hashed by several threads."""
STRETCH_BYTES = 16 * 2**20
PIECE_BYTES = 2**20


class SplitProgress(Protocol):
    """What the threads tell how far they are, and hear whether to go on."""

    done: int
    total: int
    cancelled: bool


class SplitFile:
    """One open file; whoever opened it calls `hash`, others `help` meanwhile."""

    def __init__(self, handle: int, size: int, progress: SplitProgress) -> None:
        self._handle = handle
        self._size = size
        self._progress = progress
        self._chunk_bytes = 1 << chunk_size_log2(size)
        self._hashes = [b""] * chunk_count(size)
        self._step = max(1, STRETCH_BYTES // self._chunk_bytes)
        self._next = 0
        self._workers = 0
        self._trouble: Exception | None = None
        self._state = threading.Condition()

    @property
    def has_more(self) -> bool:
        """Whether there is a stretch that nobody has."""
        return self._next < len(self._hashes) and self._trouble is None

    def hash(self) -> list[bytes] | None:
        """The hashes of all chunks, once all threads are through; None when it was cancelled.

        Raises `OSError`: what one of them met.
        """
        self.help()
        with self._state:
            self._next = len(self._hashes)
            self._state.wait_for(lambda: self._workers == 0)
        if self._trouble is not None:
            raise self._trouble
        return None if self._progress.cancelled else self._hashes

    def help(self) -> None:
        """Hash stretch after stretch until none is left."""
        view = memoryview(bytearray(min(PIECE_BYTES, self._chunk_bytes)))
        while (first := self._take()) is not None:
            try:
                for index in range(first, min(first + self._step, len(self._hashes))):
                    if self._progress.cancelled:
                        return
                    self._hashes[index] = self._hash_chunk(index, view)
            except OSError as error:
                self._trouble = error
            finally:
                with self._state:
                    self._workers -= 1
                    self._state.notify_all()

    def _take(self) -> int | None:
        with self._state:
            if not self.has_more or self._progress.cancelled:
                return None
            self._workers += 1
            first, self._next = self._next, self._next + self._step
        return first

    def _hash_chunk(self, index: int, view: memoryview) -> bytes:
        offset = index * self._chunk_bytes
        end = min(offset + self._chunk_bytes, self._size)
        hasher = chunk_hasher()
        while offset < end:
            read = os.preadv(self._handle, [view[: min(len(view), end - offset)]], offset)
            if not read:
                raise OSError(errno.EIO, "the file ends before its size")
            hasher.update(view[:read])
            offset += read
            with self._state:
                self._progress.done += read
                self._progress.total += read
        return hasher.digest()
