"""The search pane: results as its user types, one row a content, paged to any length."""

from collections.abc import Hashable

import msgspec
from textual import on

from p2ptui.base.errors import P2PError
from p2ptui.base.text import format_count
from p2ptui.node import events
from p2ptui.node.api import FetchRequest, HitRow, NodeStatus, Ownership, Page, SectionName
from p2ptui.screens.panes.base import NO_TRACKER, PeerPane, in_reach
from p2ptui.screens.panes.hit_rows import COLUMNS, hit_data
from p2ptui.screens.targets import Target
from p2ptui.screens.why import hit_story
from p2ptui.widgets.table_messages import RowsNeeded
from p2ptui.widgets.table_rows import PagedSource

NO_HITS = "Nobody here has that. Fewer letters find more."
NO_HITS_IN_REACH = "No member in reach has that. Others may: the tracker is away."
NOTHING_SHARED = "Nobody shares anything yet: p publishes a file of yours."


class SearchPane(PeerPane):
    """What the swarm has."""

    NAME = "search"
    TITLE = "Search"
    DIGIT = "2"
    COLUMNS = COLUMNS
    EMPTY = "Press / and type what you look for."
    BOX_STAYS = True
    BOX_HINT = "search the swarm: words of names, in any order"

    def on_mount(self) -> None:
        """Begin with no rows."""
        self._hits: dict[str, HitRow] = {}
        self._own = ""
        """Our nick."""
        self._source = PagedSource()
        self.table.set_source(self._source)

    # --- asking -----------------------------------------------------------------------------------

    async def load(self) -> None:
        """Search anew for what the box holds; an empty box shows all there is."""
        try:
            await self._search(self.filter_text)
        except P2PError as error:
            if error.exit_code not in NO_TRACKER:
                raise

    def filter_changed(self, text: str) -> None:
        """Search; a newer query cancels the older."""
        self.attempt(self._search(text), group="query", exclusive=True)

    async def _search(self, text: str) -> None:
        source = PagedSource()
        self.summary = "searching"
        try:
            page = await self.api.search(text, Page(limit=source.page_size))
        except P2PError as error:
            self.summary = ""
            self.table.set_empty(f"{error.title}.")
            self._show_source(source)
            raise
        self._hits = {row.content_id: row for row in page.rows}
        source.put(0, [hit_data(row, self.glyphs, self._own) for row in page.rows], page.total)
        found_none = NO_HITS if page.reached is None else NO_HITS_IN_REACH
        self.table.set_empty(found_none if text else NOTHING_SHARED)
        self._show_source(source)
        more = "+" if page.more else ""
        count = f"{format_count(page.total)}{more} {'result' if page.total == 1 else 'results'}"
        whose = f"{page.took_ms:.0f} ms" if page.reached is None else in_reach(page.reached)
        self.summary = f"{count} {self.glyphs.separator} {whose}"

    def _show_source(self, source: PagedSource) -> None:
        self._source = source
        self.table.clear_marks()
        self.table.set_source(source)

    @on(RowsNeeded)
    def _bring_pages(self, message: RowsNeeded) -> None:
        message.stop()
        for offset in self._source.missing(message.first, message.last):
            self.attempt(self._bring(self._source, offset), group=f"page-{offset}", exclusive=True)

    async def _bring(self, source: PagedSource, offset: int) -> None:
        page = await self.api.search(self.filter_text, Page(offset=offset, limit=source.page_size))
        if source is not self._source:
            return  # another query has taken its place
        self._hits |= {row.content_id: row for row in page.rows}
        source.put(
            offset, [hit_data(row, self.glyphs, self._own) for row in page.rows], source.count
        )
        self.table.rows_changed()

    # --- what this node has of it -----------------------------------------------------------------

    def show(self, section: SectionName, value: object) -> None:
        """Note what we are called."""
        if section == "status" and isinstance(value, NodeStatus):
            self._own = value.nick

    def hear(self, event: events.NodeEvent) -> None:
        """Mark what is being fetched, and what is here."""
        match event:
            case events.FetchStarted():
                self._mark(event.content_id, "fetching")
            case events.FetchFinished():
                self._mark(event.content_id, "have")
            case events.FetchFailed() | events.FileRemoved():
                self._mark(event.content_id, "new")
            case events.Connected():
                self.attempt(self.load(), group="query", exclusive=True)
            case _:
                pass

    def _mark(self, content_id: str, have: Ownership) -> None:
        row = self._hits.get(content_id)
        if row is None or row.have == have:
            return
        self._hits[content_id] = row = msgspec.structs.replace(row, have=have)
        self._source.replace(hit_data(row, self.glyphs, self._own))
        self.table.update_rows((content_id,))

    # --- actions ----------------------------------------------------------------------------------

    def target_of(self, key: Hashable) -> Target | None:
        """The content of a row."""
        row = self._hits.get(str(key))
        return None if row is None else Target(name=row.name, content_id=row.content_id)

    async def opened(self, key: Hashable) -> None:
        """Enter fetches."""
        target = self.target_of(key)
        if target is not None:
            await self._fetch((target,))

    async def do_why(self) -> None:
        """What there is to say of a content."""
        key = self.table.cursor_key
        row = self._hits.get(str(key))
        if row is not None:
            self.app.push_screen(hit_story(row, self._own))

    async def do_fetch(self) -> None:
        """Fetch the chosen contents."""
        await self._fetch(self.chosen)
        self.table.clear_marks()

    async def _fetch(self, targets: tuple[Target, ...]) -> None:
        here = 0
        for target in targets:
            row = await self.api.fetch(FetchRequest(target=target.content_id))
            if row.state == "finished":
                here += 1
            else:
                self._mark(target.content_id, "fetching")
        begun = len(targets) - here
        if here:
            self.tell(f"{here} already here" if here > 1 else f"already here: {targets[0].name}")
        if begun > 1:
            self.tell(f"fetching {begun} files")
