"""Trackers and members that find each other on the local network: the loopback, in real multicast.

Skipped where this machine lets no multicast through its loopback.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2ptui.net import lan
from p2ptui.net.discovery import Card
from tests.support.processes import DEADLINE_S, LOOPBACK, Peer, World, opened, random_file, until

SIZE = 3_000_000
NEAR = {
    "P2PTUI_PEER_DISCOVER": "on",
    "P2PTUI_PEER_LISTEN": LOOPBACK,
    "P2PTUI_TRACKER_ADVERTISE": "on",
}
_GROUP = "224.0.0.251"


def multicast_fault() -> str:
    """Why no multicast passes over the loopback; empty when it does."""
    loopback = socket.inet_aton("127.0.0.1")
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.settimeout(1.0)
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            receiver.bind((_GROUP, 0))
            group = socket.inet_aton(_GROUP) + loopback
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
            sender.sendto(b"here", (_GROUP, receiver.getsockname()[1]))
            receiver.recv(16)
    except OSError as error:
        return f"no multicast over the loopback: {error}"
    return ""


@pytest.fixture
def near(tmp_path: Path) -> Iterator[World]:
    if fault := multicast_fault():
        pytest.skip(fault)
    for world in opened(tmp_path):
        world.extra_env = NEAR
        yield world


def unjoined(world: World, name: str, *words: str) -> Peer:
    """A node that was told of no tracker."""
    process = world.start(
        name, "peer", "--headless", "--json", "--listen", LOOPBACK, "--nick", name, *words
    )
    return Peer(process, "", "")


def found(world: World, name: str) -> list[str]:
    return [row["swarm"] for row in world.done(name, "join").rows]


def test_the_only_tracker_of_a_network_is_joined_and_its_fingerprint_told(near: World) -> None:
    near.tracker()
    until(lambda: found(near, "looker") == ["swarm"], "the tracker")
    anna = unjoined(near, "anna").process
    anna.wait_for("connected")
    texts = [event["text"] for event in anna.events if event["event"] == "notice"]
    assert any("trusted the fingerprint" in text for text in texts), texts


MORTAL = """
import asyncio
from p2ptui.base.ids import PeerId, Pin
from p2ptui.net import lan
from p2ptui.net.discovery import Card
from p2ptui.net.wire.messages import Endpoint

async def main():
    lan.TTL_S = 2
    there = lan.ZeroconfLan(["127.0.0.1"])
    place = (Endpoint("127.0.0.1", 7071),)
    await there.advertise(Card("member", Pin("p" * 32), "", PeerId("a" * 32), place))
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def mortal() -> Iterator["subprocess.Popen[bytes]"]:
    if fault := multicast_fault():
        pytest.skip(fault)
    process = subprocess.Popen([sys.executable, "-c", MORTAL])
    yield process
    process.kill()
    process.wait()


async def test_who_is_killed_says_no_goodbye_and_is_withdrawn_all_the_same(
    mortal: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lan, "CHECK_S", 0.5)
    monkeypatch.setattr(lan, "ASK_S", 1.0)
    told: dict[str, Card | None] = {}
    looking = lan.ZeroconfLan(["127.0.0.1"])
    try:
        await looking.browse("member", told.__setitem__)
        names = await eventually_named(told, there=True)
        mortal.kill()
        assert await eventually_named(told, there=False) >= names
    finally:
        await looking.close()


async def eventually_named(told: dict[str, Card | None], *, there: bool) -> set[str]:
    """The instances of the mortal member, once they are there, or are gone."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            names = {name for name in told if name.startswith(f"p2ptui-{'a' * 8}.")}
            if names and all((told[name] is not None) == there for name in names):
                return names
            await asyncio.sleep(0.05)


def test_of_several_trackers_none_is_joined(near: World) -> None:
    near.tracker("one")
    near.tracker("two")
    until(lambda: found(near, "looker") == ["swarm", "swarm"], "both trackers")
    anna = unjoined(near, "anna").process
    told = anna.wait_for("notice")
    assert "Trackers on this network" in told["text"]
    assert near.done("anna", "status").row["tracker"]["state"] == "none"


def test_f112_members_of_one_network_go_on_while_the_tracker_is_down(near: World) -> None:
    folder = near.folder / "files"
    folder.mkdir()
    random_file(folder / "big.bin", SIZE)
    tracker = near.tracker()
    near.peer("anna", tracker.link, "--share", str(folder))
    ben = near.peer("ben", tracker.link, env=NEAR | {"P2PTUI_PEER_DOWN_LIMIT": "100 KB/s"})
    near.done("ben", "fetch", "big.bin", "--no-wait", "--to", str(near.folder / "got"))
    ben.process.wait_for("fetch_started")
    tracker.process.kill()
    ben.process.kill()
    # A new process: all that it knows is what its disk and the network say.
    ben = unjoined(near, "ben")
    told = ben.process.wait_for("fetch_finished")
    assert Path(told["path"]).read_bytes() == (folder / "big.bin").read_bytes()
    assert near.done("ben", "status").row["tracker"]["state"] != "connected"
