"""Disks that are full or cannot be written to, as real processes (F91, F93)."""

import os
import subprocess
from pathlib import Path

from tests.support.processes import Peer, World, random_file, until

SIZE = 8 << 20
NO_RESERVE = {"P2PTUI_PEER_RESERVE_BYTES": "0"}


def swarm(world: World) -> tuple[Path, Peer]:
    """Anna who has a film; ben who takes it at his leisure and needs no reserve."""
    tracker = world.tracker()
    film = random_file(world.folder / "film.mkv", SIZE)
    world.peer("anna", tracker.link)
    world.done("anna", "publish", film)
    ben = world.peer("ben", tracker.link, env=NO_RESERVE)
    until(lambda: world.done("ben", "search", "film").rows, "the index")
    return film, ben


def fill(disk: Path, leave: int = 0) -> Path:
    """Take all of its room but so many bytes; the file that does."""
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - leave)
    return ballast


def right_end(ben: Peer, film: Path, disk: Path, after: int, number: int) -> None:
    finished = ben.process.wait_for("fetch_finished", after=after, id=number)
    assert finished["path"] == str(disk / film.name)
    assert (disk / film.name).read_bytes() == film.read_bytes()


def test_f91_full_disks_say_what_is_missing_and_go_on_by_themselves(
    world: World, small_disk: Path
) -> None:
    film, ben = swarm(world)
    other = random_file(world.folder / "other.mkv", SIZE // 2, seed=2)
    world.done("anna", "publish", other)
    until(lambda: world.done("ben", "search", "other").rows, "the index")
    # One is begun while there is room: its part has it, its journal will not.
    world.done("ben", "limit", "down", "500 kB/s")
    first = world.done("ben", "fetch", "other.mkv", "--to", small_disk, "--no-wait").row["id"]
    ben.process.wait_for("fetch_started", id=first)
    ballast = fill(small_disk)
    second = world.done("ben", "fetch", "film.mkv", "--to", small_disk, "--no-wait").row["id"]
    told = ben.process.wait_for("fetch_state", id=second, state="no_space")
    assert "needs 8.4 MB and has 0 B" in told["reason"]
    assert str(small_disk) in told["reason"]
    told = ben.process.wait_for("fetch_state", id=first, state="no_space")
    assert "needs 66 KB and has 0 B" in told["reason"]
    rows = world.done("ben", "transfers").rows
    assert {row["state"] for row in rows} == {"no_space"}
    assert [path.name for path in small_disk.iterdir() if path.is_file()] == ["ballast"]

    world.done("ben", "limit", "down", "off")
    after = len(ben.process.events)
    ballast.unlink()
    for number, original in ((first, other), (second, film)):
        right_end(ben, original, small_disk, after, number)
    assert {path.name for path in small_disk.iterdir()} == {film.name, other.name}


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def test_f93_a_folder_that_becomes_read_only_is_told_with_its_cure(
    world: World, small_disk: Path
) -> None:
    film, ben = swarm(world)
    world.done("ben", "limit", "down", "1500 kB/s")
    world.done("ben", "fetch", "film.mkv", "--to", small_disk, "--no-wait")
    until(lambda: world.done("ben", "transfers").row["done"] > 0, "the first chunks")
    world.done("ben", "pause", "1")
    remount(small_disk, "ro")
    world.done("ben", "resume", "1")
    failed = ben.process.wait_for("fetch_failed")
    assert failed["exit_code"] == 6
    assert str(small_disk) in failed["reason"]
    assert "the disk is read-only" in failed["reason"]
    assert failed["hint"] == "Choose another folder, or mount it writable."
    result = world.run("ben", "fetch", "film.mkv", "--to", small_disk, "--json")
    assert result.code == 6
    assert "the disk is read-only" in result.error["message"]

    remount(small_disk, "rw")
    world.done("ben", "limit", "down", "off")
    after = len(ben.process.events)
    world.done("ben", "retry", "1")
    right_end(ben, film, small_disk, after, 1)
    begun = [event for event in ben.process.events[after:] if event["event"] == "fetch_started"]
    assert begun[0]["resumed"] > 0
