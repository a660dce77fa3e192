"""Folders of others: which files of a member's list are in one, and where they go here. Pure.

What the other side calls its files is hostile: each part of a path becomes a safe name, and two
folders whose safe names are one for some file system get names of their own.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from p2ptui.base.names import collision_key, numbered_name, safe_name
from p2ptui.net.wire.messages import MAX_QUERY_BYTES, Entry

_Parts = tuple[str, ...]


class Inside(NamedTuple):
    """A file or an empty folder in a folder: its folders below that, and itself."""

    folders: _Parts
    entry: Entry


def parts_of(folder: str) -> _Parts:
    """The folders of a path."""
    return tuple(part for part in folder.split("/") if part)


def filter_of(folder: str) -> str:
    """Words that the names of all files in a folder hold: as many as a question may have."""
    words: list[str] = []
    size = 0
    for word in folder.replace("/", " ").split():
        size += len(word.encode(errors="replace")) + 1
        if size > MAX_QUERY_BYTES:
            break
        words.append(word)
    return " ".join(words)


def inside(folder: str, entries: Iterable[Entry]) -> Iterator[Inside]:
    """What is in a folder (empty: all), with the folders below it."""
    above = parts_of(folder)
    for entry in entries:
        if entry.path[: len(above)] == above and len(entry.path) > len(above):
            yield Inside(entry.path[len(above) : -1], entry)


class Places:
    """The local folders for the folders below one of another member."""

    def __init__(self, root: Path) -> None:
        self._local: dict[_Parts, Path] = {(): root}
        self._taken: dict[Path, set[str]] = {}

    def of(self, folders: _Parts) -> Path:
        """Where what is in these folders goes: below the root, never through `..`."""
        known = self._local.get(folders)
        if known is not None:
            return known
        parent = self.of(folders[:-1])
        taken = self._taken.setdefault(parent, set())
        name = plain = safe_name(folders[-1])
        number = 1
        while collision_key(name) in taken:
            number += 1
            name = numbered_name(plain, number)
        taken.add(collision_key(name))
        self._local[folders] = parent / name
        return self._local[folders]
