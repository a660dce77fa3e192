"""The hosts pane: who is in the swarm, and how they are. Live, however many there are."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from textual import on
from textual.app import ComposeResult

from p2ptui.base.text import format_count
from p2ptui.screens.panes.paged_pane import PagedPane
from p2ptui.screens.tracker_panes.host_rows import COLUMNS, host_data
from p2ptui.widgets.buttons import ButtonRow
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.key_footer import KeyHint
from p2ptui.widgets.table_messages import MarksChanged
from p2ptui.widgets.table_rows import RowData
from tracker.api import HostRow, Page, TrackerApi
from tracker.events import (
    HostJoined,
    HostKicked,
    HostLeft,
    HostPublished,
    MemberJoined,
    TrackerEvent,
)

CALM_TICKS = 4
"""Ticks after which what is seen is brought anew although nothing was told: a second."""
REST = 10
"""After an answer that took so long, so many times as long passes before the next question."""
AT_ONCE = 32
"""Marked hosts that are acted on at the same time."""
_CHANGES = (MemberJoined, HostJoined, HostLeft, HostPublished, HostKicked)
_SORT_WORDS = {"nick": "name", "bytes": "size", "ping_ms": "ping", "software": "version"}


class HostsPane(PagedPane[HostRow]):
    """Who is here."""

    NAME = "hosts"
    TITLE = "Hosts"
    DIGIT = "1"
    COLUMNS = COLUMNS
    EMPTY = "No hosts yet."
    BOX_HINT = "filter by name, id or address"
    SORTS = ("nick", "files", "bytes", "ping_ms", "seen", "address")

    def __init__(self, api: TrackerApi, buttons: Sequence[KeyHint], glyphs: Glyphs = UNICODE):
        super().__init__(glyphs)
        self.api = api
        self._buttons = buttons
        self._ticks = 0
        self._changed = False
        """Whether something was told that changes the rows."""
        self._rests_until = 0.0
        self._bringing = False

    def compose(self) -> ComposeResult:
        """Box, table, and buttons that a mouse finds."""
        yield from super().compose()
        yield ButtonRow(self._buttons)

    # --- rows -------------------------------------------------------------------------------------

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[HostRow], int]:
        """A page of members, those online first unless sorted otherwise."""
        column, reverse = self.table.sort
        sort = f"-{column}" if reverse and column else column
        page = await self.api.hosts(
            Page(offset=offset, limit=limit, filter=self.filter_text, sort=sort)
        )
        return page.rows, page.total

    def data_of(self, row: HostRow) -> RowData:
        """One member."""
        return host_data(row, time.time(), self.glyphs)

    async def load(self) -> None:
        """Bring what is seen anew; one at a time."""
        if self._bringing:
            self._changed = True
            return
        self._bringing, self._changed = True, False
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await super().load()
        finally:
            self._bringing = False
            self._rests_until = loop.time() + REST * (loop.time() - began)

    def rows_came(self, total: int) -> None:
        """Hosts, order, filter, marks."""
        parts = [f"{format_count(total)} {'host' if total == 1 else 'hosts'}"]
        column, reverse = self.table.sort
        sign = self.glyphs.descending if reverse else self.glyphs.ascending
        if column:
            parts.append(f"by {_SORT_WORDS.get(column, column)} {sign}")
        if self.filter_text:
            parts.append(f"filter {self.filter_text}")
        if self.table.marked:
            parts.append(f"{format_count(len(self.table.marked))} marked")
        self.summary = f" {self.glyphs.separator} ".join(parts)

    def filter_changed(self, text: str) -> None:  # noqa: ARG002  (read from `filter_text`)
        """Show only those whose name, id or address holds these words."""
        self.table.cursor = 0
        self.attempt(super().load(), group="load", exclusive=True)

    def sort_changed(self, column: str, reverse: bool) -> None:  # noqa: ARG002  (read from the table)
        """Sort otherwise."""
        self.attempt(super().load(), group="load", exclusive=True)

    def hear(self, event: TrackerEvent) -> None:
        """Somebody came, went, or has other files."""
        if isinstance(event, _CHANGES):
            self._changed = True

    def changed(self) -> None:
        """An act changed hosts: they are brought anew with the next tick."""
        self._changed = True
        self._rests_until = 0.0

    def tick(self) -> None:
        """Bring what is seen anew: at once when something was told, else each second."""
        self._ticks += 1
        if self._bringing or asyncio.get_running_loop().time() < self._rests_until:
            return
        if self._changed or self._ticks % CALM_TICKS == 0:
            self.attempt(self.load(), group="load")

    def invite_sentence(self, sentence: str) -> None:
        """What to say while nobody has joined yet."""
        self.table.set_empty("No host matches." if self.filter_text else sentence)

    @on(MarksChanged)
    def _count_marks(self, message: MarksChanged) -> None:
        message.stop()
        self.rows_came(self.total)

    async def opened(self, key: object) -> None:  # noqa: ARG002  (the current row)
        """Enter discovers."""
        await self.screen.run_action("act('tracker.discover')")

    # --- what acts are for ------------------------------------------------------------------------

    @property
    def current(self) -> HostRow | None:
        """The host under the cursor."""
        return self.rows.get(self.table.cursor_key)

    @property
    def chosen(self) -> tuple[HostRow, ...]:
        """The marked hosts, else the one under the cursor.

        A marked one that has scrolled out of what is held is known by its id alone.
        """
        return tuple(self.rows.get(key) or _only_id(str(key)) for key in self.table.chosen)

    async def each_chosen(self, act: Callable[[HostRow], Awaitable[None]]) -> None:
        """Do something for all chosen hosts, many at a time."""
        await for_each(self.chosen, act)
        self.table.clear_marks()
        self.changed()


async def for_each(rows: Iterable[HostRow], act: Callable[[HostRow], Awaitable[None]]) -> None:
    """The same for each host, many at a time. Raises the first `P2PError`, after all were tried."""
    room = asyncio.Semaphore(AT_ONCE)

    async def in_turn(row: HostRow) -> None:
        async with room:
            await act(row)

    outcomes = await asyncio.gather(*map(in_turn, rows), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


def _only_id(peer_id: str) -> HostRow:
    return HostRow(
        peer_id=peer_id,  # type: ignore[arg-type]  # the key of its row
        nick="", address="", files=0, bytes=0, ping_ms=None, reachable=None, online=True, seen=0,
        joined=0, software="",
    )  # fmt: skip
