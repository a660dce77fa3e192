"""Messages: closed unions of tagged frozen structs, one union per direction (PROTOCOL.md 2, 3).

Every string, list and number is bounded here; `codec` decodes and knows what msgspec lets pass.
Unknown fields are refused, but in the hello messages, where a newer version may add some.
A request carries an `id` chosen by its sender; the answer, or a `Failure`, bears the same id.
"""

from typing import Annotated, Literal

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
MAX_ENDPOINTS = 8
TICKET_BYTES = 16

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


# --- said by both sides ------------------------------------------------------------------------

FailureCode = Literal[
    "bad_request", "busy", "changed", "denied", "duplicate", "gone", "internal", "limit",
    "not_found", "not_shared", "offline", "unsupported_key",
]  # fmt: skip
GoodbyeCode = Literal[
    "done", "stopping", "idle", "replaced", "kicked", "protocol", "version", "too_many", "refused",
    "clock", "internal",
]  # fmt: skip


OperatorAct = Literal["ban", "broadcast", "invite", "kick", "message", "unban"]


class Failure(Message, frozen=True, tag="failure"):
    """The answer to a request that could not be met. `place` is a place in a queue, from 1."""

    id: RequestId
    code: FailureCode
    text: Sentence = ""
    place: Count = 0


class Goodbye(Message, frozen=True, tag="goodbye"):
    """The last message of a connection: why it is closed."""

    code: GoodbyeCode
    text: Sentence = ""
    until: Seconds = 0
    """When it may come back, in seconds since 1970, for a member that is kicked; 0: never."""


class Ping(Message, frozen=True, tag="ping"):
    """Are you there? Answered by `Pong` with the same id."""

    id: RequestId


class Pong(Message, frozen=True, tag="pong"):
    """Answer to `Ping`."""

    id: RequestId


class KickList(Message, frozen=True, tag="kick_list"):
    """The numbered list of kicked members, signed by the CA over `number ‖ msgpack(kicks)`."""

    number: Count
    kicks: Annotated[tuple[Kick, ...], Meta(max_length=2000)]
    signature: Annotated[bytes, Meta(max_length=256)]


# --- joining (no client certificate yet): the tracker speaks first -------------------------------


class Challenge(Message, frozen=True, tag="challenge"):
    """The tracker's first words to a caller without a certificate."""

    ca: Der
    nonce: Annotated[bytes, Meta(min_length=32, max_length=32)]
    swarm: Nick
    open: bool
    """Whether this caller may join without an invite."""
    time: Seconds


class Join(Message, frozen=True, tag="join"):
    """A request for a certificate. `proof` as PROTOCOL.md 1 says; empty without an invite."""

    csr: Der
    nick: Nick
    proof: Annotated[bytes, Meta(max_length=32)] = b""


class Joined(Message, frozen=True, tag="joined"):
    """The issued leaf certificate."""

    certificate: Der


# --- member → tracker --------------------------------------------------------------------------


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


# --- tracker → member --------------------------------------------------------------------------


class Welcome(Struct, frozen=True, tag="welcome"):
    """The tracker's answer to `Hello`: from here on the member is connected."""

    minor: Count
    features: Features
    software: Annotated[str, Meta(max_length=64)]
    swarm: Nick
    time: Seconds
    observed: Host
    """The address that the tracker sees the member at."""
    revision: Count
    """The revision of the member's share that the tracker has; 0: send all."""
    heartbeat_s: Annotated[int, Meta(ge=1, le=3600)]
    max_entries: Count
    motd: Sentence = ""


class Accepted(Message, frozen=True, tag="accepted"):
    """An announce was applied; the tracker now has this revision.

    `revision` 0 means that the digests differ: the member announces all again.
    """

    id: RequestId
    revision: Count


class Hits(Message, frozen=True, tag="hits"):
    """A page of search results. `total` counts contents, up to the tracker's own bound."""

    id: RequestId
    hits: Annotated[tuple[Hit, ...], Meta(max_length=MAX_PAGE)]
    total: Count
    more: bool
    """Whether there are more than `total`."""
    took_us: Count


class Sources(Message, frozen=True, tag="sources"):
    """Members online now that offer the content, owners first (answer to `Locate`)."""

    id: RequestId
    content: WireContentId
    sources: Annotated[tuple[Source, ...], Meta(max_length=MAX_BATCH)]
    known: Count
    """Owners online or not."""


class OwnerCounts(Message, frozen=True, tag="owner_counts"):
    """Members online that have the contents, in the order asked for, the asker left out.

    Counted up to the tracker's own bound.
    """

    id: RequestId
    counts: Annotated[tuple[Count, ...], Meta(max_length=MAX_PAGE)]


class Reachability(Message, frozen=True, tag="reachability"):
    """A push: whether the tracker could dial the member's data port back, and where.

    `observed` is the address that the tracker sees the member at, `endpoints` are those at which it
    met the member's own certificate. Said on arrival and whenever it changes.
    """

    observed: Host
    endpoints: Annotated[tuple[Endpoint, ...], Meta(max_length=MAX_ENDPOINTS)]

    @property
    def reachable(self) -> bool:
        """Whether others can dial the member."""
        return bool(self.endpoints)


class Calling(Message, frozen=True, tag="calling"):
    """The member that was asked for has been told to dial (answer to `CallBack`)."""

    id: RequestId


class Dial(Message, frozen=True, tag="dial"):
    """A push: dial this member at one of these endpoints; it cannot dial you."""

    peer: WirePeerId
    endpoints: Annotated[tuple[Endpoint, ...], Meta(min_length=1, max_length=MAX_ENDPOINTS)]


class RelayTicket(Message, frozen=True, tag="relay_ticket"):
    """The first bytes of the relayed connection that the asker opens (answer to `AskRelay`)."""

    id: RequestId
    ticket: Annotated[bytes, Meta(min_length=TICKET_BYTES, max_length=TICKET_BYTES)]


class RelayDial(Message, frozen=True, tag="relay_dial"):
    """A push: open a relayed connection with this ticket; this member waits at its other end."""

    peer: WirePeerId
    ticket: Annotated[bytes, Meta(min_length=TICKET_BYTES, max_length=TICKET_BYTES)]


class SourceJoined(Message, frozen=True, tag="source_joined"):
    """A push: this member now offers a located content."""

    content: WireContentId
    source: Source


class SourceLeft(Message, frozen=True, tag="source_left"):
    """A push: this member no longer offers a located content."""

    content: WireContentId
    peer: WirePeerId


class Listing(Message, frozen=True, tag="listing"):
    """A page of a member's list: answer to `Browse`, and the host's own answer to `ListFiles`."""

    id: RequestId
    entries: Annotated[tuple[Entry, ...], Meta(max_length=MAX_PAGE)]
    total: Count


class MemberPage(Message, frozen=True, tag="member_page"):
    """A page of members, answer to `Members`."""

    id: RequestId
    hosts: Annotated[tuple[HostInfo, ...], Meta(max_length=MAX_PAGE)]
    total: Count


class Operated(Message, frozen=True, tag="operated"):
    """An operator's act was carried out: what was done, as a sentence, or the invite's link."""

    id: RequestId
    text: Sentence


class Renewed(Message, frozen=True, tag="renewed"):
    """The fresh leaf certificate."""

    id: RequestId
    certificate: Der


class ListFiles(Message, frozen=True, tag="list_files"):
    """Ask a host for its own list (*discover*; between peers too). Answered by `Listing`."""

    id: RequestId
    text: Query = ""
    offset: Offset = 0
    limit: Limit = MAX_PAGE


class Notice(Message, frozen=True, tag="notice"):
    """A sentence of the tracker or its admin to be shown to the user."""

    level: Literal["info", "warning", "error"]
    text: Sentence


# --- peer ↔ peer -------------------------------------------------------------------------------


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


FromStranger = Join | Goodbye
"""What a caller without a certificate may say to the tracker."""
ToStranger = Challenge | Joined | Failure | Goodbye
"""What the tracker says to a caller without a certificate."""
FromMember = (
    Hello | Announce | Search | Locate | Unlocate | Offering | CountOwners | Browse | Members
    | Renew | Operate | Listing | CallBack | AskRelay | Ping | Pong | Failure | Goodbye
)  # fmt: skip
"""What a member says to the tracker."""
ToMember = (
    Welcome | Accepted | Hits | Sources | OwnerCounts | SourceJoined | SourceLeft | Listing
    | MemberPage | Renewed | Operated | ListFiles | Reachability | Calling | Dial | RelayTicket
    | RelayDial | Notice | KickList | Ping | Pong | Failure | Goodbye
)  # fmt: skip
"""What the tracker says to a member."""
BetweenPeers = (
    PeerHello | GetManifest | Manifest | GetChunk | Cancel | Interest | Have | HaveMore | ListFiles
    | Listing | KickList | Ping | Pong | Failure | Goodbye
)  # fmt: skip
"""What peers say to each other."""
