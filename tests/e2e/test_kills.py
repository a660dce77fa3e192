"""A node that is killed again and again while it fetches (F94): right in the end, little again."""

import random
import time
from pathlib import Path

from p2ptui.node.at_risk import AGAIN_BYTES
from tests.support.processes import World, random_file

KILLS = 12
SIZE = 120_000_000
CAPPED = {"P2PTUI_PEER_DOWN_LIMIT": "40 MB/s"}


def test_f94_a_dozen_kills_at_random_moments_cost_little_and_never_a_wrong_file(
    world: World,
) -> None:
    link = world.tracker().link
    files = world.folder / "files"
    files.mkdir()
    original = random_file(files / "film.mkv", SIZE)
    world.peer("anna", link, "--share", files)
    chance = random.Random(94)
    repository = world.home("ben").node.repository

    def sent() -> int:
        rows = world.done("anna", "history").rows + world.done("anna", "transfers").rows
        uploads = {row["id"]: row["done"] for row in rows if row["direction"] == "up"}
        return sum(uploads.values())

    ben = world.peer("ben", link, env=CAPPED)
    world.done("ben", "fetch", "film.mkv", "--no-wait")
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, 0.5))  # no moment is waited for: any one may be the wrong one
        ben.process.kill()
        assert (
            not [path for path in repository.glob("*") if path.is_file()]
            or (repository / "film.mkv").read_bytes() == original.read_bytes()
        )
        ben = world.peer("ben", "", env=CAPPED)
    if not (repository / "film.mkv").exists():
        finished = ben.process.wait_for("fetch_finished")
        assert Path(finished["path"]) == repository / "film.mkv"
    assert (repository / "film.mkv").read_bytes() == original.read_bytes()
    assert [path.name for path in repository.iterdir()] == ["film.mkv"]
    assert sent() <= SIZE + KILLS * AGAIN_BYTES
