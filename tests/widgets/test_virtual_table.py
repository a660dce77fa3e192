"""VirtualTable: rows, cursor, marks, pages, folding, pointer and hostile names."""

import time
from collections.abc import Iterable, Sequence

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.table_messages import (
    MarksChanged,
    RowHighlighted,
    RowSelected,
    RowsNeeded,
    RowToggled,
    SortRequested,
)
from p2ptui.widgets.table_rows import Bar, LazySource, ListSource, PagedSource, RowData, Toned
from p2ptui.widgets.theme import LIGHT
from p2ptui.widgets.virtual_table import VirtualTable
from tests.widgets.stage import HOSTILE, LITERAL, Stage, colours, shown

COLUMNS = (Column("name", "Name"), Column("size", "Size", 7, "right"))
SIZE = (40, 11)
"""A header and ten rows."""


def rows(count: int, *, first: int = 0) -> list[RowData]:
    return [
        RowData(number, (f"file {number}", f"{number} MB"))
        for number in range(first, first + count)
    ]


def table(source: Sequence[RowData] = (), *, empty: str = "") -> VirtualTable:
    made = VirtualTable(COLUMNS, empty=empty)
    made.set_source(ListSource(source))
    return made


async def settled(pilot: Pilot[None]) -> None:
    """Let messages, scrolling and painting finish."""
    await pilot.pause()
    await pilot.pause()


class Painted(VirtualTable):
    """Notes which lines are painted and refreshed."""

    def __init__(self) -> None:
        super().__init__(COLUMNS)
        self.painted: list[int] = []
        self.regions: list[Region] = []

    def render_line(self, y: int) -> "Strip":  # type: ignore[name-defined]  # noqa: F821
        self.painted.append(y)
        return super().render_line(y)
