"""Why is this row in this state: the story of a download, source by source, in words."""

from collections.abc import Iterator

from p2ptui.base.ids import short_content_id, short_peer_id
from p2ptui.base.text import format_bytes, format_count, format_duration, format_rate, local_clock
from p2ptui.node.api import (
    FileRow,
    HitRow,
    HostRow,
    SourceRow,
    TrackerStatus,
    TransferDetail,
    TransferRow,
)
from p2ptui.screens.panes.hit_rows import is_ours
from p2ptui.screens.paths import WAYS, by_way
from p2ptui.waiting_words import waiting_text
from p2ptui.widgets.dialog import CLOSE, Question
from p2ptui.widgets.table_rows import Toned

Line = str | Toned

_STATES = {
    "queued": "It does not run yet: as many do as are allowed (peer.max_downloads).",
    "locating": "The tracker was asked who has it; the sources are being dialled.",
    "stalled": "Nobody brings anything of it now.",
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


def transfer_story(detail: TransferDetail, tracker: TrackerStatus | None = None) -> Question:
    """The story of a transfer; `tracker`: the link to the tracker now."""
    row = detail.row
    lines = [*_head(row, tracker), *_sources(detail)]
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


def hit_story(row: HitRow, own: str = "") -> Question:
    """The story of a search result; `own`: our nick."""
    lines: list[Line] = [
        f"{format_bytes(row.size)}, content {short_content_id(row.content_id)}",
        f"{row.owners} of {row.known} owners are online" + _fastest(row, own),
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


def _fastest(row: HitRow, own: str) -> str:
    if is_ours(row, own):
        return ", you among them."
    return f", {row.best} answers fastest." if row.best else "."


_PINNED = {
    "pinned": "It showed the key that it had before.",
    "new": "Its key was met for the first time.",
    "CHANGED": "Its key is not the one that it had before: ask whoever it is.",
}


def host_story(row: HostRow, now: float) -> Question:
    """The story of a member of the swarm; `now` in seconds since 1970."""
    lines: list[Line] = [f"id {row.peer_id}"]
    if row.online:
        ping = "" if row.ping_ms is None else f", {row.ping_ms:.0f} ms from the tracker"
        lines.append(f"Online at {row.address or 'an address that is not told'}{ping}.")
        lines.append(_way(row))
    else:
        lines.append(Toned(f"Offline; seen {format_duration(max(now - row.seen, 0))} ago.", "warn"))
    if row.slots is not None:
        lines.append(f"It has {row.slots} upload slots free.")
    if row.key:
        lines.append(Toned(_PINNED[row.key], "bad" if row.key == "CHANGED" else "dim"))
    files = "1 file" if row.files == 1 else f"{format_count(row.files)} files"
    lines.append(f"It shares {files}, {format_bytes(row.bytes)}: b lists them.")
    return Question(f"Why: {row.nick}", lines, (CLOSE,))


def _way(row: HostRow) -> Line:
    if row.path or row.reachable:
        return WAYS[row.path or "direct"]
    if row.reachable is None:
        return Toned("The tracker has not tried its port yet.", "dim")
    return Toned("The tracker could not dial its port: a fetch takes another way.", "warn")


def _head(row: TransferRow, tracker: TrackerStatus | None) -> Iterator[Line]:
    if row.direction == "up":
        if row.finished is None:
            yield f"{row.peer} takes it from you: {format_bytes(row.done)} so far."
        else:
            yield f"{row.peer} took {format_bytes(row.done)} of it from you."
        return
    if row.state == "active" and row.place and not row.rate_bps:
        yield f"All who have it are busy: you have place {row.place} in the queue of one of them."
        yield Toned("It begins by itself when it is your turn.", "dim")
    elif row.state == "active" and not row.rate_bps:
        yield "Nothing comes now. A source that sends nothing for 30 s loses its part to others."
    elif row.state == "active":
        rate = format_rate(row.rate_bps)
        bring = "brings" if row.sources == 1 else "bring"
        yield f"{row.sources} of {row.known} sources {bring} it at {rate} in all."
    else:
        yield _STATES[row.state]
    if row.state in {"queued", "stalled"}:
        yield Toned(waiting_text(row, tracker, "s"), "warn")
    elif row.reason:
        yield Toned(row.reason, "warn" if row.state != "failed" else "bad")
    yield Toned(
        f"{format_bytes(row.done)} of {format_bytes(row.size)} verified"
        f" in {format_duration(row.seconds)}.",
        "dim",
    )
    if row.path:
        yield Toned(row.path, "dim")


def _sources(detail: TransferDetail) -> Iterator[Line]:
    if detail.row.direction == "up":
        for taker in detail.sources:
            yield WAYS.get(taker.path, "It is not connected now.")
        return
    if detail.row.state in {"finished", "cancelled"}:
        return
    if not detail.sources:
        yield "No source is known now; the tracker tells as soon as one comes online."
    for source in detail.sources:
        yield Toned(_source_head(source), "bold")
        for line in source.story[-5:]:
            when = local_clock(line.time)
            yield Toned(f"  {when}  {line.text}", "dim")


def _source_head(source: SourceRow) -> str:
    name = f"{source.nick} ({short_peer_id(source.peer_id)})"
    state = _SOURCES.get(source.state, source.state)
    if source.state in {"failed", "dropped"} and source.reason:
        state = f"{state}: {source.reason}"
    if source.retry_s:
        state = f"{state}; next try in {format_duration(source.retry_s)}"
    brought = f", {format_bytes(source.done)} brought" if source.done else ""
    has = ""
    if source.partial:
        part = "some" if source.percent is None else f"{int(source.percent)} %"
        has = f", fetches it too and has {part} of it"
    return f"{name}: {state}{by_way(source.path)}{has}{brought}"
