"""The hosts pane: who is in the swarm. Enter browses what one of them shares."""

import time
from collections.abc import Hashable

from textual import on

from p2ptui.base.errors import P2PError
from p2ptui.base.text import format_count
from p2ptui.node import events
from p2ptui.node.api import HostRow, Page
from p2ptui.screens.panes.base import NO_TRACKER, PeerPane, in_reach
from p2ptui.screens.panes.host_rows import COLUMNS, host_data
from p2ptui.screens.targets import Target
from p2ptui.screens.why import host_story
from p2ptui.widgets.table_messages import RowsNeeded
from p2ptui.widgets.table_rows import PagedSource

REFRESH_TICKS = 20
"""Ticks after which the visible page is brought anew: figures and times grow old."""


class HostsPane(PeerPane):
    """Who is here."""

    NAME = "hosts"
    TITLE = "Hosts"
    DIGIT = "5"
    COLUMNS = COLUMNS
    EMPTY = "Not connected to a tracker: nobody is known."
    BOX_HINT = "filter by name, id or address"

    def on_mount(self) -> None:
        """Begin with no rows."""
        self._hosts: dict[str, HostRow] = {}
        self._source = PagedSource()
        self._ticks = 0
        self.table.set_source(self._source)

    async def load(self) -> None:
        """Bring the first page anew."""
        source = PagedSource()
        try:
            await self._bring(source, 0)
        except P2PError as error:
            if error.exit_code not in NO_TRACKER:
                raise

    def filter_changed(self, text: str) -> None:  # noqa: ARG002  (read from `filter_text`)
        """Show only those whose name, id or address holds these words."""
        self.attempt(self.load(), group="page", exclusive=True)

    def hear(self, event: events.NodeEvent) -> None:
        """The swarm is there again."""
        if isinstance(event, events.Connected):
            self.attempt(self.load(), group="page", exclusive=True)

    def tick(self) -> None:
        """Bring what is visible anew every few seconds."""
        self._ticks += 1
        if self._ticks % REFRESH_TICKS == 0 and self.has_focus_within:
            self.attempt(self.load(), group="page", exclusive=True)

    @on(RowsNeeded)
    def _bring_pages(self, message: RowsNeeded) -> None:
        message.stop()
        for offset in self._source.missing(message.first, message.last):
            self.attempt(self._bring(self._source, offset), group=f"page-{offset}", exclusive=True)

    async def _bring(self, source: PagedSource, offset: int) -> None:
        page = await self.api.peers(
            Page(offset=offset, limit=source.page_size, filter=self.filter_text)
        )
        if offset == 0:
            self._hosts = {}
        self._hosts |= {str(row.peer_id): row for row in page.rows}
        now = time.time()
        source.put(offset, [host_data(row, now, self.glyphs) for row in page.rows], page.total)
        if source is self._source:
            self.table.rows_changed()
        else:
            self._source = source
            self.table.set_source(source)
        count = f"{format_count(page.total)} {'host' if page.total == 1 else 'hosts'}"
        online = sum(row.online for row in self._hosts.values())
        whose = f"{online} online" if page.reached is None else in_reach(page.reached)
        self.summary = f"{count} {self.glyphs.separator} {whose}"

    def target_of(self, key: Hashable) -> Target | None:
        """The member of a row."""
        row = self._hosts.get(str(key))
        return None if row is None else Target(name=row.nick, host=row.peer_id, nick=row.nick)

    async def do_why(self) -> None:
        """What there is to say of a member."""
        row = self._hosts.get(str(self.table.cursor_key))
        if row is not None:
            self.app.push_screen(host_story(row, time.time()))

    async def opened(self, key: Hashable) -> None:  # noqa: ARG002  (the current row)
        """Enter browses."""
        await self.screen.run_action("act('browse')")
