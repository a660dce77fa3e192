"""A peer of the demo: its node, and what the play asks of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from p2ptui.base.errors import P2PError, unreachable
from p2ptui.node.api import FetchRequest, NodeStatus, Page, TransferRow
from p2ptui.node.events import FetchFailed, FetchFinished, FetchStateChanged, SourceLost
from p2ptui.node.remote import RemoteNode
from p2ptui.peer_waiting import INTERVAL_S, closing, wait_connected
from tracker.api import Page as TrackerPage
from tracker.remote import RemoteTracker

POLL_S = 0.05
CONNECT_S = 30.0


@dataclass(frozen=True)
class Peer:
    """A running peer."""

    nick: str
    api: RemoteNode
    repository: Path

    async def join(self, link: str) -> None:
        """Join a swarm and wait until its tracker has welcomed us. Raises `P2PError`."""
        await self.api.join(link, "")
        await wait_connected(self.api, CONNECT_S)

    async def indexed(self, tracker: RemoteTracker) -> NodeStatus:
        """Wait until all is hashed and the tracker's index has all of it."""
        while True:
            status = await self.api.status()
            page = await tracker.hosts(TrackerPage(filter=status.peer_id))
            known = sum(row.files for row in page.rows if row.peer_id == status.peer_id)
            if not status.hashing and known == status.files:
                return status
            await asyncio.sleep(POLL_S)

    async def fetch(
        self,
        request: FetchRequest,
        on_start: Callable[[TransferRow], Awaitable[None]] | None = None,
        on_lost: Callable[[SourceLost], None] | None = None,
    ) -> FetchFinished:
        """Fetch something and wait until it is there. Raises the `P2PError` that it ended with.

        `on_start` is awaited once it is under way, `on_lost` told of each source that is lost.
        """
        async with closing(self.api.feed(("status",), INTERVAL_S)) as items:
            # The first item is there once we are subscribed: from here on no event is missed.
            await anext(items)
            row = await self.api.fetch(request)
            if on_start is not None:
                await on_start(row)
            async for item in items:
                match item:
                    case FetchFinished(id=row.id):
                        return item
                    case SourceLost(id=row.id) if on_lost is not None:
                        on_lost(item)
                    case FetchFailed(id=row.id):
                        raise P2PError(f"{item.name} did not come", item.reason, item.hint)
                    case FetchStateChanged(id=row.id, state="stalled" | "no_space"):
                        raise P2PError(f"{item.name} is {item.state}", item.reason)
        raise unreachable(f"{self.nick} stopped", f"{row.name} is not complete.")

    async def sent(self, content_id: str) -> int:
        """Bytes of a content that went out, to all who took some."""
        page = await self.api.transfers(Page())
        rows = [row for row in page.rows if row.direction == "up" and row.content_id == content_id]
        return sum(row.done for row in rows)
