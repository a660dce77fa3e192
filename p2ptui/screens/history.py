"""The history on a screen of its own: who fetched what from whom, when, how fast."""

import time
from collections.abc import Hashable, Sequence
from pathlib import Path

from p2ptui.base.text import display
from p2ptui.node.api import FetchRequest, NodeApi, Page, TransferRow
from p2ptui.screens.panes.counted_pane import CountedPane
from p2ptui.screens.panes.history_rows import COLUMNS, SORTS, history_data
from p2ptui.screens.past_transfer import PastTransfer
from p2ptui.screens.row_list import RowListScreen
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.key_footer import KeyHint
from p2ptui.widgets.table_rows import RowData

HINTS = (
    KeyHint("o", "Show", "act('show')"),
    KeyHint("f", "Fetch again", "act('fetch')"),
    KeyHint("y", "Copy id", "act('copy')"),
    KeyHint(",", "Sort", "act('sort')"),
)


class HistoryPane(CountedPane[TransferRow]):
    """Downloads and uploads that are over, the last first."""

    NAME = "history"
    TITLE = "History"
    NOUN = "transfer"
    COLUMNS = COLUMNS
    SORTS = SORTS
    EMPTY = "Nothing is over yet: what you fetch, and what others fetch from you, will stand here."
    NONE_FITS = "No transfer that is over fits that."
    BOX_HINT = "filter: name, member, up, down, failed, cancelled"

    def __init__(self, api: NodeApi, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(glyphs)
        self._api = api

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[TransferRow], int]:
        """A page of what is over."""
        page = await self._api.history(
            Page(offset=offset, limit=limit, filter=self.filter_text, sort=self.sorted_by)
        )
        return page.rows, page.total

    def data_of(self, row: TransferRow) -> RowData:
        """One transfer."""
        return history_data(row, time.time(), self.glyphs)

    async def opened(self, key: Hashable) -> None:
        """Enter: all that is known of it, and what can be done."""
        row = self.rows.get(key)
        if row is None:
            return
        match await self.app.push_screen_wait(PastTransfer(row, self.glyphs)):
            case "fetch":
                await self._fetch_again([row])
            case "copy":
                self._copy(row)
            case _:
                pass

    async def do_show(self) -> None:
        """All that is known of the row."""
        await self.opened(self.table.cursor_key)

    async def do_fetch(self) -> None:
        """Fetch the chosen ones again."""
        await self._fetch_again(self.chosen_of(self.table.chosen))
        self.table.clear_marks()

    async def do_copy(self) -> None:
        """Send the content id to the terminal's clipboard."""
        if self.current is not None:
            self._copy(self.current)

    def _copy(self, row: TransferRow) -> None:
        text = row.content_id or row.path or row.name
        self.app.copy_to_clipboard(text)
        self.tell(f"sent to the clipboard: {display(text)}")

    async def _fetch_again(self, rows: Sequence[TransferRow]) -> None:
        begun = [row for row in rows if await self._begins(row)]
        if len(rows) == 1 and not begun:
            self.tell(f"already here: {rows[0].name}")
        elif begun:
            what = begun[0].name if len(begun) == 1 else f"{len(begun)} files"
            self.tell(f"fetching {what} again")
        elif rows:
            self.tell("all of it is here already")

    async def _begins(self, row: TransferRow) -> bool:
        """Fetch it once more; False when it is here. May raise `P2PError`."""
        if row.state in {"failed", "cancelled"}:
            await self._api.steer(row.id, "retry")
            return True
        folder = await self._elsewhere(row)
        if row.files:
            again = await self._api.fetch_folder(row.host, row.remote, folder)
        else:
            again = await self._api.fetch(FetchRequest(target=row.content_id, folder=folder))
        return again.state != "finished"

    async def _elsewhere(self, row: TransferRow) -> str:
        """Where it went, when that was not the repository folder; else empty."""
        if row.direction == "up" or not row.path:
            return ""
        parent, downloads = Path(row.path).parent, Path((await self._api.status()).downloads)
        return "" if parent.is_relative_to(downloads) else str(parent)


def history_screen(api: NodeApi, glyphs: Glyphs, text: str = "") -> RowListScreen:
    """What is over, as far as it fits a filter."""
    pane = HistoryPane(api, glyphs)
    pane.begin_with(text)
    return RowListScreen(pane, HINTS)
