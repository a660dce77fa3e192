"""Columns of a table, and how they share its width. Pure.

A number vanishes first, the name never: a column with `min_table_width` is left out of a narrower
table, and what is left over goes to the flexible columns in equal parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

GAP = 2
"""Cells between two columns."""
MIN_FLEX = 4


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `width` in cells; None: what the others leave."""

    key: str
    title: str
    width: int | None = None
    align: Literal["left", "right"] = "left"
    min_table_width: int = 0
    """Cells that the table must have for this column to be shown."""
    sortable: bool = True


@dataclass(frozen=True, slots=True)
class Placed:
    """A column with its place: first cell and width."""

    column: Column
    start: int
    width: int


def place_columns(columns: Sequence[Column], width: int) -> tuple[Placed, ...]:
    """The columns that a table of this width shows, side by side with gaps of two cells."""
    shown = [column for column in columns if column.min_table_width <= width]
    fixed = sum(column.width for column in shown if column.width is not None)
    flexible = sum(column.width is None for column in shown)
    left = width - fixed - GAP * max(len(shown) - 1, 0)
    share, extra = divmod(max(left, MIN_FLEX * flexible), flexible) if flexible else (0, 0)
    placed = []
    start = 0
    for column in shown:
        cells = column.width
        if cells is None:
            cells = share + (1 if extra > 0 else 0)
            extra -= 1
        placed.append(Placed(column, start, cells))
        start += cells + GAP
    return tuple(placed)


def column_at(placed: Sequence[Placed], x: int) -> Column | None:
    """The column under a cell of the table's inside."""
    for place in placed:
        if place.start <= x < place.start + place.width:
            return place.column
    return None
