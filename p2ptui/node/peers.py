"""Peers: the open sessions with other members, dialled or accepted, at most a few to each.

Greets both ways, passes on newer kick lists, bars members that sent wrong data. Links of members
that are kicked are closed by the network.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from p2ptui import __version__
from p2ptui.base.addresses import alternating
from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.ids import ContentId, PeerId, short_peer_id
from p2ptui.net.identity import BadIdentity
from p2ptui.net.kicks import KickBook
from p2ptui.net.link import Link, LinkClosed, Network
from p2ptui.net.loop import Offload
from p2ptui.net.race import first_success
from p2ptui.net.tasks import TaskSet
from p2ptui.net.throttle import Throttle
from p2ptui.net.wire import messages as m
from p2ptui.node.member_limits import MemberLimits
from p2ptui.node.peer_record import PeerRecord
from p2ptui.node.peer_session import PathTaken, PeerSession
from p2ptui.node.upload_desk import UploadDesk
from p2ptui.node.uploads import Offers, UploadLedger

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 5.0
MAX_LINKS_PER_PEER = 4
BAR_S = 3600.0
"""How long a member that sent wrong data twice is left alone (PROTOCOL.md 5)."""
WRONG_CHUNKS_BEFORE_BAR = 2
CALL_AFTER_S = 1.0
"""How long a member is dialled before it is asked to dial us."""
CALL_BACK_S = 8.0
"""How long it then has to come."""
MAX_RECORDS = 1024
"""Members that are remembered although there is nothing to say of them."""


class Ways(Protocol):
    """What helps to reach a member that a plain dial does not reach. Raises `P2PError`."""

    async def call_back(self, peer: PeerId) -> None:
        """Have a member told to dial us."""
        ...

    async def relay(self, peer: PeerId) -> Link:
        """A link to a member by way of somebody else, not yet greeted."""
        ...


class Peers:
    """All sessions of one swarm."""

    def __init__(
        self,
        *,
        peer_id: PeerId,
        nick: str,
        network: Network,
        kicks: KickBook,
        offers: Offers,
        ledger: UploadLedger,
        throttles: tuple[Throttle, Throttle],
        offload: Offload,
        clock: Clock,
        apply_kicks: Callable[[m.KickList], Awaitable[bool]],
        members: MemberLimits | None = None,
    ) -> None:
        """`throttles`: up and down, shared by all sessions; `members`: limits of single ones.

        `apply_kicks` takes a list that a peer passed on; raises `BadIdentity` for a forged one.
        """
        self._throttles = throttles
        self._members = members or MemberLimits({"up": None, "down": None}, ())
        self._apply_kicks = apply_kicks
        self._peer_id = peer_id
        self._nick = nick
        self._network = network
        self._kicks = kicks
        self._offers = offers
        self._ledger = ledger
        self._offload = offload
        self._clock = clock
        self._sessions: dict[PeerId, list[PeerSession]] = {}
        self._records: dict[PeerId | m.Endpoint, PeerRecord] = {}
        self._met: dict[m.Endpoint, PeerSession] = {}
        """Open sessions by where they were dialled."""
        self._awaited: dict[PeerId, asyncio.Future[PeerSession]] = {}
        """Members that were asked to dial us."""
        self._tasks = TaskSet()
        self.nearby: Callable[[PeerId], Sequence[m.Endpoint]] = lambda _peer: ()
        """Where a member says to be on the local network: dialled first."""
        self.on_met: Callable[[PeerId, str, m.Endpoint], None] = lambda _peer, _nick, _at: None
        """Hears of each member that has proven itself where it was dialled."""
        self.ways: Ways | None = None
        """None: members are dialled, and no more."""

    def set_nick(self, nick: str) -> None:
        """Greet under another name from now on."""
        self._nick = nick

    @property
    def own_id(self) -> PeerId:
        """The id of this node."""
        return self._peer_id

    @property
    def sessions(self) -> tuple[PeerSession, ...]:
        """All open sessions."""
        return tuple(session for group in self._sessions.values() for session in group)

    def is_out(self, peer: PeerId) -> bool:
        """Whether a member is kicked now."""
        return self._kicks.is_kicked(peer, self._clock.wall())

    def path(self, peer: PeerId) -> PathTaken | None:
        """How a member is connected with us; None when it is not."""
        return next((each.path for each in self._group(peer) if not each.closed), None)

    async def accept(self, link: Link, path: PathTaken = "inbound") -> None:
        """Own an accepted link from its handshake to its end (a `LinkHandler`)."""
        if link.peer_id is not None and self.barred(link.peer_id):
            await link.close("refused", "wrong data came from you")
            return
        if self._has_enough(link):
            await link.close("too_many", "four connections are enough")
            return
        try:
            session = await self._greet(link)
        except (LinkClosed, TimeoutError, P2PError) as error:
            log.info("no greeting from %s: %s", link.remote.host, error)
            await link.close("refused", str(error)[:200])
            return
        if self._has_enough(link):  # others came while it greeted
            await link.close("too_many", "four connections are enough")
            return
        session.path = path
        awaited = self._awaited.get(session.peer_id)
        if awaited is not None and not awaited.done():
            session.path = "connect-back"
            awaited.set_result(session)
        self._sessions.setdefault(session.peer_id, []).append(session)
        await self._run(session)

    async def dial_back(self, peer: PeerId, endpoints: Sequence[m.Endpoint]) -> None:
        """Dial a member that cannot dial us and has had us asked for it. Raises `P2PError`."""
        if not self.barred(peer) and len(self._group(peer)) < MAX_LINKS_PER_PEER:
            await self._dial(peer, endpoints, "connect-back")

    async def session(self, peer: PeerId | None, endpoints: Iterable[m.Endpoint]) -> PeerSession:
        """A session with a member: an open one, or the first that comes about.

        It is dialled at all endpoints; soon it is asked to dial us as well; when neither succeeds
        it is reached through the tracker. `peer` None accepts whoever proves to be a member at the
        first one. Raises `P2PError`.
        """
        places = (*(self.nearby(peer) if peer is not None else ()), *endpoints)
        if peer is not None and self.barred(peer):
            raise unreachable("This member is barred", "It sent wrong data lately.")
        record = self._record(peer or places[0])
        tries = record.tries
        async with record.dialling:
            session = self._open_session(peer, places)
            if session is not None:
                return session
            if record.tries != tries and record.failure is not None:
                # The dial that we waited for has failed: thirty fetches do not dial in turn.
                raise record.failure
            record.failure = None
            try:
                return await self._approach(peer, places)
            except P2PError as error:
                record.failure = error
                raise
            finally:
                record.tries += 1

    def open_session(self, peer: PeerId) -> PeerSession | None:
        """A session with a member that is open now, unless it is barred."""
        return None if self.barred(peer) else self._open_session(peer, ())

    def blame(self, peer: PeerId) -> bool:
        """A member sent a chunk that does not verify; True when that was once too often."""
        record = self._record(peer)
        record.wrong_chunks += 1
        if record.wrong_chunks < WRONG_CHUNKS_BEFORE_BAR:
            return False
        record.wrong_chunks = 0
        record.barred_until = self._clock.monotonic() + BAR_S
        for session in self._group(peer):
            session.link.abort()
        return True

    def barred(self, peer: PeerId) -> bool:
        """Whether the member is left alone for now."""
        record = self._records.get(peer)
        return record is not None and record.barred_until > self._clock.monotonic()

    def verified(self, content: ContentId, indexes: tuple[int, ...]) -> None:
        """Chunks of a content are verified here: tell whoever watches it."""
        for session in self.sessions:
            session.desk.verified(content, indexes)

    async def close(self) -> None:
        """Say goodbye to everybody."""
        async with asyncio.TaskGroup() as group:
            for session in self.sessions:
                group.create_task(session.link.close("stopping", "the node stops"))
        await self._tasks.cancel_all()

    def _group(self, peer: PeerId) -> list[PeerSession]:
        return self._sessions.get(peer, [])

    def _open_session(
        self, peer: PeerId | None, endpoints: Sequence[m.Endpoint]
    ) -> PeerSession | None:
        if peer is not None:
            known = self._group(peer)
        else:
            known = [self._met[place] for place in endpoints if place in self._met]
        return next((session for session in known if not session.closed), None)

    def _record(self, whom: PeerId | m.Endpoint) -> PeerRecord:
        record = self._records.get(whom)
        if record is None:
            if len(self._records) >= MAX_RECORDS:
                now = self._clock.monotonic()
                for known in [k for k, each in self._records.items() if each.is_plain(now)]:
                    del self._records[known]
            record = self._records[whom] = PeerRecord()
        return record

    def _has_enough(self, link: Link) -> bool:
        return link.peer_id is not None and len(self._group(link.peer_id)) >= MAX_LINKS_PER_PEER

    async def _approach(self, peer: PeerId | None, endpoints: Sequence[m.Endpoint]) -> PeerSession:
        """A new session by the first way that leads there."""
        ways = self.ways
        if peer is None or ways is None:
            return await self._dial(peer, endpoints)
        plain = partial(self._dial, peer, endpoints)
        called = partial(self._call, peer, ways)
        try:
            return await first_success(
                (plain, called), stagger_s=CALL_AFTER_S, discard=lambda _session: None
            )
        except P2PError as error:
            # Even when somebody else answered there: addresses change hands.
            failure = error
        try:
            return await self._enter(await ways.relay(peer), "relay")
        except P2PError as error:
            if failure.exit_code is ExitCode.SECURITY:
                raise failure from None
            why = f"{failure.message}; through the tracker: {error.message}"
            raise unreachable("Cannot reach the peer", why, error.hint) from None

    async def _call(self, peer: PeerId, ways: Ways) -> PeerSession:
        """A session that the member opens because it was asked to."""
        arrival: asyncio.Future[PeerSession] = asyncio.get_running_loop().create_future()
        self._awaited[peer] = arrival
        try:
            await ways.call_back(peer)
            async with asyncio.timeout(CALL_BACK_S):
                return await arrival
        except TimeoutError:
            raise unreachable("Not called back", "it was asked to dial us and did not") from None
        finally:
            del self._awaited[peer]

    async def _dial(
        self, peer: PeerId | None, endpoints: Sequence[m.Endpoint], path: PathTaken = "direct"
    ) -> PeerSession:
        """A session with a member at the first of these endpoints where it proves itself."""
        failure = unreachable("No address", "The tracker knows no address of this member.")
        left = in_turn(endpoints)
        while left:
            attempts = [partial(self._dial_at, each, peer) for each in left]
            endpoint, link = await first_success(attempts, discard=lambda late: late[1].abort())
            try:
                session = await self._enter(link, path)
            except P2PError as error:
                failure = error
                left.remove(endpoint)
                continue
            self._met[endpoint] = session
            self.on_met(session.peer_id, session.nick, endpoint)
            return session
        raise failure

    async def _dial_at(self, endpoint: m.Endpoint, peer: PeerId | None) -> tuple[m.Endpoint, Link]:
        return endpoint, await self._network.dial_peer(endpoint, peer)

    async def _enter(self, link: Link, path: PathTaken) -> PeerSession:
        """A session on a link of our own making. Raises `P2PError`."""
        try:
            session = await self._greet(link)
        except (LinkClosed, TimeoutError, P2PError) as error:
            link.abort()
            why = str(error) or "It is silent."
            raise unreachable("The peer did not greet us", why) from None
        except asyncio.CancelledError:
            link.abort()
            raise
        session.path = path
        self._sessions.setdefault(session.peer_id, []).append(session)
        self._tasks.spawn(self._run(session), name=f"peer-{short_peer_id(session.peer_id)}")
        return session

    async def _greet(self, link: Link) -> PeerSession:
        """Exchange hellos. Raises `LinkClosed`, `TimeoutError`, `P2PError`."""
        peer = link.peer_id
        if peer is None or peer == self._peer_id:
            raise unreachable("That is this node itself", "Its identity is our own.")
        if self.is_out(peer):
            raise unreachable("This member was kicked", "The tracker's kick list names it.")
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            await link.send(
                m.PeerHello(
                    minor=m.MINOR_VERSION,
                    features=(m.CONTENTS_FEATURE,),
                    software=f"p2ptui {__version__}",
                    nick=self._nick,
                    time=int(self._clock.wall()),
                    kick_list=self._kicks.number,
                )
            )
            hello = await link.receive()
        if not isinstance(hello, m.PeerHello):
            raise LinkClosed("protocol", "the first message was no hello")
        if hello.kick_list < self._kicks.number:
            link.post(self._kicks.newest)
        link.set_throttles(*self._members.narrow(peer, hello.nick, self._throttles))
        desk = UploadDesk(
            link,
            peer=peer,
            nick=hello.nick,
            offers=self._offers,
            ledger=self._ledger,
            offload=self._offload,
        )
        session = PeerSession(link, peer, hello.nick, desk)
        session.features = frozenset(hello.features)
        return session

    async def _run(self, session: PeerSession) -> None:
        try:
            await session.run(lambda kicks: self._take_kicks(session, kicks))
        finally:
            group = self._group(session.peer_id)
            group.remove(session)
            for place in [place for place, met in self._met.items() if met is session]:
                del self._met[place]
            if not session.link.closed:  # one that says goodbye goes on flushing
                session.link.abort()
            if not group:
                self._sessions.pop(session.peer_id, None)
                self._members.forget(session.peer_id)
                await self._ledger.end_peer(session.peer_id)

    def _take_kicks(self, session: PeerSession, kicks: m.KickList) -> None:
        if kicks.number > self._kicks.number:
            self._tasks.spawn(self._check_kicks(session, kicks), name="kicks")

    async def _check_kicks(self, session: PeerSession, kicks: m.KickList) -> None:
        try:
            await self._apply_kicks(kicks)
        except BadIdentity as error:
            log.warning("peer %s passed on a forged kick list: %s", session.peer_id, error)
            await session.link.close("protocol", "the kick list is not signed by the swarm's key")
        except P2PError as error:
            log.warning("the kick list cannot be kept: %s", error)


def in_turn(endpoints: Iterable[m.Endpoint]) -> list[m.Endpoint]:
    """Endpoints with IPv6 and IPv4 in turn, the best of each first, each once."""
    by_host: dict[str, list[m.Endpoint]] = {}
    for endpoint in dict.fromkeys(endpoints):
        by_host.setdefault(endpoint.host, []).append(endpoint)
    return [each for host in alternating(by_host) for each in by_host[host]]
