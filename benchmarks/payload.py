"""Payload: the file that everybody transfers, and the proof that it arrived whole."""

import os
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

NAME = "payload.bin"
_PIECE_BYTES = 1 << 20


class WrongCopy(Exception):  # noqa: N818  (a finding, not a fault of ours)
    """What was transferred is not what was offered."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A file of random bytes, alone in its folder."""

    path: Path
    size: int
    digest: bytes

    def check(self, copy: Path) -> None:
        """Raise `WrongCopy` unless a file holds the same bytes; reads all of it.

        What had to be read from the disk does not stay in memory: the next turn would feel it.
        """
        if copy.stat().st_size != self.size or _digest(copy, keep=False) != self.digest:
            raise WrongCopy(f"{copy.name} is not a true copy")


def make_payload(folder: Path, size: int) -> Payload:
    """Write the payload into a new folder; leaves it in the page cache."""
    folder.mkdir(parents=True)
    path = folder / NAME
    with path.open("wb") as file:
        for begin in range(0, size, _PIECE_BYTES):
            file.write(os.urandom(min(_PIECE_BYTES, size - begin)))
        file.flush()
        os.fsync(file.fileno())
    return Payload(path, size, _digest(path, keep=True))


def _digest(path: Path, *, keep: bool) -> bytes:
    digest = blake3()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            if not keep and hasattr(os, "posix_fadvise"):
                end = file.tell()
                os.posix_fadvise(
                    file.fileno(), end - len(piece), len(piece), os.POSIX_FADV_DONTNEED
                )
    return digest.digest()
