"""The swarm's history on a screen of its own: who fetched what from whom, when, how fast."""

import time
from collections.abc import Hashable, Iterable, Iterator, Sequence

from textual.widget import Widget

from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import display, format_bytes, format_duration, format_rate, local_second
from p2ptui.peer_tables import peer_name
from p2ptui.screens.notices import tell
from p2ptui.screens.panes.history_rows import when_text
from p2ptui.screens.row_list import RowListScreen
from p2ptui.screens.tracker_lists import ListPane
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.columns import Column
from p2ptui.widgets.dialog import CLOSE, Dialog, paragraph
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.key_footer import KeyHint
from p2ptui.widgets.table_rows import ListSource, RowData, Toned
from p2ptui.widgets.virtual_table import VirtualTable
from tracker.api import FetchRow, GiverRow, Page, TrackerApi

MOST_ROWS = 8
COPY = Answer("copy", "Copy id", "y")
HINTS = (
    KeyHint("o", "Show", "act('show')"),
    KeyHint("y", "Copy id", "act('copy')"),
    KeyHint(",", "Sort", "act('sort')"),
)
GIVERS = (
    Column("nick", "Host", sortable=False),
    Column("id", "Id", 8, sortable=False),
    Column("bytes", "Size", 8, "right", sortable=False),
    Column("share", "Share", 5, "right", sortable=False),
)


class FetchesPane(ListPane[FetchRow]):
    """What members fetched, the last first."""

    NAME = "history"
    TITLE = "History"
    NOUN = "fetch"
    EMPTY = "No member has told of a fetch yet."
    NONE_FITS = "No fetch fits that."
    BOX_HINT = "filter: name, member, content id"
    COLUMNS = (
        Column("time", "When", 11),
        Column("nick", "Who", 14),
        Column("name", "Fetched"),
        Column("givers", "From", 16, sortable=False),
        Column("size", "Size", 8, "right", min_table_width=92),
        Column("seconds", "Took", 10, "right", min_table_width=104),
        Column("rate_bps", "Speed", 10, "right", min_table_width=60),
    )
    SORTS = ("time", "nick", "name", "size", "seconds", "rate_bps")

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[FetchRow], int]:
        """A page of the history."""
        page = await self.api.history(
            Page(offset=offset, limit=limit, filter=self.filter_text, sort=self.sorted_by)
        )
        return page.rows, page.total

    def rows_came(self, total: int) -> None:
        """How many there are."""
        super().rows_came(total)
        self.summary = f"{self.summary.removesuffix('s')}es" if total != 1 else self.summary

    def data_of(self, row: FetchRow) -> RowData:
        """One fetch; its key is by what the tracker knows it."""
        return RowData(
            (row.peer_id, row.content_id, row.time),
            (
                Toned(when_text(row.time, time.time()), "dim"),
                row.nick,
                row.name,
                givers_text(row),
                format_bytes(row.size),
                format_duration(row.seconds),
                format_rate(row.rate_bps) if row.rate_bps else self.glyphs.nothing,
            ),
        )

    async def opened(self, key: Hashable) -> None:
        """Enter: who gave how much of it."""
        row = self.rows.get(key)
        if row is not None and await self.app.push_screen_wait(FetchDetail(row, self.glyphs)):
            self._copy(row)

    async def do_show(self) -> None:
        """All that is known of the row."""
        await self.opened(self.table.cursor_key)

    async def do_copy(self) -> None:
        """Send the content id to the terminal's clipboard."""
        if self.current is not None:
            self._copy(self.current)

    def _copy(self, row: FetchRow) -> None:
        self.app.copy_to_clipboard(row.content_id)
        tell(self.app, f"sent to the clipboard: {display(row.content_id)}")


class FetchDetail(Dialog[bool]):
    """One fetch in full; the result is whether its content id is to be copied."""

    DEFAULT_CSS = "FetchDetail VirtualTable { margin: 1 0 0 0; }"

    def __init__(self, row: FetchRow, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(row.name, (CLOSE, COPY))
        self._row = row
        self._table = VirtualTable(GIVERS, glyphs=glyphs)
        self._table.set_source(ListSource([_giver_data(giver, row) for giver in row.givers]))
        self._table.styles.height = min(len(row.givers), MOST_ROWS) + 1
        self._table.can_focus = len(row.givers) > MOST_ROWS

    def compose_body(self) -> Iterable[Widget]:
        """What it was, in sentences; then a row for each giver."""
        for line in fetch_story(self._row):
            yield paragraph(line)
        yield self._table

    def give(self, answer: Answer) -> None:
        """Close."""
        self.dismiss(answer is COPY)


def fetch_story(row: FetchRow) -> Iterator[Toned]:
    """What is known of a fetch, sentence by sentence."""
    rate = f", {format_rate(row.rate_bps)}" if row.rate_bps else ""
    yield Toned(f"Fetched by {peer_name(row.nick, row.peer_id)}:", "normal")
    took = f"{format_bytes(row.size)} in {format_duration(row.seconds)}{rate}."
    yield Toned(took, "normal")
    ended = local_second(row.time)
    yield Toned(f"Ended {ended}, as that member says.", "dim")
    yield Toned(f"content {row.content_id}", "dim")


def givers_text(row: FetchRow) -> str:
    """`anna`, `anna +2`: who gave most of it, and how many did."""
    if not row.givers:
        return ""
    more = f" +{len(row.givers) - 1}" if len(row.givers) > 1 else ""
    return f"{row.givers[0].nick}{more}"


def _giver_data(giver: GiverRow, row: FetchRow) -> RowData:
    whole = max(sum(each.bytes for each in row.givers), 1)
    share = f"{giver.bytes * 100 // whole}%"
    cells = (giver.nick, short_peer_id(giver.peer_id), format_bytes(giver.bytes), share)
    return RowData(giver.peer_id, cells)


def history_screen(api: TrackerApi, glyphs: Glyphs, text: str = "") -> RowListScreen:
    """What members fetched, as far as it fits a filter."""
    pane = FetchesPane(api, glyphs)
    pane.begin_with(text)
    return RowListScreen(pane, HINTS)
