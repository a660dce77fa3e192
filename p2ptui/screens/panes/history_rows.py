"""Transfers that are over as rows of a table: who, what, when, how fast. Pure."""

import time

from p2ptui.base.text import format_bytes, format_duration, format_rate
from p2ptui.node.api import TransferRow
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import Cell, RowData, Toned

COLUMNS = (
    Column("direction", " ", 1, sortable=False),
    Column("when", "When", 11),
    Column("name", "Name"),
    Column("peers", "From / to", 16, min_table_width=60, sortable=False),
    Column("size", "Size", 7, "right", min_table_width=46),
    Column("took", "Took", 10, "right", min_table_width=92),
    Column("rate", "Speed", 10, "right"),
    Column("reason", "Why", 24, min_table_width=130, sortable=False),
)
SORTS = ("when", "name", "size", "took", "rate")
NEAR_S = 300 * 86_400
"""What is older than that needs its year told, and not its minute."""


def history_data(row: TransferRow, now: float, glyphs: Glyphs) -> RowData:
    """One transfer; its key is its number. `now` in seconds since 1970."""
    return RowData(
        key=row.id,
        cells=(
            _sign(row, glyphs),
            Toned(when_text(row.finished, now), "dim"),
            f"{row.name}/" if row.files else row.name,
            partners_text(row),
            format_bytes(row.size),
            format_duration(row.seconds) if row.done else glyphs.nothing,
            _speed(row, glyphs),
            row.reason,
        ),
        tone="normal" if row.state == "finished" else "dim",
    )


def when_text(moment: float | None, now: float) -> str:
    """`01-15 08:00`, or `2025-03-02` when that is long ago: at most eleven cells."""
    if not moment:
        return ""
    near = abs(now - moment) < NEAR_S
    return time.strftime("%m-%d %H:%M" if near else "%Y-%m-%d", time.localtime(moment))


def partners_text(row: TransferRow) -> str:
    """`anna`, `anna +2`: who gave or took most of it, and how many did."""
    if not row.peers:
        return row.peer.rpartition(" (")[0] or row.peer
    more = f" +{len(row.peers) - 1}" if len(row.peers) > 1 else ""
    return f"{row.peers[0].nick}{more}"


def mean_rate(row: TransferRow) -> float:
    """Bytes per second over all of it; 0 when that is not known."""
    return row.done / row.seconds if row.seconds > 0 else 0.0


def _sign(row: TransferRow, glyphs: Glyphs) -> Cell:
    match row.state:
        case "failed":
            return Toned(glyphs.failed, "bad")
        case "cancelled":
            return Toned(glyphs.nothing, "dim")
        case _ if row.direction == "up":
            return Toned(glyphs.up, "up")
        case _:
            return Toned(glyphs.down, "down")


def _speed(row: TransferRow, glyphs: Glyphs) -> Cell:
    """How fast it was, or the word of an end that is not a good one."""
    if row.state != "finished":
        return Toned(row.state, "bad" if row.state == "failed" else "dim")
    rate = mean_rate(row)
    return format_rate(rate) if rate else glyphs.nothing
