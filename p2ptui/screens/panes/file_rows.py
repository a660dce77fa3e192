"""The library as rows of a table: folders with their figures, files with their state. Pure."""

import time

from p2ptui.base.text import format_bytes, format_count
from p2ptui.node.api import FileRow, FolderRow
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import Cell, RowData, Toned

COLUMNS = (
    Column("name", "Name"),
    Column("size", "Size", 7, "right", min_table_width=24),
    Column("state", "State", 5, "right", sortable=False),
    Column("owners", "Others", 6, "right", min_table_width=40, sortable=False),
    Column("changed", "Changed", 10, min_table_width=70),
    Column("why", "Why", 24, min_table_width=90, sortable=False),
)
FOLDER = "folder:"
"""What the key of a folder's row begins with; those of files begin with `file:`."""
FILE = "file:"


def folder_data(row: FolderRow, depth: int, glyphs: Glyphs, *, opened: bool) -> RowData:
    """A folder: how many files are below it, or how many of them wait to be hashed."""
    count: Cell = Toned(short_count(row.files), "dim")
    if row.waiting:
        count = Toned(f"{glyphs.ellipsis}{short_count(row.waiting)}", "warn")
    return RowData(
        key=FOLDER + row.name,
        cells=(
            row.name.rpartition("/")[2],
            Toned(format_bytes(row.bytes), "dim"),
            count,
            "",
            "",
            f"{format_count(row.waiting)} to hash" if row.waiting else "",
        ),
        depth=depth,
        expander="open" if opened else "closed",
    )


def short_count(count: int) -> str:
    """A number of files in at most four cells: `9999`, `12k`, `3M`."""
    if count < 10_000:
        return str(count)
    return f"{count // 1000}k" if count < 1_000_000 else f"{count // 1_000_000}M"


def file_data(
    row: FileRow, depth: int, glyphs: Glyphs, *, whole_name: bool = False, beside: bool = False
) -> RowData:
    """A file; `beside`: among folders."""
    return RowData(
        key=FILE + row.name,
        cells=(
            row.name if whole_name else row.name.rpartition("/")[2],
            format_bytes(row.size),
            state_cell(row, glyphs),
            owners_text(row, glyphs),
            time.strftime("%Y-%m-%d", time.localtime(row.changed)) if row.changed else "",
            row.reason,
        ),
        depth=depth,
        beside=beside,
    )


def more_data(folder: str, count: int, depth: int) -> RowData:
    """What stands for files that are not listed."""
    text = f"{format_count(count)} more: / filters"
    return RowData(key=f"more:{folder}", cells=(text, "", "", "", "", ""), depth=depth, tone="dim")


def owners_text(row: FileRow, glyphs: Glyphs) -> str:
    """How many others online have it; nothing while that is not known."""
    if not row.content_id:
        return ""
    return glyphs.nothing if row.owners is None else format_count(row.owners)


def state_cell(row: FileRow, glyphs: Glyphs) -> Cell:
    """Shared, how far the hashing is, waiting for it, or in trouble."""
    match row.state:
        case "shared":
            return Toned(glyphs.done, "good")
        case "hashing":
            return Toned(f"{row.done * 100 // row.size if row.size else 100}%", "down")
        case "listed":
            return Toned("wait", "dim")
        case "error":
            return Toned("error", "bad")
