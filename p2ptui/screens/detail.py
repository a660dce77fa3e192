"""Owners of a content, or sources of a transfer with its chunk map; brought anew each second."""

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widget import Widget

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import short_content_id, short_peer_id
from p2ptui.base.text import display, format_bytes, format_count, format_rate
from p2ptui.node.api import ContentSources, NodeApi, SourceRow, TransferDetail
from p2ptui.screens.paths import by_way
from p2ptui.screens.targets import Target
from p2ptui.widgets.chunk_bar import ChunkBar
from p2ptui.widgets.columns import Column
from p2ptui.widgets.dialog import CLOSE, Dialog, Paragraph
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_rows import Cell, ListSource, RowData, Tone, Toned
from p2ptui.widgets.virtual_table import VirtualTable

REFRESH_S = 1.0
MOST_ROWS = 8
NO_OWNERS = "Nobody who has it is online now."
NO_SOURCES = "No source is known now."
NO_TAKER = "Who takes it is not connected now."
COLUMNS = (
    Column("nick", "Host", sortable=False),
    Column("state", "State", 9, sortable=False),
    Column("has", "Has", 5, "right", sortable=False),
    Column("rate", "Speed", 10, "right", sortable=False),
    Column("done", "Brought", 7, "right", sortable=False),
)
OWNER_COLUMNS = (
    Column("nick", "Host", sortable=False),
    Column("id", "Id", 8, sortable=False),
    Column("address", "Address", 21, sortable=False),
)
_TONES: dict[str, Tone] = {"active": "good", "dialling": "accent", "idle": "dim", "waiting": "dim"}


class DetailDialog(Dialog[None]):
    """Who has it, and how much of it is here."""

    AUTO_FOCUS = "VirtualTable"
    DEFAULT_CSS = """
    DetailDialog {
        & ChunkBar { height: 2; margin: 1 0 0 0; }
        & VirtualTable { height: 3; margin: 1 0 0 0; }
        & .detail--why { height: auto; max-height: 3; }
    }
    """

    def __init__(
        self, api: NodeApi, target: Target, glyphs: Glyphs = UNICODE, *, ticking: bool = True
    ) -> None:
        """`ticking`: whether it refreshes by itself."""
        super().__init__(target.name, (CLOSE,))
        self._api = api
        self._target = target
        self._ticking = ticking
        self._summary = Paragraph(classes="-dim")
        self._chunks = ChunkBar(glyphs=glyphs)
        self._chunks.display = target.transfer is not None
        columns = OWNER_COLUMNS if target.transfer is None else COLUMNS
        self._table = VirtualTable(columns, glyphs=glyphs)
        self._reason = Paragraph(classes="detail--why -warn")
        self._glyphs = glyphs
        self._height = 3
        """Rows of the table; it grows and never shrinks, so that nothing jumps."""

    def compose_body(self) -> Iterable[Widget]:
        """Figures, chunk map, and one row a host."""
        yield self._summary
        yield self._chunks
        yield self._table
        yield self._reason

    def on_mount(self) -> None:
        """Ask at once, then each second."""
        self.tick()
        if self._ticking:
            self.set_interval(REFRESH_S, self.tick)

    def tick(self) -> None:
        """Bring it anew; a question that is still open is not asked twice."""
        if not any(worker.group == "detail" and worker.is_running for worker in self.workers):
            self.run_worker(self._bring(), group="detail")

    async def _bring(self) -> None:
        try:
            if self._target.transfer is not None:
                self._show_transfer(await self._api.transfer(self._target.transfer))
            else:
                wanted = self._target.content_id or self._target.name
                self._show_owners(await self._api.sources(wanted))
        except P2PError as error:
            text = " ".join(part for part in (error.message or error.title, error.hint) if part)
            self._reason.update(Content(display(text)))

    def _show_owners(self, found: ContentSources) -> None:
        online = sum(not source.partial for source in found.sources)
        self._summary.update(
            Content(
                f"{format_bytes(found.size)} {self._glyphs.separator} "
                f"{short_content_id(found.content_id)} {self._glyphs.separator} "
                f"{online} of {max(found.known, online)} owners online"
            )
        )
        self._show(NO_OWNERS, [_owner_data(source) for source in found.sources])

    def _show_transfer(self, detail: TransferDetail) -> None:
        row, dot = detail.row, self._glyphs.separator
        here = sum(byte.bit_count() for byte in detail.bitmap)
        parts = [
            f"{format_bytes(row.done)} of {format_bytes(row.size)}",
            f"{format_count(min(here, detail.chunks))} of {format_count(detail.chunks)} chunks",
            row.state.replace("_", " "),
        ]
        if not detail.chunks:  # it is over, or has not begun: there is no map
            del parts[1]
        self._summary.update(Content(f" {dot} ".join(parts)))
        self._chunks.display = bool(detail.chunks)
        self._chunks.show_map(
            detail.bitmap, detail.chunks, "good" if row.state == "finished" else row.direction
        )
        nobody = NO_SOURCES if row.direction == "down" else NO_TAKER
        self._show(nobody, [_source_data(source) for source in detail.sources])
        self._reason.update(Content(display(row.reason)))

    def _show(self, empty: str, rows: Sequence[RowData]) -> None:
        self._height = max(self._height, min(len(rows), MOST_ROWS) + 1)
        self._table.styles.height = self._height
        self._table.set_empty(empty)
        self._table.set_source(ListSource(rows))


def _owner_data(source: SourceRow) -> RowData:
    address = source.addresses[0] if source.addresses else ""
    name = f"{source.nick}{', fetching it' * source.partial}{by_way(source.path)}"
    return RowData(source.peer_id, (name, short_peer_id(source.peer_id), address))


def _source_data(source: SourceRow) -> RowData:
    state: Cell = Toned(source.state, _TONES.get(source.state, "bad")) if source.state else ""
    rate = format_rate(source.rate_bps) if source.rate_bps else ""
    done = format_bytes(source.done) if source.done else ""
    name = f"{source.nick}{by_way(source.path)}"
    return RowData(source.peer_id, (name, state, _has(source), rate, done))


def _has(source: SourceRow) -> str:
    if not source.partial:
        return "all"
    return "some" if source.percent is None else f"{int(source.percent)}%"
