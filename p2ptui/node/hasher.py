"""Hashing files: a manifest of what lies on the disk, in a thread, cancellable between pieces.

All calls block. Progress is written into a `HashProgress` that the event loop reads at its leisure.
"""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from p2ptui.node.manifest import Manifest, chunk_hasher, chunk_size_log2
from p2ptui.node.shared_files import ShareFolder, mark_of
from p2ptui.node.split_file import SPLIT_BYTES, SplitFile
from p2ptui.node.store_values import Fingerprint

PIECE_BYTES = 2**20


class HashCancelled(Exception):  # noqa: N818  (asked for, not an error)
    """The owner of the hashing stopped it."""


class FileChanged(Exception):  # noqa: N818  (a condition)
    """A file changed while it was hashed, or is not the one that was to be; `mark`: what it is."""

    def __init__(self, mark: Fingerprint) -> None:
        super().__init__(mark)
        self.mark = mark


def _nobody() -> None:
    """Nobody can help."""


@dataclass(slots=True, eq=False)
class HashProgress:
    """What a hashing thread is at; written by it and its helpers, but for `cancelled`."""

    file: int = 0
    """Number of the file that is being hashed."""
    done: int = 0
    """Bytes of that file."""
    total: int = 0
    """Bytes of all files of this batch so far."""
    cancelled: bool = False
    split: SplitFile | None = None
    """The large file that is being hashed, which other threads may help with."""
    on_split: Callable[[], None] = _nobody
    """Called by the thread when there is one."""


class HashJob(NamedTuple):
    """A file to hash: its number, where it lies, and what it must be (None: whatever it is)."""

    id: int
    root: Path
    folder: str
    name: str
    mark: Fingerprint | None


class HashResult(NamedTuple):
    """What became of a job: a manifest, or the trouble in its place."""

    job: HashJob
    mark: Fingerprint | None
    manifest: Manifest | None
    trouble: OSError | None
    """None with no manifest: it changed, and `mark` says into what."""
    root_gone: bool = False
    """Whether the whole share could not be opened."""


def hash_files(jobs: Sequence[HashJob], progress: HashProgress) -> list[HashResult]:
    """Hash files one after the other. Raises `HashCancelled`, nothing else that is expected."""
    results: list[HashResult] = []
    buffer = bytearray(PIECE_BYTES)
    folder: ShareFolder | None = None
    root: Path | None = None
    try:
        for job in jobs:
            if progress.cancelled:
                raise HashCancelled
            if job.root != root or folder is None:
                if folder is not None:
                    folder.close()
                folder, root = None, job.root
                try:
                    folder = ShareFolder(job.root)
                except OSError as error:
                    results.append(HashResult(job, None, None, error, root_gone=True))
                    continue
            results.append(_hash_one(job, folder, progress, buffer))
    finally:
        if folder is not None:
            folder.close()
    return results


def _hash_one(
    job: HashJob, folder: ShareFolder, progress: HashProgress, buffer: bytearray
) -> HashResult:
    progress.file, progress.done = job.id, 0
    try:
        handle = folder.open(job.folder, job.name)
        try:
            mark = mark_of(os.fstat(handle))
            if job.mark is not None and mark != job.mark:
                return HashResult(job, mark, None, None)
            manifest = hash_handle(handle, mark, progress, buffer)
        finally:
            os.close(handle)
    except FileChanged as changed:
        return HashResult(job, changed.mark, None, None)
    except OSError as error:
        return HashResult(job, None, None, error)
    return HashResult(job, mark, manifest, None)


def hash_handle(
    handle: int, mark: Fingerprint, progress: HashProgress, buffer: bytearray | None = None
) -> Manifest:
    """The manifest of an open file. Raises `FileChanged` when it is not `mark` to the end.

    Also raises `HashCancelled` and `OSError`. `buffer` (1 MiB) is used again and again.
    """
    if mark.size >= SPLIT_BYTES and hasattr(os, "preadv"):
        hashes = _hash_split(handle, mark, progress)
    else:
        hashes = _hash_through(handle, mark, progress, buffer)
    after = mark_of(os.fstat(handle))
    if after != mark:
        raise FileChanged(after)
    return Manifest.of(mark.size, hashes)


def _hash_split(handle: int, mark: Fingerprint, progress: HashProgress) -> list[bytes]:
    """The chunk hashes of a large file, with whoever helps."""
    progress.split = SplitFile(handle, mark.size, progress)
    progress.on_split()
    try:
        hashes = progress.split.hash()
    except OSError:
        after = mark_of(os.fstat(handle))
        if after != mark:
            raise FileChanged(after) from None
        raise
    finally:
        progress.split = None
    if hashes is None:
        raise HashCancelled
    return hashes


def _hash_through(
    handle: int, mark: Fingerprint, progress: HashProgress, buffer: bytearray | None
) -> list[bytes]:
    """The chunk hashes of a file that is read from its beginning to its end."""
    view = memoryview(buffer if buffer is not None else bytearray(PIECE_BYTES))
    hashes: list[bytes] = []
    with os.fdopen(handle, "rb", buffering=0, closefd=False) as file:
        file.seek(0)
        chunk_bytes = 1 << chunk_size_log2(mark.size)
        for start in range(0, mark.size, chunk_bytes):
            hasher = chunk_hasher()
            left = min(chunk_bytes, mark.size - start)
            while left:
                if progress.cancelled:
                    raise HashCancelled
                read = file.readinto(view[: min(len(view), left)])
                if not read:
                    raise _shorter(handle, mark)
                hasher.update(view[:read])
                progress.done += read
                progress.total += read
                left -= read
            hashes.append(hasher.digest())
    return hashes


def _shorter(handle: int, mark: Fingerprint) -> Exception:
    after = mark_of(os.fstat(handle))
    if after != mark:
        return FileChanged(after)
    return OSError(errno.EIO, "the file ends before its size")
