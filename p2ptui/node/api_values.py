"""The values of the node's api (`p2ptui.node.api`). Pure data; imports no engine.

Fields of rows are those of `--json` (docs/operations.md, for scripts): bytes, seconds, bytes per
second; times in seconds since 1970 here, RFC 3339 on output. A content id is its text form.
"""

from typing import Literal

from msgspec import Struct

from p2ptui.base.ids import PeerId, TransferId


class Value(Struct, frozen=True, kw_only=True):
    """Base of everything that crosses this seam."""


SectionName = Literal["status", "transfers", "hashing"]
TrackerState = Literal["none", "connecting", "connected", "waiting", "stopped"]
FileState = Literal["listed", "hashing", "shared", "error"]
TransferState = Literal[
    "queued", "locating", "active", "stalled", "paused", "no_space", "finishing", "finished",
    "failed", "cancelled",
]  # fmt: skip
Direction = Literal["down", "up"]
Reachability = Literal["unknown", "reachable", "unreachable"]
Ownership = Literal["new", "have", "fetching"]


class Page(Value, frozen=True, kw_only=True):
    """What part of a long list is wanted: rows offset to offset + limit (at most 1,000)."""

    offset: int = 0
    limit: int = 200
    filter: str = ""
    sort: str = ""
    """Field name of the row; a leading `-` reverses; empty: the list's natural order."""


class TrackerStatus(Value, frozen=True, kw_only=True):
    """State of the link to the tracker."""

    state: TrackerState
    address: str = ""
    swarm: str = ""
    pin: str = ""
    reason: str = ""
    """Why it is not connected."""
    retry_s: float | None = None
    """Seconds until the next try; None while connected or stopped."""
    observed: str = ""
    """Our address as the tracker sees it."""
    motd: str = ""
    reachability: Reachability = "unknown"
    """Whether others can dial our data port, as the tracker found."""
    reached_at: tuple[str, ...] = ()
    """`host:port` of where it met us."""
    in_reach: int | None = 0
    """Members that can be asked while it is away; None: the local network is still looked at."""


class TrackerFound(Value, frozen=True, kw_only=True):
    """A tracker that says to be on the local network; nothing of it is proven."""

    swarm: str
    pin: str
    """The fingerprint that it claims."""
    addresses: tuple[str, ...]
    """`host:port`, best first."""


class NodeStatus(Value, frozen=True, kw_only=True):
    """The node at a glance."""

    version: str
    peer_id: PeerId
    nick: str
    listen: str
    """`host:port` of the data port; empty when not listening."""
    home: str
    downloads: str
    tracker: TrackerStatus
    files: int
    bytes: int
    hashing: int
    """Files waiting to be hashed."""
    skipped: int
    """Local files that cannot be shared (names, rights); the log says which."""
    down_bps: int
    up_bps: int
    down_limit_bps: int | None
    up_limit_bps: int | None
    active: int
    """Downloads that are not finished."""
    uploads: int
    front_ends: int
    uptime_s: float
    slow: bool = False
    """Whether slow mode is on: the limits are those of slow mode."""


class Hashing(Value, frozen=True, kw_only=True):
    """Progress of the background hashing since it last had nothing to do."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    rate_bps: int
    current: str = ""


class Share(Value, frozen=True, kw_only=True):
    """A folder that is offered, or a single published file."""

    path: str
    name: str
    """Its first path component on the wire; empty for the repository folder."""
    kind: Literal["repository", "folder", "file"]
    files: int
    bytes: int


class FileRow(Value, frozen=True, kw_only=True):
    """A file of the library. `name` is its wire path joined with `/`."""

    name: str
    size: int
    content_id: str
    """Empty until hashed."""
    state: FileState
    path: str
    reason: str = ""
    done: int = 0
    """Bytes hashed while the state is `hashing`."""
    changed: float = 0
    """Modification time."""
    owners: int | None = None
    """Other members online that have it; None: not known (yet)."""


class FilePage(Value, frozen=True, kw_only=True):
    """A page of the library."""

    rows: tuple[FileRow, ...]
    total: int


class FolderRow(Value, frozen=True, kw_only=True):
    """A folder of the library, with all below it."""

    name: str
    """Its whole wire path joined with `/`."""
    files: int
    bytes: int
    waiting: int
    """Files that are not hashed yet."""


class FolderPage(Value, frozen=True, kw_only=True):
    """What lies directly in a folder of the library."""

    folders: tuple[FolderRow, ...]
    """At most 1,000."""
    rows: tuple[FileRow, ...]
    total: int
    """Files directly in it."""


class Removal(Value, frozen=True, kw_only=True):
    """What `remove` did."""

    name: str
    content_id: str
    deleted: str = ""
    """Path of the deleted file; empty when it was left where it lies."""


class HitRow(Value, frozen=True, kw_only=True):
    """One content that a search found; `name` is the best of its `names`."""

    content_id: str
    name: str
    names: tuple[str, ...]
    size: int
    owners: int
    known: int
    best: str = ""
    """Nick of an owner online that answers fast; empty when nobody is."""
    have: Ownership = "new"


class HitPage(Value, frozen=True, kw_only=True):
    """A page of hits. `more`: there are more than `total`."""

    rows: tuple[HitRow, ...]
    total: int
    more: bool
    took_ms: float
    """Time that the tracker took."""
    reached: int | None = None
    """The tracker is away, and so many members answered; None: the tracker did."""


class StoryLine(Value, frozen=True, kw_only=True):
    """Something that happened to a source of a download."""

    time: float
    text: str


class SourceRow(Value, frozen=True, kw_only=True):
    """A peer that offers a content, or is being asked for one."""

    peer_id: PeerId
    nick: str
    addresses: tuple[str, ...]
    state: str = ""
    """In a running fetch: `dialling`, `active`, `idle`, `failed`, `barred`, …"""
    reason: str = ""
    done: int = 0
    rate_bps: int = 0
    partial: bool = False
    """It is fetching the content itself and gives what it has so far."""
    percent: float | None = None
    """How much of the content a partial source has; None: not known (yet)."""
    path: str = ""
    """How it is connected with us: `direct`, `inbound` (it dialled us), `connect-back` (because
    it was asked to), `relay`; empty when it is not."""
    story: tuple[StoryLine, ...] = ()
    """What happened with it so far, the oldest first."""
    retry_s: float | None = None
    """Seconds until it is tried again; None: not waiting for that."""


class ContentSources(Value, frozen=True, kw_only=True):
    """Who has a content, online now."""

    content_id: str
    name: str
    size: int
    known: int
    sources: tuple[SourceRow, ...]
    reached: int | None = None
    """As in `HitPage`."""


class HostRow(Value, frozen=True, kw_only=True):
    """A member of the swarm."""

    peer_id: PeerId
    nick: str
    address: str
    files: int
    bytes: int
    ping_ms: float | None
    reachable: bool | None
    online: bool
    seen: float
    slots: int | None = None
    """Upload slots free; None when not told."""
    path: str = ""
    """How it is connected with us, as in `SourceRow`."""
    key: str = ""
    """`pinned`, `new` or `CHANGED`; empty when it was never met."""


class HostPage(Value, frozen=True, kw_only=True):
    """A page of members."""

    rows: tuple[HostRow, ...]
    total: int
    reached: int | None = None
    """As in `HitPage`: the others are those that were met before."""


class RemoteFile(Value, frozen=True, kw_only=True):
    """A file in another peer's list."""

    name: str
    size: int
    content_id: str
    changed: float = 0
    have: Ownership = "new"


class BrowseRequest(Value, frozen=True, kw_only=True):
    """A page of a member's list; `host` is a nick, an id or the beginning of one."""

    host: str
    page: Page = Page()


class RemotePage(Value, frozen=True, kw_only=True):
    """A page of another peer's list."""

    peer_id: PeerId
    nick: str
    rows: tuple[RemoteFile, ...]
    total: int
    reached: int | None = None
    """1 when the tracker is away and the member itself answered."""


class FetchRequest(Value, frozen=True, kw_only=True):
    """What to fetch, from whom and where to."""

    target: str
    """A name as a search shows it, a content id, or at least 4 characters of its short form."""
    address: str = ""
    """`host:port`: fetch from this peer only (*fetch FILENAME IP PORT*)."""
    folder: str = ""
    """Absolute destination folder; empty: the repository folder."""
    patience_s: float | None = None
    """Seconds without any source after which it fails; None: it waits for ever."""


class PeerPart(Value, frozen=True, kw_only=True):
    """A member's part in a transfer."""

    peer_id: PeerId
    nick: str
    bytes: int


class TransferRow(Value, frozen=True, kw_only=True):
    """An upload or a download."""

    id: TransferId
    direction: Direction
    name: str
    content_id: str
    size: int
    done: int
    rate_bps: int
    state: TransferState
    sources: int
    """Sources in use (downloads)."""
    known: int
    """Sources known (downloads)."""
    reason: str = ""
    path: str = ""
    """Where the finished file lies (downloads)."""
    peer: str = ""
    """Who takes it (uploads), as `nick (short id)`."""
    place: int = 0
    """Place in the uploader's queue; 0 when not in one."""
    eta_s: float | None = None
    started: float = 0
    finished: float | None = None
    seconds: float = 0
    """Time that it has run so far; pauses, waits for room and waits for a source left out."""
    priority: int = 0
    """Downloads: the higher ones get their turn first."""
    peers: tuple[PeerPart, ...] = ()
    """Transfers that are over: from whom it came or who took it, the largest part first."""
    files: int = 0
    """Files of a folder that is fetched as one job; 0: a single file."""
    files_done: int = 0
    """Those of them that are here."""
    job: TransferId = TransferId(0)
    """The job that it belongs to; 0: none."""
    host: str = ""
    """Id of the member whose folder it is (folder jobs)."""
    remote: str = ""
    """The folder there; empty: all that it shares (folder jobs)."""
    turn: int = 0
    """Place among our downloads that wait for their turn; 0 when it does not."""
    retry: float | None = None
    """When a source is tried again, while nobody brings anything; None: none waits for that."""


class TransferPage(Value, frozen=True, kw_only=True):
    """A page of transfers, the newest first."""

    rows: tuple[TransferRow, ...]
    total: int


class TransferDetail(Value, frozen=True, kw_only=True):
    """One transfer with all its sources."""

    row: TransferRow
    sources: tuple[SourceRow, ...]
    chunks: int
    bitmap: bytes
    """One bit a chunk that is verified and on disk, bit 7 of byte 0 first."""


TransferAct = Literal[
    "pause", "resume", "cancel", "retry", "raise", "lower", "earlier", "later"
]  # fmt: skip
"""What may be done with a download: `raise` and `lower` its priority, `earlier` and `later` in the
queue, `retry` when it has failed or was cancelled."""


class Undone(Value, frozen=True, kw_only=True):
    """What `undo` did."""

    text: str
