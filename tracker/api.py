"""The tracker as its consoles see it: one protocol, frozen values. Pure data; imports no engine.

Implemented by the server itself, by the control client (`tracker.remote`) and by the tests' fakes.
"""

from collections.abc import AsyncIterator
from typing import Literal, Protocol

from msgspec import Struct

from p2ptui.base.ids import PeerId
from tracker.events import FeedItem


class Value(Struct, frozen=True, kw_only=True):
    """Base of everything that crosses this seam."""


SectionName = Literal["status"]


class Page(Value, frozen=True, kw_only=True):
    """What part of a long list is wanted: rows offset to offset + limit (at most 1,000)."""

    offset: int = 0
    limit: int = 200
    filter: str = ""
    sort: str = ""
    """Field name of the row; a leading `-` reverses; empty: the list's natural order."""


class TrackerStatus(Value, frozen=True, kw_only=True):
    """The tracker at a glance."""

    version: str
    name: str
    listen: str
    """`host:port` it is bound to."""
    link: str
    """Join link without an invite, for the address that others most likely reach."""
    pin: str
    open: bool
    """Whether private addresses may join without an invite."""
    hosts: int
    """Online now."""
    known: int
    files: int
    """Entries of hosts online now."""
    contents: int
    bytes: int
    searches: int
    """Since the start."""
    searches_s: float
    search_p50_ms: float
    search_p99_ms: float
    announces_s: float
    dropped: int
    """Connections closed for a fault of theirs since the start."""
    memory_bytes: int
    index_bytes: int
    loop_lag_ms: float
    uptime_s: float
    front_ends: int


class HostRow(Value, frozen=True, kw_only=True):
    """A member of the swarm."""

    peer_id: PeerId
    nick: str
    address: str
    """Observed address with the declared data port; empty when it does not listen."""
    files: int
    bytes: int
    ping_ms: float | None
    reachable: bool | None
    online: bool
    seen: float
    """Seconds since 1970."""
    joined: float
    software: str


class HostPage(Value, frozen=True, kw_only=True):
    """A page of hosts."""

    rows: tuple[HostRow, ...]
    total: int


class HostFile(Value, frozen=True, kw_only=True):
    """A file of a host."""

    name: str
    size: int
    content_id: str
    changed: float = 0


class DiscoverRequest(Value, frozen=True, kw_only=True):
    """A page of a host's own list; `host` is a nick, an id, the beginning of one, or an address."""

    host: str
    page: Page = Page()


class FilePage(Value, frozen=True, kw_only=True):
    """What *discover* brought."""

    peer_id: PeerId
    nick: str
    rows: tuple[HostFile, ...]
    total: int
    live: bool
    """True: the host itself answered. False: it is offline and this is what the index has."""


class PingRow(Value, frozen=True, kw_only=True):
    """The outcome of one ping."""

    peer_id: PeerId
    nick: str
    address: str
    ping_ms: float | None
    """None: no answer."""
    reason: str = ""


class HitRow(Value, frozen=True, kw_only=True):
    """One content of the index."""

    content_id: str
    name: str
    names: tuple[str, ...]
    size: int
    owners: int
    known: int


class HitPage(Value, frozen=True, kw_only=True):
    """A page of hits. `more`: there are more than `total`."""

    rows: tuple[HitRow, ...]
    total: int
    more: bool
    took_ms: float


class KickRequest(Value, frozen=True, kw_only=True):
    """Put a member out; `for_s` None: for good, else it may come back after so many seconds."""

    host: str
    why: str = ""
    for_s: float | None = None


class KickRow(Value, frozen=True, kw_only=True):
    """A kicked member."""

    peer_id: PeerId
    nick: str
    why: str
    until: float | None
    """Seconds since 1970; None: for good."""


class Invite(Value, frozen=True, kw_only=True):
    """An invite that was just made; the code is shown once and stored hashed."""

    link: str
    uses: int
    expires: float
    """Seconds since 1970."""


class TrackerApi(Protocol):
    """What a console may ask of a tracker. Every method may raise `P2PError`."""

    async def status(self) -> TrackerStatus:
        """The tracker at a glance."""
        ...

    async def hosts(self, page: Page) -> HostPage:
        """A page of members, those online first."""
        ...

    async def discover(self, request: DiscoverRequest) -> FilePage:
        """Ask a live host for its list."""
        ...

    async def ping(self, host: str) -> tuple[PingRow, ...]:
        """Ping one host, or `all`."""
        ...

    async def search(self, text: str, page: Page) -> HitPage:
        """A page of what the index holds."""
        ...

    async def kick(self, request: KickRequest) -> KickRow:
        """Put a member out of the swarm."""
        ...

    async def unban(self, host: str) -> KickRow:
        """Let a kicked member in again."""
        ...

    async def bans(self) -> tuple[KickRow, ...]:
        """All kicked members."""
        ...

    async def invite(self, uses: int, for_s: float) -> Invite:
        """Make an invite: so many uses, valid for so many seconds."""
        ...

    async def stop(self) -> None:
        """End the tracker; returns once it has agreed to stop."""
        ...

    def feed(self, sections: tuple[SectionName, ...], interval_s: float) -> AsyncIterator[FeedItem]:
        """Events in order, and sections of the snapshot when they changed (see the node's)."""
        ...
