"""Messages that the tracker says to a member (PROTOCOL.md 3)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from p2ptui.base.ids import WireContentId, WirePeerId
from p2ptui.net.wire.values import (
    MAX_BATCH,
    MAX_ENDPOINTS,
    MAX_PAGE,
    TICKET_BYTES,
    Count,
    Der,
    Endpoint,
    Features,
    Hit,
    Host,
    HostInfo,
    Message,
    Nick,
    RequestId,
    Seconds,
    Sentence,
    Source,
)


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


class Noted(Message, frozen=True, tag="noted"):
    """A report has arrived (answer to `Report`)."""

    id: RequestId


class Check(Message, frozen=True, tag="check"):
    """Do you still have this? Others say that you have not. Answered by `Checked`."""

    id: RequestId
    content: WireContentId


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


class Notice(Message, frozen=True, tag="notice"):
    """A sentence of the tracker or its admin to be shown to the user."""

    level: Literal["info", "warning", "error"]
    text: Sentence
