"""A transfer that is over, in full: who gave or took how much, where it lies, its content."""

from collections.abc import Iterable, Iterator

from textual.widget import Widget

from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import format_bytes, format_count, format_duration, format_rate, local_second
from p2ptui.node.api import PeerPart, TransferRow
from p2ptui.screens.panes.history_rows import mean_rate
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.columns import Column
from p2ptui.widgets.dialog import CLOSE, Dialog, paragraph
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_rows import ListSource, RowData, Toned
from p2ptui.widgets.virtual_table import VirtualTable

MOST_ROWS = 8
COLUMNS = (
    Column("nick", "Host", sortable=False),
    Column("id", "Id", 8, sortable=False),
    Column("bytes", "Size", 7, "right", sortable=False),
    Column("share", "Share", 5, "right", sortable=False),
)
COPY = Answer("copy", "Copy id", "y")
FETCH = Answer("fetch", "Fetch again", "f")


class PastTransfer(Dialog[str]):
    """What is remembered of a transfer; the result is the key of the answer."""

    DEFAULT_CSS = "PastTransfer VirtualTable { margin: 1 0 0 0; }"

    def __init__(self, row: TransferRow, glyphs: Glyphs = UNICODE) -> None:
        answers = (CLOSE, COPY) if row.direction == "up" else (CLOSE, COPY, FETCH)
        super().__init__(row.name, answers)
        self._row = row
        self._table = VirtualTable(COLUMNS, glyphs=glyphs)
        self._table.set_source(ListSource([_data(part, row) for part in row.peers]))
        self._table.styles.height = min(len(row.peers), MOST_ROWS) + 1
        self._table.can_focus = len(row.peers) > MOST_ROWS

    def compose_body(self) -> Iterable[Widget]:
        """What it was, in sentences; then a row for each who took part."""
        for line in past_story(self._row):
            yield paragraph(line)
        if self._row.peers:
            yield self._table

    def give(self, answer: Answer) -> None:
        """Close with the answer's key."""
        self.dismiss(answer.key)


def past_story(row: TransferRow) -> Iterator[Toned]:
    """What is known of it, sentence by sentence."""
    yield _outcome(row)
    if row.reason and row.state != "finished":
        yield Toned(row.reason, "bad" if row.state == "failed" else "normal")
    yield Toned(_times(row), "dim")
    if row.files:
        files = f"{format_count(row.files_done)} of {format_count(row.files)} files are here"
        yield Toned(f"Folder /{row.remote}: {files}.", "normal")
    if row.path:
        yield Toned(row.path, "normal")
    if row.content_id:
        yield Toned(f"content {row.content_id}", "dim")
    if row.direction == "down" and not row.peers:
        yield Toned("Nobody brought anything of it.", "dim")


def _outcome(row: TransferRow) -> Toned:
    size, rate = format_bytes(row.size), mean_rate(row)
    speed = f" in {format_duration(row.seconds)}" if row.seconds else ""
    speed += f", {format_rate(rate)}" if rate else ""
    some = size if row.done == row.size else f"{format_bytes(row.done)} of {size}"
    match row.state:
        case "failed":
            return Toned(f"It failed: {some} came{speed}.", "bad")
        case "cancelled":
            return Toned(f"You ended it: {some} had come{speed}.", "warn")
        case _ if row.direction == "up":
            return Toned(f"{row.peer} took {some}{speed}.", "normal")
        case _:
            return Toned(f"{size} came{speed}, all of it verified.", "good")


def _times(row: TransferRow) -> str:
    began = f"Began {_stamp(row.started)}, " if row.started else ""
    return f"{began}{'ended' if began else 'Ended'} {_stamp(row.finished)}."


def _stamp(moment: float | None) -> str:
    return local_second(moment) if moment else "at an unknown time"


def _data(part: PeerPart, row: TransferRow) -> RowData:
    whole = max(sum(each.bytes for each in row.peers), 1)
    return RowData(
        part.peer_id,
        (
            part.nick,
            short_peer_id(part.peer_id),
            format_bytes(part.bytes),
            f"{part.bytes * 100 // whole}%",
        ),
    )
