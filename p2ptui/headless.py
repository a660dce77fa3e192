"""Events as lines: for people, or one JSON object each (INTERFACE.md, contract for scripts).

The same sentences tell a shell's user what happened. Pure but for `follow`.
"""

from collections.abc import AsyncIterator, Callable, Iterable

import msgspec

from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import (
    display,
    format_bytes,
    format_count,
    format_duration,
    format_rate,
    rfc3339,
)
from p2ptui.node import events as node
from p2ptui.output import to_json

Sentence = Callable[[object], str]
TOLD_STATES = {
    "stalled": "waits for a source",
    "no_space": "waits for room on the disk",
    "paused": "is paused",
    "cancelled": "is cancelled",
}
"""What is said of a download that comes into one of these states."""
"""States of a download that a sentence is worth; the others are its ordinary course."""


async def follow(
    feed: AsyncIterator[msgspec.Struct], write: Callable[[str], None], sentence: Sentence | None
) -> None:
    """Write every event of a feed until it ends; as JSON when there are no sentences for it."""
    async for event in feed:
        if sentence is None:
            write(to_json(event))
        elif text := sentence(event):
            write(f"{event_time(event)} {text}".lstrip())


def event_time(event: object) -> str:
    """When it happened, `2026-01-31T12:00:00Z`; nothing when it bears no time."""
    time = getattr(event, "time", None)
    return rfc3339(round(time)).replace(".000", "") if isinstance(time, int | float) else ""


def files_and_bytes(files: int, size: int) -> str:
    """`12 408 files, 3.9 GB`."""
    return f"{format_count(files)} {'file' if files == 1 else 'files'}, {format_bytes(size)}"


def fetched(name: str, size: int, seconds: float, sources: int, path: str) -> str:
    """What is said of a finished download: name, size, time taken, rate, sources, place."""
    rate = f", {format_rate(size / seconds)}" if seconds > 0 and size else ""
    of = f", from {sources} {'source' if sources == 1 else 'sources'}" if sources else ""
    return (
        f"fetched {display(name)}: {format_bytes(size)} in {format_duration(seconds)}{rate}{of}"
        f" -> {display(path)}"
    )


def node_sentence(event: object) -> str:
    """What is told of a node's event, safe to be shown; empty for what is not worth a line."""
    return display(_node_sentence(event))


def _node_sentence(event: object) -> str:  # noqa: C901, PLR0911, PLR0912  (one case an event)
    match event:
        case node.Listening(address=address, peer_id=peer_id):
            return f"listening on {address} as {short_peer_id(peer_id)}"
        case node.Connected(tracker=tracker, address=address, motd=motd):
            said = f": {motd}" if motd else ""
            return f"connected to {tracker} at {address}{said}"
        case node.Disconnected(reason=reason, retry_s=retry_s):
            then = f"; trying again in {format_duration(retry_s)}" if retry_s is not None else ""
            return f"not connected to the tracker: {reason}{then}"
        case node.Published(files=files, bytes=size):
            return f"published {files_and_bytes(files, size)}"
        case node.ShareScanned(path=path, skipped=skipped) if skipped:
            some = "1 file" if skipped == 1 else f"{format_count(skipped)} files"
            return f"{some} in {path} cannot be shared; the log file says which"
        case node.FileProblem(path=path, reason=reason):
            return f"{path} is not shared: {reason}"
        case node.FileRemoved(name=name):
            return f"removed {name}"
        case node.FetchStarted(name=name, bytes=size, id=number, resumed=resumed):
            before = f", {format_bytes(resumed)} are here already" if resumed else ""
            return f"fetching {name}, {format_bytes(size)}{before} (transfer {number})"
        case node.FetchFinished():
            return fetched(event.name, event.bytes, event.seconds, event.sources, event.path)
        case node.FetchFailed(name=name, reason=reason, hint=hint):
            return f"could not fetch {name}: {reason}. {hint}".rstrip(" .") + "."
        case node.FetchStateChanged(name=name, state=state, reason=reason) if state in TOLD_STATES:
            why = f": {reason}" if reason else ""
            return f"{name} {TOLD_STATES[state]}{why}"
        case node.FetchStateChanged(name=name, state="active", before="stalled"):
            return f"{name} goes on"
        case node.SourceLost(nick=nick, peer_id=peer_id, reason=reason):
            return f"lost {nick} ({short_peer_id(peer_id)}) as a source: {reason}"
        case node.UploadFinished(name=name, peer=peer, bytes=size, seconds=seconds):
            return f"{peer} took {format_bytes(size)} of {name} in {format_duration(seconds)}"
        case node.TrackerNotice(level=level, text=text, hint=hint):
            mark = "" if level == "info" else f"{level}: "
            return f"{mark}{text} {hint}".rstrip()
        case node.Resync(dropped=dropped):
            return f"({dropped} events were not shown)"
        case node.Stopped(reason=reason):
            return f"stopped{': ' + reason if reason else ''}"
        case _:
            return ""


def chosen(names: Iterable[str], sentence: Sentence) -> Sentence:
    """Sentences for events of these tags only."""
    wanted = frozenset(names)

    def pick(event: object) -> str:
        tag = getattr(getattr(event, "__struct_config__", None), "tag", "")
        return sentence(event) if tag in wanted else ""

    return pick
