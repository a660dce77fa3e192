"""Transfers as rows of a table. Pure."""

from collections.abc import Sequence

from p2ptui.base.text import format_rate
from p2ptui.node.api import TransferRow
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import Bar, Cell, RowData, Tone, Toned

COLUMNS = (
    Column("direction", " ", 1, sortable=False),
    Column("name", "Name"),
    Column("done", "Progress", 8, min_table_width=58, sortable=False),
    Column("percent", "", 4, "right", sortable=False),
    Column("rate_bps", "Speed", 10, "right"),
    Column("eta_s", "ETA", 5, "right", min_table_width=64, sortable=False),
    Column("sources", "Src", 5, "right", min_table_width=66),
    Column("place", "Queue", 5, "right", min_table_width=110, sortable=False),
    Column("reason", "Why", 24, min_table_width=130, sortable=False),
)
"""A number vanishes first, the name never."""

_WORDS: dict[str, tuple[str, Tone]] = {
    "queued": ("queued", "dim"),
    "locating": ("locating", "dim"),
    "stalled": ("stalled", "warn"),
    "paused": ("paused", "warn"),
    "no_space": ("disk full", "bad"),
    "finishing": ("finishing", "accent"),
    "finished": ("verified", "good"),
    "failed": ("failed", "bad"),
    "cancelled": ("cancelled", "dim"),
}
_OVER = frozenset({"finished", "failed", "cancelled"})


def transfer_data(row: TransferRow, glyphs: Glyphs) -> RowData:
    """One transfer; its key is its number."""
    return RowData(
        key=row.id,
        cells=(
            _sign(row, glyphs),
            f"{row.name} {glyphs.right} {_nick(row.peer)}" if row.direction == "up" else row.name,
            Bar(fraction(row), _bar_tone(row)),
            f"{int(fraction(row) * 100)}%",
            _speed(row),
            eta_text(row.eta_s, glyphs),
            _sources(row, glyphs),
            str(row.place) if row.place else glyphs.nothing,
            row.reason,
        ),
    )


def summary(rows: Sequence[TransferRow], glyphs: Glyphs) -> str:
    """`3 ↓  2 ↑  1 paused  1 failed`: what is not there is not told."""
    down = sum(row.direction == "down" and row.state not in _OVER for row in rows)
    up = sum(row.direction == "up" and row.state not in _OVER for row in rows)
    paused = sum(row.state == "paused" for row in rows)
    failed = sum(row.state == "failed" for row in rows)
    parts = [
        (down - paused, glyphs.down),
        (up, glyphs.up),
        (paused, "paused"),
        (failed, "failed"),
    ]
    told = "  ".join(f"{count} {what}" for count, what in parts if count > 0)
    return told or "nothing under way"


def fraction(row: TransferRow) -> float:
    """How much of it is done, 0 to 1."""
    if row.state == "finished":
        return 1.0
    return row.done / row.size if row.size else 0.0


def eta_text(seconds: float | None, glyphs: Glyphs) -> str:
    """`00:15`, `06:48`, `2 h`, `3 d`: always at most five cells."""
    if seconds is None:
        return glyphs.nothing
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60:02}:{whole % 60:02}"
    if whole < 48 * 3600:
        return f"{whole // 3600} h"
    return f"{min(whole // 86400, 999)} d"


def _nick(peer: str) -> str:
    """`anna` of `anna (yuq23opp)`: the story of the row has all of it."""
    return peer.rpartition(" (")[0] or peer


def _sign(row: TransferRow, glyphs: Glyphs) -> Cell:
    match row.state:
        case "finished":
            return Toned(glyphs.done, "good")
        case "failed" | "no_space":
            return Toned(glyphs.failed, "bad")
        case "paused":
            return Toned(glyphs.paused, "warn")
        case _ if row.direction == "up":
            return Toned(glyphs.up, "up")
        case _:
            return Toned(glyphs.down, "down")


def _bar_tone(row: TransferRow) -> Tone:
    match row.state:
        case "finished":
            return "good"
        case "failed" | "no_space":
            return "bad"
        case "paused" | "stalled":
            return "warn"
        case _:
            return "up" if row.direction == "up" else "down"


def _speed(row: TransferRow) -> Cell:
    """The rate, or the word that stands for the state instead."""
    if row.state == "active" and row.place and not row.rate_bps:
        return Toned(f"place {row.place}", "dim")
    if row.state == "active":
        return format_rate(row.rate_bps)
    word, tone = _WORDS[row.state]
    return Toned(word, tone)


def _sources(row: TransferRow, glyphs: Glyphs) -> str:
    if row.direction == "up":
        return glyphs.nothing
    if row.state in _OVER:
        return str(row.sources)
    return f"{row.sources}/{max(row.known, row.sources)}"
