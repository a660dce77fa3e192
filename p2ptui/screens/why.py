"""Why is this row in this state: the story of a download, source by source, in words."""

import time
from collections.abc import Iterator

from p2ptui.base.ids import short_content_id, short_peer_id
from p2ptui.base.text import format_bytes, format_duration, format_rate
from p2ptui.node.api import FileRow, HitRow, SourceRow, TransferDetail, TransferRow
from p2ptui.widgets.dialog import CLOSE, Question
from p2ptui.widgets.table_rows import Toned

Line = str | Toned

_STATES = {
    "queued": "It waits for its turn: as many downloads run as are allowed.",
    "locating": "The tracker was asked who has it; the sources are being dialled.",
    "stalled": "No source brings anything now. It goes on by itself as soon as one does.",
    "paused": "You paused it. s lets it go on.",
    "no_space": "The disk is full. It goes on by itself once there is room.",
    "finishing": "All is here and verified; it gets its final name.",
    "finished": "All chunks were verified and the file lies under its final name.",
    "failed": "It was given up. R tries again; what was verified is kept.",
    "cancelled": "You ended it. R fetches it anew.",
}
_SOURCES = {
    "waiting": "not tried yet",
    "dialling": "being dialled",
    "active": "brings chunks",
    "idle": "has nothing that is missing",
    "failed": "failed",
    "dropped": "not used again",
}


def transfer_story(detail: TransferDetail) -> Question:
    """The story of a transfer."""
    row = detail.row
    lines = [*_head(row), *_sources(detail)]
    return Question(f"Why: {row.name}", lines, (CLOSE,))


def file_story(row: FileRow) -> Question:
    """The story of a file of the library."""
    lines: list[Line] = [row.path, f"{format_bytes(row.size)}, {row.state}"]
    match row.state:
        case "shared":
            lines.append(f"Others find and fetch it as {short_content_id(row.content_id)}.")
        case "hashing":
            lines.append(f"{format_bytes(row.done)} of it are hashed; then it is announced.")
        case "listed":
            lines.append("It waits to be hashed; then it is announced.")
        case _:
            lines.append(Toned(row.reason or "It cannot be shared.", "bad"))
            lines.append(Toned("R looks at it again.", "dim"))
    return Question(f"Why: {row.name}", lines, (CLOSE,))


def hit_story(row: HitRow) -> Question:
    """The story of a search result."""
    lines: list[Line] = [
        f"{format_bytes(row.size)}, content {short_content_id(row.content_id)}",
        f"{row.owners} of {row.known} owners are online"
        + (f", {row.best} answers fastest." if row.best else "."),
    ]
    match row.have:
        case "have":
            lines.append("You have it: it is in your library.")
        case "fetching":
            lines.append("It is being fetched: 3 shows how far it is.")
        case _ if not row.owners:
            lines.append(Toned("A fetch waits until an owner comes online.", "warn"))
        case _:
            lines.append("f fetches it from all of them at once.")
    others = [name for name in row.names if name != row.name]
    if others:
        lines.append(Toned(f"Also called {', '.join(others)}.", "dim"))
    return Question(f"Why: {row.name}", lines, (CLOSE,))


def _head(row: TransferRow) -> Iterator[Line]:
    if row.direction == "up":
        yield f"{row.peer} takes it from you: {format_bytes(row.done)} so far."
        return
    if row.state == "active":
        rate = format_rate(row.rate_bps)
        yield f"{row.sources} of {row.known} sources bring it at {rate} in all."
    else:
        yield _STATES[row.state]
    if row.reason:
        yield Toned(row.reason, "warn" if row.state != "failed" else "bad")
    yield Toned(
        f"{format_bytes(row.done)} of {format_bytes(row.size)} verified"
        f" in {format_duration(row.seconds)}.",
        "dim",
    )
    if row.path:
        yield Toned(row.path, "dim")


def _sources(detail: TransferDetail) -> Iterator[Line]:
    if detail.row.direction == "up" or detail.row.state in {"finished", "cancelled"}:
        return
    if not detail.sources:
        yield "No source is known now; the tracker tells as soon as one comes online."
    for source in detail.sources:
        yield Toned(_source_head(source), "bold")
        for line in source.story[-5:]:
            when = time.strftime("%H:%M:%S", time.localtime(line.time))
            yield Toned(f"  {when}  {line.text}", "dim")


def _source_head(source: SourceRow) -> str:
    name = f"{source.nick} ({short_peer_id(source.peer_id)})"
    state = _SOURCES.get(source.state, source.state)
    if source.state in {"failed", "dropped"} and source.reason:
        state = f"{state}: {source.reason}"
    if source.retry_s:
        state = f"{state}; next try in {format_duration(source.retry_s)}"
    brought = f", {format_bytes(source.done)} brought" if source.done else ""
    return f"{name}: {state}{brought}"
