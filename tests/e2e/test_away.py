"""A swarm whose tracker is away, as real processes: members find and fetch without it (F112).

Discovery is off here: all that a node knows of others is what it met before.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Peer, World, opened, random_file, until

SIZE = 2_500_000


class Deserted:
    """Three members that knew each other, and a tracker that is gone."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.files = world.folder / "files"
        (self.files / "jazz" / "void").mkdir(parents=True)
        random_file(self.files / "big.bin", SIZE)
        random_file(self.files / "jazz" / "song.flac", 1000)
        self.tracker = world.tracker()
        self.anna = self._peer("anna", "--share", str(self.files))
        self.ben = self._peer("ben")
        self.cleo = self._peer("cleo")
        for name in ("anna", "ben", "cleo"):
            until(lambda name=name: self.known(name) == 2, f"{name} knows the others")
        self.tracker.process.kill()
        for peer in (self.anna, self.ben, self.cleo):
            peer.process.wait_for("disconnected")

    def known(self, name: str) -> int:
        found: int = self.world.done(name, "status").row["tracker"]["in_reach"]
        return found

    def _peer(self, name: str, *words: str) -> Peer:
        return self.world.peer(name, self.tracker.link, *words)


@pytest.fixture
def deserted(tmp_path: Path) -> Iterator[Deserted]:
    for world in opened(tmp_path):
        yield Deserted(world)


def test_f112_members_answer_in_the_place_of_the_tracker(deserted: Deserted) -> None:
    world, got = deserted.world, deserted.world.folder / "got"
    plain = world.run("ben", "search", "big")
    assert "this is the answer of the 2 members in reach" in plain.err
    found = world.done("ben", "search", "big")
    assert [row["name"] for row in found.rows] == ["files/big.bin"]
    assert [row["best"] for row in found.rows] == ["anna"]
    assert {row["nick"]: row["online"] for row in world.done("ben", "peers").rows} == {
        "anna": True, "cleo": True,
    }  # fmt: skip
    names = [row["name"] for row in world.done("ben", "browse", "anna").rows]
    assert names == ["files/big.bin", "files/jazz/song.flac"]
    for number, target in enumerate(("big.bin", found.row["content_id"])):
        folder = got / str(number)
        path = world.done("ben", "fetch", target, "--to", folder).row["path"]
        assert Path(path) == folder / "big.bin"
        assert Path(path).read_bytes() == (deserted.files / "big.bin").read_bytes()
    # What one of them has by now, the next one takes from both.
    sources = world.done("cleo", "sources", "big.bin").rows
    assert {row["nick"] for row in sources} == {"anna"}
    world.done("cleo", "fetch", "anna:/files/jazz", "--to", got)
    assert (got / "jazz" / "song.flac").stat().st_size == 1000
    assert (got / "jazz" / "void").is_dir()
    missing = world.run("ben", "fetch", "nowhere.bin", "--json")
    assert missing.code == 4
    assert "members in reach" in missing.error["message"]


def test_a_restart_forgets_nobody_and_nobody_in_reach_is_told(deserted: Deserted) -> None:
    world = deserted.world
    deserted.ben.process.terminate()
    # A node for as long as the command runs.
    assert world.done("ben", "search", "song").row["name"] == "files/jazz/song.flac"
    for peer in (deserted.anna, deserted.cleo):
        peer.process.kill()
    alone = world.run("ben", "search", "song", "--json")
    assert alone.code == 5
    assert alone.error["error"] == "The tracker is away, and no member can be reached"
    assert "none of the 2 members known here answers" in alone.error["message"]
    assert "fetch NAME IP PORT" in alone.error["hint"]
    stranger = world.run("dora", "search", "song", "--json")
    assert stranger.code == 2
