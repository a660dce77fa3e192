"""The transfers pane: uploads and downloads that are under way, and those that are just over."""

from collections.abc import Hashable, Sequence

from textual import on

from p2ptui.base.ids import TransferId
from p2ptui.node import events
from p2ptui.node.api import (
    NodeStatus,
    Page,
    SectionName,
    TrackerStatus,
    TransferAct,
    TransferRow,
)
from p2ptui.screens.panes.base import PeerPane
from p2ptui.screens.panes.transfer_rows import COLUMNS, summary, transfer_data
from p2ptui.screens.targets import Target
from p2ptui.waiting_words import waiting_text
from p2ptui.widgets.table_messages import RowHighlighted
from p2ptui.widgets.table_rows import ListSource, RowData

HISTORY = 100
"""Transfers that are over and still shown, the newest first."""
_OVER = frozenset({"finished", "failed", "cancelled"})


class TransfersPane(PeerPane):
    """What moves."""

    NAME = "transfers"
    TITLE = "Transfers"
    DIGIT = "3"
    COLUMNS = COLUMNS
    EMPTY = "Nothing moves: / searches, f fetches what you found."
    SORTS = ("name", "rate_bps", "sources")

    def on_mount(self) -> None:
        """Begin with no rows."""
        self._live: Sequence[TransferRow] = ()
        self._past: Sequence[TransferRow] = ()
        self._shown: dict[TransferId, TransferRow] = {}
        self._rows: list[RowData] = []
        self._stale = True
        self._tracker: TrackerStatus | None = None

    # --- what comes down --------------------------------------------------------------------------

    async def load(self) -> None:
        """Bring the newest of the history."""
        page = await self.api.transfers(Page(limit=HISTORY))
        self._past = [row for row in page.rows if row.state in _OVER]
        self._stale = True

    def show(self, section: SectionName, value: object) -> None:
        """Take what is under way, and how the tracker is."""
        if isinstance(value, NodeStatus):
            self._tracker = value.tracker
        if section == "transfers" and isinstance(value, Sequence):
            self._live = value
            self._stale = True

    def hear(self, event: events.NodeEvent) -> None:
        """Something is over: its last row is in the history."""
        match event:
            case (
                events.FetchFinished()
                | events.FetchFailed()
                | events.FetchStateChanged()
                | events.UploadFinished()
            ):
                self.attempt(self.load(), group="history", exclusive=True)
            case _:
                pass

    def tick(self) -> None:
        """Draw the rows that changed; all of them only when others are there or in other order."""
        if self._stale:
            self._draw()
        self._say()

    def _draw(self) -> None:
        self._stale = False
        live = {row.id for row in self._live}
        everything = [*self._live, *(row for row in self._past if row.id not in live)]
        rows = self._sorted([row for row in everything if self._fits(row)])
        if [row.id for row in rows] == list(self._shown):
            changed = [row for row in rows if self._shown[row.id] != row]
            for row in changed:
                self._rows[self._place_of(row.id)] = transfer_data(row, self.glyphs)
            self._shown = {row.id: row for row in rows}
            self.table.update_rows([row.id for row in changed])
        else:
            self._shown = {row.id: row for row in rows}
            self._rows = [transfer_data(row, self.glyphs) for row in rows]
            self.table.set_source(ListSource(self._rows))
        self.summary = summary(everything, self.glyphs)

    @on(RowHighlighted)
    def _say(self) -> None:
        """Why the row under the cursor waits or ended, where there is room for a sentence."""
        key = self.table.cursor_key
        row = self._shown.get(TransferId(key)) if isinstance(key, int) else None
        self.remark = "" if row is None else waiting_text(row, self._tracker, "s")

    def filter_changed(self, text: str) -> None:  # noqa: ARG002  (read from `filter_text`)
        """Show only what has these words in its name."""
        self._stale = True

    def sort_changed(self, column: str, reverse: bool) -> None:  # noqa: ARG002  (in the table)
        """Sort otherwise at the next tick."""
        self._stale = True

    def _place_of(self, transfer: TransferId) -> int:
        place = self.table.source.index_of(transfer)
        assert place is not None
        return place

    def _fits(self, row: TransferRow) -> bool:
        name = row.name.casefold()
        return all(word in name for word in self.filter_text.casefold().split())

    def _sorted(self, rows: list[TransferRow]) -> list[TransferRow]:
        column, reverse = self.table.sort
        match column:
            case "name":
                rows.sort(key=lambda row: row.name.casefold(), reverse=reverse)
            case "rate_bps":
                rows.sort(key=lambda row: row.rate_bps, reverse=not reverse)
            case "sources":
                rows.sort(key=lambda row: row.sources, reverse=not reverse)
            case _:
                pass
        return rows

    # --- actions ----------------------------------------------------------------------------------

    def target_of(self, key: Hashable) -> Target | None:
        """The transfer of a row."""
        row = self._shown.get(TransferId(key)) if isinstance(key, int) else None
        if row is None:
            return None
        return Target(name=row.name, content_id=row.content_id, transfer=row.id)

    async def do_pause(self) -> None:
        """Pause what runs, resume what is paused."""
        for row in self._chosen_running():
            await self._steer(row, "resume" if row.state == "paused" else "pause")

    async def do_pause_all(self) -> None:
        """Pause everything, or resume everything when nothing runs."""
        downloads = [row for row in self._live if row.direction == "down"]
        running = [row for row in downloads if row.state != "paused"]
        for row in running or downloads:
            await self._steer(row, "pause" if running else "resume")

    async def do_cancel(self) -> None:
        """End the chosen downloads; `u` brings them back."""
        rows = self._chosen_running()
        for row in rows:
            await self._steer(row, "cancel")
        if rows:
            what = rows[0].name if len(rows) == 1 else f"{len(rows)} downloads"
            self.tell(f"cancelled {what}: u undoes it for 30 s")

    async def do_retry(self) -> None:
        """Try again what failed or was cancelled; of chosen rows none: everything that failed."""
        chosen = [row for row in self._chosen_downloads() if row.state in {"failed", "cancelled"}]
        for row in chosen or [row for row in self._past if row.state == "failed"]:
            await self._steer(row, "retry")

    async def do_raise(self) -> None:
        """Higher priority."""
        await self._rank("raise")

    async def do_lower(self) -> None:
        """Lower priority."""
        await self._rank("lower")

    async def do_move_up(self) -> None:
        """Earlier in the queue."""
        await self._move("earlier")

    async def do_move_down(self) -> None:
        """Later in the queue."""
        await self._move("later")

    async def _rank(self, act: TransferAct) -> None:
        for row in self._chosen_running():
            changed = await self._steer(row, act)
            priority = f"{changed.priority:+}" if changed.priority else "normal"
            self.tell(f"priority of {row.name}: {priority}")

    async def _move(self, act: TransferAct) -> None:
        for row in self._chosen_running():
            await self._steer(row, act)

    async def _steer(self, row: TransferRow, act: TransferAct) -> TransferRow:
        return await self.api.steer(row.id, act)

    def _chosen_downloads(self) -> list[TransferRow]:
        rows = (self._shown.get(t.transfer) for t in self.chosen if t.transfer is not None)
        return [row for row in rows if row is not None and row.direction == "down"]

    def _chosen_running(self) -> list[TransferRow]:
        """The chosen downloads that are not over; that there is none is told."""
        chosen = self._chosen_downloads()
        running = [row for row in chosen if row.state not in _OVER]
        if not running and self.chosen:
            only = "it is over" if chosen else "an upload is its taker's"
            self.tell(f"nothing to do here: {only}")
        return running
