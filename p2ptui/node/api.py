"""The node as its front-ends see it: one protocol, frozen values. Pure data; imports no engine.

Implemented by the node, by the control client (`p2ptui.node.remote`) and by the tests' fakes.
Fields of rows are those of `--json` (INTERFACE.md, contract for scripts): bytes, seconds, bytes per
second; times in seconds since 1970 here, RFC 3339 on output. A content id is its text form.
Every method may raise `P2PError`, and nothing else that is expected.
"""

from collections.abc import AsyncIterator
from typing import Literal, Protocol

from msgspec import Struct

from p2ptui.base.ids import PeerId, TransferId
from p2ptui.node.events import FeedItem


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
    """How it is reached: `direct`, `connect-back`, `relay`; empty when not known."""
    key: str = ""
    """`pinned`, `new` or `CHANGED`; empty when it was never met."""


class HostPage(Value, frozen=True, kw_only=True):
    """A page of members."""

    rows: tuple[HostRow, ...]
    total: int


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
    """Time that it has run so far, pauses left out."""


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


class NodeApi(Protocol):
    """What a front-end may ask of a node."""

    async def status(self) -> NodeStatus:
        """The node at a glance."""
        ...

    async def join(self, target: str, trust: str) -> TrackerStatus:
        """Join a swarm by link or `host[:port]` and connect to it.

        `trust` is the fingerprint (pin) that the user accepted at first contact without a link;
        when it is needed and missing, a security stop names the fingerprint.
        """
        ...

    async def forget(self, swarm: str) -> None:
        """Forget a swarm by address, name or pin: its key, our certificate, its kick list."""
        ...

    async def shares(self) -> tuple[Share, ...]:
        """All shares, the repository folder first."""
        ...

    async def share(self, path: str, on: bool) -> Share:
        """Offer a folder (absolute path), or stop offering it."""
        ...

    async def publish(self, path: str, name: str) -> FileRow:
        """Offer a single file (absolute path) under a name; empty: its own. Returns when shared."""
        ...

    async def remove(self, name: str) -> Removal:
        """Withdraw a file; delete it when it lies in the repository folder."""
        ...

    async def rescan(self) -> int:
        """Look for changed files in all shares now; the number of changes found."""
        ...

    async def library(self, page: Page) -> FilePage:
        """A page of our own files."""
        ...

    async def folder(self, name: str, page: Page) -> FolderPage:
        """A folder of the library (empty: the top), a page of its files; the filter counts not."""
        ...

    async def search(self, text: str, page: Page) -> HitPage:
        """A page of what the tracker finds."""
        ...

    async def sources(self, target: str) -> ContentSources:
        """Who has a content, by name or id."""
        ...

    async def peers(self, page: Page) -> HostPage:
        """A page of the swarm's members."""
        ...

    async def browse(self, request: BrowseRequest) -> RemotePage:
        """A page of a member's list."""
        ...

    async def fetch(self, request: FetchRequest) -> TransferRow:
        """Start a download, or attach to the one that runs for the same content."""
        ...

    async def transfers(self, page: Page) -> TransferPage:
        """A page of uploads and downloads, finished ones (history) included."""
        ...

    async def transfer(self, transfer_id: TransferId) -> TransferDetail:
        """One transfer with its sources and chunk map."""
        ...

    async def steer(self, transfer_id: TransferId, act: TransferAct) -> TransferRow:
        """Pause, resume or cancel a download."""
        ...

    async def limit(self, direction: Direction, rate_bps: int | None) -> NodeStatus:
        """Set the global rate limit of a direction in bytes per second; None takes it away."""
        ...

    async def stop(self) -> None:
        """End the node; returns once it has agreed to stop."""
        ...

    def feed(self, sections: tuple[SectionName, ...], interval_s: float) -> AsyncIterator[FeedItem]:
        """Events in order, and sections of the snapshot when they changed, at most every interval.

        The first items are all sections asked for. A front-end that reads too slowly gets
        `Resync` in place of the events that it missed.
        """
        ...
