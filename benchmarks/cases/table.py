"""The table of the screens with a million rows: filled, scrolled, and one row changed."""

import time
from typing import Any

from benchmarks.cases.case import Findings, Wishes
from benchmarks.table import Limit

ROWS = 1_000_000
SIZE = (120, 36)
MAX_FILL_MS = 50.0
MAX_REPAINT_MS = 20.0
REPAINTS = 20


async def large_table(wishes: Wishes, findings: Findings) -> None:
    """Fill it, then draw it at places all over."""
    from textual.geometry import Region

    from p2ptui.widgets.columns import Column
    from p2ptui.widgets.table_rows import Bar, LazySource, RowData, Toned
    from p2ptui.widgets.theme import ThemedApp
    from p2ptui.widgets.virtual_table import VirtualTable

    def row(index: int) -> RowData:
        fraction = index % 100 / 100
        cells = (f"file-{index:07}.iso", Bar(fraction, "down"), Toned(f"{index} KB", "dim"))
        return RowData(index, cells)

    columns = (
        Column("name", "Name"),
        Column("done", "Progress", 16),
        Column("size", "Size", 12, "right"),
    )
    table = VirtualTable(columns)

    class Stage(ThemedApp[None]):
        def compose(self) -> Any:
            yield table

    fills, repaints = [], []
    async with Stage().run_test(size=SIZE) as pilot:
        for _ in range(wishes.rounds):
            begin = time.perf_counter()
            table.set_source(LazySource(ROWS, row))
            table.render_lines(Region(0, 0, *SIZE))
            fills.append((time.perf_counter() - begin) * 1000)
        for number in range(REPAINTS):
            table.cursor = ROWS // REPAINTS * number
            await pilot.pause()
            begin = time.perf_counter()
            table.refresh()
            table.render_lines(Region(0, 0, *SIZE))
            repaints.append((time.perf_counter() - begin) * 1000)
    wishes.tell(f"TABLE: {len(fills)} fills, {len(repaints)} repaints")
    what = f"table of {ROWS:,} rows"
    findings.lines.append(
        Limit("TABLE", f"{what}: fill", tuple(fills), MAX_FILL_MS, "milliseconds")
    )
    findings.lines.append(
        Limit("TABLE", f"{what}: draw all that is seen", tuple(repaints), MAX_REPAINT_MS,
              "milliseconds")
    )  # fmt: skip
