"""Files and folders of another peer as rows of a table. Pure."""

import time
from collections.abc import Hashable
from functools import cached_property

from p2ptui.base.text import format_bytes, format_count
from p2ptui.node.api import RemoteFile
from p2ptui.screens.remote_list import RemoteList
from p2ptui.screens.remote_tree import RemoteFolder, Shown
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import Cell, RowData, Toned

COLUMNS = (
    Column("name", "Name", sortable=False),
    Column("size", "Size", 7, "right", sortable=False),
    Column("have", "Have", 9, "right", sortable=False),
    Column("changed", "Changed", 10, min_table_width=60, sortable=False),
)
FOLDER = "folder:"
"""What the key of a folder's row begins with; those of files begin with `file:`."""
FILE = "file:"
MORE = "more"


class TreeSource:
    """The lines of a tree that are to be seen, formatted when they are looked at."""

    def __init__(self, listed: RemoteList, glyphs: Glyphs) -> None:
        self._lines = listed.tree.shown()
        self._left = listed.total - listed.brought
        self._coming = listed.coming
        self._glyphs = glyphs

    @property
    def count(self) -> int:
        """The lines, and one for what is not listed."""
        return len(self._lines) + (self._left > 0)

    def row(self, index: int) -> RowData | None:
        """One line, made now."""
        if not 0 <= index < self.count:
            return None
        if index == len(self._lines):
            return more_data(self._left, coming=self._coming)
        return line_data(self._lines[index], self._glyphs, beside=self._has_folders)

    def index_of(self, key: Hashable) -> int | None:
        """Where a line is."""
        return self._places.get(str(key))

    @cached_property
    def _has_folders(self) -> bool:
        return any(line.folder is not None for line in self._lines)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {_key(line): index for index, line in enumerate(self._lines)}


def line_data(line: Shown, glyphs: Glyphs, *, beside: bool) -> RowData:
    """One line of the tree; `beside`: there are folders in it."""
    if line.folder is not None:
        return folder_data(line.folder, line.depth, glyphs, opened=line.opened)
    assert line.file is not None
    return file_data(line.file, line.depth, glyphs, beside=beside)


def _key(line: Shown) -> str:
    if line.folder is not None:
        return FOLDER + line.folder.name
    assert line.file is not None
    return FILE + line.file.name


def folder_data(folder: RemoteFolder, depth: int, glyphs: Glyphs, *, opened: bool) -> RowData:
    """A folder, and how many of the files below it we have."""
    have: Cell = Toned(f"{format_count(folder.here)}/{format_count(folder.count)}", "dim")
    if folder.here == folder.count:
        have = Toned(f"{glyphs.done} here", "good")
    return RowData(
        key=FOLDER + folder.name,
        cells=(
            folder.name.rpartition("/")[2],
            Toned(format_bytes(folder.bytes), "dim"),
            have,
            "",
        ),
        depth=depth,
        expander="open" if opened else "closed",
    )


def file_data(
    file: RemoteFile, depth: int, glyphs: Glyphs, *, whole_name: bool = False, beside: bool = False
) -> RowData:
    """A file, and whether we have it; `beside`: among folders."""
    return RowData(
        key=FILE + file.name,
        cells=(
            file.name if whole_name else file.name.rpartition("/")[2],
            format_bytes(file.size),
            _have(file, glyphs),
            time.strftime("%Y-%m-%d", time.localtime(file.changed)) if file.changed else "",
        ),
        depth=depth,
        beside=beside,
    )


def more_data(left: int, *, coming: bool) -> RowData:
    """What stands for files that were not brought yet, or that are too many."""
    text = f"{format_count(left)} more" + (" are being listed" if coming else ": / filters")
    return RowData(key=MORE, cells=(text, "", "", ""), tone="dim")


def _have(file: RemoteFile, glyphs: Glyphs) -> Cell:
    match file.have:
        case "have":
            return Toned(f"{glyphs.done} here", "good")
        case "fetching":
            return Toned(f"{glyphs.down} coming", "down")
        case "new":
            return ""
