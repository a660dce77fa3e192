"""Values that go into and come out of a node's database. Pure; frozen."""

from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from p2ptui.base.ids import ContentId, TransferId
from p2ptui.base.text import clamp_mtime
from p2ptui.net.wire.messages import Entry
from p2ptui.net.wire.messages import Path as WirePath
from p2ptui.node.api import Direction, TransferState
from p2ptui.node.manifest import Manifest

ShareKind = Literal["repository", "folder", "file"]
StoredState = Literal["listed", "shared", "error", "away"]
"""As `FileState`; `away`: its disk is not there, but it need not be hashed again once it is."""


class ShareRecord(Struct, frozen=True):
    """A share. `name`: first component on the wire, or the wire name of a single file."""

    id: int
    path: str
    name: str
    kind: ShareKind
    away: bool = False
    """Whether its disk is gone."""
    device: int = 0
    """Device that its folder was on when it was last scanned; 0: not scanned yet."""

    @property
    def root(self) -> Path:
        """The folder that its files are found in."""
        return Path(self.path).parent if self.kind == "file" else Path(self.path)

    @property
    def prefix(self) -> str:
        """What stands before a file's local path to make its wire path."""
        return f"{self.name}/" if self.kind == "folder" else ""


class Fingerprint(NamedTuple):
    """By what a file is known to be the one that was hashed."""

    size: int
    mtime_ns: int
    inode: int


class ScannedFile(NamedTuple):
    """A file as a scan finds it: `folder` and `name` local, below its share; `wire` `/`-joined."""

    folder: str
    name: str
    wire: str
    mark: Fingerprint


class Adopted(NamedTuple):
    """A file that was fetched: what it is known by, and its proven manifest."""

    folder: Path
    name: str
    mark: Fingerprint
    manifest: Manifest


class FileRecord(Struct, frozen=True):
    """A file of the library."""

    id: int
    share: int
    folder: str
    name: str
    wire: str
    size: int
    mtime_ns: int
    inode: int
    state: StoredState
    reason: str
    content: ContentId | None
    revision: int

    @property
    def place(self) -> str:
        """Its local path below its share's folder."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def mark(self) -> Fingerprint:
        """Its size, time and inode as last seen."""
        return Fingerprint(self.size, self.mtime_ns, self.inode)

    @property
    def entry(self) -> Entry:
        """What is announced of it; it must have been hashed."""
        assert self.content is not None
        return entry_of(self.wire, self.size, self.content, self.mtime_ns)


class Totals(NamedTuple):
    """Number and bytes of files."""

    files: int = 0
    bytes: int = 0


class Counts(NamedTuple):
    """The library in figures."""

    files: int
    """Files that are shared."""
    bytes: int
    hashing: int
    """Files that wait to be hashed."""
    skipped: int
    """Local files that cannot be shared."""


class Changes(Struct, frozen=True):
    """Changes of what is shared, in the order of their revisions."""

    revision: int
    """The last one of these; further ones come after it."""
    added: tuple[Entry, ...] = ()
    removed: tuple[WirePath, ...] = ()
    digest: bytes = b""
    """Digest of the whole share when these reach its latest revision; else empty."""


SEVERAL = "several"
"""Instead of the pin of one swarm."""


class TransferRecord(Struct, frozen=True, kw_only=True):
    """A transfer in the queue or in the history. Times in seconds since 1970."""

    id: TransferId = TransferId(0)
    """0 until it was added."""
    direction: Direction
    content: ContentId
    name: str
    size: int = 0
    done: int = 0
    state: TransferState = "queued"
    reason: str = ""
    folder: str = ""
    """Destination folder (downloads)."""
    path: str = ""
    """Where the finished file lies (downloads)."""
    peer: str = ""
    """Who takes it (uploads)."""
    address: str = ""
    """`host:port` of the only peer to fetch from; empty: from all."""
    mtime: int = 0
    """Modification time that the finished file gets."""
    sources: int = 0
    started: float = 0
    finished: float | None = None
    seconds: float = 0
    """Time that it ran, pauses left out."""
    priority: int = 0
    """Downloads: the higher ones get their turn first."""
    place: int = 0
    """Place among those of the same priority; 0: that of its number."""
    peers: bytes = b""
    """Who gave or took how much of it (`history`)."""
    job: TransferId = TransferId(0)
    """The folder job that it belongs to; 0: none."""
    files: int = 0
    """Files of a folder job, which has no content of its own; 0: a single file."""
    host: str = ""
    """Id of the member whose folder it is (folder jobs)."""
    remote: str = ""
    """The folder there (folder jobs)."""
    swarm: str = ""
    """Pin of the swarm that it runs in (downloads); `SEVERAL` when bytes came in others, too."""

    @property
    def rank(self) -> tuple[int, int]:
        """By what the queue is sorted, the next one first."""
        return -self.priority, self.place or self.id


class Leftover(Struct, frozen=True):
    """What lies on disk for as long as something can be undone."""

    folder: str
    """Absolute: where the removed file lay, or where the download goes."""
    name: str = ""
    """Name of a removed file where it was moved to."""
    content: ContentId | None = None
    """Content of a cancelled download."""
    id: int = 0


def entry_of(wire: str, size: int, content: ContentId, mtime_ns: int) -> Entry:
    """The announced form of a shared file (F57: its time is clamped)."""
    return Entry(tuple(wire.split("/")), size, content, clamp_mtime(mtime_ns // 10**9))
