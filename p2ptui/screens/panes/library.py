"""The library pane: shares and folders as a tree, each file with its state.

A folder is asked for when it is opened, so that a million files cost what is seen of them. With a
filter the matching files are a plain list, paged.
"""

from collections.abc import Hashable, Iterator

from textual import on

from p2ptui.base.text import format_bytes, format_count
from p2ptui.node import events
from p2ptui.node.api import FileRow, FolderPage, Hashing, NodeStatus, Page, SectionName
from p2ptui.screens.panes.base import PeerPane
from p2ptui.screens.panes.file_rows import (
    COLUMNS,
    FILE,
    FOLDER,
    file_data,
    folder_data,
    more_data,
)
from p2ptui.screens.targets import Target
from p2ptui.screens.why import file_story
from p2ptui.widgets.table_messages import RowsNeeded, RowToggled
from p2ptui.widgets.table_rows import ListSource, PagedSource, RowData

MOST = 1000
"""Files of one folder that are listed."""
HASHING_TICKS = 4
"""Ticks between two looks at what is open, while files are being hashed."""
OWNERS_TICKS = 120
"""Ticks after which what is seen is brought anew: owners elsewhere come and go. The node asks for
them behind the first look, so the second one, and each that still lacks some, comes sooner."""


class LibraryPane(PeerPane):
    """What we share."""

    NAME = "library"
    TITLE = "Library"
    DIGIT = "1"
    COLUMNS = COLUMNS
    EMPTY = "Nothing is shared yet: p publishes."
    BOX_HINT = "filter by name"
    SORTS = ("name", "size", "changed")

    def on_mount(self) -> None:
        """Begin with no rows."""
        self._open: set[str] = {""}
        self._pages: dict[str, FolderPage] = {}
        self._files: dict[str, FileRow] = {}
        self._flat: PagedSource | None = None
        """The rows while there is a filter."""
        self._status: NodeStatus | None = None
        self._hashing: Hashing | None = None
        self._stale = False
        self._ticks = 0
        self._owners_ticks = OWNERS_TICKS
        """Ticks until the next look at owners elsewhere."""
        self._patience = HASHING_TICKS

    # --- what comes down --------------------------------------------------------------------------

    def show(self, section: SectionName, value: object) -> None:
        """The figures; other figures mean other files."""
        if section == "status" and isinstance(value, NodeStatus):
            before, self._status = self._status, value
            if before is not None and _figures(before) != _figures(value):
                self._stale = True
        elif section == "hashing" and isinstance(value, Hashing):
            if value != self._hashing:
                self._stale = True
            self._hashing = value
        self.summary = self._summary()

    def hear(self, event: events.NodeEvent) -> None:
        """Files came or went."""
        if isinstance(
            event,
            events.FileRemoved
            | events.FetchFinished
            | events.ShareScanned
            | events.HashingFinished
            | events.FileProblem,
        ):
            self._stale = True

    def tick(self) -> None:
        """Bring what is open anew when something changed, once a second at most."""
        self._owners_ticks -= 1
        if self._owners_ticks <= 0:
            self._owners_ticks = OWNERS_TICKS
            self.attempt(self._look_again(), group="load", exclusive=True)
        self._ticks += 1
        if self._stale and self._ticks >= HASHING_TICKS:
            self._ticks = 0
            self._stale = False
            self.attempt(self.load(), group="load", exclusive=True)

    async def load(self) -> None:
        """Bring all open folders, or the filtered list."""
        if self.filter_text:
            await self._bring(PagedSource(), 0)
            return
        pages: dict[str, FolderPage] = {}
        for name in sorted(self._open):  # a folder before what is in it
            if name and name not in {row.name for page in pages.values() for row in page.folders}:
                continue  # it is gone, or what it is in is closed
            pages[name] = await self._folder(name)
        self._pages = pages
        self._files = {row.name: row for page in pages.values() for row in page.rows}
        self._flat = None
        self.table.set_source(ListSource(list(self._rows("", 0))))
        self._plan_look()

    async def _look_again(self) -> None:
        """Bring what is seen anew, in its place."""
        if self._flat is None:
            await self.load()
        else:
            size = self._flat.page_size
            await self._bring(self._flat, self.table.cursor // size * size)

    def _plan_look(self) -> None:
        """Look again soon while owners are not known, ever less often; else in half a minute."""
        known = all(row.owners is not None for row in self._files.values() if row.content_id)
        self._owners_ticks = OWNERS_TICKS if known else self._patience
        self._patience = HASHING_TICKS if known else min(self._patience * 2, OWNERS_TICKS)

    async def _folder(self, name: str) -> FolderPage:
        return await self.api.folder(name, Page(limit=MOST, sort=self._sort))

    def _rows(self, folder: str, depth: int) -> Iterator[RowData]:
        page = self._pages[folder]
        for row in page.folders:
            opened = row.name in self._open and row.name in self._pages
            yield folder_data(row, depth, self.glyphs, opened=opened)
            if opened:
                yield from self._rows(row.name, depth + 1)
        for file in page.rows:
            yield file_data(file, depth, self.glyphs, beside=bool(page.folders))
        if page.total > len(page.rows):
            yield more_data(folder, page.total - len(page.rows), depth)

    @on(RowToggled)
    async def _fold(self, message: RowToggled) -> None:
        message.stop()
        name = str(message.key).removeprefix(FOLDER)
        (self._open.add if message.opened else self._open.discard)(name)
        self.attempt(self.load(), group="load", exclusive=True, keys_wait=True)

    # --- filter and sort --------------------------------------------------------------------------

    def filter_changed(self, text: str) -> None:
        """Show what matches as a list, or the tree again."""
        self.table.set_empty("No file of yours is called that." if text else self.EMPTY)
        self.attempt(self.load(), group="load", exclusive=True)

    def sort_changed(self, column: str, reverse: bool) -> None:  # noqa: ARG002  (in the table)
        """Bring all in the other order."""
        self.attempt(self.load(), group="load", exclusive=True)

    @property
    def _sort(self) -> str:
        column, reverse = self.table.sort
        return f"-{column}" if reverse else column

    @on(RowsNeeded)
    def _bring_pages(self, message: RowsNeeded) -> None:
        message.stop()
        if self._flat is not None:
            for offset in self._flat.missing(message.first, message.last):
                self.attempt(self._bring(self._flat, offset), group=f"page-{offset}")

    async def _bring(self, source: PagedSource, offset: int) -> None:
        page = await self.api.library(
            Page(offset=offset, limit=source.page_size, filter=self.filter_text, sort=self._sort)
        )
        if source is not self._flat:
            self._files = {}
        self._files |= {row.name: row for row in page.rows}
        rows = [file_data(row, 0, self.glyphs, whole_name=True) for row in page.rows]
        source.put(offset, rows, page.total)
        if source is self._flat:
            self.table.rows_changed()
        else:
            self._flat = source
            self.table.set_source(source)
        self._plan_look()

    # --- actions ----------------------------------------------------------------------------------

    def target_of(self, key: Hashable) -> Target | None:
        """The file or folder of a row."""
        text = str(key)
        if text.startswith(FOLDER):
            return Target(name=text.removeprefix(FOLDER), folder=True)
        row = self._files.get(text.removeprefix(FILE))
        return None if row is None else Target(name=row.name, content_id=row.content_id)

    async def opened(self, key: Hashable) -> None:  # noqa: ARG002  (the current row)
        """Enter on a file: who else has it."""
        await self.screen.run_action("act('owners')")

    async def do_remove(self) -> None:
        """Withdraw the chosen files; `u` brings them back."""
        targets = [target for target in self.chosen if not target.folder]
        for target in targets:
            await self.api.remove(target.name)
        self.table.clear_marks()
        if targets:
            what = targets[0].name if len(targets) == 1 else f"{len(targets)} files"
            self.tell(f"removed {what}: u undoes it for 30 s")

    async def do_why(self) -> None:
        """Why the file is in its state."""
        target = self.current
        row = None if target is None else self._files.get(target.name)
        if row is not None:
            self.app.push_screen(file_story(row))

    async def do_retry(self) -> None:
        """Look for changed files now."""
        changes = await self.api.rescan()
        self.tell(f"looked again: {format_count(changes)} changed")

    def _summary(self) -> str:
        status, hashing, dot = self._status, self._hashing, self.glyphs.separator
        if status is None:
            return ""
        if hashing is not None and hashing.bytes_done < hashing.bytes_total:
            share = hashing.bytes_done * 100 // hashing.bytes_total
            left = hashing.files_total - hashing.files_done
            return f"hashing {share} % {dot} {format_count(left)} left"
        files = "file" if status.files == 1 else "files"
        return f"{format_count(status.files)} {files} {dot} {format_bytes(status.bytes)}"


def _figures(status: NodeStatus) -> tuple[int, int, int, int]:
    return status.files, status.bytes, status.hashing, status.skipped
