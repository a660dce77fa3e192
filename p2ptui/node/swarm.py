"""Swarm: what a node runs while it is a member of one: data port, peers, link to the tracker.

Made when a swarm is joined or taken up at the start, closed when another is joined or at the end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from p2ptui import __version__
from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.base.text import format_duration
from p2ptui.net.credentials import Membership
from p2ptui.net.discovery import Card, Ground, look_around
from p2ptui.net.identity import BadIdentity
from p2ptui.net.kicks import KickBook
from p2ptui.net.link import Link, Listening, Network
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet
from p2ptui.net.throttle import Throttle
from p2ptui.net.wire import messages as m
from p2ptui.node import events
from p2ptui.node.acquaintances import Acquaintances
from p2ptui.node.announcer import Announcer
from p2ptui.node.api import TrackerStatus
from p2ptui.node.company import Company, FindGround
from p2ptui.node.library import Library
from p2ptui.node.listing import fit
from p2ptui.node.member_limits import MemberLimits
from p2ptui.node.peers import Peers
from p2ptui.node.reach import Reach, RelayNetwork, unreachable_text
from p2ptui.node.store import NodeStore
from p2ptui.node.tracker_link import Pushed, TrackerLink
from p2ptui.node.uploads import Offers, UploadLedger
from p2ptui.node.whereabouts import Whereabouts

log = logging.getLogger(__name__)

DEFAULT_PORT = 7071
PORTS_TRIED = 20
RENEWAL_CHECK_S = 3600.0
CLOCK_WARNING_S = 300.0


async def nowhere(_host: str) -> Ground | None:
    """Leave the local network alone."""
    return None


class MemberNetwork(Network, RelayNetwork, Protocol):
    """A network that also keeps our membership: leaf, addresses, kick list."""

    @property
    def membership(self) -> Membership:
        """The membership as it is now."""
        ...

    @property
    def kicks(self) -> KickBook:
        """The swarm's kick list."""
        ...

    @property
    def renewal_due(self) -> bool:
        """Whether our leaf should be renewed at this tracker connection."""
        ...

    def csr(self) -> bytes:
        """A request for the renewal of our leaf."""
        ...

    async def replace_leaf(self, leaf: bytes) -> None:
        """Keep a renewed leaf. Raises a security stop when it is not ours."""
        ...

    async def rejoin(self, host: str, port: int) -> None:
        """Get a new certificate for our key at the tracker of this swarm. Raises `P2PError`."""
        ...

    async def met_at(self, host: str, port: int) -> None:
        """Remember that the tracker was met here."""
        ...

    async def apply_kicks(self, kick_list: m.KickList) -> bool:
        """Take a newer kick list and close the links of whom it names. Raises `BadIdentity`."""
        ...


def parse_listen(text: str) -> tuple[str, int]:
    """Host, empty for all addresses, and port of the setting `listen`."""
    if text.startswith(":"):
        return "", int(text[1:])
    return parse_address(text, DEFAULT_PORT)


async def trackers_around(find_ground: FindGround, listen: str) -> tuple[Card, ...]:
    """Trackers on the local network, for a node with that setting `listen`; takes 2 s."""
    ground = await find_ground(parse_listen(listen)[0] if listen else "")
    return () if ground is None else await look_around(ground.lan, "tracker")


class Swarm:
    """One membership at work. `start` it, `close` it."""

    def __init__(
        self,
        *,
        peer_id: PeerId,
        nick: str,
        listen: str,
        network: MemberNetwork,
        library: Library,
        offers: Offers,
        ledger: UploadLedger,
        throttles: tuple[Throttle, Throttle],
        members: MemberLimits,
        offload: Offload,
        clock: Clock,
        publish: Callable[[events.NodeEvent], None],
        store: NodeStore,
        find_ground: FindGround = nowhere,
    ) -> None:
        self.network = network
        self.listening: Listening | None = None
        self._peer_id = peer_id
        self._nick = nick
        self._listen = listen
        self._library = library
        self._clock = clock
        self._whereabouts = Whereabouts(
            offload, lambda: self.listening.endpoint.host if self.listening else ""
        )
        self._declared: tuple[str, ...] = ()
        """The addresses that our last hello named."""
        self._publish = publish
        self._told_unreachable: tuple[str, str] | None = None
        """What the user was told when others could not dial us: it is said once."""
        self._tasks = TaskSet()
        self.peers = Peers(
            peer_id=peer_id,
            nick=nick,
            network=network,
            kicks=network.kicks,
            offers=offers,
            ledger=ledger,
            throttles=throttles,
            members=members,
            offload=offload,
            clock=clock,
            apply_kicks=network.apply_kicks,
        )
        announcer = Announcer(library, clock, self._published, self._refused)
        self.tracker = TrackerLink(self, announcer, clock)
        self.reach = Reach(
            tracker=self.tracker,
            network=network,
            peers=self.peers,
            tracker_at=lambda: network.membership.hosts[0],
            on_change=self._tell_reach,
        )
        self.peers.ways = self.reach
        self.company = Company(
            pin=network.membership.pin,
            own_id=peer_id,
            own_list=library.entries,
            peers=self.peers,
            tracker=self.tracker,
            acquaintances=Acquaintances(store, network.membership.pin, peer_id, clock),
            find_ground=find_ground,
            clock=clock,
        )

    @property
    def status(self) -> TrackerStatus:
        """The link to the tracker, with what is known of the swarm while it is away."""
        status, membership = self.tracker.status, self.network.membership
        host, port = membership.hosts[0]
        return msgspec.structs.replace(
            status,
            pin=membership.pin,
            swarm=status.swarm or membership.name,
            address=status.address or format_address(host, port),
            reachability=self.reach.state,
            reached_at=self.reach.addresses,
            in_reach=self.company.circle.size,
        )

    async def start(self) -> None:
        """Open the data port and begin to connect. Raises `P2PError` when the port is in use."""
        self.listening = await self._open_port()
        endpoint = self.listening.endpoint
        address = format_address(endpoint.host, endpoint.port)
        self._publish(
            events.Listening(time=self._clock.wall(), address=address, peer_id=self._peer_id)
        )
        self._tasks.spawn(self.tracker.run(), name="tracker-link")
        self._tasks.spawn(self._whereabouts.watch(self._moved), name="own-addresses")
        await self.company.start(endpoint.host, endpoint.port)

    async def close(self) -> None:
        """Say goodbye to the tracker and to all peers."""
        async with asyncio.TaskGroup() as group:  # each may take its time to flush
            group.create_task(self.tracker.close())
            group.create_task(self.peers.close())
            if self.listening is not None:
                group.create_task(self.listening.close())
        await self.reach.close()
        await self._tasks.cancel_all()
        await self.company.close()

    async def set_nick(self, nick: str) -> None:
        """Be known under another name: peers hear it at the next greeting, the tracker now."""
        self._nick = nick
        self.peers.set_nick(nick)
        await self.tracker.greet_again()

    async def _open_port(self) -> Listening:
        if self._listen:
            host, port = parse_listen(self._listen)
            return await self.network.listen(host, port, self.peers.accept)
        for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
            try:
                return await self.network.listen("", port, self.peers.accept)
            except P2PError as error:
                log.info("port %d: %s", port, error)
        return await self.network.listen("", 0, self.peers.accept)

    # --- what the tracker link asks and tells (TrackerHandler) -----------------------------------

    async def dial(self, *, renew: bool = False) -> tuple[Link, str]:
        """A link to the tracker at the first of its addresses that answers.

        `renew`: get a new certificate there first, though ours seems to be valid still (F9).
        """
        failure = unreachable("No address of the tracker is known")
        for host, port in self.network.membership.hosts:
            try:
                if renew:
                    await self.network.rejoin(host, port)
                link = await self.network.dial_tracker(host, port)
            except P2PError as error:
                # That somebody else answers there outweighs that nobody answers elsewhere (F113).
                if failure.exit_code is not ExitCode.SECURITY:
                    failure = error
                continue
            try:
                await self.network.met_at(host, port)
            except P2PError as error:
                log.warning("the tracker's address cannot be kept: %s", error)
            except BaseException:
                link.abort()
                raise
            return link, format_address(host, port)
        raise failure

    async def hello(self) -> m.Hello:
        """Our first words to the tracker."""
        self._declared = await self._whereabouts.addresses()
        return m.Hello(
            minor=m.MINOR_VERSION,
            features=(m.REPORTS,),
            software=f"p2ptui {__version__}",
            nick=self._nick,
            port=self.listening.endpoint.port if self.listening else 0,
            addresses=self._declared,
            time=int(self._clock.wall()),
            kick_list=self.network.kicks.number,
            revision=self._library.revision,
            digest=self._library.digest,
        )

    def connected(self, welcome: m.Welcome, address: str) -> None:
        """The tracker welcomed us."""
        now = self._clock.wall()
        self._publish(
            events.Connected(
                time=now,
                tracker=welcome.swarm,
                peer_id=self._peer_id,
                address=address,
                observed=welcome.observed,
                motd=welcome.motd,
            )
        )
        apart_s = abs(now - welcome.time)
        if apart_s > CLOCK_WARNING_S:
            self._notify(
                "warning",
                f"This clock and the tracker's are {format_duration(apart_s)} apart.",
                "Set the clock: certificates depend on it.",
            )

    def disconnected(self, reason: str, retry_s: float | None) -> None:
        """The link to the tracker is lost, or could not be made."""
        self.reach.forget()
        rounded = None if retry_s is None else round(retry_s, 1)
        self._publish(events.Disconnected(time=self._clock.wall(), reason=reason, retry_s=rounded))

    def heard(self, message: Pushed) -> None:
        """Something came from the tracker that is not of sources."""
        match message:
            case m.Notice():
                self._notify(message.level, message.text)
            case m.KickList():
                self._tasks.spawn(self._take_kicks(message), name="kick-list")
            case _:
                self.reach.heard(message)

    async def list_files(self, request: m.ListFiles) -> m.Listing:
        """Answer *discover*."""
        entries, total = await self._library.entries(request.text, request.offset, request.limit)
        return m.Listing(request.id, fit(entries), total)

    async def holds(self, content: ContentId) -> bool:
        """Whether a shared file is there that has this content, and is as it was."""
        opened = await self._library.open_content(content)
        if opened is not None:
            opened.close()
        return opened is not None

    async def renew(self, ask: Callable[[bytes], Awaitable[bytes]]) -> None:
        """Renew our leaf whenever its time has come, as long as the link is up."""
        while True:
            if self.network.renewal_due:
                try:
                    await self.network.replace_leaf(await ask(self.network.csr()))
                    log.info("the certificate was renewed")
                except P2PError as error:
                    log.warning("the certificate was not renewed: %s", error)
            await asyncio.sleep(RENEWAL_CHECK_S)

    async def _moved(self) -> None:
        """Connect anew: others are to find us where this machine is now (F106)."""
        self._tasks.spawn(self.company.moved(), name="neighbours")
        if self.tracker.up.is_set() and await self._whereabouts.addresses() != self._declared:
            await self.tracker.greet_again()
        else:
            self.tracker.retry()

    async def _take_kicks(self, kicks: m.KickList) -> None:
        try:
            await self.network.apply_kicks(kicks)
        except BadIdentity as error:
            log.warning("the tracker sent a forged kick list: %s", error)
        except P2PError as error:
            log.warning("the kick list cannot be kept: %s", error)

    def _published(self, seconds: float) -> None:
        counts = self._library.counts()
        self._publish(
            events.Published(
                time=self._clock.wall(),
                files=counts.files,
                bytes=counts.bytes,
                seconds=round(seconds, 3),
            )
        )

    def _refused(self, error: P2PError) -> None:
        self._notify("warning", f"Our files are not all announced: {error}", error.hint)

    def _tell_reach(self, reach: Reach) -> None:
        """Say once that others cannot dial us, and once that they can again (F114)."""
        port = self.listening.endpoint.port if self.listening else 0
        if reach.state == "unreachable":
            told = unreachable_text(reach.observed, port)
            if told != self._told_unreachable:
                self._told_unreachable = told
                self._notify("warning", *told)
        elif self._told_unreachable is not None:
            self._told_unreachable = None
            self._notify("info", f"others can reach you now, at {', '.join(reach.addresses)}")

    def _notify(self, level: events.NoticeLevel, text: str, hint: str = "") -> None:
        self._publish(
            events.TrackerNotice(time=self._clock.wall(), level=level, text=text, hint=hint)
        )
