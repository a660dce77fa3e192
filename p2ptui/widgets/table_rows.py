"""Rows of a table: values, and where they come from. Pure.

A source answers by position, so that a list of a million rows is never held by the screen: what it
does not have yet it says is missing, the table asks for it by a message, and it is put in later.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Tone = Literal[
    "normal", "dim", "bold", "accent", "good", "warn", "bad", "down", "up", "track"
]  # fmt: skip
"""What a text means; the theme gives it a colour. `track`: what is left of a progress line."""


@dataclass(frozen=True, slots=True)
class Toned:
    """A text with a meaning."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Bar:
    """Progress as a line: how much of it, 0 to 1, and what it means."""

    fraction: float
    tone: Tone


Cell = str | Toned | Bar


@dataclass(frozen=True, slots=True)
class RowData:
    """One row: what it stands for, and a cell for each column of the table, in their order."""

    key: Hashable
    cells: Sequence[Cell]
    depth: int = 0
    """Steps of indentation of the first cell of a tree."""
    expander: Literal["", "open", "closed"] = ""
    beside: bool = False
    """A leaf among rows that have expanders: its first cell stands below theirs."""
    tone: Tone = "normal"
    """For the cells that have none of their own."""


class RowSource(Protocol):
    """Rows by position."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def row(self, index: int) -> RowData | None:
        """One row; None when it has to be brought first."""
        ...

    def index_of(self, key: Hashable) -> int | None:
        """Where a row is, if that is known without asking for more."""
        ...


class ListSource:
    """Rows that are all here."""

    def __init__(self, rows: Sequence[RowData] = ()) -> None:
        self._rows = rows
        self._places = {row.key: index for index, row in enumerate(rows)}

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def rows(self) -> Sequence[RowData]:
        """All of them."""
        return self._rows

    def row(self, index: int) -> RowData | None:
        """One row."""
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def index_of(self, key: Hashable) -> int | None:
        """Where a row is."""
        return self._places.get(key)


class LazySource:
    """Rows that are formatted when they are looked at; for long lists that are all here."""

    def __init__(self, count: int, make: Callable[[int], RowData]) -> None:
        self.count = count
        self._make = make

    def row(self, index: int) -> RowData | None:
        """One row, made now."""
        return self._make(index) if 0 <= index < self.count else None

    def index_of(self, key: Hashable) -> int | None:  # noqa: ARG002  (not known without a search)
        """Not known."""
        return None


class PagedSource:
    """Rows that are brought page by page; the pages used last are kept."""

    def __init__(self, page_size: int = 200, *, keep: int = 50) -> None:
        self.page_size = page_size
        self._keep = keep
        self._pages: OrderedDict[int, Sequence[RowData]] = OrderedDict()
        self._total = 0

    @property
    def count(self) -> int:
        """How many rows there are, as the last page said."""
        return self._total

    def row(self, index: int) -> RowData | None:
        """One row; None when its page is not here."""
        number, place = divmod(index, self.page_size)
        page = self._pages.get(number)
        if page is None or place >= len(page):
            return None
        self._pages.move_to_end(number)
        return page[place]

    def index_of(self, key: Hashable) -> int | None:
        """Where a row is, among the pages that are here."""
        for number, page in self._pages.items():
            for place, row in enumerate(page):
                if row.key == key:
                    return number * self.page_size + place
        return None

    def put(self, offset: int, rows: Sequence[RowData], total: int) -> None:
        """Keep a page that was brought; `offset` is a multiple of the page size."""
        self._total = total
        number = offset // self.page_size
        self._pages[number] = rows
        self._pages.move_to_end(number)
        while len(self._pages) > self._keep:
            self._pages.popitem(last=False)

    def replace(self, row: RowData) -> bool:
        """Put another row in the place of the one with its key; False when that is not here."""
        index = self.index_of(row.key)
        if index is None:
            return False
        number, place = divmod(index, self.page_size)
        page = list(self._pages[number])
        page[place] = row
        self._pages[number] = page
        return True

    def missing(self, first: int, last: int) -> list[int]:
        """Offsets of the pages that rows `first` to `last` lie on and that are not here."""
        numbers = range(max(first, 0) // self.page_size, max(last, 0) // self.page_size + 1)
        return [
            number * self.page_size
            for number in numbers
            if number not in self._pages and number * self.page_size < max(self._total, 1)
        ]

    def clear(self) -> None:
        """Forget everything."""
        self._pages.clear()
        self._total = 0
