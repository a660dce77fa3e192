"""Processes that die, come back, are asked to stop: nothing is lost and nothing hangs."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Swarm
from tests.support.processes import LOOPBACK, World, random_file, until

SLOW = {"P2PTUI_PEER_DOWN_LIMIT": "5 MB/s"}
"""So slow that a fetch is certainly still under way when it is disturbed."""
STOP_S = 2.0


def partial_bytes(repository: Path) -> int:
    """Bytes of the journals: not 0 once a checkpoint was made."""
    return sum(path.stat().st_size for path in repository.glob(".p2ptui-partial/*.journal"))


def done_bytes(world: World, name: str) -> int:
    """Bytes that the node's only download has."""
    rows = [row for row in world.done(name, "transfers").rows if row["direction"] == "down"]
    return int(rows[0]["done"]) if rows else 0


def test_f94_kill_9_in_the_middle_of_a_fetch_and_start_again(world: World) -> None:
    link = world.tracker().link
    files = world.folder / "files"
    files.mkdir()
    original = random_file(files / "film.mkv", 50_000_000)
    world.peer("anna", link, "--share", files)
    ben = world.peer("ben", link, env=SLOW)
    world.done("ben", "fetch", "film.mkv", "--no-wait")
    ben.process.wait_for("fetch_started")
    repository = world.home("ben").node.repository
    until(lambda: partial_bytes(repository) > 0, "a checkpoint")
    ben.process.kill()
    assert not (repository / "film.mkv").exists()

    # Once more at once, before anything new has come.
    again = world.peer("ben", "", env=SLOW)
    started = again.process.wait_for("fetch_started")
    again.process.kill()
    assert 0 <= started["resumed"] < started["bytes"] == 50_000_000

    last = world.peer("ben", "")
    finished = last.process.wait_for("fetch_finished")
    assert Path(finished["path"]) == repository / "film.mkv"
    assert (repository / "film.mkv").read_bytes() == original.read_bytes()
    assert list(repository.iterdir()) == [repository / "film.mkv"]
    (row,) = world.done("ben", "history").rows
    assert (row["state"], row["size"]) == ("finished", 50_000_000)


def test_f79_a_source_that_is_killed_leaves_its_share_to_the_others(world: World) -> None:
    link = world.tracker().link
    original = random_file(world.folder / "film.mkv", 20_000_000)
    anna, cleo = (world.peer(name, link) for name in ("anna", "cleo"))
    for name in ("anna", "cleo"):
        world.done(name, "publish", original)
    ben = world.peer("ben", link, env=SLOW)
    until(lambda: world.done("ben", "search", "film").row["owners"] == 2, "both owners")
    world.done("ben", "fetch", "film.mkv", "--no-wait")
    until(lambda: done_bytes(world, "ben") > 0, "the first chunks")
    anna.process.kill()
    ben.process.wait_for("source_lost", peer_id=anna.peer_id)
    finished = ben.process.wait_for("fetch_finished")
    assert Path(finished["path"]).read_bytes() == original.read_bytes()
    assert cleo.process.popen.poll() is None


def test_f68_f96_kill_9_of_the_tracker_and_start_again(world: World) -> None:
    tracker = world.tracker()
    files = world.folder / "files"
    files.mkdir()
    (files / "note.txt").write_text("a note\n")
    anna = world.peer("anna", tracker.link, "--share", files)
    ben = world.peer("ben", tracker.link)
    invite = world.done("tracker", "tracker", "invite").row["link"]
    tracker.process.kill()
    for peer in (anna, ben):
        peer.process.wait_for("disconnected")

    # Members who know each other go on exchanging files, and answer each other's searches.
    fetched = world.done("ben", "fetch", "note.txt", *anna.ip_and_port).row
    assert Path(fetched["path"]).read_text() == "a note\n"
    result = world.run("ben", "search", "note")
    assert result.code == 0, result
    assert "files/note.txt" in result.out
    assert "The tracker is away: this is the answer of the one member in reach." in result.err

    back = world.tracker(listen=tracker.address)
    assert back.link == tracker.link, "the same swarm"
    # What anna had was in the index all the time; what ben fetched meanwhile is announced now.
    assert back.process.wait_for("host_joined", peer_id=anna.peer_id)["files"] == 1
    assert back.process.wait_for("host_published", peer_id=ben.peer_id)["files"] == 1
    assert "member_joined" not in {event["event"] for event in back.process.events}
    (hit,) = world.done("ben", "search", "note").rows
    assert (hit["owners"], hit["have"]) == (2, "have")
    # An invite that was made before is still good.
    assert world.done("cleo", "join", invite).row["state"] == "connected"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_f98_a_signal_ends_a_node_and_a_tracker_in_order(
    world: World, number: signal.Signals
) -> None:
    tracker = world.tracker()
    peer = world.peer("anna", tracker.link)
    # A tracker without a terminal takes a hangup as services do: it reads its settings again.
    last = signal.SIGTERM if number is signal.SIGHUP else number
    for process, sent in ((peer.process, number), (tracker.process, last)):
        began = time.monotonic()
        process.popen.send_signal(sent)
        assert process.wait() == 0
        assert time.monotonic() - began < STOP_S
        assert process.events[-1]["event"] == "stopped"
        assert process.err == ""
    # The tracker was told that the peer leaves: it need not wait for its lease to run out.
    tracker.process.wait_for("host_left", peer_id=peer.peer_id)


def test_f98_a_node_with_a_fetch_under_way_stops_in_time_and_goes_on_later(swarm: Swarm) -> None:
    world = swarm.world
    files = random_file(swarm.files / "long.bin", 30_000_000, seed=3)
    world.done("anna", "rescan")
    slow = world.peer("slow", swarm.tracker.link, env=SLOW)
    until(lambda: world.done("slow", "search", "long.bin").rows, "the file in the index")
    world.done("slow", "fetch", "long.bin", "--no-wait")
    until(lambda: done_bytes(world, "slow") > 0, "the first chunks")
    began = time.monotonic()
    assert slow.process.terminate() == 0
    assert time.monotonic() - began < STOP_S
    again = world.peer("slow", "")
    # What had come is trusted after an orderly end.
    assert again.process.wait_for("fetch_started")["resumed"] > 0
    finished = again.process.wait_for("fetch_finished")
    assert Path(finished["path"]).read_bytes() == files.read_bytes()


def test_stop_ends_the_running_engine(world: World) -> None:
    tracker = world.tracker()
    peer = world.peer("anna", tracker.link)
    assert world.done("anna", "stop").row == {"stopped": True}
    assert world.done("tracker", "tracker", "stop").row == {"stopped": True}
    assert (peer.process.wait(), tracker.process.wait()) == (0, 0)
    assert world.done("anna", "stop").row == {"stopped": False}


def test_a_home_whose_path_is_too_long_for_a_socket(world: World) -> None:
    name = "/".join(["a-long-name-of-a-folder"] * 6)
    assert len(os.fsencode(world.folder / name)) > 120
    tracker = world.tracker(f"{name}/tracker")
    world.peer(name, tracker.link, nick="anna")
    assert world.done(name, "status").row["tracker"]["state"] == "connected"
    assert len(world.done(f"{name}/tracker", "tracker", "hosts").rows) == 1
    # The sockets lie elsewhere then, and go with their engines.
    sockets = (world.home(name).node.control, world.home(f"{name}/tracker").tracker.control)
    assert all(socket.exists() for socket in sockets)
    world.done(name, "stop")
    world.done(f"{name}/tracker", "tracker", "stop")
    assert not any(socket.exists() for socket in sockets)


def test_a_node_without_its_tracker_waits_for_it(world: World) -> None:
    tracker = world.tracker()
    world.peer("anna", tracker.link).process.terminate()
    tracker.process.terminate()
    anna = world.start("anna", "--headless", "--json", "--listen", LOOPBACK)
    told = anna.wait_for("disconnected")
    assert told["retry_s"] is not None
    assert "Connect call failed" in told["reason"] or "refused" in told["reason"].lower()
    world.tracker(listen=tracker.address)
    anna.wait_for("connected")
