"""A list on a screen of its own, brought page by page; its summary counts the rows."""

from collections.abc import Hashable
from typing import ClassVar

from p2ptui.base.errors import P2PError
from p2ptui.base.text import format_count
from p2ptui.screens.panes.paged_pane import PagedPane, Row

__all__ = ["CountedPane", "Row"]


class CountedPane(PagedPane[Row]):
    """Subclasses say what the rows are; `fetch` heeds `filter_text`, and `sorted_by` if it can."""

    DIGIT = ""
    BOX_HINT = "filter"
    NOUN: ClassVar[str]
    """What one row is: `ban`, `transfer`."""
    NONE_FITS: ClassVar[str] = ""
    """What an empty list says while there is a filter; empty: what it says without."""

    def rows_came(self, total: int) -> None:
        """How many there are."""
        self.summary = f"{format_count(total)} {self.NOUN}{'s' * (total != 1)}"
        self.table.set_empty((self.filter_text and self.NONE_FITS) or self.EMPTY)

    async def load(self) -> None:
        """Bring what is seen anew. A list that cannot be brought does not say that it is empty."""
        try:
            await super().load()
        except P2PError as error:
            if not self.total:
                self.table.set_empty(f"{error.title}: R asks again.")
            raise

    def begin_with(self, text: str) -> None:
        """Show only what fits a filter, from the first look on."""
        self.box.value = self.filter_text = text
        self.box.display = bool(text)

    def filter_changed(self, text: str) -> None:  # noqa: ARG002  (read from `filter_text`)
        """Show only rows that fit."""
        self._from_the_top()

    def sort_changed(self, column: str, reverse: bool) -> None:  # noqa: ARG002  (in the table)
        """Bring the rows in the other order."""
        self._from_the_top()

    async def done(self, text: str) -> None:
        """Something was done to a row: tell it, and look again."""
        self.tell(text)
        await self.load()

    @property
    def sorted_by(self) -> str:
        """The order, as a `Page` takes it."""
        column, reverse = self.table.sort
        return f"-{column}" if reverse else column

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows.get(self.table.cursor_key)

    def chosen_of(self, keys: tuple[Hashable, ...]) -> list[Row]:
        """The rows of these keys, as far as they are here."""
        return [self.rows[key] for key in keys if key in self.rows]

    def _from_the_top(self) -> None:
        self.table.clear_marks()
        self.table.cursor = 0
        self.attempt(self.load(), group="load", exclusive=True)
