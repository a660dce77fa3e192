"""Trees: folders of many files that everybody transfers or hashes, and the proof that they came."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from benchmarks.payload import WrongCopy

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder of random files."""

    root: Path
    files: int
    size: int
    """Bytes of all of them."""
    digest: bytes
    """Of all paths below the root and all bytes; empty when nobody copies it."""

    def check(self, copy: Path) -> None:
        """Raise `WrongCopy` unless a folder holds the same files and no others."""
        if _digest(copy) != self.digest:
            raise WrongCopy(f"{copy} is not a true copy")


def make_tree(
    root: Path, sizes: Iterable[int], *, folder_of: int = 500, digest: bool = True
) -> Tree:
    """Write files of these sizes, so many to a folder; leaves them in the page cache."""
    files = total = 0
    for size in sizes:
        folder = root / f"part {files // folder_of:03}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"file {files:06}.bin").open("wb") as file:
            for begin in range(0, size, _PIECE_BYTES):
                file.write(os.urandom(min(_PIECE_BYTES, size - begin)))
        files += 1
        total += size
    os.sync()
    return Tree(root, files, total, _digest(root) if digest else b"")


def _digest(root: Path) -> bytes:
    digest = blake3()
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            with path.open("rb", buffering=0) as file:
                while piece := file.read(_PIECE_BYTES):
                    digest.update(piece)
    return digest.digest()
