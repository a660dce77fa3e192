"""Running a tracker: backup and restore, reload, metrics, service manager, a quick end."""

import json
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.e2e.conftest import Swarm
from tests.e2e.test_commands import fails
from tests.support.processes import LOOPBACK, World, random_file, until

STOP_S = 2.0


def get(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metric(text: str, name: str) -> float:
    (line,) = (line for line in text.splitlines() if line.startswith(f"p2ptui_tracker_{name} "))
    return float(line.split()[1])


def test_a_restored_tracker_is_the_same_to_its_members(world: World, tmp_path: Path) -> None:
    first = world.tracker("first")
    files = tmp_path / "files"
    files.mkdir()
    random_file(files / "film.mkv", 50_000)
    anna = world.peer("anna", first.link, "--share", files)
    ben = world.peer("ben", first.link)
    mallory = world.peer("mallory", first.link)
    world.done("first", "tracker", "kick", "mallory", "--why", "spam")
    mallory.process.terminate()
    invited = world.done("first", "tracker", "invite", "--uses", "1").row["link"]

    # While it runs, and members are there.
    written = world.done("first", "tracker", "backup", "tracker.backup").row
    archive = world.folder / "tracker.backup"
    assert (written["path"], written["bytes"]) == (str(archive), archive.stat().st_size)
    fails(
        world.run("first", "tracker", "backup", "tracker.backup"), 2, "There is something already"
    )
    fails(world.run("first", "tracker", "restore", archive), 2, "This home is in use")
    assert first.process.terminate() == 0
    fails(world.run("first", "tracker", "restore", archive), 2, "There is a tracker in this home")

    restored = world.done("second", "tracker", "restore", archive).row
    assert restored["fingerprint"] in first.link
    seen = len(ben.process.events)
    second = world.tracker("second", "--invite-only", listen=first.address)
    assert second.link == first.link
    for peer in (anna, ben):
        peer.process.wait_for("connected", after=seen if peer is ben else 0)
    until(lambda: world.done("ben", "search", "film").rows, "the file in the restored index")
    (banned,) = world.done("second", "tracker", "bans").rows
    assert (banned["nick"], banned["why"]) == ("mallory", "spam")
    hosts = {row["nick"] for row in world.done("second", "tracker", "hosts").rows}
    assert {"anna", "ben"} <= hosts
    # An invite that was made before the backup still lets somebody in.
    world.peer("carla", invited)


def test_metrics_tell_what_stats_tell(swarm: Swarm) -> None:
    world = swarm.world
    tracker = world.tracker("watched", "--metrics", "127.0.0.1:0")
    world.peer("dora", tracker.link, "--share", swarm.files)
    world.done("dora", "search", "note")
    stats = world.done("watched", "tracker", "stats").row
    assert stats["hosts"] == 1
    code, text = get(stats["metrics"], "/metrics")
    assert code == 200
    for name, field in (
        ("hosts", "hosts"), ("entries", "files"), ("contents", "contents"),
        ("shared_bytes", "bytes"), ("searches_total", "searches"),
        ("announced_entries_total", "announced"),
    ):  # fmt: skip
        assert metric(text, name) == stats[field], name
    code, text = get(stats["metrics"], "/stats.json")
    assert json.loads(text)["files"] == stats["files"] == 3
    assert get(stats["metrics"], "/health")[0] == 200
    world.done("watched", "tracker", "drain", "on")
    code, text = get(stats["metrics"], "/health")
    assert (code, "draining" in text) == (503, True)


def test_settings_are_read_again_by_command_and_by_hangup(world: World) -> None:
    tracker = world.tracker()
    settings = world.home("tracker").settings
    settings.write_text('[tracker]\nmotd = "one"\nname = "other"\n')
    # The name was given as a flag, which stands above the file.
    assert world.done("tracker", "tracker", "reload").row == {
        "in_force": ["tracker.motd"], "at_restart": [],
    }  # fmt: skip
    settings.write_text('[tracker]\nmotd = "two"\nmetrics = "127.0.0.1:0"\nmetrics_public = true\n')
    tracker.process.popen.send_signal(signal.SIGHUP)
    tracker.process.wait_for("notice", level="info")
    # The last of what a reload does.
    until(lambda: world.done("tracker", "tracker", "stats").row["at_restart"], "the reload")
    stats = world.done("tracker", "tracker", "stats").row
    assert (stats["motd"], stats["at_restart"]) == ("two", ["tracker.metrics_public"])
    assert stats["metrics"]
    settings.write_text("[tracker]\nmotd = 3\n")
    tracker.process.popen.send_signal(signal.SIGHUP)
    told = tracker.process.wait_for("notice", level="error")
    assert "settings.toml:2" in told["text"]
    settings.unlink()
    assert world.done("tracker", "tracker", "stats").row["motd"] == "two"


def test_a_service_manager_hears_of_it_all(world: World) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(world.folder / "notify"))
        manager.settimeout(30)
        process = world.start(
            "tracker", "tracker", "--headless", "--json", "--listen", LOOPBACK,
            env={"NOTIFY_SOCKET": str(world.folder / "notify"), "WATCHDOG_USEC": "600000"},
        )  # fmt: skip
        assert manager.recv(100) == b"READY=1"
        assert [manager.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2
        process.popen.send_signal(signal.SIGHUP)
        told = b""
        while not told.startswith(b"RELOADING=1"):
            told = manager.recv(100)
        while told != b"READY=1":
            told = manager.recv(100)
        started = time.monotonic()
        assert process.terminate() == 0
        assert time.monotonic() - started < STOP_S
        while told != b"STOPPING=1":
            told = manager.recv(100)


def test_check_tells_what_is_wrong(world: World) -> None:
    good = world.run("new", "tracker", "--check", "--listen", LOOPBACK, "--json")
    assert good.code == 0, good
    assert {row["state"] for row in good.rows} == {"ok"}
    assert not world.home("new").tracker.folder.exists()
    tracker = world.tracker()
    listen = ("--listen", tracker.address)
    assert world.run("tracker", "tracker", "--check", *listen).code == 0, "by ourselves"
    bad = world.run("new", "tracker", "--check", *listen, "--metrics", "0.0.0.0:9071")
    assert bad.code == 2
    assert "metrics_public" in bad.err
    assert "problem" in bad.out
    world.home("new").settings.parent.mkdir(parents=True, exist_ok=True)
    world.home("new").settings.write_text("[tracker]\nnmae = 'x'\n")
    wrong = world.run("new", "tracker", "--check")
    assert wrong.code == 2
    assert "settings.toml:2" in wrong.err
