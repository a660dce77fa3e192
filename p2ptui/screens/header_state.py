"""The header's words for a node's state. Pure."""

from p2ptui.base.text import format_duration
from p2ptui.node.api import NodeStatus, TrackerStatus
from p2ptui.widgets.header import HeaderState, LinkTone, Reach


def header_state(status: NodeStatus) -> HeaderState:
    """What the header shows of a node."""
    tracker = status.tracker
    tone, word = tracker_words(tracker)
    return HeaderState(
        nick=status.nick,
        address=seen_address(status.listen, tracker.observed),
        tracker=tracker.swarm or tracker.address,
        tracker_tone=tone,
        tracker_word=word,
        reach=reach_word(status),
        down_bps=status.down_bps,
        up_bps=status.up_bps,
        down_limit_bps=status.down_limit_bps,
        up_limit_bps=status.up_limit_bps,
        slow=status.slow,
    )


def reach_word(status: NodeStatus) -> Reach:
    """Whether others can dial us, as the tracker found; only while it can tell."""
    if status.tracker.state != "connected" or not status.listen:
        return ""
    match status.tracker.reachability:
        case "reachable":
            return "reachable"
        case "unreachable":
            return "not reachable"
        case "unknown":
            return "checking"


def seen_address(listen: str, observed: str) -> str:
    """Where others find us: our port, where the tracker sees us when we listen on all."""
    host, _, port = listen.rpartition(":")
    if observed and host in {"0.0.0.0", "[::]", ""}:  # noqa: S104  (compared, not listened on)
        return f"{observed}:{port}" if port else observed
    return listen


def tracker_words(tracker: TrackerStatus) -> tuple[LinkTone, str]:
    """Colour and words of the link to the tracker."""
    match tracker.state:
        case "none":
            return "dim", "no tracker known: join LINK"
        case "connected":
            return "good", "connected"
        case "connecting":
            return "warn", "connecting"
        case "waiting":
            again = "" if tracker.retry_s is None else f", again in {_seconds(tracker.retry_s)}"
            word = f"away, {tracker.in_reach} in reach" if tracker.in_reach else "not connected"
            return "bad", f"{word}{again}"
        case "stopped":
            return "bad", "refused" if tracker.reason else "not connected"


def _seconds(seconds: float) -> str:
    whole = max(round(seconds), 0)
    return f"{whole} s" if whole < 60 else format_duration(whole)
