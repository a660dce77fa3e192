"""A network in memory: real connections, real codec and frames, no socket and no TLS.

network = MemoryNetwork(clock)
anna = network.host("anna")                    # implements `Network`
await network.host("tracker").listen_tracker(handler)
link = await anna.dial_tracker(TRACKER_HOST, TRACKER_PORT)
network.cut("anna")                            # the cable, unnoticed by anybody
"""

from collections.abc import Iterable

from p2ptui.base.clock import Clock
from p2ptui.base.errors import security_stop, unreachable
from p2ptui.base.ids import PeerId, key_digest
from p2ptui.net.connection import Connection
from p2ptui.net.link import LinkHandler
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire.messages import Endpoint
from p2ptui.net.wire.protocol import Role
from tests.support.memory_transport import Line, MemoryTransport, connect

TRACKER_HOST = "10.0.0.1"
TRACKER_PORT = 7070


def peer_id_of(name: str) -> PeerId:
    """The same well-formed peer id for the same name."""
    return PeerId(key_digest(name.encode()))


class MemoryLink(Connection):
    """A real connection over a cable in memory."""

    transport: MemoryTransport

    def cut(self) -> None:
        """Cut the cable: nothing passes, nobody is told."""
        self.transport.set_cut(True)

    def mend(self) -> None:
        """Join the cable again; what was sent meanwhile arrives."""
        self.transport.set_cut(False)


def link_pair(
    roles: tuple[Role, Role],
    ids: tuple[PeerId | None, PeerId | None],
    *,
    clock: Clock,
    hosts: tuple[str, str] = ("10.0.0.2", "10.0.0.3"),
    ports: tuple[int, int] = (40000, 7071),
    delay_s: float = 0.0,
) -> tuple[MemoryLink, MemoryLink]:
    """Both ends of an open connection; `ids`, `hosts` and `ports` are those of each end's owner."""
    one, other = MemoryLink(roles[0], clock=clock), MemoryLink(roles[1], clock=clock)
    one.transport, other.transport = connect(one, other, delay_s=delay_s)
    one.open(one.transport, ids[1], Endpoint(hosts[1], ports[1]))
    other.open(other.transport, ids[0], Endpoint(hosts[0], ports[0]))
    return one, other


def peer_pair(clock: Clock, *, delay_s: float = 0.0) -> tuple[MemoryLink, MemoryLink]:
    """An open connection between the members anna and bert, not yet greeted."""
    ids = (peer_id_of("anna"), peer_id_of("bert"))
    return link_pair((Role.PEER, Role.PEER), ids, clock=clock, delay_s=delay_s)


class MemoryListening:
    """A listening socket in memory."""

    def __init__(
        self, host: "MemoryHost", endpoint: Endpoint, role: Role, handler: LinkHandler
    ) -> None:
        self.host = host
        self.role = role
        self._endpoint = endpoint
        self._handler = handler
        self._links: set[MemoryLink] = set()
        self._tasks = TaskSet()

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    def accept(self, link: MemoryLink) -> None:
        """Hand a link to the handler."""
        self._tasks.spawn(self._serve(link), name=f"serve-{link.peer_id}")

    async def close(self) -> None:
        self.host.network.listening.pop((self._endpoint.host, self._endpoint.port), None)
        for link in list(self._links):
            await link.close("stopping")
        await self._tasks.wait()

    async def _serve(self, link: MemoryLink) -> None:
        self._links.add(link)
        try:
            await self._handler(link)
        finally:
            self._links.discard(link)
            await link.close()


class MemoryHost:
    """One member's (or the tracker's) place in the network; implements `Network`."""

    def __init__(self, network: "MemoryNetwork", name: str, address: str) -> None:
        self.network = network
        self.name = name
        self.address = address
        self.peer_id = peer_id_of(name)
        self.line: Line | None = None
        """By what it sends to all others; None: without a limit."""

    async def dial_tracker(self, host: str, port: int) -> MemoryLink:
        return self._dial(Endpoint(host, port), None, Role.MEMBER)

    async def dial_peer(self, endpoint: Endpoint, expect: PeerId | None) -> MemoryLink:
        return self._dial(endpoint, expect, Role.PEER)

    async def dial_as_stranger(self, host: str, port: int) -> MemoryLink:
        """A link to the tracker without a certificate."""
        return self._dial(Endpoint(host, port), None, Role.STRANGER)

    async def listen(self, host: str, port: int, handler: LinkHandler) -> MemoryListening:
        return self._listen(port, Role.PEER, handler)

    async def listen_tracker(
        self, handler: LinkHandler, port: int = TRACKER_PORT
    ) -> MemoryListening:
        """Accept members and strangers."""
        return self._listen(port, Role.TRACKER_MEMBER, handler)

    def _listen(self, port: int, role: Role, handler: LinkHandler) -> MemoryListening:
        endpoint = Endpoint(self.address, port or self.network.free_port())
        place = (endpoint.host, endpoint.port)
        if place in self.network.listening:
            raise unreachable("The port is in use", f"{endpoint.host}:{endpoint.port}")
        listening = MemoryListening(self, endpoint, role, handler)
        self.network.listening[place] = listening
        return listening

    def _dial(self, endpoint: Endpoint, expect: PeerId | None, role: Role) -> MemoryLink:
        network = self.network
        listening = network.listening.get((endpoint.host, endpoint.port))
        if listening is None or network.apart(self.name, listening.host.name):
            raise unreachable("Nobody answers", f"{endpoint.host}:{endpoint.port}")
        if (role is Role.PEER) != (listening.role is Role.PEER):
            raise unreachable("The other side speaks another protocol")
        if expect is not None and listening.host.peer_id != expect:
            raise security_stop("Another member answers there")
        accepting = Role.TRACKER_STRANGER if role is Role.STRANGER else listening.role
        ours, theirs = link_pair(
            (role, accepting),
            (None if role is Role.STRANGER else self.peer_id, listening.host.peer_id),
            clock=network.clock,
            hosts=(self.address, endpoint.host),
            ports=(network.free_port(), endpoint.port),
            delay_s=network.delay_s,
        )
        ours.transport.line, theirs.transport.line = self.line, listening.host.line
        network.cables = [each for each in network.cables if not each[1].transport.is_closing()]
        network.cables.append(({self.name, listening.host.name}, ours))
        listening.accept(theirs)
        return ours


class MemoryNetwork:
    """All hosts of a test, and the cables between them."""

    def __init__(self, clock: Clock, *, delay_s: float = 0.0) -> None:
        self.clock = clock
        self.delay_s = delay_s
        self.listening: dict[tuple[str, int], MemoryListening] = {}
        self.cables: list[tuple[set[str], MemoryLink]] = []
        self.severed: set[str] = set()
        self.parted: set[str] = set()
        self._hosts: dict[str, MemoryHost] = {}
        self._last_port = 40000

    def host(self, name: str) -> MemoryHost:
        """The host of that name; `tracker` has the tracker's address, others get the next one."""
        if name not in self._hosts:
            address = TRACKER_HOST if name == "tracker" else f"10.0.1.{len(self._hosts) + 1}"
            self._hosts[name] = MemoryHost(self, name, address)
        return self._hosts[name]

    def free_port(self) -> int:
        """A port that nobody has."""
        self._last_port += 1
        return self._last_port

    def cut(self, name: str) -> None:
        """Cut a host off: nothing passes, nobody is told, no new connection succeeds."""
        self.severed.add(name)
        for link in self._cables_of(name):
            link.cut()

    def mend(self, name: str) -> None:
        """Join a host's cables again."""
        self.severed.discard(name)
        for link in self._cables_of(name):
            link.mend()

    def split(self, names: Iterable[str]) -> None:
        """Part some hosts from all others: nothing passes between them, nobody is told."""
        self.parted = set(names)
        for ends, link in self.cables:
            if len(ends & self.parted) == 1:
                link.cut()

    def heal(self, *, broken: bool) -> None:
        """Join the parts again; `broken`: too late for the connections between them."""
        parted, self.parted = self.parted, set()
        for ends, link in self.cables:
            if len(ends & parted) == 1:
                link.mend()
                if broken:
                    link.abort()

    def apart(self, one: str, other: str) -> bool:
        """Whether no new connection can be made between two hosts."""
        if {one, other} & self.severed:
            return True
        return len({one, other} & self.parted) == 1

    def reset(self, name: str) -> None:
        """Have all connections of a host break, as when its process is killed."""
        for link in self._cables_of(name):
            link.abort()
            link.transport.other.abort()

    def _cables_of(self, name: str) -> Iterable[MemoryLink]:
        return [link for names, link in self.cables if name in names]
