"""What a table says: all its messages on one page. They bubble; `control` is the table."""

from collections.abc import Hashable
from dataclasses import dataclass

from textual.message import Message
from textual.widget import Widget


@dataclass
class TableMessage(Message):
    """Base: which table says it."""

    table: Widget

    def __post_init__(self) -> None:
        # Textual does not bubble a message to whom it takes for its sender: the one that runs now,
        # which is the screen while it paints or gives the table other rows.
        super().__post_init__()
        self.set_sender(self.table)

    @property
    def control(self) -> Widget:
        """The table, for `@on(…, "#id")`."""
        return self.table


@dataclass
class RowSelected(TableMessage):
    """A row was opened: Enter, or a double click."""

    key: Hashable


@dataclass
class RowHighlighted(TableMessage):
    """The cursor is on another row; None when there is none."""

    key: Hashable | None

    def can_replace(self, message: Message) -> bool:
        """Only where the cursor is now matters."""
        return isinstance(message, RowHighlighted) and message.table is self.table


@dataclass
class RowsNeeded(TableMessage):
    """Rows from `first` to `last` are on the screen and the source does not have them all."""

    first: int
    last: int

    def can_replace(self, message: Message) -> bool:
        """Only what is on the screen now matters."""
        return isinstance(message, RowsNeeded) and message.table is self.table


@dataclass
class SortRequested(TableMessage):
    """A column's title was clicked."""

    column: str


@dataclass
class MarksChanged(TableMessage):
    """Other rows are marked."""


@dataclass
class RowToggled(TableMessage):
    """A row of a tree is to be opened or closed."""

    key: Hashable
    opened: bool
