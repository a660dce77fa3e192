"""The swarm's history: three peers fetch, and the tracker can say who had what from whom (F62)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.processes import World, random_file, until

SLOW = {"P2PTUI_PEER_UP_LIMIT": "4 MB/s"}
MIB = 1024 * 1024


def told(world: World, *words: str) -> list[dict[str, Any]]:
    """What the tracker remembers, the last first."""
    return world.done("tracker", "tracker", "history", *words).rows


def shared(world: World, name: str, file: str, size: int) -> Path:
    folder = world.folder / f"of-{name}"
    folder.mkdir()
    random_file(folder / file, size, seed=size)
    return folder


def test_three_peers_fetch_and_the_tracker_names_who_what_from_whom_and_how_fast(
    world: World,
) -> None:
    tracker = world.tracker()
    anna = world.peer(
        "anna", tracker.link, "--share", shared(world, "anna", "film.bin", 6 * MIB), env=SLOW
    )
    ben = world.peer(
        "ben", tracker.link, "--share", shared(world, "ben", "song.bin", 2 * MIB), env=SLOW
    )
    carl = world.peer("carl", tracker.link)
    began = datetime.now(UTC).replace(microsecond=0)
    world.done("carl", "fetch", "film.bin")  # from anna
    world.done("anna", "fetch", "song.bin")  # from ben
    world.done("ben", "fetch", "film.bin")  # from anna and carl
    until(lambda: len(told(world)) == 3, "all three are told")

    rows = {(row["nick"], row["name"]): row for row in told(world)}
    assert set(rows) == {("carl", "film.bin"), ("anna", "song.bin"), ("ben", "film.bin")}
    film = rows["carl", "film.bin"]
    assert film["peer_id"] == carl.peer_id
    assert [(g["nick"], g["peer_id"], g["bytes"]) for g in film["givers"]] == [
        ("anna", anna.peer_id, 6 * MIB)
    ]
    assert film["size"] == 6 * MIB
    assert film["rate_bps"] > 0
    assert abs(film["rate_bps"] - film["size"] / film["seconds"]) <= 0.01 * film["rate_bps"]
    assert film["rate_bps"] < 40 * MIB, "held to what anna gives"
    assert began <= datetime.fromisoformat(film["time"])
    (song,) = told(world, "song")
    assert [giver["peer_id"] for giver in song["givers"]] == [ben.peer_id]
    both = rows["ben", "film.bin"]
    assert {giver["nick"] for giver in both["givers"]} <= {"anna", "carl"}
    assert sum(giver["bytes"] for giver in both["givers"]) == 6 * MIB

    # It outlives the tracker; the sums go on from where they were.
    before = told(world)
    tracker.process.terminate()
    again = world.tracker(listen=tracker.address)
    assert told(world) == before
    status = world.done("tracker", "tracker", "stats").row
    assert (status["fetched"], status["fetched_bytes"]) == (3, 14 * MIB)
    assert again.link.split("#")[1] == tracker.link.split("#")[1]


def test_a_peer_that_does_not_wish_it_tells_nothing(world: World) -> None:
    tracker = world.tracker()
    world.peer("anna", tracker.link, "--share", shared(world, "anna", "film.bin", MIB))
    world.peer("ben", tracker.link, env={"P2PTUI_PEER_TELL_HISTORY": "off"})
    world.peer("carl", tracker.link)
    world.done("ben", "fetch", "film.bin")
    world.done("carl", "fetch", "film.bin")
    until(lambda: told(world), "what carl tells")
    assert [row["nick"] for row in told(world)] == ["carl"]


def test_a_fetch_that_ends_while_the_tracker_is_away_is_told_when_it_is_back(
    world: World,
) -> None:
    tracker = world.tracker()
    world.peer(
        "anna", tracker.link, "--share", shared(world, "anna", "film.bin", 8 * MIB), env=SLOW
    )
    ben = world.peer("ben", tracker.link)
    world.done("ben", "fetch", "film.bin", "--no-wait")
    ben.process.wait_for("fetch_started")
    tracker.process.terminate()
    ben.process.wait_for("fetch_finished")
    seen = len(ben.process.events)
    world.tracker(listen=tracker.address)
    ben.process.wait_for("connected", after=seen)
    until(lambda: told(world), "what ben tells")
    (row,) = told(world)
    assert (row["nick"], row["givers"][0]["bytes"]) == ("ben", 8 * MIB)
