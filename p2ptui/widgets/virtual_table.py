"""VirtualTable: the one table of both programs, on Textual's line API.

Only visible rows are formatted, only changed ones refreshed, so that a million rows cost what a
screenful costs. The header is the widget's first line and does not scroll. Rows come from a
`RowSource` by position; cursor and marks follow the row's key when positions move.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.geometry import Offset, Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from p2ptui.widgets.columns import Column, column_at
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_keys import TABLE_BINDINGS
from p2ptui.widgets.table_messages import (
    MarksChanged,
    RowHighlighted,
    RowSelected,
    RowsNeeded,
    RowToggled,
    SortRequested,
)
from p2ptui.widgets.table_painter import EDGE, Ground, TablePainter
from p2ptui.widgets.table_rows import ListSource, RowData, RowSource
from p2ptui.widgets.tones import component_style, tone_classes, tone_css

HEADER = 1


class VirtualTable(ScrollView, can_focus=True):
    """A table of any length. Give it columns, then sources; it answers with messages."""

    BINDINGS = TABLE_BINDINGS
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--row",
        "table--cursor",
        "table--cursor-blurred",
        *tone_classes("table"),
    }
    DEFAULT_CSS = """
    VirtualTable {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        & > .table--header { color: $foreground 70%; text-style: bold; }
        & > .table--row { color: $foreground; }
        & > .table--cursor { background: $cursor; text-style: bold; }
        & > .table--cursor-blurred { background: $cursor-blurred; text-style: bold; }
    }
    """ + tone_css("VirtualTable", "table")

    cursor: reactive[int] = reactive(0, repaint=False)
    sort: reactive[tuple[str, bool]] = reactive(("", False))
    """Key of the column that the rows are sorted by, and whether downwards."""

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        empty: str = "",
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`empty`: the sentence that an empty table shows, dim; it may have several lines."""
        super().__init__(id=id, classes=classes)
        self._painter = TablePainter(columns, glyphs, self._component_style)
        self._empty = empty
        self._source: RowSource = ListSource()
        self._cursor_key: Hashable | None = None
        self._asked: tuple[int, int] | None = None
        self.marked: set[Hashable] = set()
        """Keys of marked rows."""

    # --- what it shows --------------------------------------------------------------------------

    @property
    def source(self) -> RowSource:
        """Where the rows come from."""
        return self._source

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, whether shown or not."""
        return self._painter.columns

    @property
    def cursor_row(self) -> RowData | None:
        """The row under the cursor."""
        return self._source.row(self.cursor) if self._source.count else None

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor."""
        row = self.cursor_row
        return None if row is None else row.key

    @property
    def chosen(self) -> tuple[Hashable, ...]:
        """What an action is for: the marked rows, else the row under the cursor."""
        if self.marked:
            return tuple(self.marked)
        key = self.cursor_key
        return () if key is None else (key,)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns."""
        self._painter = TablePainter(columns, self._painter.glyphs, self._component_style)
        self.refresh()

    def set_empty(self, sentence: str) -> None:
        """Say something else when there are no rows."""
        if sentence != self._empty:
            self._empty = sentence
            self.refresh()

    def set_glyphs(self, glyphs: Glyphs) -> None:
        """Draw with another set of signs."""
        self._painter = TablePainter(self._painter.columns, glyphs, self._component_style)
        self.refresh()

    def set_source(self, source: RowSource) -> None:
        """Show other rows; the cursor stays on its row where it is still there."""
        was_in_view = self._is_in_view(self.cursor)
        self._source = source
        if self._cursor_key is not None:
            place = source.index_of(self._cursor_key)
            if place is not None:
                self.set_reactive(VirtualTable.cursor, place)
        self._drop_lost_marks()
        self.rows_changed()
        if was_in_view:
            self._scroll_to_cursor()

    def rows_changed(self) -> None:
        """The source has other rows, or another number of them: draw all that is visible."""
        count = self._source.count
        self._asked = None
        self.virtual_size = Size(self.size.width, count + HEADER)
        if self.cursor >= count:
            self.set_reactive(VirtualTable.cursor, max(0, count - 1))
        self._note_cursor()
        self.refresh()

    def update_rows(self, keys: Iterable[Hashable]) -> None:
        """The values of these rows changed: draw those of them that are visible."""
        for key in keys:
            index = self._source.index_of(key)
            if index is not None:
                self._refresh_row(index)

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on a row; False when the source does not know where it is."""
        index = self._source.index_of(key)
        if index is None:
            return False
        self.cursor = index
        self._scroll_to_cursor()
        return True

    # --- drawing --------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line: the header, a row, or the sentence of an empty table."""
        painter, width = self._painter, self.scrollable_content_region.width
        if y == 0:
            return painter.header(width, self.sort)
        index = self.scroll_offset.y + y - HEADER
        count = self._source.count
        if index >= count:
            said = self._empty.split("\n") if not count else []
            line = y - HEADER
            return painter.sentence(said[line], width) if line < len(said) else painter.blank(width)
        row = self._source.row(index)
        if row is None:
            self._ask_for_visible()
            return painter.sentence(painter.glyphs.ellipsis, width)
        ground: Ground = "row"
        if index == self.cursor:
            ground = "cursor" if self.has_focus else "cursor-blurred"
        return painter.row(row, width, ground=ground, marked=row.key in self.marked)

    def notify_style_update(self) -> None:
        """Compute all styles anew: the theme changed."""
        self._painter.forget_styles()
        super().notify_style_update()

    def _component_style(self, name: str) -> Style:
        # The row's own style brings the background that see-through colours are blended with.
        return self.get_visual_style(name) if name == "table--row" else component_style(self, name)

    # --- cursor and scrolling ---------------------------------------------------------------------

    @property
    def _visible_rows(self) -> int:
        return max(1, self.size.height - HEADER)

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self._source.count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the old and the new row, and bring the new one into view."""
        self._refresh_row(old)
        self._refresh_row(new)
        self._scroll_to_cursor()
        self._note_cursor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask again for rows: others are visible."""
        super().watch_scroll_y(old_value, new_value)
        self._asked = None
        self._place_terminal_cursor()

    def on_resize(self) -> None:
        """Fit the rows to the new width and keep the cursor in view."""
        self.virtual_size = Size(self.size.width, self._source.count + HEADER)
        self._scroll_to_cursor()

    def on_focus(self) -> None:
        """The selected row is drawn otherwise with the focus."""
        self._refresh_row(self.cursor)
        self._place_terminal_cursor()

    def on_blur(self) -> None:
        """The selected row is drawn otherwise without the focus."""
        self._refresh_row(self.cursor)

    def _scroll_to_cursor(self) -> None:
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + self._visible_rows:
            self.scroll_to(y=self.cursor - self._visible_rows + 1, animate=False)
        self._place_terminal_cursor()

    def _place_terminal_cursor(self) -> None:
        """Screen readers follow the terminal's cursor."""
        if self.has_focus and self._is_in_view(self.cursor):
            y = self.cursor - self.scroll_offset.y + HEADER
            self.app.cursor_position = self.content_region.offset + Offset(0, y)

    def _note_cursor(self) -> None:
        key = self.cursor_key
        if key != self._cursor_key:
            self._cursor_key = key
            self.post_message(RowHighlighted(self, key))

    def _is_in_view(self, index: int) -> bool:
        top = self.scroll_offset.y
        return top <= index < top + self._visible_rows

    def _refresh_row(self, index: int) -> None:
        if self._is_in_view(index):
            y = index - self.scroll_offset.y + HEADER
            self.refresh(Region(0, y, self.size.width, 1))

    def _ask_for_visible(self) -> None:
        first = self.scroll_offset.y
        wanted = (first, min(first + self._visible_rows, self._source.count) - 1)
        if wanted != self._asked:
            self._asked = wanted
            self.post_message(RowsNeeded(self, *wanted))

    # --- keys -------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self.cursor += pages * self._visible_rows

    def action_first(self) -> None:
        """Go to the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """Go to the last row."""
        self.cursor = self._source.count - 1

    def action_fold(self, opened: bool) -> None:
        """Open or close the row of a tree; where there is nothing to close, go to its parent."""
        row = self.cursor_row
        if row is None:
            return
        if row.expander and (row.expander == "open") != opened:
            self.post_message(RowToggled(self, row.key, opened))
        elif not opened and row.depth:
            above = ((index, self._source.row(index)) for index in reversed(range(self.cursor)))
            self.cursor = next(
                (index for index, other in above if other is None or other.depth < row.depth),
                self.cursor,
            )

    def action_select(self) -> None:
        """Open the row: a folder unfolds, anything else is told as selected."""
        row = self.cursor_row
        if row is None:
            return
        if row.expander:
            self.post_message(RowToggled(self, row.key, row.expander == "closed"))
        else:
            self.post_message(RowSelected(self, row.key))

    def action_mark(self) -> None:
        """Mark the row, or take its mark away, and go on to the next."""
        key = self.cursor_key
        if key is None:
            return
        self.marked ^= {key}
        self._refresh_row(self.cursor)
        self.cursor += 1
        self.post_message(MarksChanged(self))

    def action_mark_all(self) -> None:
        """Mark all rows that are here; when all are marked, none."""
        keys = self._keys()
        self.marked = set() if keys <= self.marked else keys
        self._marks_changed()

    def action_invert_marks(self) -> None:
        """Mark what is not marked, and the other way round."""
        self.marked = self._keys() - self.marked
        self._marks_changed()

    def clear_marks(self) -> None:
        """Mark nothing."""
        if self.marked:
            self.marked = set()
            self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(MarksChanged(self))

    def _drop_lost_marks(self) -> None:
        """An action must not reach a row that has gone, or that a filter hides."""
        source = self._source
        if self.marked and isinstance(source, ListSource):
            kept = {key for key in self.marked if source.index_of(key) is not None}
            if kept != self.marked:
                self.marked = kept
                self.post_message(MarksChanged(self))

    def _keys(self) -> set[Hashable]:
        rows = (self._source.row(index) for index in range(self._source.count))
        return {row.key for row in rows if row is not None}

    # --- mouse ------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Choose a row; twice: open it; on a title: sort."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            column = column_at(
                self._painter.place(self.scrollable_content_region.width), offset.x - EDGE
            )
            if column is not None and column.sortable:
                self.post_message(SortRequested(self, column.key))
            return
        index = self.scroll_offset.y + offset.y - HEADER
        if index >= self._source.count:
            return
        self.cursor = index
        row = self.cursor_row
        on_expander = row is not None and row.expander and offset.x <= EDGE + 2 * row.depth + 1
        if event.chain == (1 if on_expander else 2):
            self.action_select()
