"""Members that cannot dial each other, as real processes: called back, relayed, or told why not.

A closed data port is one that listens at another address of the loopback than the one that the
tracker sees: it can dial everybody, and nobody can dial it, as behind a firewall.
"""

from pathlib import Path

from tests.support.processes import Peer, Tracker, World, random_file, until

CLOSED = "127.0.0.2:0"
SIZE = 5_000_000


def files_of(world: World) -> Path:
    folder = world.folder / "files"
    folder.mkdir()
    random_file(folder / "big.bin", SIZE)
    return folder


def reached(world: World, name: str, state: str) -> None:
    """Wait until a node knows whether others can dial it."""

    def is_so() -> bool:
        found: str = world.done(name, "status").row["tracker"]["reachability"]
        return found == state

    until(is_so, f"{name} {state}")


def path_to(world: World, name: str, other: str) -> str:
    """How a node says that it is connected with another."""
    rows = world.done(name, "peers").rows
    path: str = next(row["path"] for row in rows if row["nick"] == other)
    return path


def fetch(world: World, taker: str, folder: Path) -> str:
    """Fetch the file and say which way its source was reached."""
    world.done(taker, "fetch", "big.bin", "--to", str(folder))
    assert (folder / "big.bin").read_bytes() == (world.folder / "files" / "big.bin").read_bytes()
    rows = world.done(taker, "peers").rows
    paths = {row["path"] for row in rows if row["path"]}
    assert len(paths) == 1, rows
    return str(paths.pop())


def closed_source(world: World, tracker: Tracker) -> Peer:
    anna = world.peer("anna", tracker.link, "--share", str(files_of(world)), listen=CLOSED)
    told = anna.process.wait_for("notice", level="warning")
    port = anna.address.rpartition(":")[2]
    assert f"others cannot reach you on {port}" in told["text"]
    assert "firewall" in told["hint"]
    reached(world, "anna", "unreachable")
    return anna


def test_f114_a_source_behind_a_firewall_dials_the_taker(world: World) -> None:
    tracker = world.tracker()
    closed_source(world, tracker)
    world.peer("ben", tracker.link)
    reached(world, "ben", "reachable")
    assert fetch(world, "ben", world.folder / "got") == "connect-back"
    assert path_to(world, "anna", "ben") == "connect-back", "the source tells the same"


def test_two_members_behind_firewalls_are_joined_by_the_tracker(world: World) -> None:
    tracker = world.tracker()
    closed_source(world, tracker)
    world.peer("ben", tracker.link, listen="127.0.0.3:0")
    reached(world, "ben", "unreachable")
    assert fetch(world, "ben", world.folder / "got") == "relay"
    assert path_to(world, "anna", "ben") == "relay"


def test_a_relay_that_is_switched_off_is_told(world: World) -> None:
    (world.folder / "tracker").mkdir()
    (world.folder / "tracker" / "settings.toml").write_text("[tracker]\nrelay = false\n")
    tracker = world.tracker()
    closed_source(world, tracker)
    world.peer("ben", tracker.link, listen="127.0.0.3:0")
    reached(world, "ben", "unreachable")
    world.done("ben", "fetch", "big.bin", "--no-wait")

    def reason() -> str:
        sources = world.done("ben", "sources", "big.bin").rows
        transfers = world.done("ben", "transfers").rows
        return str(sources) + str(transfers)

    until(lambda: "relays nothing" in reason(), "why it is not fetched")
