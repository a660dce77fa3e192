"""Fetch jobs: what is to be fetched, what with, and how it fails. Values alone."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import ContentId, TransferId
from p2ptui.base.rates import RateMeter
from p2ptui.base.text import format_bytes
from p2ptui.net.loop import Offload
from p2ptui.net.wire import messages as m
from p2ptui.node.buffers import ChunkBuffers
from p2ptui.node.local_copy import LocalContent
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial
from p2ptui.node.peers import Peers
from p2ptui.node.source import Source
from p2ptui.node.tracker_link import TrackerLink

if TYPE_CHECKING:
    from p2ptui.node.fetch import Fetch


class FetchFailure(P2PError):  # noqa: N818  (it is how a fetch ends)
    """A download that cannot go on; what was verified is kept."""


def other_size(claimed: int, real: int) -> FetchFailure:
    """A content whose publisher lied about its size."""
    return FetchFailure(
        "Not what was published",
        f"it has {format_bytes(real)}; published were {format_bytes(claimed)}",
        "Retry it to take it as it is.",
        exit_code=ExitCode.NOT_FOUND,
    )


@dataclass(frozen=True, slots=True)
class FetchJob:
    """What to fetch. Survives restarts in the store."""

    id: TransferId
    content: ContentId
    name: str
    """File name to give it, made safe when it is finished."""
    folder: Path
    size: int = 0
    """Bytes that it was published with, which is a claim; 0: none."""
    mtime: int = 0
    """Modification time that the file gets, in seconds since 1970; 0: that of its arrival."""
    endpoint: m.Endpoint | None = None
    """Fetch from the member at this address only."""
    patience_s: float | None = None
    """Seconds without any source after which it fails; None: it waits for ever."""


def _unlimited() -> float:
    return math.inf


async def _nothing_here(_content: ContentId) -> LocalContent | None:
    return None


@dataclass(frozen=True, slots=True)
class FetchTools:
    """What every fetch of a node works with."""

    peers: Peers
    tracker: TrackerLink | None
    buffers: ChunkBuffers
    offload: Offload
    clock: Clock
    meter: RateMeter
    """Bytes of all downloads."""
    open_partial: Callable[[Path, Manifest], Partial]
    """Opens or takes up the partial of a content in a folder (blocking)."""
    free_space: Callable[[Path], int]
    """Bytes free in a folder (blocking)."""
    on_state: Callable[["Fetch"], None]
    on_prepared: Callable[["Fetch"], None]
    """The manifest is proven and the partial is open."""
    on_placed: Callable[["Fetch", Path], Awaitable[None]]
    """The file lies under its final name; the partial is removed when this returns."""
    on_source_lost: Callable[["Fetch", Source], None]
    open_local: Callable[[ContentId], Awaitable[LocalContent | None]] = _nothing_here
    """A shared file of ours that has the content. Raises as `Offers.open`."""
    fair_bps: Callable[[], float] = _unlimited
    """What one source may bring at most under our own rate limit, in bytes per second."""
    swarm: str = ""
    """Pin of the swarm."""
