"""What a transfer waits for, and when it goes on, in words: for screens and commands. Pure."""

from p2ptui.base.text import format_duration, local_clock
from p2ptui.node.api import TrackerStatus, TransferRow

AWAY = frozenset({"waiting", "connecting"})
"""States of the link to a tracker that is away for now."""


def waiting_text(row: TransferRow, tracker: TrackerStatus | None, resume: str) -> str:
    """What is missing and when it goes on; of a transfer that is over, why it ended as it did.

    What matters stands first: a narrow pane cuts the end off. `tracker`: None when it is not known.
    `resume`: what lets a paused one go on, as `s`.
    """
    told = row.reason
    match row.state:
        case "queued":
            told = _turn(row, tracker)
        case "locating":
            told = told or "asking who has it"
        case "stalled":
            told = _stalled(told or "no source brings anything now", row, tracker)
        case "paused":
            told = f"you paused it: {resume} lets it go on"
        case "no_space":
            told = f"goes on with more room: {told or 'the disk is full'}"
        case "active" if row.place and not row.rate_bps:
            told = f"place {row.place} in the queue of a source"
        case _:
            pass
    return told


def _turn(row: TransferRow, tracker: TrackerStatus | None) -> str:
    if tracker is not None and tracker.state == "none":
        return "no tracker is joined: it begins once one is"
    if tracker is not None and tracker.state == "stopped":
        return f"the tracker is not tried again: {tracker.reason}"
    before = row.turn - 1
    told = f"waits for its turn, {before} before it" if before > 0 else "waits for its turn"
    if before == 0:
        told = "waits for its turn, the next one"
    return f"{told}: {row.reason}" if row.reason else told


def _stalled(reason: str, row: TransferRow, tracker: TrackerStatus | None) -> str:
    if row.retry is not None:
        return f"next try at {local_clock(row.retry)}: {reason}"
    if tracker is not None and tracker.state in AWAY and tracker.retry_s is not None:
        return f"next try in {format_duration(tracker.retry_s)}: {reason}"
    return f"{reason}; goes on by itself as soon as one does"
