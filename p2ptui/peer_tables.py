"""Columns of the peer's lists, and the words for its values. Pure."""

from p2ptui.base.ids import short_content_id, short_peer_id
from p2ptui.base.text import (
    display,
    format_bytes,
    format_count,
    format_duration,
    format_rate,
    local_minute,
)
from p2ptui.node.api import (
    FileRow,
    HitRow,
    HostRow,
    NodeStatus,
    RemoteFile,
    Share,
    SourceRow,
    TrackerFound,
    TrackerStatus,
    TransferRow,
)
from p2ptui.output import Column
from p2ptui.waiting_words import waiting_text

SHOWN_PEERS = 3
FINAL_STATES = frozenset({"finished", "failed", "cancelled"})


def peer_name(nick: str, peer_id: str) -> str:
    """`anna (yuq23opp)`: never by nickname alone."""
    return f"{nick} ({short_peer_id(peer_id)})"


def local_time(seconds: float | None) -> str:
    """A moment on the clock of this machine; nothing when unknown."""
    return local_minute(seconds) if seconds else ""


def ping_text(ping_ms: float | None) -> str:
    """A round-trip time; a dash when there is none."""
    return "-" if ping_ms is None else f"{ping_ms:.0f} ms" if ping_ms >= 10 else f"{ping_ms:.1f} ms"


def reach_text(reachable: bool | None) -> str:
    """Whether others can dial a member."""
    return {None: "?", True: "yes", False: "no"}[reachable]


def file_state(row: FileRow) -> str:
    """The state's word, with how far the hashing is."""
    if row.state == "hashing" and row.size:
        return f"hashing {row.done * 100 // row.size} %"
    return row.state


def transfer_state(row: TransferRow) -> str:
    """The rate while it runs, else the state's word."""
    if row.state == "active" and row.rate_bps:
        return format_rate(row.rate_bps)
    if row.place:
        return f"place {row.place}"
    return row.state.replace("_", " ")


def average_rate(row: TransferRow) -> str:
    """How fast a transfer was that is over."""
    return format_rate(row.done / row.seconds) if row.done and row.seconds > 0 else ""


def peers_text(row: TransferRow) -> str:
    """From whom it came, or who took it: the largest parts first."""
    if row.direction == "up":
        return row.peer
    names = [peer_name(part.nick, part.peer_id) for part in row.peers]
    more = f" and {len(names) - SHOWN_PEERS} more" if len(names) > SHOWN_PEERS else ""
    return ", ".join(names[:SHOWN_PEERS]) + more


HITS: tuple[Column[HitRow], ...] = (
    Column("name", lambda row: row.name, flex=True),
    Column("size", lambda row: format_bytes(row.size), "right"),
    Column("owners", lambda row: f"{row.owners} of {row.known}", "right"),
    Column("id", lambda row: short_content_id(row.content_id)),
    Column("", lambda row: "" if row.have == "new" else row.have),
)
FILES: tuple[Column[FileRow], ...] = (
    Column("name", lambda row: row.name, flex=True),
    Column("size", lambda row: format_bytes(row.size), "right"),
    Column("state", file_state),
    Column("id", lambda row: short_content_id(row.content_id)),
    Column("why", lambda row: row.reason),
)
REMOTE_FILES: tuple[Column[RemoteFile], ...] = (
    Column("name", lambda row: row.name, flex=True),
    Column("size", lambda row: format_bytes(row.size), "right"),
    Column("id", lambda row: short_content_id(row.content_id)),
    Column("", lambda row: "" if row.have == "new" else row.have),
)
HOSTS: tuple[Column[HostRow], ...] = (
    Column("peer", lambda row: peer_name(row.nick, row.peer_id), flex=True),
    Column("address", lambda row: row.address),
    Column("files", lambda row: format_count(row.files), "right"),
    Column("size", lambda row: format_bytes(row.bytes), "right"),
    Column("ping", lambda row: ping_text(row.ping_ms), "right"),
    Column("reachable", lambda row: reach_text(row.reachable)),
    Column("path", lambda row: row.path),
    Column("seen", lambda row: "online" if row.online else local_time(row.seen)),
)
TRACKERS: tuple[Column[TrackerFound], ...] = (
    Column("swarm", lambda row: row.swarm, flex=True),
    Column("address", lambda row: ", ".join(row.addresses)),
    Column("fingerprint (claimed)", lambda row: row.pin),
)
SHARES: tuple[Column[Share], ...] = (
    Column("folder", lambda row: row.path, flex=True),
    Column("as", lambda row: row.name),
    Column("kind", lambda row: row.kind),
    Column("files", lambda row: format_count(row.files), "right"),
    Column("size", lambda row: format_bytes(row.bytes), "right"),
)
SOURCES: tuple[Column[SourceRow], ...] = (
    Column("peer", lambda row: peer_name(row.nick, row.peer_id), flex=True),
    Column("address", lambda row: ", ".join(row.addresses)),
    Column("path", lambda row: row.path),
    Column("state", lambda row: row.state or ("fetches it too" if row.partial else "")),
)
_TRANSFERS: tuple[Column[TransferRow], ...] = (
    Column("id", lambda row: str(row.id), "right"),
    Column("", lambda row: row.direction),
    Column("name", lambda row: row.name, flex=True),
    Column("size", lambda row: format_bytes(row.size), "right"),
    Column("done", lambda row: f"{row.done * 100 // row.size if row.size else 100} %", "right"),
    Column("state", transfer_state),
    Column("left", lambda row: "" if row.eta_s is None else format_duration(row.eta_s), "right"),
    Column("from / to", lambda row: row.peer or f"{row.sources} of {max(row.known, row.sources)}"),
)


def transfers_table(tracker: TrackerStatus) -> tuple[Column[TransferRow], ...]:
    """Transfers that are under way; what they wait for hangs on the tracker as well."""

    def why(row: TransferRow) -> str:
        return waiting_text(row, tracker, f"`resume {row.id}`")

    return (*_TRANSFERS, Column("why", why))


HISTORY: tuple[Column[TransferRow], ...] = (
    Column("id", lambda row: str(row.id), "right"),
    Column("when", lambda row: local_time(row.finished)),
    Column("", lambda row: row.direction),
    Column("name", lambda row: row.name, flex=True),
    Column("size", lambda row: format_bytes(row.size), "right"),
    Column("took", lambda row: format_duration(row.seconds), "right"),
    Column("rate", average_rate, "right"),
    Column("state", lambda row: row.state),
    Column("from / to", peers_text),
    Column("where", lambda row: row.path),
    Column("why", lambda row: row.reason),
)


def reach_note(reached: int | None) -> str:
    """What is told of an answer that is not the tracker's; empty when it is."""
    if reached is None:
        return ""
    members = "the one member" if reached == 1 else f"the {format_count(reached)} members"
    return f"The tracker is away: this is the answer of {members} in reach."


def tracker_text(tracker: TrackerStatus) -> str:
    """The link to the tracker in a sentence."""
    where = display(f"{tracker.swarm} at {tracker.address}".removeprefix(" at "))
    match tracker.state:
        case "none":
            return "none yet (join LINK)"
        case "connected":
            return f"connected to {where}"
        case "connecting":
            return f"connecting to {where}"
        case _:
            retry = tracker.retry_s
            then = f"; next try in {format_duration(retry)}" if retry is not None else ""
            members = "1 member" if tracker.in_reach == 1 else f"{tracker.in_reach} members"
            near = f"; {members} may be asked meanwhile" if tracker.in_reach else ""
            return f"not connected to {where}: {display(tracker.reason)}{then}{near}"


def reachability_text(tracker: TrackerStatus) -> str:
    """Whether others can dial us, in a sentence."""
    match tracker.reachability:
        case "reachable":
            return f"yes, at {display(', '.join(tracker.reached_at))}"
        case "unreachable":
            return "no: others cannot dial this node (`p2ptui doctor` says what to do)"
        case _:
            return "not known yet"


def status_text(status: NodeStatus) -> str:
    """The node at a glance, a line a fact."""
    hashing = f", {format_count(status.hashing)} still to hash" if status.hashing else ""
    skipped = f", {format_count(status.skipped)} cannot be shared" if status.skipped else ""
    limits = [
        f"{name} at most {format_rate(rate)}"
        for name, rate in (("down", status.down_limit_bps), ("up", status.up_limit_bps))
        if rate is not None
    ]
    facts = {
        "node": f"{display(peer_name(status.nick, status.peer_id))}, p2ptui {status.version}, up "
        f"{format_duration(status.uptime_s)}",
        "tracker": tracker_text(status.tracker),
        "listening": display(status.listen) or "no",
        "reachable": reachability_text(status.tracker),
        "sharing": f"{format_count(status.files)} files, {format_bytes(status.bytes)}"
        f"{hashing}{skipped}",
        "downloads": f"{status.active} active, {format_rate(status.down_bps)}, into "
        f"{display(status.downloads)}",
        "uploads": f"{status.uploads} active, {format_rate(status.up_bps)}",
        "limits": (", ".join(limits) or "none") + (" (slow mode)" if status.slow else ""),
        "home": display(status.home),
    }
    if status.tracker.pin:
        facts["swarm"] = f"{display(status.tracker.swarm)}, fingerprint {status.tracker.pin}"
    return "\n".join(f"{name + ':':<11} {fact}" for name, fact in facts.items())
