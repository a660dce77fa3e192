"""The node as its front-ends see it: one protocol, of four parts. Imports no engine.

Implemented by the node, by the control client (`p2ptui.node.remote`) and by the tests' fakes. The
values are in `api_values`. Every method may raise `P2PError`, and nothing else that is expected.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from p2ptui.base.ids import TransferId
from p2ptui.node.api_values import (
    BrowseRequest,
    ContentSources,
    Direction,
    FetchRequest,
    FilePage,
    FileRow,
    FileState,
    FolderPage,
    FolderRow,
    Hashing,
    HitPage,
    HitRow,
    HostPage,
    HostRow,
    NodeStatus,
    Ownership,
    Page,
    PeerPart,
    RemoteFile,
    RemotePage,
    Removal,
    SectionName,
    Share,
    SourceRow,
    StoryLine,
    TrackerFound,
    TrackerState,
    TrackerStatus,
    TransferAct,
    TransferDetail,
    TransferPage,
    TransferRow,
    TransferState,
    Undone,
    Value,
)
from p2ptui.node.events import FeedItem
from p2ptui.node.operate_values import OperateAct, OperateRequest
from p2ptui.node.setting_values import SettingApplies, SettingOrigin, SettingRow

__all__ = [
    "BrowseRequest",
    "ContentSources",
    "Direction",
    "FetchRequest",
    "FilePage",
    "FileRow",
    "FileState",
    "FolderPage",
    "FolderRow",
    "Hashing",
    "HitPage",
    "HitRow",
    "HostPage",
    "HostRow",
    "LibraryApi",
    "NodeApi",
    "NodeStatus",
    "OperateAct",
    "OperateRequest",
    "Ownership",
    "Page",
    "PeerPart",
    "RemoteFile",
    "RemotePage",
    "Removal",
    "SectionName",
    "SettingApplies",
    "SettingOrigin",
    "SettingRow",
    "SettingsApi",
    "Share",
    "SourceRow",
    "StoryLine",
    "SwarmApi",
    "TrackerFound",
    "TrackerState",
    "TrackerStatus",
    "TransferAct",
    "TransferApi",
    "TransferDetail",
    "TransferPage",
    "TransferRow",
    "TransferState",
    "Undone",
    "Value",
]


class SwarmApi(Protocol):
    """The swarm: joining it, and what others in it have."""

    async def join(self, target: str, trust: str) -> TrackerStatus:
        """Join a swarm by link or `host[:port]` and connect to it.

        `trust` is the fingerprint (pin) that the user accepted at first contact without a link;
        when it is needed and missing, a security stop names the fingerprint.
        """
        ...

    async def trackers(self) -> tuple[TrackerFound, ...]:
        """Trackers on the local network; looks around for two seconds."""
        ...

    async def forget(self, swarm: str) -> None:
        """Forget a swarm by address, name or pin: its key, our certificate, its kick list."""
        ...

    async def search(self, text: str, page: Page) -> HitPage:
        """A page of what the tracker finds."""
        ...

    async def sources(self, target: str) -> ContentSources:
        """Who has a content, by name or id."""
        ...

    async def peers(self, page: Page) -> HostPage:
        """A page of the swarm's members."""
        ...

    async def browse(self, request: BrowseRequest) -> RemotePage:
        """A page of a member's list."""
        ...

    async def operate(self, request: OperateRequest) -> str:
        """As an operator of the swarm: what the tracker did, or the link of an invite."""
        ...


class LibraryApi(Protocol):
    """What this node offers."""

    async def shares(self) -> tuple[Share, ...]:
        """All shares, the repository folder first."""
        ...

    async def share(self, path: str, on: bool) -> Share:
        """Offer a folder (absolute path), or stop offering it."""
        ...

    async def publish(self, path: str, name: str) -> FileRow:
        """Offer a single file (absolute path) under a name; empty: its own. Returns when shared."""
        ...

    async def remove(self, name: str) -> Removal:
        """Withdraw a file; delete it when it lies in the repository folder."""
        ...

    async def undo(self) -> Undone:
        """Take the last removal or cancelled download back, within 30 s; else not found."""
        ...

    async def rescan(self) -> int:
        """Look for changed files in all shares now; the number of changes found."""
        ...

    async def library(self, page: Page) -> FilePage:
        """A page of our own files."""
        ...

    async def folder(self, name: str, page: Page) -> FolderPage:
        """A folder of the library (empty: the top), a page of its files; the filter counts not."""
        ...


class TransferApi(Protocol):
    """Downloads and uploads."""

    async def fetch(self, request: FetchRequest) -> TransferRow:
        """Start a download, or attach to the one that runs for the same content."""
        ...

    async def fetch_folder(
        self, host: str, folder: str, to: str, patience_s: float | None = None
    ) -> TransferRow:
        """Fetch what a member has in a folder (empty: all) as one job, its structure kept.

        It becomes a folder in `to` (absolute; empty: the repository folder). The job that fetches
        the same already is the answer when there is one. A job that gets nothing from anybody for
        `patience_s` seconds fails; None: it waits for ever.
        """
        ...

    async def transfers(self, page: Page) -> TransferPage:
        """A page of uploads and downloads, finished ones (history) included."""
        ...

    async def history(self, page: Page) -> TransferPage:
        """A page of what is over, the last first: words of names, members, directions, states."""
        ...

    async def transfer(self, transfer_id: TransferId) -> TransferDetail:
        """One transfer with its sources and chunk map."""
        ...

    async def steer(self, transfer_id: TransferId, act: TransferAct) -> TransferRow:
        """Do something with a download."""
        ...


class SettingsApi(Protocol):
    """Limits and settings."""

    async def limit(self, direction: Direction, rate_bps: int | None) -> NodeStatus:
        """Set the global rate limit of a direction in bytes per second; None takes it away."""
        ...

    async def slow(self, on: bool) -> NodeStatus:
        """Switch slow mode: both limits are those of slow mode, and `limit` sets these then."""
        ...

    async def settings(self) -> tuple[SettingRow, ...]:
        """All settings of the node and its front-ends."""
        ...

    async def configure(self, key: str, text: str) -> SettingRow:
        """Change a setting, in the settings file and, where possible, at once.

        Raises a usage error for a bad value, which changes nothing.
        """
        ...


class NodeApi(SwarmApi, LibraryApi, TransferApi, SettingsApi, Protocol):
    """What a front-end may ask of a node."""

    async def status(self) -> NodeStatus:
        """The node at a glance."""
        ...

    async def stop(self) -> None:
        """End the node; returns once it has agreed to stop."""
        ...

    def feed(self, sections: tuple[SectionName, ...], interval_s: float) -> AsyncIterator[FeedItem]:
        """Events in order, and sections of the snapshot when they changed, at most every interval.

        The first items are all sections asked for. A front-end that reads too slowly gets
        `Resync` in place of the events that it missed.
        """
        ...
