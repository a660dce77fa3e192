"""The tracker server: opens what it consists of, serves until it is stopped, closes in order."""

import asyncio
import logging
import platform
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.bus import Bus
from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import PeerId
from p2ptui.base.links import DEFAULT_TRACKER_PORT
from p2ptui.base.paths import TrackerHome
from p2ptui.base.private_files import make_private_folder
from p2ptui.base.rates import TokenBucket
from p2ptui.base.settings import TrackerSettings
from p2ptui.net.dialer import Deadlines, probe_peer
from p2ptui.net.discovery import Card, Ground, find_ground
from p2ptui.net.feed import follow
from p2ptui.net.gate import vet_caller
from p2ptui.net.lan import ZeroconfLan
from p2ptui.net.listener import Limits, Listener
from p2ptui.net.loop import Threads
from p2ptui.net.own_address import likely_address, own_addresses
from p2ptui.net.tasks import TaskSet
from p2ptui.net.tls import load_leaf, peer_client_context, tracker_context
from p2ptui.net.wire.messages import MAX_ENDPOINTS, Endpoint, Failure, Operate, Operated
from tracker import api, events
from tracker.admission import Admission
from tracker.audit import AuditLog
from tracker.authority import Authority
from tracker.backup import Backups
from tracker.belief import Belief
from tracker.claims import Claims
from tracker.console import Console
from tracker.doubts import Doubts
from tracker.endpoints import parse
from tracker.entrance import Entrance
from tracker.fetch_reports import FetchReports
from tracker.front import Front
from tracker.history import FetchHistory
from tracker.index_file import OpenedIndex, open_index, remove_temporary
from tracker.kept_settings import KeptSettings
from tracker.networks import NETWORKS, BarredNetworks
from tracker.parts import Parts
from tracker.reach import Reach
from tracker.registry import Member, Registry
from tracker.relay import Relay
from tracker.reload import Read
from tracker.rules import Rules
from tracker.service import HEARTBEAT_S, Service
from tracker.session import Sessions
from tracker.snapshot import Figures
from tracker.standings import STANDINGS, Standings
from tracker.stats_door import StatsDoor, stats_warning
from tracker.store import Beat, StoreError

UPKEEP_S = 3600.0
FORGET_S = 30 * 86400.0
"""A member that was not seen for so long leaves the index; it may come back any time."""
DIAL_BACKS = 16
DIAL_BACK = Deadlines(connect_s=3.0, tls_s=5.0)
FAULTS_PER_MINUTE = 10
MAX_NAME = 32
log = logging.getLogger(__name__)


class TrackerServer(Front):
    """One tracker; implements `TrackerApi`. `start`, `wait_stopped`, `close`."""

    def __init__(
        self,
        home: TrackerHome,
        settings: TrackerSettings,
        clock: Clock,
        *,
        read_settings: Read,
        new_swarm: bool = False,
    ) -> None:
        """`read_settings`: the settings as they are now, for a reload.

        `new_swarm`: found another swarm although the old one's key is gone (F72).
        """
        self._home = home
        self._settings = settings
        self._clock = clock
        self._read_settings = read_settings
        self._new_swarm = new_swarm
        self._bus: Bus[events.FeedItem] = Bus()
        self._stop = asyncio.Event()
        self._stack: AsyncExitStack | None = None
        self._endpoint: Endpoint | None = None
        self._told_faults = TokenBucket(
            rate=FAULTS_PER_MINUTE / 60, burst=FAULTS_PER_MINUTE, now=clock.monotonic()
        )

    # --- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open everything and listen. Raises `P2PError`; then nothing is left open."""
        async with AsyncExitStack() as stack:
            threads = Threads(2, "tracker-disk")
            stack.callback(threads.close)
            await threads(make_private_folder, self._home.folder)
            opened = await open_index(self._home.database, self._clock)
            stack.push_async_callback(_close_index, opened)
            totals = await opened.store.totals()
            authority = await threads(
                lambda: Authority.open(
                    self._home.authority,
                    name=self._settings.name or platform.node()[:MAX_NAME] or "p2ptui",
                    clock=self._clock,
                    new_swarm=self._new_swarm,
                    members_known=totals.known > 0,
                )
            )
            await self._serve(stack, opened, authority, threads)
            self._stack = stack.pop_all()
        if opened.notice:
            self._notice("error", opened.notice, opened.hint)

    async def _serve(
        self, stack: AsyncExitStack, opened: OpenedIndex, authority: Authority, threads: Threads
    ) -> None:
        clock, store, registry = self._clock, opened.store, Registry()
        figures = Figures(clock)
        standings = await threads(Standings, self._home.authority / STANDINGS)
        networks = await threads(BarredNetworks, self._home.authority / NETWORKS)
        rules = Rules(self._settings, standings)
        history = await FetchHistory.open(self._home.history, clock, self._settings.history)
        stack.push_async_callback(history.close)
        doubts = Doubts()
        service = Service(
            store=store,
            registry=registry,
            authority=authority,
            figures=figures,
            clock=clock,
            offload=threads,
            emit=self._bus.publish,
            rules=rules,
            reports=FetchReports(history=history, registry=registry, store=store, clock=clock),
            belief=Belief(doubts, registry, clock),
        )
        claims = Claims(
            doubts=doubts,
            registry=registry,
            store=store,
            teller=service,
            clock=clock,
            emit=self._bus.publish,
        )
        stack.push_async_callback(claims.close)
        from_callers = tracker_context(authority.ca_der, authority.key_files)
        to_peers = peer_client_context(authority.ca_der, authority.key_files)
        dialling = asyncio.Semaphore(DIAL_BACKS)

        async def probe(endpoint: Endpoint, peer: PeerId) -> bool:
            async with dialling:
                return await probe_peer(
                    endpoint, peer, context=to_peers, clock=clock, deadlines=DIAL_BACK
                )

        async def renew_leaf() -> None:
            if await threads(authority.renew_leaf):
                load_leaf(from_callers, authority.key_files)
                load_leaf(to_peers, authority.key_files)

        relay = Relay(on=self._settings.relay, limit_bps=self._settings.relay_limit)
        stack.callback(relay.close)
        sessions = Sessions(
            service=service,
            registry=registry,
            authority=authority,
            figures=figures,
            clock=clock,
            emit=self._bus.publish,
            reach=Reach(registry=registry, probe=probe, relay=relay, clock=clock),
            rules=rules,
            operate=self._operate,
            claims=claims,
        )
        admission = Admission(authority, is_open=lambda: rules.open, clock=clock, offload=threads)
        entrance = Entrance(
            admission=admission,
            sessions=sessions,
            networks=networks,
            rules=rules,
            clock=clock,
            emit=self._bus.publish,
        )
        backups = Backups(
            home=self._home,
            authority=authority,
            index=opened.store.path,
            history=history.path,
            clock=clock,
        )
        stack.callback(backups.close)
        stats = StatsDoor(self.status)
        tasks = TaskSet()
        stack.push_async_callback(tasks.cancel_all)
        host, port = _listen_address(self._settings.listen)
        listener = await Listener.open(
            host,
            port,
            context=from_callers,
            vet=vet_caller(authority.kick_of),
            handler=entrance.pass_in,
            clock=clock,
            limits=Limits(per_peer=None),
            tunnel=relay.tunnel,
            door=entrance.door,
        )
        stack.push_async_callback(listener.close)
        bound = (listener.endpoint.host, listener.endpoint.port)
        self._console_or_none = Console(
            Parts(
                relay=relay,
                history=history,
                authority=authority,
                store=store,
                registry=registry,
                service=service,
                figures=figures,
                rules=rules,
                standings=standings,
                networks=networks,
                kept=KeptSettings(self._home.settings, threads),
                audit=AuditLog(self._home.audit),
                backups=backups,
                stats=stats,
                bus=self._bus,
                clock=clock,
                offload=threads,
                listen=bound,
                hosts=(await threads(_told_address, bound),),
                dropped=lambda: listener.refused,
                index_notice=opened.notice if opened.temporary is not None else "",
            ),
            self._settings,
            self._read_settings,
        )
        self._endpoint = listener.endpoint
        ground = await find_ground(
            self._settings.advertise,
            bound[0],
            lambda: threads(own_addresses),
            ZeroconfLan,
        )
        if ground is not None:
            stack.push_async_callback(ground.lan.close)
            tasks.spawn(ground.lan.advertise(_card(authority, ground, bound[1])), name="discovery")
        stack.push_async_callback(stats.close)
        await stats.change(self._settings.metrics, public=self._settings.metrics_public)
        tasks.spawn(figures.watch(lambda: len(registry)), name="figures")
        tasks.spawn(self._beat(opened, registry), name="beats")
        tasks.spawn(self._keep_up(opened, renew_leaf), name="upkeep")
        self._bus.publish(
            events.Listening(
                time=clock.wall(),
                address=format_address(*bound),
                link=self._console.parts.link(),
                fingerprint=authority.pin,
            )
        )
        if history.notice:
            self._notice("error", history.notice, "What is fetched from now on is remembered.")
        if warning := stats_warning(stats.address):
            self._notice("warning", *warning)

    async def wait_stopped(self) -> None:
        """Return once somebody asked it to stop."""
        await self._stop.wait()

    async def serve(self) -> None:
        """Start, serve until stopped, close."""
        try:
            await self.start()
            await self.wait_stopped()
        finally:
            await self.close()

    async def close(self) -> None:
        """Say goodbye to all members and close everything; may be called twice."""
        self._stop.set()
        stack, self._stack = self._stack, None
        if stack is None:
            return
        try:
            await stack.aclose()
        finally:
            self._console_or_none = None
            self._bus.publish(events.Stopped(time=self._clock.wall()))

    def front_ends_changed(self, count: int) -> None:
        """Hear how many consoles follow the feed."""
        self._front_ends = count

    @property
    def endpoint(self) -> Endpoint:
        """The address that it is bound to."""
        if self._endpoint is None:
            raise RuntimeError("the tracker was not started")
        return self._endpoint

    async def _operate(self, member: Member, request: Operate) -> Operated | Failure:
        return await self._console.operating.answer(member, request)

    def _notice(self, level: str, text: str, hint: str) -> None:
        self._bus.publish(
            events.TrackerNotice(
                time=self._clock.wall(),
                level="error" if level == "error" else "warning",
                text=text,
                hint=hint,
            )
        )

    # --- what goes on by itself -----------------------------------------------------------------

    async def _beat(self, opened: OpenedIndex, registry: Registry) -> None:
        """Note now and then who is alive: after a crash the index knows when each was last seen."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            beats = [
                Beat(peer=member.peer, ping_ms=member.ping_ms, reachable=member.reachable)
                for member in registry
            ]
            if beats:
                await self._tolerate(opened.store.beat(beats, self._clock.wall()))

    async def _keep_up(
        self, opened: OpenedIndex, renew_leaf: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            await self._tolerate(opened.store.forget_unseen(self._clock.wall() - FORGET_S))
            await asyncio.sleep(UPKEEP_S)
            try:
                await renew_leaf()
            except P2PError as error:
                self._notice("error", str(error), error.hint)

    async def _tolerate(self, work: Awaitable[object]) -> None:
        try:
            await work
        except StoreError as error:
            if self._told_faults.try_take(amount=1, now=self._clock.monotonic()):
                self._notice("error", str(error), "Is the disk full? Then restart the tracker.")

    # --- TrackerApi: what `Front` leaves ---------------------------------------------------------

    async def stop(self) -> None:
        """End the tracker; returns once it has agreed to stop."""
        self._stop.set()

    def feed(
        self, sections: tuple[api.SectionName, ...], interval_s: float
    ) -> AsyncIterator[events.FeedItem]:
        """Events in order, and the status when it changed; may be asked for before the start."""
        return follow(
            self._bus,
            dict.fromkeys(sections, self.status),
            interval_s,
            section=lambda name, value: events.Section(name=name, value=value),
            resync=lambda dropped: events.Resync(dropped=dropped),
            last=lambda item: isinstance(item, events.Stopped),
        )


def _listen_address(text: str) -> tuple[str, int]:
    """Host and port to bind; an empty host is all addresses."""
    if not text:
        return "", DEFAULT_TRACKER_PORT
    if text.startswith(":") and text[1:].isdigit():
        return "", parse_address(f"localhost{text}", DEFAULT_TRACKER_PORT)[1]
    return parse_address(text, DEFAULT_TRACKER_PORT)


def _told_address(bound: tuple[str, int]) -> tuple[str, int]:
    """The address for join links (may ask the system for a route)."""
    address = parse(bound[0])
    if address is not None and address.is_unspecified:
        return likely_address(), bound[1]
    return bound


def _card(authority: Authority, ground: Ground, port: int) -> Card:
    endpoints = tuple(Endpoint(host, port) for host in ground.hosts)
    return Card("tracker", authority.pin, authority.name, None, endpoints[:MAX_ENDPOINTS])


async def _close_index(opened: OpenedIndex) -> None:
    await opened.store.close()
    if opened.temporary is not None:
        remove_temporary(opened.temporary)
