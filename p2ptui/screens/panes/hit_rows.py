"""Search results as rows of a table. Pure."""

from pathlib import PurePosixPath

from p2ptui.base.ids import short_content_id
from p2ptui.base.text import format_bytes
from p2ptui.node.api import HitRow
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import Cell, RowData, Tone, Toned

COLUMNS = (
    Column("have", " ", 1, sortable=False),
    Column("name", "Name", sortable=False),
    Column("size", "Size", 7, "right", sortable=False),
    Column("owners", "Hosts", 7, "right", min_table_width=40, sortable=False),
    Column("best", "Best", 10, min_table_width=62, sortable=False),
    Column("type", "Type", 6, min_table_width=96, sortable=False),
    Column("folder", "Folder", 18, min_table_width=110, sortable=False),
    Column("content_id", "Id", 8, min_table_width=78, sortable=False),
)
"""In the order of the tracker: most owners first."""

_MANY = 5
"""Owners online from which on a content is safe to get."""


def hit_data(row: HitRow, glyphs: Glyphs, own: str = "") -> RowData:
    """One content; its key is its id. `own`: our nick."""
    path = PurePosixPath(row.name)
    return RowData(
        key=row.content_id,
        cells=(
            _have(row, glyphs),
            path.name,
            format_bytes(row.size),
            _owners(row),
            _best(row, glyphs, own),
            path.suffix.lstrip(".")[:6],
            str(path.parent) if path.parent != PurePosixPath() else "",
            short_content_id(row.content_id),
        ),
    )


def _have(row: HitRow, glyphs: Glyphs) -> Cell:
    match row.have:
        case "have":
            return Toned(glyphs.done, "good")
        case "fetching":
            return Toned(glyphs.down, "down")
        case _:
            return " "


def _best(row: HitRow, glyphs: Glyphs, own: str) -> Cell:
    """Who answers fast; of a content that is here that may be ourselves."""
    if is_ours(row, own):
        return Toned("you", "dim")
    return row.best or glyphs.nothing


def is_ours(row: HitRow, own: str) -> bool:
    """Whether the owner that is named is this node."""
    return row.have == "have" and bool(own) and row.best == own


def _owners(row: HitRow) -> Cell:
    """Owners online of those known: green when many, red when none."""
    tone: Tone = "good" if row.owners >= _MANY else "warn" if row.owners else "bad"
    return Toned(f"{row.owners}/{row.known}", tone)
