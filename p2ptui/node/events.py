"""Events of a node: things that happened and must not be lost. Pure data.

The tag is the `event` field of headless output; `time` is in seconds since 1970.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from p2ptui.base.ids import PeerId, TransferId

NoticeLevel = Literal["info", "warning", "error"]


class Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    """Base of all events."""

    time: float


class Listening(Event, frozen=True, kw_only=True, tag="listening"):
    """The data port is open."""

    address: str
    peer_id: PeerId


class Connected(Event, frozen=True, kw_only=True, tag="connected"):
    """The tracker welcomed us."""

    tracker: str
    """Name of the swarm."""
    peer_id: PeerId
    address: str
    """The tracker's `host:port`."""
    observed: str = ""
    motd: str = ""


class Disconnected(Event, frozen=True, kw_only=True, tag="disconnected"):
    """The link to the tracker is lost, or could not be made."""

    reason: str
    retry_s: float | None = None
    """Seconds until the next try; None: no further try."""


class Published(Event, frozen=True, kw_only=True, tag="published"):
    """The tracker's index has all that we share."""

    files: int
    bytes: int
    seconds: float = 0


class ShareScanned(Event, frozen=True, kw_only=True, tag="share_scanned"):
    """A share was walked: what it holds and what was skipped."""

    path: str
    files: int
    bytes: int
    skipped: int
    changes: int
    """Files that are new, gone or different since the last look."""


class HashingFinished(Event, frozen=True, kw_only=True, tag="hashing_finished"):
    """All listed files are hashed."""

    files: int
    bytes: int
    seconds: float


class FileProblem(Event, frozen=True, kw_only=True, tag="file_problem"):
    """A local file cannot be shared, and why."""

    path: str
    reason: str


class FileRemoved(Event, frozen=True, kw_only=True, tag="file_removed"):
    """A file was withdrawn."""

    name: str
    content_id: str


class FetchStarted(Event, frozen=True, kw_only=True, tag="fetch_started"):
    """A download began or was taken up again."""

    id: TransferId
    name: str
    content_id: str
    bytes: int
    resumed: int = 0
    """Bytes that were already on disk."""


class FetchFinished(Event, frozen=True, kw_only=True, tag="fetch_finished"):
    """A download is complete, verified and under its final name."""

    id: TransferId
    name: str
    content_id: str
    path: str
    bytes: int
    seconds: float
    sources: int


class FetchFailed(Event, frozen=True, kw_only=True, tag="fetch_failed"):
    """A download ended without success."""

    id: TransferId
    name: str
    content_id: str
    reason: str
    hint: str = ""
    exit_code: int = 4


class FetchStateChanged(Event, frozen=True, kw_only=True, tag="fetch_state"):
    """A download paused, stalled, went on or was cancelled."""

    id: TransferId
    name: str
    state: str
    reason: str = ""
    before: str = ""
    """The state that it was in."""


class SourceLost(Event, frozen=True, kw_only=True, tag="source_lost"):
    """A source of a running download went away or was dropped."""

    id: TransferId
    peer_id: PeerId
    nick: str
    reason: str


class UploadFinished(Event, frozen=True, kw_only=True, tag="upload_finished"):
    """A peer took (part of) a content from us and is gone or has all it asked for."""

    id: TransferId
    name: str
    content_id: str
    peer: str
    bytes: int
    seconds: float


class TrackerNotice(Event, frozen=True, kw_only=True, tag="notice"):
    """A sentence for the user: from the tracker, or of the node itself."""

    level: NoticeLevel
    text: str
    hint: str = ""


class Stopped(Event, frozen=True, kw_only=True, tag="stopped"):
    """The node ends; the last event."""

    reason: str = ""


class Section(Struct, frozen=True, tag="section", tag_field="event"):
    """A section of the snapshot whose version changed. `value` is decoded by the client."""

    name: str
    value: Any


class Resync(Struct, frozen=True, tag="resync", tag_field="event"):
    """Events were dropped for this front-end: it takes fresh snapshots and pages."""

    dropped: Annotated[int, Meta(ge=0)]


NodeEvent = (
    Listening | Connected | Disconnected | Published | ShareScanned | HashingFinished | FileProblem
    | FileRemoved | FetchStarted | FetchFinished | FetchFailed | FetchStateChanged | SourceLost
    | UploadFinished | TrackerNotice | Stopped
)  # fmt: skip
FeedItem = NodeEvent | Section | Resync
