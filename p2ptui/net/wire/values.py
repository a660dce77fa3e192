"""Values: the bounds of what stands in a message, and the structs that it is made of.

Every string, list and number is bounded here; `codec` decodes and knows what msgspec lets pass.
"""

from typing import Annotated

from msgspec import Meta, Struct

from p2ptui.base.ids import WireContentId, WirePeerId

ALPN = "p2ptui/1"
RELAY_ALPN = "p2ptui-relay/1"
"""Of a connection to the tracker that carries another one to a member (PROTOCOL.md 3)."""
MINOR_VERSION = 0
MAX_BATCH = 500
MAX_PAGE = 200
MAX_PATH_PARTS = 32
MAX_NAME_BYTES = 255
MAX_QUERY_BYTES = 256
MAX_OFFERING = 64
MAX_CONTENTS = 512
"""Small contents that are asked for with one request."""
MAX_CONTENTS_BYTES = 8 * 1024 * 1024
"""Bytes of them all."""
CONTENTS_FEATURE = "contents"
"""In a peer's hello: it answers `GetContents`."""
MAX_ENDPOINTS = 8
TICKET_BYTES = 16
MAX_REPORTS = 64
MAX_GIVERS = 16
REPORTS = "reports"
"""Feature of a tracker and its member: the messages `report`, `claim_failed` and `check`."""

RequestId = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Bytes63 = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Offset = Annotated[int, Meta(ge=0, le=2**40)]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[int, Meta(ge=-(2**53), le=2**53)]
ChunkIndex = Annotated[int, Meta(ge=0, le=65535)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_BYTES)]
Path = Annotated[tuple[Name, ...], Meta(min_length=1, max_length=MAX_PATH_PARTS)]
"""Components of a name: the file's own name last, its folders before it (PROTOCOL.md 6)."""
Nick = Annotated[str, Meta(max_length=64)]
Sentence = Annotated[str, Meta(max_length=1024)]
Host = Annotated[str, Meta(min_length=1, max_length=255)]
Digest = Annotated[bytes, Meta(min_length=16, max_length=16)]
Der = Annotated[bytes, Meta(max_length=8192)]
Features = Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=64)]
Query = Annotated[str, Meta(max_length=MAX_QUERY_BYTES)]


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all messages; each names its own tag."""


class Part(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of the values inside messages: arrays, for there may be hundreds in one frame."""


class Endpoint(Part, frozen=True):
    """Where a listening socket is: host (an IP address) and port."""

    host: Host
    port: Annotated[int, Meta(ge=1, le=65535)]


class Entry(Part, frozen=True):
    """A content under a name at one peer. `mtime` in seconds since 1970 (clamped by the reader)."""

    path: Path
    size: Bytes63
    content: WireContentId
    mtime: Seconds


class Hit(Part, frozen=True):
    """One search result: one content with its names (best first, at most 8) and its owners."""

    content: WireContentId
    size: Bytes63
    names: Annotated[tuple[Path, ...], Meta(max_length=8)]
    owners: Count
    """Owners online now."""
    known: Count
    """Owners online or not."""
    best: Nick = ""
    """Nick of the owner online that answers the tracker fastest."""


class Source(Part, frozen=True):
    """A peer that offers a content: id, nick and the endpoints to dial, best first."""

    peer: WirePeerId
    nick: Nick
    endpoints: Annotated[tuple[Endpoint, ...], Meta(max_length=MAX_ENDPOINTS)]
    partial: bool = False
    """Whether it is fetching the content itself and gives what it has verified so far."""


class Giver(Part, frozen=True):
    """Who gave how many bytes of a download."""

    peer: WirePeerId
    bytes: Bytes63


class Fetched(Part, frozen=True):
    """A finished download of the member that tells of it. `finished` in seconds since 1970."""

    content: WireContentId
    path: Path
    """The file's name; where it lies is nobody's business."""
    size: Bytes63
    seconds: Annotated[float, Meta(ge=0)]
    """Time that it took, pauses left out."""
    finished: Seconds
    givers: Annotated[tuple[Giver, ...], Meta(min_length=1, max_length=MAX_GIVERS)]
    """Who gave most first."""


class HostInfo(Part, frozen=True):
    """A member as the tracker shows it to others. `seen` in seconds since 1970."""

    peer: WirePeerId
    nick: Nick
    endpoint: Endpoint | None
    files: Count
    bytes: Bytes63
    online: bool
    reachable: bool | None
    """Whether the tracker could dial the data port back; None when not tried yet."""
    ping_ms: Annotated[float, Meta(ge=0)] | None
    seen: Seconds


class Kick(Part, frozen=True):
    """One member put out of the swarm: who, why, until when (seconds since 1970; 0 = for good)."""

    peer: WirePeerId
    until: Seconds
    why: Annotated[str, Meta(max_length=256)]
