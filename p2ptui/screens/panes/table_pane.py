"""The base of all panes with a table: a filter box above it, sorting, and work in workers.

The screen calls `load`, `show`, `hear` and `tick`, in a visible pane only. A key calls the pane's
coroutine `do_<key id>` (dashes as `_`) in a worker; a `P2PError` that it raises becomes a notice.
"""

import logging
from collections.abc import Coroutine, Hashable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Input
from textual.worker import Worker

from p2ptui.base.errors import P2PError
from p2ptui.screens.key_queue import TypedApp
from p2ptui.screens.notices import tell, tell_error, tell_unexpected
from p2ptui.screens.panes.keyed import KeyedPane
from p2ptui.screens.work import Work
from p2ptui.widgets.columns import Column
from p2ptui.widgets.field import Field
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_messages import RowSelected, SortRequested
from p2ptui.widgets.virtual_table import VirtualTable

DEBOUNCE_S = 0.2
log = logging.getLogger(__name__)


class FilterBox(Field):
    """One row above a table: what to search for, or what to show of it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "submit", "To the table", show=False)]
    DEFAULT_CSS = "FilterBox { margin: 0 1; }"


class TablePane(KeyedPane):
    """A pane: a filter box above a table. Subclasses give the class variables and the hooks."""

    NAME: ClassVar[str]
    COLUMNS: ClassVar[Sequence[Column]]
    EMPTY: ClassVar[str] = ""
    """One dim sentence with the key that helps."""
    BOX_STAYS: ClassVar[bool] = False
    """Whether the box is always there (the search); else `/` brings it and Esc takes it away."""
    BOX_HINT: ClassVar[str] = "filter"
    SORTS: ClassVar[Sequence[str]] = ()
    """Keys of the columns that `,` goes through."""

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(self.TITLE, digit=self.DIGIT, id=f"{self.NAME}-pane")
        self.glyphs = glyphs
        self.table = VirtualTable(
            self.COLUMNS, empty=self.EMPTY, glyphs=glyphs, id=f"{self.NAME}-table"
        )
        self.box = FilterBox(placeholder=self.BOX_HINT, id=f"{self.NAME}-box")
        self.box.display = self.BOX_STAYS
        self.filter_text = ""
        """What the box holds, once its user paused."""
        self._pause: Timer | None = None
        self._newest: dict[str, Work] = {}
        """The newest work of each group."""
        self._rows_coming: Worker[Any] | None = None
        """What brings rows, or brought them last."""

    def compose(self) -> ComposeResult:
        """The box and the table."""
        yield self.box
        yield self.table

    # --- for the screen: what comes down ----------------------------------------------------------

    async def load(self) -> None:
        """Bring all rows anew: at first, when it is seen again, when events were missed.

        May raise `P2PError`: the screen tells it.
        """

    def show(self, section: Any, value: object) -> None:
        """Take a section of the snapshot that changed. Each pane picks what it shows."""

    def hear(self, event: Any) -> None:
        """Take an event."""

    def tick(self) -> None:
        """Draw what changed since the last tick; a quarter of a second each."""

    # --- for the screen: the focus ----------------------------------------------------------------

    def focus_table(self) -> None:
        """Put the keys to the table, at once: what is pressed next is for it."""
        self.screen.set_focus(self.table, scroll_visible=False)

    def open_box(self) -> None:
        """`/`: put the keys to the box."""
        self.box.display = True
        self.box.focus()

    def back(self) -> bool:
        """Esc: one step back; False when there is none in here."""
        if self.box.has_focus:
            if self.box.value and not self.BOX_STAYS:
                self.box.value = ""
            self._hide_box()
            self.focus_table()
        elif self.table.marked:
            self.table.clear_marks()
        elif self.filter_text and not self.BOX_STAYS:
            self.box.value = ""
            self._hide_box()
        else:
            return False
        return True

    def can(self, method: str) -> bool:
        """Whether it carries out `do_…` itself."""
        return hasattr(self, method)

    # --- for subclasses ---------------------------------------------------------------------------

    def filter_changed(self, text: str) -> None:
        """The box holds another text, and its user paused. `filter_text` is set already."""

    def sort_changed(self, column: str, reverse: bool) -> None:
        """Sort otherwise; the table's header shows it already."""

    async def opened(self, key: Hashable) -> None:
        """Enter or a double click on a row. May raise `P2PError`."""

    def attempt(
        self,
        work: Coroutine[Any, Any, None],
        *,
        group: str = "",
        exclusive: bool = False,
        keys_wait: bool = False,
    ) -> None:
        """Run something of the api in a worker; an expected error becomes a notice.

        `exclusive` in a `group`: a newer one cancels the older (a search while typing).
        `keys_wait`: a key has asked for rows that the next one may be for.
        """
        newest = Work(work, self._guarded)
        older = self._newest.get(group) if exclusive else None
        self._newest[group] = newest
        worker = self.run_worker(
            newest, group=f"{self.NAME}.{group}", exclusive=exclusive, exit_on_error=True
        )
        if exclusive:
            self._rows_coming = worker
        if keys_wait:
            self._have_keys_wait(worker)
        if older is not None:
            older.drop()

    def _have_keys_wait(self, rows: Worker[Any]) -> None:
        if isinstance(self.app, TypedApp):
            self.app.typed.wait_for(rows)

    def on_unmount(self) -> None:
        """Its workers are cancelled."""
        for work in self._newest.values():
            work.drop()

    def tell(self, text: str) -> None:
        """A notice: for what the user just did."""
        tell(self.app, text)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except P2PError as error:
            tell_error(self.app, error)
        except Exception as error:  # the border of a worker
            log.exception("the %s pane failed", self.NAME)
            tell_unexpected(self.app, error)

    # --- box and sorting --------------------------------------------------------------------------

    async def do_sort(self) -> None:
        """`,`: the next column; the same one again: reversed first."""
        if not self.SORTS:
            return
        column, reverse = self.table.sort
        if column in self.SORTS and not reverse:
            self._sort_by(column, reverse=True)
            return
        place = (self.SORTS.index(column) + 1) % len(self.SORTS) if column in self.SORTS else 0
        self._sort_by(self.SORTS[place], reverse=False)

    @on(SortRequested)
    def _sort_by_click(self, message: SortRequested) -> None:
        message.stop()
        if message.column in self.SORTS:
            column, reverse = self.table.sort
            self._sort_by(message.column, reverse=column == message.column and not reverse)

    def _sort_by(self, column: str, *, reverse: bool) -> None:
        self.table.sort = (column, reverse)
        self.sort_changed(column, reverse)

    @on(Input.Changed)
    def _wait_for_pause(self, message: Input.Changed) -> None:
        message.stop()
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(DEBOUNCE_S, self._take_filter)

    @on(Input.Submitted)
    def _leave_box(self, message: Input.Submitted) -> None:
        message.stop()
        self._take_filter()
        if self._rows_coming is not None:
            self._have_keys_wait(self._rows_coming)
        self.focus_table()
        if not self.filter_text:
            self._hide_box()

    @on(RowSelected)
    def _open_row(self, message: RowSelected) -> None:
        message.stop()
        self.attempt(self.opened(message.key), group="open")

    def _take_filter(self) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause = None
        if self.box.value != self.filter_text:
            self.filter_text = self.box.value
            self.filter_changed(self.filter_text)

    def _hide_box(self) -> None:
        self.box.display = self.BOX_STAYS
