"""Values that cross the seam between a tracker and its consoles: frozen, plain, of no engine.

Text of members is as they sent it; whoever shows it makes it safe (`display`).
"""

from typing import Literal

from msgspec import Struct

from p2ptui.base.ids import PeerId


class Value(Struct, frozen=True, kw_only=True):
    """Base of everything that crosses this seam."""


SectionName = Literal["status"]
SLOW_MS = 200.0
"""A host that answers later than that is slow."""


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
    motd: str = ""
    draining: bool = False
    """Whether it takes no new connections before an upgrade."""
    index_notice: str = ""
    """What is wrong with the index, as that it is temporary; empty: nothing."""
    announced: int = 0
    """Entries that were added or removed since the start."""
    messages: int = 0
    """Messages of members since the start."""
    at_restart: tuple[str, ...] = ()
    """Settings that were changed and count from the next start, as `tracker.listen`."""
    slow: int = 0
    """Hosts online whose last ping took longer than `SLOW_MS`."""
    silent: int = 0
    """Hosts online that did not answer their last ping."""
    fetched: int = 0
    """Files that members told they had fetched, since the swarm began."""
    fetched_bytes: int = 0
    """What those brought from members."""
    relayed_bytes: int = 0
    """Bytes of members that went through the tracker's relay, since the start."""
    metrics: str = ""
    """Address of `/metrics`, `/stats.json` and `/health`; empty: off."""


class HostRow(Value, frozen=True, kw_only=True):
    """A member of the swarm."""

    peer_id: PeerId
    nick: str
    address: str
    """Observed address with the declared data port; empty when it does not listen."""
    files: int
    bytes: int
    ping_ms: float | None
    """Of the last ping; None: it got no answer, or there was none yet."""
    reachable: bool | None
    online: bool
    seen: float
    """Seconds since 1970."""
    joined: float
    software: str
    role: "Role" = "member"
    limits: "Limits | None" = None
    """Its own limits; None: those of all."""
    pings: int = 0
    """Pings of the last minutes, at most 20."""
    lost: int = 0
    """How many of those got no answer."""


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


KICK_S = 60.0
"""A kick that is no ban: whoever is kicked may come back after so many seconds."""
MAX_BAN_S = 100 * 366 * 86400.0
MAX_SEARCHES_S = 10_000.0
MAX_ENTRIES = 100_000_000
MAX_CONNECTIONS = 100_000


class KickRequest(Value, frozen=True, kw_only=True):
    """Put somebody out; `for_s` None: for good, else to come back after so many seconds."""

    host: str
    """Nick, id, beginning of an id or address of a member; an address or a network (`10.1.0.0/16`)
    that nobody may call from."""
    why: str = ""
    for_s: float | None = None


class KickRow(Value, frozen=True, kw_only=True):
    """Somebody that is out: a member, or all that call from a network."""

    peer_id: PeerId
    """Empty: it is a network."""
    nick: str
    why: str
    until: float | None
    """Seconds since 1970; None: for good."""
    network: str = ""
    """As `10.1.0.0/16`; empty: it is a member."""


class Invite(Value, frozen=True, kw_only=True):
    """An invite that was just made; the code is shown once and stored hashed."""

    link: str
    uses: int
    expires: float
    """Seconds since 1970."""
    id: str = ""
    """By which it is listed and revoked; says nothing of the code."""


class InviteRow(Value, frozen=True, kw_only=True):
    """An invite that was made before and can still be used."""

    id: str
    uses: int
    left: int
    """Uses that are left."""
    expires: float
    """Seconds since 1970."""


Role = Literal["member", "operator"]
"""An operator may, from its own peer, kick and ban members, make invites and speak to all."""


class Limits(Value, frozen=True, kw_only=True):
    """What one member may do at most; None: as much as all others."""

    searches_s: float | None = None
    max_entries: int | None = None
    connections: int | None = None
    """Connections that its address may hold at the tracker."""


class MemberChange(Value, frozen=True, kw_only=True):
    """A change of one member's standing; None leaves as it is."""

    host: str
    role: Role | None = None
    limits: Limits | None = None
    why: str = ""


class Message(Value, frozen=True, kw_only=True):
    """A sentence of the admin; `host` is one member, or `all`."""

    host: str
    text: str


class IndexRequest(Value, frozen=True, kw_only=True):
    """A page of the index: contents whose names hold the words of `text`."""

    text: str = ""
    page: Page = Page()
    single: bool = False
    """Only contents that a single member has, online or not."""


class Series(Value, frozen=True, kw_only=True):
    """Figures of the last minutes, one a step, the oldest first; all of one length."""

    step_s: float
    searches_s: tuple[float, ...]
    announces_s: tuple[float, ...]
    """Entries a second."""
    messages_s: tuple[float, ...]
    """Messages of members a second."""
    hosts: tuple[int, ...]
    lag_ms: tuple[float, ...]


class AuditRow(Value, frozen=True, kw_only=True):
    """One act of an admin, as it stands in the audit log."""

    time: float
    """Seconds since 1970."""
    by: str
    """`console`, or nick and id of an operator."""
    act: str
    """As `kick`."""
    target: str
    detail: str = ""
    why: str = ""


class AuditPage(Value, frozen=True, kw_only=True):
    """A page of the audit log, the newest first."""

    rows: tuple[AuditRow, ...]
    total: int


class GiverRow(Value, frozen=True, kw_only=True):
    """Who gave how many bytes of a fetch, under the nick of that time."""

    peer_id: PeerId
    nick: str
    bytes: int


class FetchRow(Value, frozen=True, kw_only=True):
    """A download that a member has finished, as that member told it."""

    time: float
    """When it was finished, in seconds since 1970."""
    peer_id: PeerId
    nick: str
    name: str
    content_id: str
    size: int
    seconds: float
    """Time that it took, pauses left out."""
    rate_bps: int
    """What members gave, by that time."""
    givers: tuple[GiverRow, ...]
    """Who gave most first."""


class FetchPage(Value, frozen=True, kw_only=True):
    """A page of the history, the newest first."""

    rows: tuple[FetchRow, ...]
    total: int


class Backup(Value, frozen=True, kw_only=True):
    """A backup that was written: authority, index and settings."""

    path: str
    bytes: int
