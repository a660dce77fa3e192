"""Relay: joins the connections of two members that cannot dial each other (PROTOCOL.md 3).

What passes is TLS between the two: ciphertext here. All pairs together have one rate, which the
admin sets; their number, and how long each may wait or be silent, is bounded.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from p2ptui.base.ids import PeerId
from p2ptui.net.pipe import PipeEnd
from p2ptui.net.throttle import Throttle
from p2ptui.net.wire.messages import TICKET_BYTES

MAX_PAIRS = 64
MAX_PER_MEMBER = 8
TICKET_S = 10.0
"""How long a ticket is good."""
IDLE_S = 150.0
"""A pair that passes nothing is ended; two peers end a silent connection themselves before that."""
GO = b"\x01"
"""Said to both when both are there."""
log = logging.getLogger(__name__)


class NoRelay(Exception):  # noqa: N818  (an answer)
    """Nothing is relayed for these two; the text tells them why."""


@dataclass(eq=False, slots=True)
class _Pair:
    """Two members that are being joined, or are."""

    members: frozenset[PeerId]
    ends: dict[PeerId, PipeEnd] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    passed: int = 0
    """What had passed when it was last looked at."""


class Relay:
    """The relayed pairs of one tracker."""

    def __init__(self, *, on: bool = True, limit_bps: int | None = None) -> None:
        """`limit_bps`: bytes a second of all pairs together, both ways; None is no limit."""
        self._on = on
        self._throttle = Throttle(limit_bps)
        self._pairs: dict[bytes, _Pair] = {}
        self._strangers: set[PipeEnd] = set()
        """Ends that have shown no ticket yet."""
        self._passed = 0

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def passed(self) -> int:
        """Bytes relayed since the start."""
        return self._passed + sum(
            end.passed for pair in self._pairs.values() for end in pair.ends.values()
        )

    def set_limit(self, limit_bps: int | None) -> None:
        """Change the rate of all pairs together."""
        self._throttle.set_rate(limit_bps)

    def switch(self, *, on: bool) -> None:
        """Relay from now on, or no more: then all pairs are ended."""
        self._on = on
        if not on:
            self.close()

    def open(self, taker: PeerId, source: PeerId) -> bytes:
        """The ticket with which both are to connect. Raises `NoRelay`."""
        if not self._on:
            raise NoRelay("this tracker relays nothing: its admin has switched it off")
        if len(self._pairs) >= MAX_PAIRS:
            raise NoRelay(f"the tracker relays {MAX_PAIRS} connections already")
        for member in (taker, source):
            if sum(member in pair.members for pair in self._pairs.values()) >= MAX_PER_MEMBER:
                who = "you" if member == taker else "the other member"
                raise NoRelay(f"{who} may have {MAX_PER_MEMBER} relayed connections")
        ticket = secrets.token_bytes(TICKET_BYTES)
        pair = _Pair(frozenset((taker, source)))
        self._pairs[ticket] = pair
        pair.timer = asyncio.get_running_loop().call_later(TICKET_S, self._drop, ticket)
        return ticket

    def tunnel(self, peer: PeerId) -> PipeEnd:
        """The protocol of a relayed connection of this member, whose ticket comes first."""

        def shown(end: PipeEnd, ticket: bytes) -> None:
            self._admit(peer, end, ticket)

        end = PipeEnd(
            head_bytes=TICKET_BYTES,
            on_head=shown,
            on_lost=self._lost,
            charge=self._throttle.charge,
        )
        self._strangers.add(end)
        # One that shows nothing is gone when its ticket would be.
        asyncio.get_running_loop().call_later(TICKET_S, self._drop_stranger, end)
        return end

    def end(self, peer: PeerId) -> None:
        """End all pairs of a member."""
        self._drop_all([each for each, pair in self._pairs.items() if peer in pair.members])

    def close(self) -> None:
        """End all pairs."""
        self._drop_all(tuple(self._pairs))
        for end in tuple(self._strangers):
            self._drop_stranger(end)

    # --- pairs ----------------------------------------------------------------------------------

    def _admit(self, peer: PeerId, end: PipeEnd, ticket: bytes) -> None:
        self._strangers.discard(end)
        pair = self._pairs.get(ticket)
        if pair is None or peer not in pair.members or peer in pair.ends:
            log.info("%s came with a ticket that is not good for it", peer)
            end.abort()
            return
        pair.ends[peer] = end
        if len(pair.ends) < len(pair.members):
            return
        one, other = pair.ends.values()
        for each in (one, other):
            each.write(GO)
        one.join(other)
        self._look_later(ticket, pair)

    def _lost(self, end: PipeEnd) -> None:
        """Forget a pair once its last end is gone; until then the other sends what it got."""
        self._strangers.discard(end)
        for ticket, pair in tuple(self._pairs.items()):
            if end in pair.ends.values() and all(each.lost for each in pair.ends.values()):
                self._drop(ticket)

    def _look_later(self, ticket: bytes, pair: _Pair) -> None:
        if pair.timer is not None:
            pair.timer.cancel()
        loop = asyncio.get_running_loop()
        pair.timer = loop.call_later(IDLE_S, self._look, ticket, pair)

    def _look(self, ticket: bytes, pair: _Pair) -> None:
        """End a pair that passed nothing since the last look, or whose ends are gone."""
        passed = sum(end.passed for end in pair.ends.values())
        if passed == pair.passed:
            self._drop(ticket)
        else:
            pair.passed = passed
            self._look_later(ticket, pair)

    def _drop_all(self, tickets: Iterable[bytes]) -> None:
        for ticket in tickets:
            self._drop(ticket)

    def _drop(self, ticket: bytes) -> None:
        pair = self._pairs.pop(ticket, None)
        if pair is None:
            return
        if pair.timer is not None:
            pair.timer.cancel()
        for end in pair.ends.values():
            self._passed += end.passed
            end.abort()

    def _drop_stranger(self, end: PipeEnd) -> None:
        if end in self._strangers:
            self._strangers.discard(end)
            end.abort()
