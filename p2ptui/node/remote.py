"""A node in another process, seen through its control endpoint: a `NodeApi`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import msgspec

from p2ptui.base.ids import TransferId
from p2ptui.net.control_client import ControlClient
from p2ptui.node.api import (
    BrowseRequest,
    ContentSources,
    Direction,
    FetchRequest,
    FilePage,
    FileRow,
    FolderPage,
    Hashing,
    HitPage,
    HostPage,
    NodeStatus,
    OperateRequest,
    Page,
    RemotePage,
    Removal,
    SectionName,
    SettingRow,
    Share,
    TrackerFound,
    TrackerStatus,
    TransferAct,
    TransferDetail,
    TransferPage,
    TransferRow,
    Undone,
)
from p2ptui.node.events import FeedItem, Section

SECTION_TYPES: dict[str, Any] = {
    "status": NodeStatus,
    "transfers": tuple[TransferRow, ...],
    "hashing": Hashing,
}
"""What a section of the snapshot holds."""


class RemoteNode:
    """Implements `NodeApi`; also raises `P2PError` (unreachable) when the node is gone."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    @classmethod
    async def connect(cls, path: Path) -> Self | None:
        """The node whose control endpoint lies at that path, or None when none runs."""
        client = await ControlClient.connect(path, what="node")
        return None if client is None else cls(client)

    async def close(self) -> None:
        """Leave; the node runs on."""
        await self._client.close()

    async def status(self) -> NodeStatus:
        """The node at a glance."""
        return await self._client.call(NodeStatus, "status")

    async def join(self, target: str, trust: str) -> TrackerStatus:
        """Join a swarm by link or `host[:port]` and connect to it."""
        return await self._client.call(TrackerStatus, "join", target, trust)

    async def trackers(self) -> tuple[TrackerFound, ...]:
        """Trackers on the local network; looks around for two seconds."""
        return await self._client.call(tuple[TrackerFound, ...], "trackers")

    async def forget(self, swarm: str) -> None:
        """Forget a swarm by address, name or pin: its key, our certificate, its kick list."""
        await self._client.call(type(None), "forget", swarm)

    async def shares(self) -> tuple[Share, ...]:
        """All shares, the repository folder first."""
        return await self._client.call(tuple[Share, ...], "shares")

    async def share(self, path: str, on: bool) -> Share:
        """Offer a folder (absolute path), or stop offering it."""
        return await self._client.call(Share, "share", path, on)

    async def publish(self, path: str, name: str) -> FileRow:
        """Offer a single file (absolute path) under a name; empty: its own. Returns when shared."""
        return await self._client.call(FileRow, "publish", path, name)

    async def remove(self, name: str) -> Removal:
        """Withdraw a file; delete it when it lies in the repository folder."""
        return await self._client.call(Removal, "remove", name)

    async def undo(self) -> Undone:
        """Take the last removal or cancelled download back."""
        return await self._client.call(Undone, "undo")

    async def rescan(self) -> int:
        """Look for changed files in all shares now; the number of changes found."""
        return await self._client.call(int, "rescan")

    async def library(self, page: Page) -> FilePage:
        """A page of our own files."""
        return await self._client.call(FilePage, "library", page)

    async def folder(self, name: str, page: Page) -> FolderPage:
        """What lies directly in a folder of the library."""
        return await self._client.call(FolderPage, "folder", name, page)

    async def search(self, text: str, page: Page) -> HitPage:
        """A page of what the tracker finds."""
        return await self._client.call(HitPage, "search", text, page)

    async def sources(self, target: str) -> ContentSources:
        """Who has a content, by name or id."""
        return await self._client.call(ContentSources, "sources", target)

    async def peers(self, page: Page) -> HostPage:
        """A page of the swarm's members."""
        return await self._client.call(HostPage, "peers", page)

    async def browse(self, request: BrowseRequest) -> RemotePage:
        """A page of a member's list."""
        return await self._client.call(RemotePage, "browse", request)

    async def fetch(self, request: FetchRequest) -> TransferRow:
        """Start a download, or attach to the one that runs for the same content."""
        return await self._client.call(TransferRow, "fetch", request)

    async def fetch_folder(
        self, host: str, folder: str, to: str, patience_s: float | None = None
    ) -> TransferRow:
        """Fetch what a member has in a folder as one job, its structure kept."""
        return await self._client.call(TransferRow, "fetch_folder", host, folder, to, patience_s)

    async def transfers(self, page: Page) -> TransferPage:
        """A page of uploads and downloads, finished ones (history) included."""
        return await self._client.call(TransferPage, "transfers", page)

    async def history(self, page: Page) -> TransferPage:
        """A page of what is over, the last first."""
        return await self._client.call(TransferPage, "history", page)

    async def transfer(self, transfer_id: TransferId) -> TransferDetail:
        """One transfer with its sources and chunk map."""
        return await self._client.call(TransferDetail, "transfer", transfer_id)

    async def steer(self, transfer_id: TransferId, act: TransferAct) -> TransferRow:
        """Do something with a download."""
        return await self._client.call(TransferRow, "steer", transfer_id, act)

    async def operate(self, request: OperateRequest) -> str:
        """As an operator of the swarm: what the tracker did, or the link of an invite."""
        return await self._client.call(str, "operate", request)

    async def limit(self, direction: Direction, rate_bps: int | None) -> NodeStatus:
        """Set the global rate limit of a direction in bytes per second; None takes it away."""
        return await self._client.call(NodeStatus, "limit", direction, rate_bps)

    async def slow(self, on: bool) -> NodeStatus:
        """Switch slow mode."""
        return await self._client.call(NodeStatus, "slow", on)

    async def settings(self) -> tuple[SettingRow, ...]:
        """All settings of the node and its front-ends."""
        return await self._client.call(tuple[SettingRow, ...], "settings")

    async def configure(self, key: str, text: str) -> SettingRow:
        """Change a setting, in the settings file and, where possible, at once."""
        return await self._client.call(SettingRow, "configure", key, text)

    async def stop(self) -> None:
        """End the node; returns once it has agreed to stop."""
        await self._client.call(type(None), "stop")

    async def feed(
        self, sections: tuple[SectionName, ...], interval_s: float
    ) -> AsyncIterator[FeedItem]:
        """Events in order, and sections when they changed; ends when the node does."""
        async for item in self._client.feed(FeedItem, "feed", sections, interval_s):
            yield _typed(item)


def _typed(item: FeedItem) -> FeedItem:
    if not isinstance(item, Section):
        return item
    kind = SECTION_TYPES.get(item.name, Any)
    return Section(item.name, msgspec.convert(item.value, kind))
