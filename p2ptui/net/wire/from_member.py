"""Messages that a member says to its tracker (PROTOCOL.md 3)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from p2ptui.base.ids import WireContentId, WirePeerId
from p2ptui.net.wire.values import (
    MAX_BATCH,
    MAX_OFFERING,
    MAX_PAGE,
    MAX_REPORTS,
    Count,
    Der,
    Digest,
    Entry,
    Features,
    Fetched,
    Host,
    Limit,
    Message,
    Nick,
    Offset,
    Path,
    Port,
    Query,
    RequestId,
    Seconds,
    Sentence,
)

OperatorAct = Literal["ban", "broadcast", "invite", "kick", "message", "unban"]


class Hello(Struct, frozen=True, tag="hello"):
    """A member's first message. `revision` and `digest` describe its share (see `Announce`)."""

    minor: Count
    features: Features
    software: Annotated[str, Meta(max_length=64)]
    nick: Nick
    port: Port
    """The data port it listens on; 0 when it does not listen."""
    addresses: Annotated[tuple[Host, ...], Meta(max_length=8)]
    time: Seconds
    kick_list: Count
    revision: Count
    digest: Digest


class Announce(Message, frozen=True, tag="announce"):
    """Changes of the member's share, at most 500 added and 500 removed.

    `base` is the revision that these changes are made on, `revision` the one after them; `base` 0
    empties the member's list first. A long change is several messages: all but the last leave
    `digest` empty; the last carries the digest of the whole share, which the tracker compares with
    its own sum. The digest is the sum modulo 2^128 over all entries of the first 16 bytes of
    BLAKE3(msgpack(entry)), little endian: it does not depend on the order.
    """

    id: RequestId
    base: Count
    revision: Count
    added: Annotated[tuple[Entry, ...], Meta(max_length=MAX_BATCH)] = ()
    removed: Annotated[tuple[Path, ...], Meta(max_length=MAX_BATCH)] = ()
    digest: Annotated[bytes, Meta(max_length=16)] = b""


class Search(Message, frozen=True, tag="search"):
    """Find contents whose names hold every word of `text`; an empty text finds all.

    A text that is the beginning of a content id, `b3c1` and at least 4 characters, finds those.
    """

    id: RequestId
    text: Query
    offset: Offset = 0
    limit: Limit = MAX_PAGE


class Locate(Message, frozen=True, tag="locate"):
    """Who has this content? Answered by `Sources`; changes are pushed until `Unlocate`."""

    id: RequestId
    content: WireContentId


class Unlocate(Message, frozen=True, tag="unlocate"):
    """Stop pushing sources of this content."""

    content: WireContentId


class Offering(Message, frozen=True, tag="offering"):
    """Contents that the member is fetching and has verified some of: a source of that, no owner.

    Each is the whole list and takes the place of the one before; it ends with the connection.
    """

    contents: Annotated[tuple[WireContentId, ...], Meta(max_length=MAX_OFFERING)]


class CountOwners(Message, frozen=True, tag="count_owners"):
    """How many other members online have each of these contents? Answered by `OwnerCounts`."""

    id: RequestId
    contents: Annotated[tuple[WireContentId, ...], Meta(min_length=1, max_length=MAX_PAGE)]


class Browse(Message, frozen=True, tag="browse"):
    """A page of a member's announced list. Answered by `Listing`."""

    id: RequestId
    peer: WirePeerId
    text: Query = ""
    offset: Offset = 0
    limit: Limit = MAX_PAGE


class Members(Message, frozen=True, tag="members"):
    """A page of the swarm's members. Answered by `MemberPage`."""

    id: RequestId
    text: Query = ""
    offset: Offset = 0
    limit: Limit = MAX_PAGE


class Operate(Message, frozen=True, tag="operate"):
    """An act of an operator on its swarm. Answered by `Operated`, or by the failure `denied`.

    `target` is whom or what it is done to, as a person writes it; `text` the reason, or what is to
    be said.
    """

    id: RequestId
    act: OperatorAct
    target: Annotated[str, Meta(max_length=255)] = ""
    text: Sentence = ""
    for_s: Annotated[float, Meta(ge=0, le=2**53)] = 0
    """How long it holds; 0: for good, and for an invite a day."""
    uses: Annotated[int, Meta(ge=1, le=100_000)] = 1


class Report(Message, frozen=True, tag="report"):
    """Downloads that the member has finished, for the tracker's history. Answered by `Noted`.

    Sent again when the answer did not come: the tracker knows one by its content and its time.
    """

    id: RequestId
    fetches: Annotated[tuple[Fetched, ...], Meta(min_length=1, max_length=MAX_REPORTS)]


class ClaimFailed(Message, frozen=True, tag="claim_failed"):
    """A source that the tracker named says that it has not, or no longer, what it was named for."""

    content: WireContentId
    peer: WirePeerId


class Checked(Message, frozen=True, tag="checked"):
    """Whether the member's file is there and still the one that was hashed (answers `Check`)."""

    id: RequestId
    held: bool


class CallBack(Message, frozen=True, tag="call_back"):
    """Have this member dial me, for I cannot dial it. Answered by `Calling`, or a `Failure`.

    It is told the endpoints at which the tracker's own dial-back met the asker, and no others.
    """

    id: RequestId
    peer: WirePeerId


class AskRelay(Message, frozen=True, tag="ask_relay"):
    """Connect me with this member through the tracker: neither can dial the other.

    Answered by `RelayTicket`, or a `Failure` that says why not.
    """

    id: RequestId
    peer: WirePeerId


class Renew(Message, frozen=True, tag="renew"):
    """A request for a fresh leaf for the same key. Answered by `Renewed`."""

    id: RequestId
    csr: Der
