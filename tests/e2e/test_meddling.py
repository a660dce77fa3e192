"""Somebody's hand in a download's folder, with real processes (F82 to F84, F88, F97)."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.support.processes import World, random_file, until

SIZE = 6 << 20


def _only(folder: Path, kind: str) -> Path:
    (found,) = (folder / ".p2ptui-partial").glob(f"*.{kind}")
    return found


def spoil_part(folder: Path) -> None:
    """F84."""
    with _only(folder, "part").open("r+b") as file:
        file.write(bytes(SIZE))


def link_part(folder: Path) -> None:
    """F83: another name, by which it is written to."""
    other = folder / "another name"
    os.link(_only(folder, "part"), other)
    with other.open("r+b") as file:
        file.write(bytes(SIZE // 2))


def tear_journal(folder: Path) -> None:
    """F97."""
    with _only(folder, "journal").open("ab") as file:
        file.write(b"torn")


def flip_journal(folder: Path) -> None:
    """F97: one bit of the first claim."""
    journal = _only(folder, "journal")
    data = bytearray(journal.read_bytes())
    data[len(data) // 3] ^= 1
    journal.write_bytes(data)


def cut_manifest(folder: Path) -> None:
    """Half of what was kept."""
    manifest = _only(folder, "manifest")
    manifest.write_bytes(manifest.read_bytes()[:100])


HANDS: dict[str, Callable[[Path], None]] = {
    hand.__name__: hand
    for hand in (spoil_part, link_part, tear_journal, flip_journal, cut_manifest)
}
PLANTED = "planted"
"""The download whose own folder becomes a symbolic link (F82)."""


def test_what_was_meddled_with_is_verified_again_and_a_planted_link_is_refused(
    world: World,
) -> None:
    names = (*HANDS, PLANTED)
    tracker = world.tracker()
    world.peer("anna", tracker.link, env={"P2PTUI_PEER_UP_LIMIT": "100 kB/s"})
    originals = {}
    for seed, name in enumerate(names):
        originals[name] = random_file(world.folder / f"{name}.bin", SIZE, seed=seed)
        world.done("anna", "publish", originals[name])
    shared = world.folder / "shared"
    shared.mkdir()
    ben = world.peer("ben", tracker.link, "--share", shared)
    until(lambda: len(world.done("ben", "search", "bin").rows) == len(names), "the index")
    folders = {name: shared / name for name in names}
    numbers = {}
    for name in names:
        folders[name].mkdir()
        row = world.done("ben", "fetch", f"{name}.bin", "--to", folders[name], "--no-wait").row
        numbers[name] = row["id"]
    world.done("anna", "limit", "up", "4 MB/s")

    def all_begun() -> bool:
        rows = world.done("ben", "transfers").rows
        return len([row for row in rows if row["done"] > 0]) == len(names)

    until(all_begun, "something of each")
    world.done("anna", "limit", "up", "10 kB/s")
    # F88: what is on its way is in a folder that is shared, and is not offered.
    world.done("ben", "rescan")
    assert world.done("ben", "files").rows == []
    for number in numbers.values():
        world.done("ben", "pause", str(number))

    for name, meddle in HANDS.items():
        meddle(folders[name])
    outside = world.folder / "outside"
    planted = folders[PLANTED] / ".p2ptui-partial"
    planted.rename(outside)
    planted.symlink_to(outside, target_is_directory=True)
    before = {path: path.stat().st_mtime_ns for path in outside.rglob("*")}
    world.done("anna", "limit", "up", "off")
    for number in numbers.values():
        world.done("ben", "resume", str(number))

    for name in HANDS:
        finished = ben.process.wait_for("fetch_finished", id=numbers[name])
        assert Path(finished["path"]).read_bytes() == originals[name].read_bytes(), name
    failed = ben.process.wait_for("fetch_failed", id=numbers[PLANTED])
    assert failed["exit_code"] == 6
    assert f"{folders[PLANTED]}: a part of its path is no folder" in failed["reason"]
    assert {path: path.stat().st_mtime_ns for path in outside.rglob("*")} == before
