"""The doctor's checks, each on something that is well and something that is not."""

import json
import socket
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode
from p2ptui.base.ids import Pin
from p2ptui.base.paths import Home
from p2ptui.base.settings import PeerSettings, Settings
from p2ptui.doctor import (
    check_certificate,
    check_clock,
    check_descriptors,
    check_node,
    check_port,
    check_rights,
    check_space,
    run_doctor,
)
from p2ptui.doctor_network import check_link
from p2ptui.net.control import ControlServer
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.node.api import NodeApi, TrackerStatus
from p2ptui.output import Output
from tests.support.fake_node import PIN, FakeNode

NOW = 1_800_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.under(tmp_path / "home")


def swarm(port: int = 7070, expires: float = NOW + 5 * 86400) -> Membership:
    return Membership(Pin(PIN), "office", (("127.0.0.1", port),), b"", b"", expires)


def collected(lines: list[str]) -> Output:
    return Output(as_json=True, out=lines.append, err=lines.append)


def test_f116_a_key_that_others_can_read_is_a_problem_with_its_cure(home: Home) -> None:
    Credentials.open(home.node.keys)
    assert check_rights(home).state == "ok"
    key = next(path for path in home.node.keys.iterdir() if path.is_file())
    key.chmod(0o644)
    check = check_rights(home)
    assert (check.state, check.exit_code) == ("problem", ExitCode.SECURITY)
    assert check.hint == f"chmod 600 {key}"


def test_a_home_that_is_not_there_yet_is_well(home: Home) -> None:
    assert check_rights(home).state == "ok"
    assert check_space(home, Settings()).state == "ok"


def test_no_room(home: Home) -> None:
    greedy = Settings(peer=PeerSettings(reserve_bytes=2**62))
    check = check_space(home, greedy)
    assert (check.state, check.exit_code) == ("problem", ExitCode.STORAGE)


def test_clock() -> None:
    assert check_clock(NOW).state == "ok"
    assert check_clock(0).state == "problem"


def test_descriptors() -> None:
    assert check_descriptors().state in {"ok", "warning"}


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        asked = Settings(peer=PeerSettings(listen=f"127.0.0.1:{port}"))
        check = check_port(asked, None)
        assert (check.state, check.exit_code) == ("problem", ExitCode.USAGE)
    assert check_port(asked, None).state == "ok"
    assert check_port(Settings(peer=PeerSettings(listen=":0")), None).state == "ok"


@pytest.mark.parametrize(("left_s", "state"), [(86400, "ok"), (-1, "problem")])
def test_f109_certificate(left_s: float, state: str) -> None:
    assert check_certificate(swarm(expires=NOW + left_s), NOW).state == state


async def test_a_running_node_is_asked() -> None:
    node = FakeNode()
    status = await node.status()
    assert check_node(status).state == "ok"
    assert check_link(status).state == "ok"
    node.tracker = TrackerStatus(state="waiting", reason="refused")
    check = check_link(await node.status())
    assert (check.state, check.exit_code) == ("problem", ExitCode.UNREACHABLE)


async def test_all_of_it_beside_a_running_node(home: Home) -> None:
    lines: list[str] = []
    server = ControlServer(home.node.control, FakeNode(), NodeApi, software="0.1.0")
    await server.start()
    code = await run_doctor(home, Settings(), collected(lines))
    await server.close()
    checks = {row["check"]: row for row in map(json.loads, lines)}
    assert {
        "home",
        "space",
        "clock",
        "node",
        "data port",
        "tracker",
        "firewall",
        "dial-back",
    } <= set(checks)
    assert checks["data port"]["found"] == "listening on 0.0.0.0:7071"
    problems = [row["exit_code"] for row in checks.values() if row["state"] == "problem"]
    assert code == (problems[0] if problems else 0)


async def test_it_changes_nothing(home: Home) -> None:
    lines: list[str] = []
    await run_doctor(home, Settings(), collected(lines))
    assert not home.folder.exists()
