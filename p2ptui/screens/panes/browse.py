"""The pane of one member's files: a tree, or with a filter a plain list, paged to any length."""

from collections.abc import Hashable

from textual import on

from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import format_bytes, format_count
from p2ptui.node.api import NodeApi, RemoteFile, RemotePage
from p2ptui.screens.panes.base import PeerPane
from p2ptui.screens.panes.remote_rows import (
    COLUMNS,
    FILE,
    FOLDER,
    TreeSource,
    file_data,
)
from p2ptui.screens.remote_list import RemoteList
from p2ptui.screens.targets import Target
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_messages import RowsNeeded, RowToggled
from p2ptui.widgets.table_rows import PagedSource

NOTHING = "This host shares nothing."
NO_MATCH = "No file of this host is called that."


class BrowsePane(PeerPane):
    """What one member shares."""

    NAME = "browse"
    TITLE = "Files"
    DIGIT = ""
    COLUMNS = COLUMNS
    EMPTY = "Asking for its list."
    BOX_HINT = "filter by name"

    def __init__(self, api: NodeApi, target: Target, glyphs: Glyphs = UNICODE) -> None:
        """`target`: a host, or a row that one offers."""
        super().__init__(api, glyphs)
        host = target.nick or target.name
        self.heading = f"Files of {host}"
        self._list = RemoteList(api, str(target.host or host))
        self._found: PagedSource | None = None
        """The rows while there is a filter."""
        self._matches: dict[str, RemoteFile] = {}

    # --- bringing ---------------------------------------------------------------------------------

    async def load(self) -> None:
        """Bring the list anew; shown as it grows, ever less often."""
        number = 0
        async for page in self._list.bring():
            number += 1
            self._name_host(page)
            if not self.filter_text and (number.bit_count() == 1 or not self._list.coming):
                self._show_tree()

    def filter_changed(self, text: str) -> None:
        """Show what matches as a list, or the tree again."""
        self.table.clear_marks()
        if text:
            self.attempt(self._find(), group="find", exclusive=True)
        else:
            self.workers.cancel_group(self, f"{self.NAME}.find")
            self._show_tree()

    async def _find(self) -> None:
        source = PagedSource()
        self._matches = {}
        page = await self._put(source, 0)
        self._found = source
        self.table.set_empty(NO_MATCH)
        self.table.set_source(source)
        self._name_host(page)
        self.summary = f"{format_count(page.total)} found"

    @on(RowsNeeded)
    def _bring_pages(self, message: RowsNeeded) -> None:
        message.stop()
        if self._found is not None:
            for offset in self._found.missing(message.first, message.last):
                self.attempt(self._bring(self._found, offset), group=f"page-{offset}")

    async def _bring(self, source: PagedSource, offset: int) -> None:
        await self._put(source, offset)
        if source is self._found:  # else another filter has taken its place
            self.table.rows_changed()

    async def _put(self, source: PagedSource, offset: int) -> RemotePage:
        page = await self._list.ask(offset, source.page_size, self.filter_text)
        self._matches |= {row.name: row for row in page.rows}
        rows = [file_data(row, 0, self.glyphs, whole_name=True) for row in page.rows]
        source.put(offset, rows, page.total)
        return page

    def _show_tree(self) -> None:
        self._found = None
        listed = self._list
        self.table.set_empty(NOTHING)
        self.table.set_source(TreeSource(listed, self.glyphs))
        files = f"{format_count(listed.total)} {'file' if listed.total == 1 else 'files'}"
        size = format_bytes(listed.tree.top.bytes)
        more = " so far" if listed.brought < listed.total else ""
        self.summary = f"{files} {self.glyphs.separator} {size}{more}"

    def _name_host(self, page: RemotePage) -> None:
        self.heading = f"Files of {page.nick} ({short_peer_id(page.peer_id)})"

    @on(RowToggled)
    def _fold(self, message: RowToggled) -> None:
        message.stop()
        self._list.tree.fold(str(message.key).removeprefix(FOLDER), opened=message.opened)
        self._show_tree()

    # --- actions ----------------------------------------------------------------------------------

    def target_of(self, key: Hashable) -> Target | None:
        """The file or folder of a row."""
        text = str(key)
        if text.startswith(FOLDER):
            return Target(name=text.removeprefix(FOLDER), folder=True)
        file = self._file(text.removeprefix(FILE)) if text.startswith(FILE) else None
        return None if file is None else Target(name=file.name, content_id=file.content_id)

    async def opened(self, key: Hashable) -> None:
        """Enter on a file fetches it."""
        target = self.target_of(key)
        if target is not None:
            await self._fetch((target,))

    async def do_fetch(self) -> None:
        """Fetch the chosen files, and folders with all below."""
        await self._fetch(self.chosen)
        self.table.clear_marks()

    async def _fetch(self, targets: tuple[Target, ...]) -> None:
        if not targets:
            return
        files = [file for target in targets if (file := self._file(target.name)) is not None]
        folders = [target.name for target in targets if target.folder]
        begun = await self._list.fetch(files, folders)
        what = targets[0].name if len(targets) == 1 else f"{format_count(begun)} files"
        if folders and len(targets) == 1:
            what = f"{format_count(begun)} files of {what}"
        self.tell(f"fetching {what}" if begun else "all of it is here already, or coming")
        if self.filter_text:
            await self._find()
        else:
            self._show_tree()

    def _file(self, name: str) -> RemoteFile | None:
        if self._found is not None:
            return self._matches.get(name)
        return self._list.tree.file(name)
