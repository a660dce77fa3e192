"""Folders of others: which files of a member's list are in one, and where they go here. Pure.

What the other side calls its files is hostile: each part of a path becomes a safe name.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from p2ptui.base.names import safe_name
from p2ptui.net.wire.messages import MAX_QUERY_BYTES
from p2ptui.node.api import RemoteFile


class Wanted(NamedTuple):
    """A file of the folder, and the local folder that it goes to."""

    file: RemoteFile
    name: str
    folder: Path


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


def files_in(folder: str, files: Sequence[RemoteFile], home: Path) -> Iterator[Wanted]:
    """The files in a folder (empty: all), each with its place below `home`.

    The folder itself comes with its name, not with the folders that it is in.
    """
    above = [part for part in folder.split("/") if part]
    for file in files:
        parts = file.name.split("/")
        if parts[: len(above)] == above and len(parts) > len(above):
            *folders, name = parts[max(len(above) - 1, 0) :]
            yield Wanted(file, name, home.joinpath(*map(safe_name, folders)))
