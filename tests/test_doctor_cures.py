"""The doctor's cures: each names the command that puts the thing right."""

import errno
import os
import socket
from pathlib import Path

import pytest

from p2ptui.base.ids import Pin
from p2ptui.base.paths import Home
from p2ptui.base.settings import PeerSettings, Settings
from p2ptui.doctor import check_port, check_rights, check_space
from p2ptui.doctor_cures import free_port, make_room, make_writable, other_port, set_clock
from p2ptui.doctor_network import check_link, check_names, check_tracker
from p2ptui.net.credentials import Membership
from p2ptui.node.api import TrackerStatus
from tests.support.fake_node import PIN, FakeNode


def swarm(host: str, port: int = 7070) -> Membership:
    return Membership(Pin(PIN), "office", ((host, port),), b"", b"", 0.0)


def fails(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def test_a_folder_of_ours_is_made_writable(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir(mode=0o500)
    assert make_writable(folder) == f"chmod u+rwx '{folder}'"
    folder.chmod(0o700)
    assert "read-only" in make_writable(folder)
    assert "ls -ld" in make_writable(tmp_path / "gone")


def test_a_folder_of_somebody_else_is_given_to_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    assert make_writable(tmp_path).endswith(f"sudo chown anna {tmp_path}")


def test_a_home_that_cannot_be_written_to_or_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    # As for anybody but root.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != closed)
    for home in (Home.under(closed), Home.under(closed / "home")):
        check = check_rights(home)
        assert check.state == "problem"
        assert f"chmod u+rwx {closed}" in check.hint
    full = check_space(Home.under(closed), Settings())
    assert "peer.downloads" in full.hint


def test_room_is_told_in_bytes_and_where(tmp_path: Path) -> None:
    hint = make_room(tmp_path, 5_000_000)
    assert hint.startswith("Free 5.0 MB or more there")
    assert "p2ptui set peer.downloads" in hint
    check = check_space(Home.under(tmp_path), Settings(peer=PeerSettings(reserve_bytes=2**62)))
    assert "are kept free" in check.found
    assert check.hint.startswith("Free ")


def test_f114_a_port_that_is_taken_names_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = free_port("127.0.0.1", port)
        assert free != port
        check = check_port(Settings(peer=PeerSettings(listen=f"127.0.0.1:{port}")), None)
        assert f"sport = :{port}" in check.hint
        assert "p2ptui set peer.listen 127.0.0.1:" in check.hint


@pytest.mark.parametrize(
    ("host", "port", "code", "cure"),
    [
        ("0.0.0.0", 443, errno.EACCES, "p2ptui set peer.listen :7071"),
        ("10.9.9.9", 7071, errno.EADDRNOTAVAIL, "p2ptui set peer.listen :7071"),
        ("0.0.0.0", 7071, errno.ENOBUFS, "p2ptui set peer.listen :7071"),
    ],
)  # fmt: skip
def test_f114_other_troubles_of_a_port(host: str, port: int, code: int, cure: str) -> None:
    assert other_port(host, port, fails(code)).endswith(cure)


def test_a_clock_is_set_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "timedatectl set-ntp true" in set_clock() or "sntp" in set_clock()
    monkeypatch.setattr("sys.platform", "darwin")
    assert "sntp" in set_clock()


async def test_f107_a_name_that_is_none_says_how_to_join_without() -> None:
    named = swarm("nowhere.invalid")
    check = await check_names(named)
    assert check is not None
    assert "getent hosts nowhere.invalid" in check.hint
    assert f"p2ptui join 'p2ptui://IP:7070/#{PIN}'" in check.hint
    (tracker,) = await check_tracker(named)
    assert tracker.hint == "First its name: see `name of office`."


async def test_f103_a_tracker_that_is_down_says_what_to_start_and_where() -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    (check,) = await check_tracker(swarm("127.0.0.1", port))
    assert f"nothing listens at port {port}" in check.hint
    assert "`p2ptui tracker`" in check.hint
    assert f"p2ptui join 'p2ptui://NEW-ADDRESS/#{PIN}'" in check.hint


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (TrackerStatus(state="stopped", reason="kicked"), "ask the tracker's admin"),
        (TrackerStatus(state="waiting", reason="The clocks are too far apart"), set_clock()),
        (TrackerStatus(state="waiting", reason="refused"), "No member is known"),
        (TrackerStatus(state="waiting", reason="refused", in_reach=3), "(3 known)"),
    ],
)
async def test_what_a_running_node_that_is_not_connected_is_told(
    status: TrackerStatus, cure: str
) -> None:
    node = FakeNode()
    node.tracker = status
    assert cure in check_link(await node.status()).hint
