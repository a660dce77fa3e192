"""Who says to be on the local network: hostile answers, where to be found, looking around."""

import asyncio
from collections.abc import Sequence

import pytest

from p2ptui.base.ids import PeerId, Pin
from p2ptui.net.discovery import (
    BROWSE_S,
    MAX_FOUND,
    MAX_NAME,
    Card,
    Kind,
    Roster,
    advertised_hosts,
    card_of,
    find_ground,
    look_around,
    properties_of,
)
from p2ptui.net.tasks import spawn
from p2ptui.net.wire.messages import MAX_ENDPOINTS, Endpoint
from tests.support.fake_lan import FakeLan, LanCable
from tests.support.fake_time import virtual_time

PIN, PEER = Pin("a" * 32), PeerId("b" * 32)
HOSTS = ("192.168.1.7", "fd00::7")


def told(card: Card) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in properties_of(card).items()}


TRACKER = Card("tracker", PIN, "lab", None, tuple(Endpoint(host, 7070) for host in HOSTS))
MEMBER = Card("member", PIN, "", PEER, (Endpoint("192.168.1.7", 7071),))


@pytest.mark.parametrize("card", [TRACKER, MEMBER])
def test_a_card_comes_back_as_it_was(card: Card) -> None:
    hosts = [each.host for each in card.endpoints]
    assert card_of(card.kind, told(card), hosts, card.endpoints[0].port) == card


@pytest.mark.parametrize(
    "change",
    [
        {b"v": b"2"}, {b"v": None}, {b"pin": b"A" * 32}, {b"pin": b"a" * 31},
        {b"pin": b"\xff" * 32}, {b"pin": b"a" * 32 + b"\n"}, {b"id": b"short"},
    ],
)  # fmt: skip
def test_what_is_no_card_is_dropped(change: dict[bytes, bytes | None]) -> None:
    assert card_of("member", told(MEMBER) | change, HOSTS, 7071) is None


@pytest.mark.parametrize("port", [None, 0, -1, 65536])
def test_f60_a_port_that_cannot_be_is_dropped(port: int | None) -> None:
    assert card_of("member", told(MEMBER), HOSTS, port) is None


def test_f59_nobody_on_the_network_has_us_dial_a_machine_elsewhere() -> None:
    assert card_of("member", told(MEMBER), ("203.0.113.9", "224.0.0.1", "0.0.0.0"), 7071) is None
    card = card_of("member", told(MEMBER), ("8.8.8.8", "192.168.1.7"), 7071)
    assert card is not None
    assert [each.host for each in card.endpoints] == ["192.168.1.7"]


def test_long_and_broken_names_are_bounded() -> None:
    card = card_of("tracker", told(TRACKER) | {b"name": b"\xff" + b"x" * 500}, HOSTS, 7070)
    assert card is not None
    assert len(card.name) == MAX_NAME
    many = tuple(f"10.0.0.{n}" for n in range(50))
    crowded = card_of("tracker", told(TRACKER), many, 7070)
    assert crowded is not None
    assert len(crowded.endpoints) == MAX_ENDPOINTS


def test_one_tracker_under_two_names_is_one_and_a_flood_is_bounded() -> None:
    roster = Roster()
    other = Card("tracker", PIN, "lab", None, (Endpoint("10.0.0.9", 7070),))
    roster.note("one", TRACKER)
    roster.note("two", other)
    (card,) = roster.cards
    assert card.endpoints == TRACKER.endpoints + other.endpoints
    roster.note("one", None)
    assert roster.cards == (other,)
    for number in range(MAX_FOUND * 2):
        roster.note(f"flood-{number}", other)
    roster.note("late", MEMBER)
    assert roster.cards == (other,)


@pytest.mark.parametrize(
    ("mode", "listen", "hosts"),
    [
        ("auto", "", ("192.168.1.7", "fd00::7")),
        ("auto", "::", ("192.168.1.7", "fd00::7")),
        ("auto", "192.168.1.7", ("192.168.1.7",)),
        ("auto", "127.0.0.1", ()),
        ("on", "127.0.0.1", ("127.0.0.1",)),
        ("on", "203.0.113.9", ()),
        ("off", "", ()),
    ],
)
async def test_where_one_is_to_be_found(mode: str, listen: str, hosts: tuple[str, ...]) -> None:
    own = ("192.168.1.7", "203.0.113.9", "fd00::7")
    assert advertised_hosts(mode, listen, own) == hosts  # type: ignore[arg-type]

    async def ask() -> Sequence[str]:
        return own

    ground = await find_ground(mode, listen, ask, lambda _hosts: FakeLan(LanCable()))  # type: ignore[arg-type]
    assert (ground.hosts if ground else ()) == hosts


@virtual_time
async def test_looking_around_takes_two_seconds_and_sees_who_comes_meanwhile() -> None:
    cable = LanCable()
    await FakeLan(cable).advertise(TRACKER)
    kinds: tuple[Kind, ...] = ("tracker", "member")
    looks = [spawn(look_around(FakeLan(cable), kind), name=kind) for kind in kinds]
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(BROWSE_S / 2)
    late = FakeLan(cable)
    await late.advertise(MEMBER)
    assert [await look for look in looks] == [(TRACKER,), (MEMBER,)]
    assert asyncio.get_running_loop().time() - began == BROWSE_S
    await late.close()
    assert await look_around(FakeLan(cable), "member") == ()
