"""Members of the swarm as rows of a table. Pure: the time is an argument."""

from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import format_bytes, format_count
from p2ptui.node.api import HostRow
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import Cell, RowData, Toned

COLUMNS = (
    Column("state", " ", 1, sortable=False),
    Column("nick", "Host"),
    Column("peer_id", "Id", 8, min_table_width=70, sortable=False),
    Column("files", "Files", 7, "right"),
    Column("bytes", "Size", 7, "right"),
    Column("slots", "Slots", 5, "right", min_table_width=100, sortable=False),
    Column("ping_ms", "RTT", 7, "right", min_table_width=52),
    Column("path", "Path", 12, min_table_width=62, sortable=False),
    Column("key", "Key", 7, min_table_width=90, sortable=False),
    Column("seen", "Seen", 9, "right", min_table_width=44),
)


def host_data(row: HostRow, now: float, glyphs: Glyphs) -> RowData:
    """One member; its key is its id. `now` in seconds since 1970."""
    return RowData(
        key=row.peer_id,
        cells=(
            Toned(glyphs.dot, "good") if row.online else Toned(glyphs.nothing, "dim"),
            row.nick,
            short_peer_id(row.peer_id),
            format_count(row.files),
            format_bytes(row.bytes),
            glyphs.nothing if row.slots is None else str(row.slots),
            _round_trip(row, glyphs),
            _path(row, glyphs),
            row.key or glyphs.nothing,
            Toned("online", "good") if row.online else _ago(now - row.seen),
        ),
        tone="normal" if row.online else "dim",
    )


def _round_trip(row: HostRow, glyphs: Glyphs) -> str:
    return glyphs.nothing if row.ping_ms is None else f"{row.ping_ms:.0f} ms"


def _path(row: HostRow, glyphs: Glyphs) -> Cell:
    if row.path:
        return row.path
    match row.reachable:
        case True:
            return "direct"
        case False:
            return Toned("indirect", "warn")
        case None:
            return Toned(glyphs.nothing, "dim")


def _ago(seconds: float) -> str:
    """`34 s ago`: the largest unit alone, so that the column is narrow."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{max(int(seconds), 0)} s ago"
