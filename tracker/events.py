"""Events of a tracker: things that happened and must not be lost. Pure data.

The tag is the `event` field of headless output; `time` is in seconds since 1970.
"""

from typing import Any, Literal

from msgspec import Struct

from p2ptui.base.ids import PeerId


class Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    """Base of all events."""

    time: float


class Listening(Event, frozen=True, kw_only=True, tag="listening"):
    """The tracker accepts members."""

    address: str
    link: str
    fingerprint: str


class MemberJoined(Event, frozen=True, kw_only=True, tag="member_joined"):
    """A new member was given a certificate."""

    peer_id: PeerId
    nick: str
    address: str
    invited: bool


class HostJoined(Event, frozen=True, kw_only=True, tag="host_joined"):
    """A member connected."""

    peer_id: PeerId
    nick: str
    address: str
    files: int


class HostLeft(Event, frozen=True, kw_only=True, tag="host_left"):
    """A member's connection is over."""

    peer_id: PeerId
    nick: str
    address: str
    reason: str


class HostPublished(Event, frozen=True, kw_only=True, tag="host_published"):
    """A member's share is wholly in the index."""

    peer_id: PeerId
    nick: str
    files: int
    bytes: int
    added: int
    removed: int


class HostKicked(Event, frozen=True, kw_only=True, tag="host_kicked"):
    """A member was put out."""

    peer_id: PeerId
    nick: str
    why: str
    until: float | None = None
    """Seconds since 1970; None: for good."""


class Acted(Event, frozen=True, kw_only=True, tag="act"):
    """An admin or operator did something; the line in the audit log says the same."""

    by: str
    act: str
    target: str
    detail: str = ""
    why: str = ""


class Refused(Event, frozen=True, kw_only=True, tag="refused"):
    """A connection or a join was refused, and why. At most ten a minute are told."""

    address: str
    reason: str


class TrackerNotice(Event, frozen=True, kw_only=True, tag="notice"):
    """A sentence for the admin."""

    level: Literal["info", "warning", "error"]
    text: str
    hint: str = ""


class Stopped(Event, frozen=True, kw_only=True, tag="stopped"):
    """The tracker ends; the last event."""

    reason: str = ""


class Section(Struct, frozen=True, tag="section", tag_field="event"):
    """A section of the snapshot whose version changed. `value` is decoded by the client."""

    name: str
    value: Any


class Resync(Struct, frozen=True, tag="resync", tag_field="event"):
    """Events were dropped for this console: it takes fresh snapshots and pages."""

    dropped: int


TrackerEvent = (
    Listening | MemberJoined | HostJoined | HostLeft | HostPublished | HostKicked | Acted | Refused
    | TrackerNotice | Stopped
)  # fmt: skip
FeedItem = TrackerEvent | Section | Resync
