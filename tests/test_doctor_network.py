"""The doctor's looks at the network: what is found, and the exact cure (F107, F109, F113, F114)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from p2ptui import doctor_network
from p2ptui.base.errors import ExitCode
from p2ptui.base.ids import Pin
from p2ptui.doctor_network import (
    check_apart,
    check_firewall,
    check_names,
    check_reach,
    check_tracker,
    check_trackers,
)
from p2ptui.net.credentials import Membership
from p2ptui.node.api import NodeStatus, TrackerStatus
from tests.support.fake_node import PIN, FakeNode
from tests.support.tls_swarm import HOST, TlsSwarm


@pytest.fixture
async def swarm(tmp_path: Path) -> AsyncIterator[TlsSwarm]:
    swarm = await TlsSwarm.start(tmp_path / "one")
    yield swarm
    await swarm.close()


def membership(swarm: TlsSwarm, pin: str = "") -> Membership:
    known = Pin(pin or swarm.authority.pin)
    return Membership(known, "office", ((HOST, swarm.port),), b"", b"", 2e9)


async def seen(reachability: str, listen: str = "0.0.0.0:7071") -> NodeStatus:
    node = FakeNode()
    node.tracker = TrackerStatus(
        state="connected",
        observed="203.0.113.7",
        reachability=reachability,  # type: ignore[arg-type]
        reached_at=("10.0.0.5:7071",) if reachability == "reachable" else (),
    )
    return msgspec.structs.replace(await node.status(), listen=listen)


async def test_a_tracker_that_answers_with_its_key(swarm: TlsSwarm) -> None:
    answers, clocks = await check_tracker(membership(swarm))
    assert (answers.state, clocks.state) == ("ok", "ok")
    assert not swarm.heard  # nothing was said to it


async def test_f103_a_tracker_that_is_away(swarm: TlsSwarm) -> None:
    gone = membership(swarm)
    await swarm.close()
    (check,) = await check_tracker(gone)
    assert (check.state, check.exit_code) == ("problem", ExitCode.UNREACHABLE)
    assert f"{HOST}:{swarm.port}" in check.found


async def test_f113_a_tracker_with_another_key_is_a_hard_stop(swarm: TlsSwarm) -> None:
    (check,) = await check_tracker(membership(swarm, PIN))
    assert (check.state, check.exit_code) == ("problem", ExitCode.SECURITY)
    assert f"p2ptui forget {PIN}" in check.hint


async def test_what_answers_and_is_no_tracker() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    (check,) = await check_tracker(Membership(Pin(PIN), "x", ((HOST, port),), b"", b"", 2e9))
    assert check.state == "problem"
    server.close()
    await server.wait_closed()


async def test_f107_a_name_that_is_none_and_one_that_is() -> None:
    def known(*names: str) -> Membership:
        return Membership(Pin(PIN), "x", tuple((name, 7070) for name in names), b"", b"", 2e9)

    missing = await check_names(known("no-such-host.invalid"))
    assert missing is not None
    assert (missing.state, missing.exit_code) == ("problem", ExitCode.UNREACHABLE)
    assert "getent hosts" in missing.hint
    found = await check_names(known("localhost"))
    assert found is not None
    assert found.state == "ok"
    both = await check_names(known("localhost", "no-such-host.invalid"))
    assert both is not None
    assert both.state == "warning"
    assert await check_names(known("127.0.0.1", "::1")) is None


async def test_all_trackers_are_looked_at(swarm: TlsSwarm) -> None:
    named = msgspec.structs.replace(membership(swarm), hosts=(("localhost", swarm.port),))
    checks = await check_trackers((membership(swarm), named))
    assert [check.check for check in checks if check.check.startswith("name of")]
    assert all(check.state == "ok" for check in checks), checks


@pytest.mark.parametrize(
    ("apart_s", "state"), [(2, "ok"), (-299, "ok"), (301, "warning"), (-7200, "warning")]
)
def test_f109_clocks_that_are_apart(apart_s: float, state: str) -> None:
    check = check_apart(apart_s)
    assert check.state == state
    assert bool(check.hint) is (state == "warning")


async def test_f114_the_dial_back_and_the_cure_for_each_firewall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "10.0.0.5:7071" in check_reach(await seen("reachable")).found
    assert check_reach(await seen("unknown")).state == "ok"
    for firewall, cure in (
        ("ufw", "sudo ufw allow 7071/tcp"),
        ("firewalld", "--add-port=7071/tcp"),
        ("", "TCP port 7071"),
    ):
        monkeypatch.setattr(doctor_network, "firewall_here", lambda firewall=firewall: firewall)
        check = check_reach(await seen("unreachable"))
        assert check.state == "warning"
        assert "203.0.113.7:7071" in check.found
        assert cure in check.hint
    elsewhere = check_reach(await seen("unreachable", listen="127.0.0.1:7071"))
    assert "--listen :7071" in elsewhere.hint
    nowhere = check_reach(await seen("unreachable", listen=""))
    assert "--listen" in nowhere.hint


def test_firewalls_that_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_network, "_UFW", tmp_path / "ufw.conf")
    monkeypatch.setattr(doctor_network, "_FIREWALLD", (tmp_path / "pid",))
    assert doctor_network.firewall_here() == ""
    (tmp_path / "pid").touch()
    assert doctor_network.firewall_here() == "firewalld"
    (tmp_path / "ufw.conf").write_text("ENABLED=no\n")
    assert doctor_network.firewall_here() == "firewalld"
    (tmp_path / "ufw.conf").write_text("ENABLED=yes\n")
    assert doctor_network.firewall_here() == "ufw"
    assert "7071" in check_firewall("0.0.0.0:7071", "ufw").found
    assert "this machine alone" in check_firewall("127.0.0.1:7071", "ufw").found
    assert check_firewall("", "").state == "ok"
