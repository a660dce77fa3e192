"""Reach: the ways between this node and members whom a plain dial does not reach (PROTOCOL.md 3).

The tracker helps: it has the other one dial us, or it relays. What it asks of us for others is done
here too. Nothing is believed of who comes that way until its certificate was seen.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from p2ptui.base.addresses import format_address
from p2ptui.base.errors import P2PError, unreachable
from p2ptui.base.ids import PeerId, short_peer_id
from p2ptui.net.link import Link
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.node.api_values import Reachability
from p2ptui.node.peers import Peers
from p2ptui.node.tracker_link import TrackerLink

MAX_CALLS = 8
"""Calls of others that are answered at a time; more are not answered."""
log = logging.getLogger(__name__)


class RelayNetwork(Protocol):
    """A network that reaches members through the tracker."""

    async def dial_relayed(self, host: str, port: int, ticket: bytes, expect: PeerId) -> Link:
        """A link to a peer through the tracker at this address. Raises `P2PError`."""
        ...

    async def accept_relayed(self, host: str, port: int, ticket: bytes, expect: PeerId) -> Link:
        """The other end of `dial_relayed`. Raises `P2PError`."""
        ...


class Reach:
    """Implements `peers.Ways`, and answers the tracker's requests."""

    def __init__(
        self,
        *,
        tracker: TrackerLink,
        network: RelayNetwork,
        peers: Peers,
        tracker_at: Callable[[], tuple[str, int]],
        on_change: Callable[["Reach"], None],
    ) -> None:
        """`tracker_at` says where the tracker was met; `on_change` hears of a new `state`."""
        self._tracker = tracker
        self._network = network
        self._peers = peers
        self._tracker_at = tracker_at
        self._on_change = on_change
        self._calls = TaskSet()
        self.state: Reachability = "unknown"
        self.observed = ""
        """Our address as the tracker sees it."""
        self.endpoints: tuple[m.Endpoint, ...] = ()
        """Where the tracker met us."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """`endpoints` as text."""
        return tuple(format_address(each.host, each.port) for each in self.endpoints)

    async def close(self) -> None:
        """Answer no more calls."""
        await self._calls.cancel_all()

    # --- Ways -----------------------------------------------------------------------------------

    async def call_back(self, peer: PeerId) -> None:
        """Have the tracker tell a member to dial us. Raises `P2PError` when it will not."""
        if self.state == "unreachable":
            raise unreachable("No call back", "this node cannot be dialled either")
        await self._tracker.ask(lambda number: m.CallBack(number, peer), m.Calling)

    async def relay(self, peer: PeerId) -> Link:
        """A link to a member through the tracker, not yet greeted. Raises `P2PError`."""
        answer = await self._tracker.ask(lambda number: m.AskRelay(number, peer), m.RelayTicket)
        host, port = self._tracker_at()
        return await self._network.dial_relayed(host, port, answer.ticket, peer)

    # --- what the tracker says ------------------------------------------------------------------

    def heard(self, message: m.Reachability | m.Dial | m.RelayDial) -> None:
        """A push of the tracker."""
        match message:
            case m.Reachability():
                self._learn(message)
            case m.Dial():
                peer, endpoints = message.peer, message.endpoints
                self._answer(peer, lambda: self._peers.dial_back(peer, endpoints))
            case m.RelayDial():
                self._answer(message.peer, lambda: self._accept_relayed(message))

    def forget(self) -> None:
        """The tracker is gone: what it knew may not hold any more."""
        self.state, self.endpoints = "unknown", ()

    def _learn(self, message: m.Reachability) -> None:
        before = self.state
        self.state = "reachable" if message.reachable else "unreachable"
        self.observed, self.endpoints = message.observed, message.endpoints
        if self.state != before:
            self._on_change(self)

    def _answer(self, peer: PeerId, work: Callable[[], Awaitable[None]]) -> None:
        if len(self._calls) >= MAX_CALLS:
            log.info("too many calls at once: %s is not answered", peer)
            return
        self._calls.spawn(self._answer_quietly(peer, work), name=f"call-{short_peer_id(peer)}")

    async def _answer_quietly(self, peer: PeerId, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except P2PError as error:
            log.info("the call of %s came to nothing: %s", peer, error)

    async def _accept_relayed(self, message: m.RelayDial) -> None:
        host, port = self._tracker_at()
        link = await self._network.accept_relayed(host, port, message.ticket, message.peer)
        try:
            await self._peers.accept(link, path="relay")
        finally:
            await link.close()


def unreachable_text(observed: str, port: int) -> tuple[str, str]:
    """What is told of a data port that the tracker could not dial, and the cure (F114)."""
    if port == 0:
        return "others cannot reach you: this node does not listen", "Choose a port with --listen."
    cure = (
        f"Let TCP port {port} in at this machine's firewall, and forward it at the router, if there"
        " is one; `p2ptui doctor` says how. Until then you are reached by detours."
    )
    return f"others cannot reach you on {port} (tried {format_address(observed, port)})", cure
