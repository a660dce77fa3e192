"""The files pane: the list of one host as *discover* brings it, or the index of all."""

from collections.abc import Sequence

from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import format_count
from p2ptui.screens.panes.paged_pane import PagedPane
from p2ptui.screens.tracker_panes.file_rows import (
    FILE_COLUMNS,
    INDEX_COLUMNS,
    file_data,
    hit_data,
)
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_rows import RowData
from tracker.api import (
    DiscoverRequest,
    HitRow,
    HostFile,
    HostRow,
    IndexRequest,
    Page,
    TrackerApi,
)

NO_HOST = "d on a host brings its files;\nf shows the index of all."


class FilesPane(PagedPane[HostFile | HitRow]):
    """Pages of a list that may have a million rows."""

    NAME = "files"
    TITLE = "Files"
    DIGIT = "2"
    COLUMNS = FILE_COLUMNS
    EMPTY = NO_HOST
    BOX_HINT = "filter"
    SORTS = ("name", "size", "changed")

    def __init__(self, api: TrackerApi, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(glyphs)
        self.api = api
        self.host = ""
        """Id of the host whose files are shown; empty: none yet."""
        self.indexed = False
        """Whether the index of all is shown instead."""
        self.single = False
        """In the index: only what a single member has."""
        self._nick = ""
        self._notes: tuple[str, ...] = ()

    # --- what is shown ----------------------------------------------------------------------------

    async def discover(self, host: str, nick: str = "", text: str = "") -> None:
        """Ask a host for its list; only names that hold a text. May raise `P2PError`."""
        self.host, self._nick, self.indexed = host, nick, False
        await self._begin(text)

    async def show_index(self, text: str = "", *, single: bool = False) -> None:
        """Show the index of all; only names that hold a text. May raise `P2PError`."""
        self.indexed, self.single = True, single
        await self._begin(text)

    async def _begin(self, text: str) -> None:
        with self.prevent(self.box.Changed):
            self.box.value = text
        self.filter_text = text
        self.box.display = bool(text)
        self.box.placeholder = "search the index" if self.indexed else "filter"
        self.table.set_columns(INDEX_COLUMNS if self.indexed else FILE_COLUMNS)
        self.table.sort = ("", False)
        self.table.clear_marks()
        self.table.cursor = 0
        self.forget()
        self.table.set_empty(f"Asking{self.glyphs.ellipsis}")
        self._notes = ()
        self._tell_heading()
        self.summary = ""
        try:
            await self.load()
        finally:
            self.table.set_empty(self._nothing())

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[HostFile | HitRow], int]:
        """A page of the list, or of the index."""
        column, reverse = self.table.sort
        sort = f"-{column}" if reverse and column else column
        page = Page(offset=offset, limit=limit, filter=self.filter_text, sort=sort)
        if self.indexed:
            page = Page(offset=offset, limit=limit)
            hits = await self.api.index(
                IndexRequest(text=self.filter_text, page=page, single=self.single)
            )
            self._notes = ("more than that",) if hits.more else ()
            return hits.rows, hits.total
        if not self.host:
            return (), 0
        found = await self.api.discover(DiscoverRequest(host=self.host, page=page))
        self.host, self._nick = found.peer_id, found.nick or short_peer_id(found.peer_id)
        self._notes = () if found.live else ("offline, by the index",)
        self._tell_heading()
        return found.rows, found.total

    def data_of(self, row: HostFile | HitRow) -> RowData:
        """A file, or a content."""
        return hit_data(row) if isinstance(row, HitRow) else file_data(row)

    def rows_came(self, total: int) -> None:
        """How many, and what is to be known of them."""
        noun = ("content" if self.indexed else "file") + "s" * (total != 1)
        parts = [f"{format_count(total)} {noun}", *self._notes]
        if self.filter_text:
            parts.append(f"with {self.filter_text}")
        self.summary = f" {self.glyphs.separator} ".join(parts) if self._shows else ""

    @property
    def _shows(self) -> bool:
        return self.indexed or bool(self.host)

    def _tell_heading(self) -> None:
        if self.indexed:
            self.heading = "Index: single owners" if self.single else "Index of all"
        else:
            self.heading = f"Files of {self._nick or self.host}" if self.host else "Files"

    def _nothing(self) -> str:
        if not self._shows:
            return NO_HOST
        if self.filter_text:
            return "No name holds that."
        return "The index is empty." if self.indexed else "It offers nothing."

    # --- keys and changes -------------------------------------------------------------------------

    def filter_changed(self, text: str) -> None:  # noqa: ARG002  (read from `filter_text`)
        """Show only names that hold these words."""
        self.table.cursor = 0
        self.table.set_empty(self._nothing())
        self.attempt(self.load(), group="load", exclusive=True)

    def sort_changed(self, column: str, reverse: bool) -> None:  # noqa: ARG002  (read from the table)
        """Sort otherwise."""
        self.attempt(self.load(), group="load", exclusive=True)

    async def do_sort(self) -> None:
        """`,`: the next column; the index has an order of its own, the best hits first."""
        if not self.indexed:
            await super().do_sort()

    async def do_index(self) -> None:
        """`f`: the index of all, or back to the files of the host."""
        if self.indexed:
            await self.discover(self.host, self._nick)
        else:
            await self.show_index()

    async def do_single(self) -> None:
        """`s`: only contents with a single owner, or all again."""
        await self.show_index(self.filter_text, single=self.indexed and not self.single)

    async def do_refresh(self) -> None:
        """`R`: anew."""
        await self.load()

    @property
    def current(self) -> HostFile | HitRow | None:
        """The row under the cursor."""
        return self.rows.get(self.table.cursor_key)

    def shows_host(self, host: HostRow) -> bool:
        """Whether these are the files of that host."""
        return not self.indexed and self.host == host.peer_id

    async def opened(self, key: object) -> None:  # noqa: ARG002  (the current row)
        """Enter tells who has the content."""
        await self.screen.run_action("act('tracker.owners')")
