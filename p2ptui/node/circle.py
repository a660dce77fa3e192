"""Circle: the members that can be reached without the tracker: near ones, and those met before.

Whoever is asked has shown the certificate of a member first. Members that do not answer are left
alone for a while, so that a question is not held up by them again and again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError, unreachable
from p2ptui.base.ids import PeerId
from p2ptui.base.text import format_count
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.acquaintances import Acquaintances
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.peers import Peers

log = logging.getLogger(__name__)

MOST = 32
"""Members that are asked; those with an open connection and near ones come first."""
MOST_NEAR = MOST // 2
"""Near ones that come before those that were met elsewhere."""
MOST_PLACES = m.MAX_ENDPOINTS // 2
"""Endpoints of a member that are taken from one of those who name it."""
REACH_S = 4.0
"""How long members have to answer a dial."""
PAUSE_S = 30.0
"""How long a member that did not answer is left alone."""


class Circle:
    """The members in reach, and the sessions with them."""

    def __init__(
        self,
        peers: Peers,
        acquaintances: Acquaintances,
        near: Callable[[], Sequence[m.Source]],
        clock: Clock,
    ) -> None:
        """`near`: the members that tell the local network of themselves."""
        self._peers = peers
        self._acquaintances = acquaintances
        self._near = near
        self._clock = clock
        self._paused: dict[PeerId, float] = {}
        """Members that did not answer, and until when they are left alone."""
        self.settled = asyncio.Event()
        """Set once the local network had the time to answer."""

    @property
    def sources(self) -> tuple[m.Source, ...]:
        """The members that may be asked, as the tracker would name sources."""
        return tuple(self._known().values())[:MOST]

    def places_of(self, peer: PeerId) -> tuple[m.Endpoint, ...]:
        """Where a member is, as far as it is known here."""
        known = self._known().get(peer)
        return known.endpoints if known is not None else ()

    def _known(self) -> dict[PeerId, m.Source]:
        """All that are known, those to be asked first in front."""
        found: dict[PeerId, m.Source] = {}
        # What the local network tells is anybody's word: it leaves room for what was proven.
        near = self._near()
        some, rest = near[:MOST_NEAR], near[MOST_NEAR:]
        for source in (*self._open(), *some, *self._remembered(), *rest):
            before = found.get(source.peer)
            places = source.endpoints[:MOST_PLACES]
            places = places if before is None else before.endpoints + places
            unique = tuple(dict.fromkeys(places))[: m.MAX_ENDPOINTS]
            found[source.peer] = m.Source(source.peer, self._nick(source), unique)
        found.pop(self._peers.own_id, None)
        return {peer: each for peer, each in found.items() if not self._peers.is_out(peer)}

    @property
    def size(self) -> int | None:
        """How many members may be asked; None while the local network is still looked at."""
        return len(self.sources) if self.settled.is_set() else None

    async def reach(self) -> tuple[PeerSession, ...]:
        """A session with each member that can be reached now, within a few seconds.

        Raises `P2PError` (unreachable) when there is none.
        """
        await self.settled.wait()
        now = self._clock.monotonic()
        near = {source.peer for source in (*self._open(), *self._near())}
        known = self.sources
        tried = [s for s in known if s.peer in near or self._paused.get(s.peer, 0.0) <= now]
        # With nobody else to ask, those who did not answer lately are worth another try.
        dials = {spawn(self._try(each), name="circle"): each.peer for each in tried or known}
        try:
            if dials:
                await asyncio.wait(dials, timeout=REACH_S)
        finally:
            for dial in dials:
                dial.cancel()
            if dials:
                await asyncio.wait(dials)
        sessions: list[PeerSession] = []
        for dial, peer in dials.items():
            session = None if dial.cancelled() else dial.result()
            if session is None:
                self._paused[peer] = now + PAUSE_S
            else:
                self._paused.pop(peer, None)
                sessions.append(session)
        if not sessions:
            raise nobody(len(known))
        return tuple(sessions)

    async def session(self, peer: PeerId) -> PeerSession:
        """A session with one member. Raises `P2PError` (unreachable)."""
        return await self._peers.session(peer, self.places_of(peer))

    async def _try(self, source: m.Source) -> PeerSession | None:
        try:
            return await self._peers.session(source.peer, source.endpoints)
        except P2PError as error:
            log.info("%s is not in reach: %s", source.peer, error)
            return None

    def _open(self) -> tuple[m.Source, ...]:
        return tuple(
            m.Source(each.peer_id, each.nick, ())
            for each in self._peers.sessions
            if not each.closed
        )

    def _nick(self, source: m.Source) -> str:
        """Its name when it was met: the local network tells ids alone."""
        known = self._acquaintances.get(source.peer)
        return known.nick if known is not None else source.nick

    def _remembered(self) -> tuple[m.Source, ...]:
        return tuple(m.Source(e.peer, e.nick, e.endpoints) for e in self._acquaintances.all)


def nobody(known: int, why: str = "") -> P2PError:
    """What is told when the tracker is away and no member answers. Of `known` members none did."""
    tried = f"none of the {format_count(known)} members known here answers"
    if known == 1:
        tried = "the only member known here does not answer"
    elif not known:
        tried = "no other member was found on this network or met before"
    return unreachable(
        "The tracker is away, and no member can be reached",
        f"{why}; {tried}" if why else tried,
        "Look whether this machine is on the network. The node goes on trying; `status` shows when"
        " it tries the tracker next, and `fetch NAME IP PORT` asks a peer whose address you know.",
    )
