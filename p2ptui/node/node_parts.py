"""Node parts: what a node is put together from. Values alone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from p2ptui.base.bus import Bus
from p2ptui.base.clock import Clock
from p2ptui.base.paths import NodeHome
from p2ptui.base.settings import Settings
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.loop import Offload
from p2ptui.node import events
from p2ptui.node.company import FindGround
from p2ptui.node.library import Library
from p2ptui.node.store import NodeStore
from p2ptui.node.swarm import MemberNetwork, nowhere
from p2ptui.node.swarms import Join


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is put together from; the composition root makes it (`opening`)."""

    home: NodeHome
    settings: Settings
    shares: tuple[Path, ...]
    """Folders to offer from the start."""
    nick: str
    trust: str
    """Fingerprint to accept at first contact; empty: the first one, which is then told."""
    credentials: Credentials
    store: NodeStore
    library: Library
    join: Join
    make_network: Callable[[Membership], Awaitable[MemberNetwork]]
    offload: Offload
    clock: Clock
    bus: Bus[events.FeedItem]
    find_ground: FindGround = nowhere
    """Our place on the local network."""
