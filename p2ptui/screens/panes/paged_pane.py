"""A pane whose rows come page by page: only those near what is seen are held."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from textual import on

from p2ptui.screens.panes.table_pane import TablePane
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_messages import RowsNeeded
from p2ptui.widgets.table_rows import PagedSource, RowData

PAGE = 100
Row = TypeVar("Row")


class PagedPane(TablePane, Generic[Row]):
    """Subclasses bring a page (`fetch`) and make rows of it (`data_of`)."""

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(glyphs)
        self.rows: dict[object, Row] = {}
        """The values behind the rows that are here, by their keys."""
        self._source = PagedSource(PAGE)

    def on_mount(self) -> None:
        """Begin with no rows."""
        self.table.set_source(self._source)

    # --- for subclasses ---------------------------------------------------------------------------

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[Row], int]:
        """Rows from an offset on, and how many there are. May raise `P2PError`."""
        raise NotImplementedError

    def data_of(self, row: Row) -> RowData:
        """A row as it is shown."""
        raise NotImplementedError

    def rows_came(self, total: int) -> None:
        """Another page is here: the place for the summary."""

    # --- what it does -----------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """How many rows there are, as the last page said."""
        return self._source.count

    def forget(self) -> None:
        """Show nothing, until `load`."""
        self.rows = {}
        self._source = PagedSource(PAGE)
        self.table.set_source(self._source)

    async def load(self) -> None:
        """Bring what is seen, and a screenful on both sides, anew."""
        source, rows = PagedSource(PAGE), dict[object, Row]()
        first, last = self._seen()
        for offset in range(first // PAGE * PAGE, last + 1, PAGE):
            total = await self._bring(source, rows, offset)
            if offset + PAGE >= total:
                break
        if not source.count or first >= source.count:  # it is much shorter now
            await self._bring(source, rows, 0)
        self._source, self.rows = source, rows
        self.table.set_source(source)
        self.rows_came(source.count)

    @on(RowsNeeded)
    def _bring_pages(self, message: RowsNeeded) -> None:
        message.stop()
        for offset in self._source.missing(message.first, message.last):
            work = self._bring_page(self._source, offset)
            self.attempt(work, group=f"page-{offset}", exclusive=True)

    async def _bring_page(self, source: PagedSource, offset: int) -> None:
        await self._bring(source, self.rows, offset)
        if source is self._source:
            self.table.rows_changed()
            self.rows_came(source.count)

    async def _bring(self, source: PagedSource, rows: dict[object, Row], offset: int) -> int:
        found, total = await self.fetch(offset, PAGE)
        data = [self.data_of(row) for row in found]
        rows |= {each.key: row for each, row in zip(data, found, strict=True)}
        source.put(offset, data, total)
        return total

    def _seen(self) -> tuple[int, int]:
        height = max(self.table.size.height, 1)
        top = self.table.scroll_offset.y
        return max(top - height, 0), top + 2 * height
