"""Company: the members around this node that it can do with while the tracker is away.

They are found on the local network, or were met before; while the tracker is there it is asked for
some from time to time. Each is a source of whatever is looked for, and is asked in its place.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import PeerId, Pin
from p2ptui.net.discovery import BROWSE_S, Ground
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.node.acquaintances import Acquaintances
from p2ptui.node.circle import Circle
from p2ptui.node.neighbours import Neighbours
from p2ptui.node.peers import Peers
from p2ptui.node.questions import Answerer
from p2ptui.node.stand_in import OwnList, StandIn
from p2ptui.node.tracker_link import TrackerLink

log = logging.getLogger(__name__)

FindGround = Callable[[str], Awaitable[Ground | None]]
"""Our place on the local network when we listen on this host; None: we are not to be found."""
FIRST_S = 2.0
"""How soon, at most, a node that knows nobody asks the tracker who is there."""
SOON_S = 60.0
"""How soon, at most, one that knows some does so after it has connected."""
SOONEST_S = 5.0
"""How soon it is asked again; after that ever less often, for a swarm that has just begun grows."""
SELDOMEST_S = 1800.0
ASKED_FOR = 50
"""Members that the tracker is asked for at a time."""


class Company:
    """Members without the tracker. `start` it, `close` it."""

    def __init__(
        self,
        *,
        pin: Pin,
        own_id: PeerId,
        own_list: OwnList,
        peers: Peers,
        tracker: TrackerLink,
        acquaintances: Acquaintances,
        find_ground: FindGround,
        clock: Clock,
    ) -> None:
        """`own_list` gives pages of what we share."""
        self._pin = pin
        self._own_id = own_id
        self._tracker = tracker
        self._find_ground = find_ground
        self._acquaintances = acquaintances
        self._neighbours: Neighbours | None = None
        self._place = ("", 0)
        self._moving = asyncio.Lock()
        self._tasks = TaskSet()
        self.circle = Circle(peers, acquaintances, self._near, clock)
        self._stand_in = StandIn(
            self.circle, acquaintances, own_list, own_id, clock, why=lambda: tracker.status.reason
        )
        tracker.neighbours = lambda: self.circle.sources
        peers.nearby = self._nearby
        peers.on_met = acquaintances.met
        acquaintances.is_out = peers.is_out

    @property
    def answerer(self) -> Answerer:
        """The tracker, or its stand-in once it is known to be away."""
        status = self._tracker.status
        away = status.state == "waiting" or (status.state == "connecting" and status.reason)
        return self._stand_in if away else self._tracker

    async def start(self, host: str, port: int) -> None:
        """Be found at our data port, look for others, and remember those met before."""
        self._place = host, port
        try:
            await self._acquaintances.load()
        except P2PError as error:
            log.warning("the members met before cannot be read: %s", error)
        self._tasks.spawn(self._begin(), name="neighbours")
        self._tasks.spawn(self._get_acquainted(), name="acquaintances")

    async def close(self) -> None:
        """Be found no more; whom we know is kept for the next run."""
        await self._tasks.cancel_all()
        await self._stand_in.close()
        self.circle.settled.set()
        await self._acquaintances.save()
        if self._neighbours is not None:
            await self._neighbours.close()

    async def moved(self) -> None:
        """The addresses of this machine are others now (F106)."""
        host, port = self._place
        async with self._moving:
            ground = await self._find_ground(host)
            if ground is None:
                if self._neighbours is not None:
                    await self._neighbours.close()
                    self._neighbours = None
            elif self._neighbours is not None:
                await self._neighbours.move(ground)
            else:
                self._neighbours = Neighbours(
                    ground, self._pin, self._own_id, self._tracker.suggest
                )
                await self._neighbours.start(port)

    async def _begin(self) -> None:
        try:
            await self.moved()
            if self._neighbours is not None:
                await asyncio.sleep(BROWSE_S)
        finally:
            self.circle.settled.set()

    async def _get_acquainted(self) -> None:
        """Learn of members while the tracker is there, for the time when it is away."""
        while True:
            await self._tracker.up.wait()
            known = bool(self._acquaintances.all)
            await asyncio.sleep(random.uniform(0.2, SOON_S if known else FIRST_S))  # noqa: S311
            pause_s = SOONEST_S
            while self._tracker.up.is_set():
                try:
                    self._acquaintances.heard_of(await self._some_members())
                except P2PError as error:
                    log.info("the tracker does not name members: %s", error)
                else:
                    await self._acquaintances.save()
                await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311  (jitter)
                pause_s = min(pause_s * 2, SELDOMEST_S)

    async def _some_members(self) -> tuple[m.HostInfo, ...]:
        """Some of the swarm; in a large one not the same for all."""

        async def page(offset: int) -> m.MemberPage:
            return await self._tracker.ask(
                lambda number: m.Members(number, "", offset, ASKED_FOR), m.MemberPage
            )

        first = await page(0)
        if first.total <= ASKED_FOR:
            return first.hosts
        return (await page(random.randrange(first.total - ASKED_FOR + 1))).hosts  # noqa: S311

    def _near(self) -> tuple[m.Source, ...]:
        return self._neighbours.sources if self._neighbours is not None else ()

    def _nearby(self, peer: PeerId) -> tuple[m.Endpoint, ...]:
        return self._neighbours.endpoints(peer) if self._neighbours is not None else ()
