"""Discovery: trackers and members on the local network, by DNS-SD over multicast DNS.

Whoever is found is a claim and no more: it is dialled like anybody else, and nothing is believed of
it before its certificate was seen (PROTOCOL.md 3). Only private addresses are taken: nobody on the
network can have us dial a machine elsewhere. `lan` implements it with zeroconf.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from p2ptui.base.addresses import is_loopback, is_private, is_unspecified, plain_address
from p2ptui.base.ids import PeerId, Pin, is_key_digest
from p2ptui.net.wire.messages import MAX_ENDPOINTS, Endpoint

Kind = Literal["tracker", "member"]
BROWSE_S = 2.0
"""How long a look around takes."""
MAX_NAME = 64
MAX_FOUND = 256
"""More answers than that are a flood."""
VERSION = "1"

Advertise = Literal["auto", "on", "off"]
"""Whether to be found on the local network; `auto`: on private addresses, not on loopback."""


class Card(Struct, frozen=True):
    """What somebody on the network says of itself."""

    kind: Kind
    pin: Pin
    """The swarm that it belongs to."""
    name: str
    """Name of a tracker's swarm; empty for a member."""
    peer: PeerId | None
    """Id of a member."""
    endpoints: tuple[Endpoint, ...]


OnCard = Callable[[str, Card | None], None]
"""Hears under an instance's name what it says; None: it is gone."""


class Lan(Protocol):
    """The local network. Does nothing, and tells the log why, where there is no multicast."""

    async def advertise(self, card: Card) -> None:
        """Be found, until closed; a card of the same kind takes the place of the one before."""
        ...

    async def browse(self, kind: Kind, on_card: OnCard) -> None:
        """Tell of everybody of a kind who is there or comes, until closed."""
        ...

    async def close(self) -> None:
        """Say goodbye, and hear no more."""
        ...


class Ground(Struct, frozen=True):
    """A place on the local network: where we are found there, and the way to find others."""

    hosts: tuple[str, ...]
    lan: Lan


class Roster:
    """Who was found of one kind; hostile or broken answers never get here."""

    def __init__(self) -> None:
        self._cards: dict[str, Card] = {}

    def note(self, instance: str, card: Card | None) -> None:
        """An `OnCard`."""
        if card is None:
            self._cards.pop(instance, None)
        elif instance in self._cards or len(self._cards) < MAX_FOUND:
            self._cards[instance] = card

    @property
    def cards(self) -> tuple[Card, ...]:
        """One for each tracker or member, with all its endpoints."""
        merged: dict[tuple[Pin, PeerId | None], Card] = {}
        for card in self._cards.values():
            key = (card.pin, card.peer)
            known = merged.get(key)
            endpoints = card.endpoints if known is None else known.endpoints + card.endpoints
            unique = tuple(dict.fromkeys(endpoints))[:MAX_ENDPOINTS]
            merged[key] = Card(card.kind, card.pin, card.name, card.peer, unique)
        return tuple(merged.values())


async def look_around(lan: Lan, kind: Kind, seconds: float = BROWSE_S) -> tuple[Card, ...]:
    """Everybody of a kind who answers within so many seconds. Closes `lan`, which is for this."""
    roster = Roster()
    try:
        await lan.browse(kind, roster.note)
        await asyncio.sleep(seconds)
    finally:
        await lan.close()
    return roster.cards


async def find_ground(
    mode: Advertise,
    listen_host: str,
    own: Callable[[], Awaitable[Sequence[str]]],
    open_lan: Callable[[Sequence[str]], Lan],
) -> Ground | None:
    """Our place on the local network when we listen on this host; None: we are not to be there."""
    hosts = advertised_hosts(mode, listen_host, await own() if mode != "off" else ())
    return Ground(hosts, open_lan(hosts)) if hosts else None


def advertised_hosts(mode: Advertise, listen_host: str, own: Sequence[str]) -> tuple[str, ...]:
    """The addresses at which somebody who listens there is to be found; none: not at all.

    `own`: this machine's addresses on its networks.
    """
    if mode == "off":
        return ()
    if not is_unspecified(listen_host):
        listed = is_private(listen_host) and (mode == "on" or not is_loopback(listen_host))
        return (listen_host,) if listed else ()
    return tuple(host for host in own if is_private(host))


def properties_of(card: Card) -> dict[str, str]:
    """A card as a TXT record."""
    properties = {"v": VERSION, "pin": str(card.pin)}
    if card.peer is not None:
        properties["id"] = str(card.peer)
    else:
        properties["name"] = card.name
    return properties


def card_of(
    kind: Kind,
    properties: Mapping[bytes, bytes | None],
    hosts: Sequence[str],
    port: int | None,
) -> Card | None:
    """A card from what came over the network; None for what is no such thing."""
    texts = {_text(key): _text(value or b"") for key, value in properties.items()}
    pin, peer = texts.get("pin", ""), texts.get("id", "")
    if texts.get("v") != VERSION or not is_key_digest(pin):
        return None
    if kind == "member" and not is_key_digest(peer):
        return None
    if port is None or not 0 < port <= 65535:
        return None
    told = dict.fromkeys(plain_address(host) for host in hosts if is_private(host))
    endpoints = tuple(Endpoint(host, port) for host in told)[:MAX_ENDPOINTS]
    if not endpoints:
        return None
    member = PeerId(peer) if kind == "member" else None
    return Card(kind, Pin(pin), texts.get("name", "")[:MAX_NAME], member, endpoints)


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
