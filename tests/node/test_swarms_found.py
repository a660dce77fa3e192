"""A node that knows no tracker looks around: one is joined, of several none (PROTOCOL.md 3)."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from p2ptui.base.errors import P2PError, security_stop
from p2ptui.base.ids import Pin
from p2ptui.base.links import JoinLink
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.discovery import Card
from p2ptui.net.loop import Inline
from p2ptui.net.wire.messages import Endpoint
from p2ptui.node import events
from p2ptui.node.store import NodeStore
from p2ptui.node.swarm import Swarm
from p2ptui.node.swarms import LOOKING, Swarms
from tests.support.eventually import eventually
from tests.support.fake_time import FakeClock, virtual_time

PIN, OTHER = Pin("a" * 32), Pin("b" * 32)


def tracker(pin: Pin, host: str) -> Card:
    return Card("tracker", pin, f"lab-{pin[:2]}", None, (Endpoint(host, 7070),))


class _Nothing:
    """Credentials and store of a new home."""

    def swarms(self) -> tuple[Membership, ...]:
        return ()

    async def setting(self, _key: str) -> None:
        return None

    async def set_setting(self, _key: str, _value: bytes | None) -> None:
        return None


class Newcomer:
    """A new home among these trackers."""

    def __init__(self, *found: Card, error: P2PError | None = None) -> None:
        self.joined: list[tuple[JoinLink, str]] = []
        self.entered: list[Membership] = []
        self.events: list[events.NodeEvent] = []
        self._found = found
        self._error = error
        self.swarms = Swarms(
            credentials=cast("Credentials", _Nothing()),
            store=cast("NodeStore", _Nothing()),
            join=self._join,
            enter=self._enter,
            leave=self._leave,
            offload=Inline(),
            clock=FakeClock(),
            publish=self.events.append,
            look_around=self._look,
        )

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, events.TrackerNotice)]

    async def _look(self) -> Sequence[Card]:
        await asyncio.sleep(2)
        return self._found

    async def _join(self, target: JoinLink, trust: str) -> Membership:
        self.joined.append((target, trust))
        if self._error is not None:
            raise self._error
        return Membership(Pin(trust), "lab", target.hosts, b"", b"", 2e9)

    async def _enter(self, membership: Membership) -> Swarm:
        self.entered.append(membership)
        return cast("Swarm", cast("Any", None))

    async def _leave(self) -> None:
        return None


@virtual_time
async def test_the_only_tracker_is_joined_and_its_fingerprint_shown() -> None:
    home = Newcomer(tracker(PIN, "192.168.1.1"))
    await home.swarms.start("", "")
    assert (home.swarms.status.state, home.swarms.status.reason) == ("connecting", LOOKING)
    await eventually(lambda: home.entered)
    ((target, trust),) = home.joined
    assert target.hosts == (("192.168.1.1", 7070),)
    assert trust == PIN  # what was announced must be what answers
    assert any(PIN in text for text in home.texts)
    await home.swarms.close()


@virtual_time
async def test_of_several_none_is_joined_and_all_are_told() -> None:
    home = Newcomer(tracker(PIN, "192.168.1.1"), tracker(OTHER, "192.168.1.2"))
    await home.swarms.start("", "")
    await eventually(lambda: home.texts)
    (text,) = home.texts
    assert "192.168.1.1:7070" in text
    assert "192.168.1.2:7070" in text
    assert home.swarms.status.state == "none"
    assert not home.joined
    found = await home.swarms.trackers()
    assert [(row.swarm, row.pin) for row in found] == [("lab-aa", PIN), ("lab-bb", OTHER)]
    await home.swarms.close()


@virtual_time
async def test_where_nobody_is_it_waits_for_a_link() -> None:
    home = Newcomer()
    await home.swarms.start("", "")
    await eventually(lambda: home.swarms.status.state == "none")
    assert not home.events
    await home.swarms.close()


@virtual_time
async def test_f113_one_that_lies_about_its_key_is_not_joined() -> None:
    home = Newcomer(tracker(PIN, "192.168.1.1"), error=security_stop("Another fingerprint"))
    await home.swarms.start("", "")
    await eventually(lambda: home.swarms.status.state == "stopped")
    assert "Another fingerprint" in home.swarms.status.reason
    assert not home.entered
    await home.swarms.close()
