"""A tracker in another process, seen through its control endpoint: a `TrackerApi`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import msgspec

from p2ptui.net.control_client import ControlClient
from tracker.api import (
    AuditPage,
    Backup,
    DiscoverRequest,
    FetchPage,
    FilePage,
    HitPage,
    HostPage,
    HostRow,
    IndexRequest,
    Invite,
    InviteRow,
    KickRequest,
    KickRow,
    MemberChange,
    Message,
    Page,
    PingRow,
    SectionName,
    Series,
    TrackerStatus,
)
from tracker.events import FeedItem, Section

SECTION_TYPES: dict[str, Any] = {"status": TrackerStatus}
"""What a section of the snapshot holds."""


class RemoteTracker:
    """Implements `TrackerApi`; also raises `P2PError` (unreachable) when the tracker is gone."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    @classmethod
    async def connect(cls, path: Path) -> Self | None:
        """The tracker whose control endpoint lies at that path, or None when none runs."""
        client = await ControlClient.connect(path, what="tracker")
        return None if client is None else cls(client)

    async def close(self) -> None:
        """Leave; the tracker runs on."""
        await self._client.close()

    # --- looking --------------------------------------------------------------------------------

    async def status(self) -> TrackerStatus:
        """The tracker at a glance."""
        return await self._client.call(TrackerStatus, "status")

    async def series(self) -> Series:
        """Figures of the last minutes."""
        return await self._client.call(Series, "series")

    async def hosts(self, page: Page) -> HostPage:
        """A page of members, those online first."""
        return await self._client.call(HostPage, "hosts", page)

    async def discover(self, request: DiscoverRequest) -> FilePage:
        """Ask a live host for its list."""
        return await self._client.call(FilePage, "discover", request)

    async def ping(self, host: str) -> tuple[PingRow, ...]:
        """Ping one host, or `all`."""
        return await self._client.call(tuple[PingRow, ...], "ping", host)

    async def search(self, text: str, page: Page) -> HitPage:
        """A page of what the index holds, as members find it."""
        return await self._client.call(HitPage, "search", text, page)

    async def index(self, request: IndexRequest) -> HitPage:
        """A page of the index as the admin looks at it."""
        return await self._client.call(HitPage, "index", request)

    async def owners(self, content_id: str, page: Page) -> HostPage:
        """A page of the members that have a content, those online first."""
        return await self._client.call(HostPage, "owners", content_id, page)

    async def history(self, page: Page) -> FetchPage:
        """A page of what members fetched."""
        return await self._client.call(FetchPage, "history", page)

    # --- acts on members ------------------------------------------------------------------------

    async def kick(self, request: KickRequest) -> KickRow:
        """Put a member or a network out of the swarm."""
        return await self._client.call(KickRow, "kick", request)

    async def unban(self, host: str) -> KickRow:
        """Let it in again."""
        return await self._client.call(KickRow, "unban", host)

    async def bans(self) -> tuple[KickRow, ...]:
        """All that are out."""
        return await self._client.call(tuple[KickRow, ...], "bans")

    async def change(self, change: MemberChange) -> HostRow:
        """Give a member a role or limits of its own."""
        return await self._client.call(HostRow, "change", change)

    async def message(self, message: Message) -> int:
        """Tell one member or all a sentence; how many were told."""
        return await self._client.call(int, "message", message)

    # --- who may join ---------------------------------------------------------------------------

    async def invite(self, uses: int, for_s: float) -> Invite:
        """Make an invite: so many uses, valid for so many seconds."""
        return await self._client.call(Invite, "invite", uses, for_s)

    async def invites(self) -> tuple[InviteRow, ...]:
        """The invites that can still be used."""
        return await self._client.call(tuple[InviteRow, ...], "invites")

    async def revoke(self, invite_id: str) -> InviteRow:
        """Make an invite worthless."""
        return await self._client.call(InviteRow, "revoke", invite_id)

    async def open(self, *, on: bool) -> TrackerStatus:
        """Let private addresses join without an invite, or nobody."""
        return await self._client.call(TrackerStatus, "open", on)

    # --- running it -----------------------------------------------------------------------------

    async def motd(self, text: str) -> TrackerStatus:
        """Set the message of the day, empty: none."""
        return await self._client.call(TrackerStatus, "motd", text)

    async def drain(self, *, on: bool) -> TrackerStatus:
        """Take nobody new before an upgrade, or end that."""
        return await self._client.call(TrackerStatus, "drain", on)

    async def backup(self, path: str) -> Backup:
        """Write authority, index and settings to one file."""
        return await self._client.call(Backup, "backup", path)

    async def reload(self) -> tuple[str, ...]:
        """Read the settings again; the keys that are in force now."""
        return await self._client.call(tuple[str, ...], "reload")

    async def audit(self, page: Page) -> AuditPage:
        """A page of the audit log."""
        return await self._client.call(AuditPage, "audit", page)

    async def stop(self) -> None:
        """End the tracker; returns once it has agreed to stop."""
        await self._client.call(type(None), "stop")

    async def feed(
        self, sections: tuple[SectionName, ...], interval_s: float
    ) -> AsyncIterator[FeedItem]:
        """Events in order, and sections when they changed; ends when the tracker does."""
        async for item in self._client.feed(FeedItem, "feed", sections, interval_s):
            yield _typed(item)


def _typed(item: FeedItem) -> FeedItem:
    if not isinstance(item, Section):
        return item
    kind = SECTION_TYPES.get(item.name, Any)
    return Section(item.name, msgspec.convert(item.value, kind))
