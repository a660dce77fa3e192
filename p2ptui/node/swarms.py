"""Swarms: which swarm this node belongs to. Chosen at the start, joined, forgotten, switched.

One at a time is at work. A swarm that was joined before is entered without asking its tracker for
anything, so that members go on exchanging files while it is away.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from p2ptui.base.addresses import format_address
from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import PeerId, Pin
from p2ptui.base.links import MAX_HOSTS, JoinLink, parse_join_target
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.discovery import Card
from p2ptui.net.joining import TRUST_FIRST
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet
from p2ptui.node import events
from p2ptui.node.acquaintances import key_of
from p2ptui.node.api import TrackerFound, TrackerStatus
from p2ptui.node.store import NodeStore
from p2ptui.node.swarm import Swarm
from p2ptui.node.tracker_link import TrackerLink

log = logging.getLogger(__name__)

_CURRENT = "swarm"
MAX_BACKOFF_S = 60.0

LOOKING = "looking for a tracker on this network"
Join = Callable[[JoinLink, str], Awaitable[Membership]]
"""Asks a tracker for a certificate: the target, and the fingerprint that the user trusts."""


async def _find_nobody() -> Sequence[Card]:
    return ()


class Swarms:
    """The swarm that is at work, and the way from one to another."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        store: NodeStore,
        join: Join,
        enter: Callable[[Membership], Awaitable[Swarm]],
        leave: Callable[[], Awaitable[None]],
        offload: Offload,
        clock: Clock,
        publish: Callable[[events.NodeEvent], None],
        look_around: Callable[[], Awaitable[Sequence[Card]]] = _find_nobody,
    ) -> None:
        """`enter` makes and starts a swarm; `leave` stops what depends on it before its end.

        `look_around` finds trackers on the local network.
        """
        self._look_around = look_around
        self._credentials = credentials
        self._store = store
        self._join = join
        self._enter = enter
        self._leave = leave
        self._offload = offload
        self._clock = clock
        self._publish = publish
        self._tasks = TaskSet()
        self._switching = asyncio.Lock()
        self._before = TrackerStatus(state="none")
        """What is told while there is no swarm at work."""
        self.current: Swarm | None = None

    @property
    def status(self) -> TrackerStatus:
        """The link to the tracker, or why there is none."""
        swarm = self.current
        if swarm is None:
            return self._before
        return swarm.status

    @property
    def pin(self) -> str:
        """Fingerprint of the swarm at work; empty: there is none."""
        return self.current.network.membership.pin if self.current is not None else ""

    def tracker(self) -> TrackerLink | None:
        """The link to the tracker of the swarm at work."""
        return self.current.tracker if self.current is not None else None

    def path(self, peer: PeerId) -> str:
        """How a member is connected with us; empty when it is not."""
        return (self.current.peers.path(peer) or "") if self.current is not None else ""

    async def start(self, setting: str, trust: str) -> None:
        """Enter the swarm that the settings name, else the last one. Raises `P2PError`.

        A tracker that is away is tried again in the background, a first contact is trusted and its
        fingerprint told, unless `trust` names one.
        """
        if setting:
            target = parse_join_target(setting)
            known = await self._offload(self._known, target)
            if known is not None:
                await self._switch(known)
            else:
                self._before = TrackerStatus(state="connecting", address=_first_address(target))
                self._tasks.spawn(self._join_until_done(target, trust or TRUST_FIRST), name="join")
            return
        membership = await self._last()
        if membership is not None:
            await self._switch(membership)
        elif not await self._offload(self._credentials.swarms):
            self._before = TrackerStatus(state="connecting", reason=LOOKING)
            self._tasks.spawn(self._join_found(), name="discover")

    async def join(self, text: str, trust: str) -> None:
        """Join by link or address and enter. Raises `P2PError`; the swarm at work is then kept."""
        target = parse_join_target(text)
        known = await self._offload(self._known, target)
        membership = known or await self._join(target, trust)
        await self._tasks.cancel_all()  # the user's word is newer than the settings'
        await self._switch(membership)

    async def trackers(self) -> tuple[TrackerFound, ...]:
        """Trackers on the local network; looks around for two seconds."""
        return tuple(
            TrackerFound(swarm=card.name, pin=card.pin, addresses=_addresses(card))
            for card in await self._look_around()
        )

    async def forget(self, text: str) -> None:
        """Forget a swarm by address, name or pin. Raises not found."""
        pin = await self._offload(self._credentials.resolve, text)
        async with self._switching:
            if self.current is not None and self.current.network.membership.pin == pin:
                await self._close_current()
                await self._store.set_setting(_CURRENT, None)
                self._before = TrackerStatus(state="none")
        await self._offload(self._credentials.forget, pin)
        await self._store.set_setting(key_of(pin), None)

    async def close(self) -> None:
        """Leave the swarm; it is entered again at the next start."""
        await self._tasks.cancel_all()
        async with self._switching:
            await self._close_current()

    async def _switch(self, membership: Membership) -> None:
        async with self._switching:
            current = self.current
            same = current is not None and current.network.membership.pin == membership.pin
            if current is not None and same and current.tracker.status.state != "stopped":
                for host, port in reversed(membership.hosts):
                    await current.network.met_at(host, port)
                current.tracker.retry()
                return
            await self._close_current()
            try:
                self.current = await self._enter(membership)
            except P2PError as error:
                address = format_address(*membership.hosts[0])
                self._before = TrackerStatus(state="stopped", address=address, reason=str(error))
                raise
            await self._store.set_setting(_CURRENT, membership.pin.encode())

    async def _close_current(self) -> None:
        swarm, self.current = self.current, None
        if swarm is not None:
            await self._leave()
            await swarm.close()

    async def _last(self) -> Membership | None:
        saved = await self._store.setting(_CURRENT)
        if saved is not None:
            return await self._offload(self._credentials.membership, Pin(saved.decode()))
        swarms = await self._offload(self._credentials.swarms)
        return swarms[0] if len(swarms) == 1 else None

    def _known(self, target: JoinLink) -> Membership | None:
        """The membership that a target means, with the addresses that it names (blocks)."""
        if target.pin is not None:
            found = self._credentials.membership(target.pin)
        else:
            found = self._credentials.at_address(*target.hosts[0])
        if found is None:
            return None
        if target.pin is not None and found.expires <= self._clock.wall():
            return None  # an invite in the link may be what lets us in again
        # A tracker that moved is looked for where the user says, then where it was.
        hosts = tuple(dict.fromkeys((*target.hosts, *found.hosts)))[:MAX_HOSTS]
        return msgspec.structs.replace(found, hosts=hosts)

    async def _join_found(self) -> None:
        """Join the tracker of the local network, if there is exactly one (PROTOCOL.md 3)."""
        found = await self._look_around()
        self._before = TrackerStatus(state="none")
        if len(found) > 1:
            names = "; ".join(f"{card.name} at {_places(card)}" for card in found)
            self._tell("info", f"Trackers on this network: {names}", "Choose one: join ADDRESS")
        elif found:
            card = found[0]
            self._tell("info", f"Found the tracker {card.name} at {_places(card)}: joining it", "")
            hosts = tuple((each.host, each.port) for each in card.endpoints)[:MAX_HOSTS]
            self._before = TrackerStatus(state="connecting", address=_places(card))
            await self._join_until_done(JoinLink(hosts), card.pin, told=True)

    async def _join_until_done(self, target: JoinLink, trust: str, *, told: bool = False) -> None:
        """`told`: the user did not name the fingerprint, so it is shown."""
        backoff_s = 1.0
        while True:
            try:
                membership = await self._join(target, trust)
                if told or (trust == TRUST_FIRST and target.pin is None):
                    self._tell_trust(membership)
                await self._switch(membership)
            except P2PError as error:
                address = _first_address(target)
                if error.exit_code is not ExitCode.UNREACHABLE:
                    self._before = TrackerStatus(
                        state="stopped", address=address, reason=f"{error}. {error.hint}"
                    )
                    self._tell_disconnected(error, None)
                    return
                wait_s = random.uniform(backoff_s / 2, backoff_s)  # noqa: S311  (jitter)
                backoff_s = min(backoff_s * 2, MAX_BACKOFF_S)
                self._before = TrackerStatus(
                    state="waiting", address=address, reason=str(error), retry_s=round(wait_s, 1)
                )
                self._tell_disconnected(error, wait_s)
                await asyncio.sleep(wait_s)
            else:
                return

    def _tell_disconnected(self, error: P2PError, retry_s: float | None) -> None:
        rounded = None if retry_s is None else round(retry_s, 1)
        self._publish(
            events.Disconnected(time=self._clock.wall(), reason=str(error), retry_s=rounded)
        )

    def _tell_trust(self, membership: Membership) -> None:
        self._tell(
            "warning",
            f"First contact: trusted the fingerprint {membership.pin}",
            "Compare it with what the tracker's admin sees.",
        )

    def _tell(self, level: events.NoticeLevel, text: str, hint: str) -> None:
        self._publish(
            events.TrackerNotice(time=self._clock.wall(), level=level, text=text, hint=hint)
        )


def _addresses(card: Card) -> tuple[str, ...]:
    return tuple(format_address(each.host, each.port) for each in card.endpoints)


def _places(card: Card) -> str:
    return ", ".join(_addresses(card))


def _first_address(target: JoinLink) -> str:
    return format_address(*target.hosts[0])
