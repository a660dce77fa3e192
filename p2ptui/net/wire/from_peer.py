"""Messages that peers say to each other (PROTOCOL.md 3, 5)."""

from typing import Annotated

from msgspec import Meta, Struct

from p2ptui.base.ids import WireContentId
from p2ptui.net.wire.values import (
    MAX_CONTENTS,
    MAX_CONTENTS_BYTES,
    Bytes63,
    ChunkIndex,
    Count,
    Features,
    Message,
    Nick,
    RequestId,
    Seconds,
)


class PeerHello(Struct, frozen=True, tag="peer_hello"):
    """First message of both sides of a peer connection."""

    minor: Count
    features: Features
    software: Annotated[str, Meta(max_length=64)]
    nick: Nick
    time: Seconds
    kick_list: Count


class GetManifest(Message, frozen=True, tag="get_manifest"):
    """Ask for a content's manifest. Answered by `Manifest`, then data frames with its hashes."""

    id: RequestId
    content: WireContentId


class Manifest(Message, frozen=True, tag="manifest"):
    """Size of a content; `hash_bytes` bytes of chunk hashes follow in data frames of this id."""

    id: RequestId
    size: Bytes63
    hash_bytes: Annotated[int, Meta(ge=0, le=65536 * 32)]


class GetChunk(Message, frozen=True, tag="get_chunk"):
    """Ask for one chunk. Answered by data frames of this id that cover it, or a `Failure`."""

    id: RequestId
    content: WireContentId
    index: ChunkIndex


class Cancel(Message, frozen=True, tag="cancel"):
    """The answer to this request is no longer wanted; some of it may still come."""

    id: RequestId


class Interest(Message, frozen=True, tag="interest"):
    """Tell me what you have of this content, now (`Have`) and as it grows (`HaveMore`)."""

    id: RequestId
    content: WireContentId


class Have(Message, frozen=True, tag="have"):
    """What the sender has: everything, or the chunks whose bit is set (bit 7 of byte 0 first)."""

    id: RequestId
    complete: bool
    bitmap: Annotated[bytes, Meta(max_length=8192)] = b""


class HaveMore(Message, frozen=True, tag="have_more"):
    """Chunks that the sender has verified since its last `Have` or `HaveMore`."""

    content: WireContentId
    indexes: Annotated[tuple[ChunkIndex, ...], Meta(min_length=1, max_length=1024)]


class GetContents(Message, frozen=True, tag="get_contents"):
    """Ask for small contents whole. Answered by `Contents`, then data frames, or a `Failure`.

    Said to a member whose hello names the feature `contents`. A content that would bring the answer
    over `limit` bytes is left out of it.
    """

    id: RequestId
    contents: Annotated[tuple[WireContentId, ...], Meta(min_length=1, max_length=MAX_CONTENTS)]
    limit: Annotated[int, Meta(ge=0, le=MAX_CONTENTS_BYTES)]


class Contents(Message, frozen=True, tag="contents"):
    """Sizes of the contents asked for, in that order; None: not given, ask for it by itself.

    The bytes of those that are given follow in data frames of this id, one behind the other.
    """

    id: RequestId
    sizes: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=MAX_CONTENTS_BYTES)] | None, ...],
        Meta(max_length=MAX_CONTENTS),
    ]
