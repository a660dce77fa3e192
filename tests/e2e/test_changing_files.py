"""Files that change while they are served, as real processes (F80): never a wrong byte."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.support.processes import Peer, World, random_file, until

SIZE = 6 << 20
CHUNK = 1 << 20
TOLD = "the file has changed here"


def truncate(path: Path) -> None:
    os.truncate(path, SIZE // 2)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    """The same size, other bytes."""
    with path.open("r+b") as file:
        file.write(b"\0" * SIZE)


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"\1" * SIZE)
    other.rename(path)


def delete(path: Path) -> None:
    path.unlink()


def forbid(path: Path) -> None:
    path.chmod(0)


HARMS: dict[str, Callable[[Path], None]] = {
    harm.__name__: harm for harm in (truncate, append, rewrite, replace, delete, forbid)
}
SEEN_AT_ONCE = ("truncate", "append", "rewrite")
"""The others leave the bytes that are open as they are: what is under way may go on to its end."""


def shared(world: World, names: tuple[str, ...]) -> Path:
    folder = world.folder / "files"
    folder.mkdir()
    for seed, name in enumerate(names):
        random_file(folder / f"{name}.bin", SIZE, seed=seed)
    return folder


def begun(world: World, count: int) -> bool:
    """Whether so many downloads have something and none has all."""
    rows = [row for row in world.done("ben", "transfers").rows if row["direction"] == "down"]
    assert all(row["done"] < SIZE for row in rows), "too fast to be disturbed"
    return len([row for row in rows if row["done"] >= CHUNK]) == count


def lost(ben: Peer, number: int) -> list[str]:
    return [
        event["reason"]
        for event in ben.process.events
        if event["event"] == "source_lost" and event["id"] == number
    ]


def offered(world: World, name: str) -> list[str]:
    """The contents that anna offers under a name."""
    return [row["content_id"] for row in world.done("ben", "browse", "anna", *name.split()).rows]


def test_f80_a_file_that_changes_is_never_served_mixed(world: World) -> None:
    tracker = world.tracker()
    folder = shared(world, tuple(HARMS))
    originals = {name: (folder / f"{name}.bin").read_bytes() for name in HARMS}
    slow = {"P2PTUI_PEER_UP_LIMIT": "100 kB/s"}
    world.peer("anna", tracker.link, "--share", folder, env=slow)
    ben = world.peer("ben", tracker.link)
    until(lambda: len(offered(world, "")) == len(HARMS), "the index")
    numbers, before = {}, {}
    for name in HARMS:
        row = world.done("ben", "fetch", f"{name}.bin", "--no-wait").row
        numbers[name], before[name] = row["id"], row["content_id"]
    world.done("anna", "limit", "up", "4 MB/s")
    until(lambda: begun(world, len(HARMS)), "something of each")
    for name, harm in HARMS.items():
        harm(folder / f"{name}.bin")
    world.done("anna", "limit", "up", "off")

    for name in SEEN_AT_ONCE:
        told = ben.process.wait_for("source_lost", id=numbers[name])
        assert told["reason"] == TOLD
        # Withdrawn, and offered as what it is now.
        until(
            lambda name=name: offered(world, f"{name}.bin") not in ([], [before[name]]),
            "the new content",
        )
    world.done("anna", "rescan")
    until(lambda: not offered(world, "delete.bin"), "the end of the deleted file")

    # Whoever has the right bytes brings the rest.
    copies = world.folder / "copies"
    copies.mkdir()
    for name, data in originals.items():
        (copies / f"copy of {name}.bin").write_bytes(data)
    world.peer("cleo", tracker.link, "--share", copies)
    for name, number in numbers.items():
        finished = ben.process.wait_for("fetch_finished", id=number)
        assert Path(finished["path"]).read_bytes() == originals[name], name
        assert not any("wrong data" in reason for reason in lost(ben, number)), name


def test_f87_two_that_fetch_one_content_share_one_download_or_are_told(world: World) -> None:
    tracker = world.tracker()
    folder = shared(world, ("film",))
    world.peer("anna", tracker.link, "--share", folder, env={"P2PTUI_PEER_UP_LIMIT": "2 MB/s"})
    ben = world.peer("ben", tracker.link)
    until(lambda: offered(world, "film"), "the index")
    two = [world.start("ben", "fetch", "film.bin", "--json") for _ in range(2)]
    paths = set()
    for command in two:
        paths.add(command.wait_for("fetch_finished")["path"])
        assert command.wait() == 0
    assert paths == {str(world.home("ben").node.repository / "film.bin")}
    assert len(world.done("ben", "history").rows) == 1
    assert len([event for event in ben.process.events if event["event"] == "fetch_started"]) == 1

    # Another node is refused a folder into which one fetches the same.
    to = world.folder / "common"
    to.mkdir()
    ben.process.terminate()
    (world.home("ben").node.repository / "film.bin").unlink()
    ben = world.peer("ben", "")
    world.peer("cleo", tracker.link)
    world.done("ben", "fetch", "film.bin", "--to", to, "--no-wait")
    ben.process.wait_for("fetch_started")
    result = world.run("cleo", "fetch", "film.bin", "--to", to, "--json")
    assert result.code == 6
    assert f"another program is fetching this content into {to}" in result.error["message"]
    finished = ben.process.wait_for("fetch_finished")
    assert Path(finished["path"]).read_bytes() == (folder / "film.bin").read_bytes()
    assert list(to.iterdir()) == [to / "film.bin"]
