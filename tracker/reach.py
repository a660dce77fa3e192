"""Reach: where each member can be dialled, and what is done for those who cannot (PROTOCOL.md 3).

A dial-back meets the member's own certificate or does not count. Only what it proved is ever given
to somebody who is told to dial: nobody can be made to attack a third party.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable

from p2ptui.base.addresses import plain_address
from p2ptui.base.clock import Clock
from p2ptui.base.ids import PeerId
from p2ptui.net.wire import messages as m
from tracker.endpoints import is_told_to, may_dial
from tracker.registry import Member, Registry
from tracker.relay import NoRelay, Relay

CHECK_REACHABLE_S = 900.0
CHECK_UNREACHABLE_S = 120.0
"""A member that opens its firewall finds out within this time."""
MAX_DECLARED = 6
"""Declared addresses that are probed."""

Probe = Callable[[m.Endpoint, PeerId], Awaitable[bool]]
"""Whether a member answers at an address with its own certificate: the dial-back."""
ReachRequest = m.CallBack | m.AskRelay
log = logging.getLogger(__name__)


class Reach:
    """Dial-backs, call-backs and relay tickets of one tracker."""

    def __init__(self, *, registry: Registry, probe: Probe, relay: Relay, clock: Clock) -> None:
        self._registry = registry
        self._probe = probe
        self._relay = relay
        self._clock = clock

    async def check(self, member: Member, declared: Iterable[str]) -> bool:
        """Find out where the member can be dialled and tell it; whether others hear a change."""
        before = member.endpoints(member.host), member.proven
        known = member.reachable is not None
        met = member.dialled
        if member.port != 0:
            observed = m.Endpoint(member.host, member.port)
            member.reachable = await self._probe(observed, member.peer)
            hosts = {plain_address(host) for host in declared} - {member.host}
            proven = []
            for host in sorted(filter(may_dial, hosts))[:MAX_DECLARED]:
                endpoint = m.Endpoint(host, member.port)
                if await self._probe(endpoint, member.peer):
                    proven.append(endpoint)
            member.proven = tuple(proven)
        if not known or member.dialled != met:
            member.link.post(m.Reachability(member.host, member.dialled[: m.MAX_ENDPOINTS]))
        return before != (member.endpoints(member.host), member.proven)

    def pause_s(self, member: Member) -> float:
        """Seconds until the next dial-back."""
        return CHECK_REACHABLE_S if member.dialled else CHECK_UNREACHABLE_S

    def answer(self, member: Member, request: ReachRequest) -> object:
        """What comes of a wish to be connected with somebody."""
        other = self._registry.get(request.peer)
        if other is None:
            return m.Failure(request.id, "offline", "it is not connected to the tracker now")
        if other is member:
            return m.Failure(request.id, "bad_request", "that is this member itself")
        now = self._clock.monotonic()
        if not member.limits.may_call(now) or not other.limits.may_be_called(now):
            return m.Failure(request.id, "limit", "too many calls; wait a second")
        if isinstance(request, m.CallBack):
            return self._call(member, other, request)
        return self._relayed(member, other, request)

    def departed(self, peer: PeerId, *, kicked: bool) -> None:
        """A member's connection has ended: what is relayed for one that is kicked ends too."""
        if kicked:
            self._relay.end(peer)

    def _call(self, member: Member, other: Member, request: m.CallBack) -> object:
        told = [each for each in member.dialled if is_told_to(each.host, other.host)]
        if not told:
            return m.Failure(request.id, "denied", "you cannot be dialled either")
        other.link.post(m.Dial(member.peer, tuple(told[: m.MAX_ENDPOINTS])))
        return m.Calling(request.id)

    def _relayed(self, member: Member, other: Member, request: m.AskRelay) -> object:
        try:
            ticket = self._relay.open(member.peer, other.peer)
        except NoRelay as no:
            return m.Failure(request.id, "denied", str(no))
        other.link.post(m.RelayDial(member.peer, ticket))
        return m.RelayTicket(request.id, ticket)
