"""Neighbours: members of our swarm on the local network, found without the tracker.

They are dialled where they say to be, and believed once their certificate was seen. While the
tracker is away each may be a source of anything: it is asked.
"""

from collections.abc import Callable

from p2ptui.base.ids import PeerId, Pin, short_peer_id
from p2ptui.net.discovery import MAX_FOUND, Card, Ground
from p2ptui.net.wire import messages as m

MAX_NEIGHBOURS = MAX_FOUND


class Neighbours:
    """The members that tell the local network of themselves. `start` it, `close` it."""

    def __init__(
        self, ground: Ground, pin: Pin, own: PeerId, on_found: Callable[[m.Source], None]
    ) -> None:
        """`on_found` hears of a member that is new, or that has moved."""
        self._ground = ground
        self._pin = pin
        self._own = own
        self._on_found = on_found
        self._at: dict[str, Card] = {}
        self._port = 0

    async def start(self, port: int) -> None:
        """Be found at our data port, and look for others."""
        self._port = port
        endpoints = tuple(m.Endpoint(host, port) for host in self._ground.hosts)
        card = Card("member", self._pin, "", self._own, endpoints[: m.MAX_ENDPOINTS])
        await self._ground.lan.browse("member", self._note)
        await self._ground.lan.advertise(card)

    async def move(self, ground: Ground) -> None:
        """This machine has other addresses: be found there, and look for others there (F106)."""
        if ground.hosts == self._ground.hosts:
            await ground.lan.close()
            return
        before, self._ground = self._ground, ground
        self._at.clear()  # who is still near is found again
        await before.lan.close()
        await self.start(self._port)

    async def close(self) -> None:
        """Be found no more."""
        await self._ground.lan.close()

    @property
    def sources(self) -> tuple[m.Source, ...]:
        """All of them, as the tracker would name a source."""
        peers = dict.fromkeys(card.peer for card in self._at.values())
        return tuple(_source(peer, self.endpoints(peer)) for peer in peers if peer is not None)

    def endpoints(self, peer: PeerId) -> tuple[m.Endpoint, ...]:
        """Where a member says to be on the local network; none when it is not there."""
        found = [each for card in self._at.values() if card.peer == peer for each in card.endpoints]
        return tuple(dict.fromkeys(found))[: m.MAX_ENDPOINTS]

    def _note(self, instance: str, card: Card | None) -> None:
        if card is None:
            self._at.pop(instance, None)
            return
        if card.peer is None or card.pin != self._pin or card.peer == self._own:
            return
        if self._at.get(instance) == card or len(self._at) >= MAX_NEIGHBOURS:
            return
        self._at[instance] = card
        self._on_found(_source(card.peer, self.endpoints(card.peer)))


def _source(peer: PeerId, endpoints: tuple[m.Endpoint, ...]) -> m.Source:
    return m.Source(peer, short_peer_id(peer), endpoints)
