"""A tracker in another process, seen through its control endpoint: a `TrackerApi`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import msgspec

from p2ptui.net.control_client import ControlClient
from tracker.api import (
    DiscoverRequest,
    FilePage,
    HitPage,
    HostPage,
    Invite,
    KickRequest,
    KickRow,
    Page,
    PingRow,
    SectionName,
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

    async def status(self) -> TrackerStatus:
        """The tracker at a glance."""
        return await self._client.call(TrackerStatus, "status")

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
        """A page of what the index holds."""
        return await self._client.call(HitPage, "search", text, page)

    async def kick(self, request: KickRequest) -> KickRow:
        """Put a member out of the swarm."""
        return await self._client.call(KickRow, "kick", request)

    async def unban(self, host: str) -> KickRow:
        """Let a kicked member in again."""
        return await self._client.call(KickRow, "unban", host)

    async def bans(self) -> tuple[KickRow, ...]:
        """All kicked members."""
        return await self._client.call(tuple[KickRow, ...], "bans")

    async def invite(self, uses: int, for_s: float) -> Invite:
        """Make an invite: so many uses, valid for so many seconds."""
        return await self._client.call(Invite, "invite", uses, for_s)

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
