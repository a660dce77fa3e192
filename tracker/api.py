"""The tracker as its consoles see it: one protocol, of four parts. Imports no engine.

Implemented by the server itself, by the control client (`tracker.remote`) and by the tests' fakes.
The values are in `api_values`. Every method may raise `P2PError`, and nothing else that is
expected.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from tracker.api_values import (
    KICK_S,
    MAX_BAN_S,
    MAX_CONNECTIONS,
    MAX_ENTRIES,
    MAX_SEARCHES_S,
    SLOW_MS,
    AuditPage,
    AuditRow,
    Backup,
    DiscoverRequest,
    FetchPage,
    FetchRow,
    FilePage,
    GiverRow,
    HitPage,
    HitRow,
    HostFile,
    HostPage,
    HostRow,
    IndexRequest,
    Invite,
    InviteRow,
    KickRequest,
    KickRow,
    Limits,
    MemberChange,
    Message,
    Page,
    PingRow,
    Role,
    SectionName,
    Series,
    TrackerStatus,
    Value,
)
from tracker.events import FeedItem

__all__ = [
    "KICK_S",
    "MAX_BAN_S",
    "MAX_CONNECTIONS",
    "MAX_ENTRIES",
    "MAX_SEARCHES_S",
    "SLOW_MS",
    "AuditPage",
    "AuditRow",
    "Backup",
    "DiscoverRequest",
    "DoorApi",
    "FetchPage",
    "FetchRow",
    "FilePage",
    "GiverRow",
    "HitPage",
    "HitRow",
    "HostFile",
    "HostPage",
    "HostRow",
    "IndexRequest",
    "Invite",
    "InviteRow",
    "KickRequest",
    "KickRow",
    "Limits",
    "MemberApi",
    "MemberChange",
    "Message",
    "Page",
    "PingRow",
    "Role",
    "SectionName",
    "Series",
    "TrackerApi",
    "TrackerStatus",
    "UpkeepApi",
    "Value",
    "WatchApi",
]


class WatchApi(Protocol):
    """Looking: hosts, their files, the index, figures."""

    async def status(self) -> TrackerStatus:
        """The tracker at a glance."""
        ...

    async def series(self) -> Series:
        """Figures of the last minutes."""
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
        """A page of what the index holds, as members find it."""
        ...

    async def index(self, request: IndexRequest) -> HitPage:
        """A page of the index as the admin looks at it."""
        ...

    async def owners(self, content_id: str, page: Page) -> HostPage:
        """A page of the members that have a content, those online first."""
        ...

    async def history(self, page: Page) -> FetchPage:
        """A page of what members fetched, as they told it; the newest first unless sorted."""
        ...

    def feed(self, sections: tuple[SectionName, ...], interval_s: float) -> AsyncIterator[FeedItem]:
        """Events in order, and sections of the snapshot when they changed (see the node's)."""
        ...


class MemberApi(Protocol):
    """Acts on members. Each is written to the audit log."""

    async def kick(self, request: KickRequest) -> KickRow:
        """Put a member or a network out of the swarm, for a time or for good."""
        ...

    async def unban(self, host: str) -> KickRow:
        """Let it in again."""
        ...

    async def bans(self) -> tuple[KickRow, ...]:
        """All that are out."""
        ...

    async def change(self, change: MemberChange) -> HostRow:
        """Give a member a role or limits of its own."""
        ...

    async def message(self, message: Message) -> int:
        """Tell one member or all a sentence; how many were told."""
        ...


class DoorApi(Protocol):
    """Who may join. Each act is written to the audit log."""

    async def invite(self, uses: int, for_s: float) -> Invite:
        """Make an invite: so many uses, valid for so many seconds."""
        ...

    async def invites(self) -> tuple[InviteRow, ...]:
        """The invites that can still be used."""
        ...

    async def revoke(self, invite_id: str) -> InviteRow:
        """Make an invite worthless; `invite_id` may be its beginning."""
        ...

    async def open(self, *, on: bool) -> TrackerStatus:
        """Let private addresses join without an invite, or nobody; kept for the next start."""
        ...


class UpkeepApi(Protocol):
    """Running the tracker. Each act is written to the audit log."""

    async def motd(self, text: str) -> TrackerStatus:
        """Set the message of the day, empty: none; kept for the next start."""
        ...

    async def drain(self, *, on: bool) -> TrackerStatus:
        """Before an upgrade: take nobody new and tell all to come back; or end that."""
        ...

    async def backup(self, path: str) -> Backup:
        """Write authority, index and settings to one file; refuses an existing one."""
        ...

    async def reload(self) -> tuple[str, ...]:
        """Read the settings again; the keys that changed and are in force now."""
        ...

    async def audit(self, page: Page) -> AuditPage:
        """A page of the audit log."""
        ...

    async def stop(self) -> None:
        """End the tracker; returns once it has agreed to stop."""
        ...


class TrackerApi(WatchApi, MemberApi, DoorApi, UpkeepApi, Protocol):
    """What a console may ask of a tracker."""
