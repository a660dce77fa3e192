"""Opening: the composition root of a node: everything real, put together for one home."""

from p2ptui.base.bus import Bus
from p2ptui.base.clock import Clock
from p2ptui.base.links import JoinLink
from p2ptui.base.paths import NodeHome
from p2ptui.base.settings import Settings
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.discovery import Ground, find_ground
from p2ptui.net.joining import join_swarm
from p2ptui.net.lan import ZeroconfLan
from p2ptui.net.loop import Threads
from p2ptui.net.own_address import own_addresses
from p2ptui.net.sockets import bind
from p2ptui.net.tls_network import TlsNetwork
from p2ptui.node import events
from p2ptui.node.library import Library
from p2ptui.node.live_settings import absolute, login_name
from p2ptui.node.node import Node, NodeParts
from p2ptui.node.store import NodeStore
from p2ptui.node.swarm import parse_listen

THREADS = 8
"""For looks at the disk, hashing and writing of downloads, reading of uploads."""


async def open_node(home: NodeHome, settings: Settings, *, clock: Clock, trust: str = "") -> Node:
    """A node for a home, not started yet. Raises `P2PError`.

    The caller holds the home's lock. `trust`: the fingerprint to accept at first contact with the
    tracker of the settings; empty: the first one, which is then told as an event.
    """
    peer = settings.peer
    nick = peer.nick or login_name()
    offload = Threads(THREADS, "node")
    if peer.listen:
        # Looked at now: a swarm may be entered in the background, where nobody waits (F114).
        (await offload(bind, *parse_listen(peer.listen))).close()
    bus: Bus[events.FeedItem] = Bus()
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    credentials = await offload(Credentials.open, home.keys)
    store = await NodeStore.open(home.database)
    repository = absolute(peer.downloads) if peer.downloads else home.repository
    library = Library(
        store,
        repository,
        offload,
        clock,
        bus.publish,
        hash_threads=peer.hash_threads,
        rescan_s=peer.rescan_s,
        off_limits=(home.folder, home.keys),
    )

    async def join(target: JoinLink, trusted: str) -> Membership:
        return await join_swarm(credentials, target, nick=nick, trust=trusted, clock=clock)

    async def make_network(membership: Membership) -> TlsNetwork:
        kicks = await offload(credentials.kick_book, membership)
        return TlsNetwork(credentials, membership, kicks, clock, nick=nick)

    async def ground(listen_host: str) -> Ground | None:
        return await find_ground(
            peer.discover, listen_host, lambda: offload(own_addresses), ZeroconfLan
        )

    return Node(
        NodeParts(
            home=home,
            settings=settings,
            shares=tuple(map(absolute, peer.shares)),
            nick=nick,
            trust=trust,
            credentials=credentials,
            store=store,
            library=library,
            join=join,
            make_network=make_network,
            offload=offload,
            clock=clock,
            bus=bus,
            find_ground=ground,
        )
    )
