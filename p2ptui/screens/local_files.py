"""Local folders for the file picker: what is in them, as values. Reading blocks.

Names are those of the disk: one that is not UTF-8 holds lone surrogates, as Python reads it.
"""

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from p2ptui.base.errors import P2PError, storage_error
from p2ptui.base.names import check_name
from p2ptui.base.text import display, format_bytes
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import RowData, Toned

COLUMNS = (
    Column("kind", " ", 1, sortable=False),
    Column("name", "Name", sortable=False),
    Column("size", "Size", 7, "right", sortable=False),
    Column("changed", "Changed", 10, min_table_width=46, sortable=False),
)
MOST = 100_000
"""Entries of one folder that are shown."""
PARENT = ".."


@dataclass(frozen=True, slots=True)
class LocalEntry:
    """A file or a folder on this machine."""

    name: str
    """As the disk has it; `..` is the folder above."""
    folder: bool
    size: int = 0
    changed: float = 0.0
    trouble: str = ""
    """Why it cannot be offered; empty when it can."""


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """What is in a folder: folders first, both by name."""

    path: Path
    entries: tuple[LocalEntry, ...]
    more: int = 0
    """Entries beyond `MOST` that are left out."""


def read_folder(path: Path) -> LocalFolder:
    """Read a folder. Blocks; raises `P2PError` (storage) when it cannot be read."""
    entries: list[LocalEntry] = []
    more = 0
    try:
        with os.scandir(path) as found:
            for entry in found:
                if len(entries) < MOST:
                    entries.append(_entry(entry))
                else:
                    more += 1
    except OSError as error:
        raise _unreadable(path, error) from error
    entries.sort(key=lambda entry: (not entry.folder, entry.name.casefold(), entry.name))
    if path != path.parent:
        entries.insert(0, LocalEntry(PARENT, folder=True))
    return LocalFolder(path, tuple(entries), more)


def nearest_folder(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there. Blocks."""
    path = path.expanduser().absolute()
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), path)


def matching(folder: LocalFolder, text: str) -> list[LocalEntry]:
    """Entries whose names hold all words of a filter; hidden ones only when it begins with a dot.

    The folder above is there as long as there is no filter.
    """
    words = text.casefold().split()
    return [
        entry
        for entry in folder.entries
        if (entry.name == PARENT and not words)
        or (
            entry.name != PARENT
            and (not entry.name.startswith(".") or text.startswith("."))
            and all(word in entry.name.casefold() for word in words)
        )
    ]


def entry_data(index: int, entry: LocalEntry, glyphs: Glyphs) -> RowData:
    """An entry as a row of a table; its key is its place."""
    if entry.folder:
        name = entry.name if entry.name == PARENT else f"{entry.name}/"
        return RowData(index, (Toned(glyphs.closed, "accent"), name, "", _day(entry.changed)))
    if entry.trouble:
        word = "bad name" if check_name(entry.name) else "no file"
        return RowData(
            index, (Toned(glyphs.failed, "bad"), entry.name, "", Toned(word, "warn")), tone="dim"
        )
    return RowData(index, (" ", entry.name, format_bytes(entry.size), _day(entry.changed)))


def _entry(entry: "os.DirEntry[str]") -> LocalEntry:
    trouble = check_name(entry.name)
    try:
        status = entry.stat()
    except OSError as error:
        return LocalEntry(entry.name, folder=False, trouble=(error.strerror or "gone").lower())
    folder = stat.S_ISDIR(status.st_mode)
    if not folder and not stat.S_ISREG(status.st_mode):
        trouble = trouble or "not a plain file"
    return LocalEntry(entry.name, folder, status.st_size, status.st_mtime, trouble)


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment)) if moment else ""


def _unreadable(path: Path, error: OSError) -> P2PError:
    reason = (error.strerror or str(error)).lower()
    return storage_error("This folder cannot be read", f"{reason}: {display(str(path))}")
