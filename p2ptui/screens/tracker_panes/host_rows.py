"""Members as rows of the tracker's table. Pure: the time is an argument."""

from typing import Literal

from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import format_bytes, format_count
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import Cell, RowData, Tone, Toned
from tracker.api import SLOW_MS, HostRow

COLUMNS = (
    Column("state", " ", 1, sortable=False),
    Column("nick", "Host"),
    Column("peer_id", "Id", 8, min_table_width=90, sortable=False),
    Column("address", "Address", 21, min_table_width=66),
    Column("reachable", "Reach", 5, min_table_width=100, sortable=False),
    Column("files", "Files", 9, "right", min_table_width=46),
    Column("bytes", "Size", 7, "right", min_table_width=54),
    Column("ping_ms", "Ping", 7, "right", min_table_width=38),
    Column("loss", "Loss", 4, "right", min_table_width=108, sortable=False),
    Column("seen", "Seen", 9, "right", min_table_width=28),
    Column("role", "Role", 8, min_table_width=120, sortable=False),
    Column("software", "Version", 14, min_table_width=128),
)
HostState = Literal["online", "slow", "silent", "offline"]
_TONES: dict[HostState, Tone] = {
    "online": "good", "slow": "warn", "silent": "bad", "offline": "dim",
}  # fmt: skip


def host_state(row: HostRow) -> HostState:
    """How a host is, in a word."""
    if not row.online:
        return "offline"
    if row.pings and row.ping_ms is None:
        return "silent"
    return "slow" if row.ping_ms is not None and row.ping_ms > SLOW_MS else "online"


def host_data(row: HostRow, now: float, glyphs: Glyphs) -> RowData:
    """One member; its key is its id. `now` in seconds since 1970."""
    state = host_state(row)
    return RowData(
        key=row.peer_id,
        cells=(
            Toned(state_glyph(state, glyphs), _TONES[state]),
            row.nick,
            Toned(short_peer_id(row.peer_id), "dim"),
            row.address or glyphs.nothing,
            _reach(row, glyphs),
            format_count(row.files),
            format_bytes(row.bytes),
            _ping(row, state, glyphs),
            _loss(row, glyphs),
            "now" if row.online else ago(now - row.seen),
            Toned(row.role, "accent" if row.role == "operator" else "dim"),
            Toned(row.software, "dim"),
        ),
        tone="normal" if row.online else "dim",
    )


def state_glyph(state: HostState, glyphs: Glyphs) -> str:
    """A sign for each state, that tells it without colour as well."""
    match state:
        case "online":
            return glyphs.dot
        case "slow":
            return glyphs.warning
        case "silent":
            return glyphs.failed
        case "offline":
            return glyphs.nothing


def _ping(row: HostRow, state: HostState, glyphs: Glyphs) -> Cell:
    match state:
        case "silent":
            return Toned("silent", "bad")
        case "offline":
            return Toned("offline", "dim")
        case _ if row.ping_ms is None:
            return Toned(glyphs.nothing, "dim")
        case _:
            return Toned(ping_words(row.ping_ms), "warn" if state == "slow" else "dim")


def ping_words(ping_ms: float) -> str:
    """`0.4 ms`, `28 ms`, `1.2 s`."""
    if ping_ms >= 1000:
        return f"{ping_ms / 1000:.1f} s"
    return f"{ping_ms:.1f} ms" if ping_ms < 10 else f"{ping_ms:.0f} ms"


def _loss(row: HostRow, glyphs: Glyphs) -> Cell:
    if not row.pings or not row.online:
        return Toned(glyphs.nothing, "dim")
    return Toned(f"{row.lost * 100 // row.pings}%", "warn" if row.lost else "dim")


def _reach(row: HostRow, glyphs: Glyphs) -> Cell:
    match row.reachable:
        case True:
            return Toned("yes", "good")
        case False:
            return Toned("no", "warn")
        case None:
            return Toned(glyphs.nothing, "dim")


def ago(seconds: float) -> str:
    """`34 s ago`: the largest unit alone, so that the column is narrow."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{max(int(seconds), 0)} s ago"
