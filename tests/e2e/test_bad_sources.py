"""Sources that lie, as real processes: blamed exactly, dropped, told, and the file is right.

F73 to F76. Those that are merely slow or silent are in `test_silences`.
"""

import sys
from pathlib import Path

from tests.support.processes import Peer, World, random_file, until

LIAR = (sys.executable, "-P", "-m", "tests.support.liar")
ROOT = str(Path(__file__).parents[2])
SIZE = 24 << 20
PACED = {"P2PTUI_PEER_DOWN_LIMIT": "12 MB/s"}
"""So slow that everybody has a part in it."""


def liar(world: World, lie: str, link: str, film: Path) -> Peer:
    """A peer that offers a file and lies so; its lie is its nickname."""
    peer = world.peer(lie, link, env={"PYTHONPATH": ROOT, "LIE": lie}, program=LIAR)
    world.done(lie, "publish", film)
    return peer


def taker(world: World, link: str, owners: int) -> Peer:
    """Ben, who sees so many owners of the file."""
    ben = world.peer("ben", link, env=PACED)
    wait_for_owners(world, owners)
    return ben


def wait_for_owners(world: World, count: int) -> None:
    """Until the tracker tells ben of so many."""
    until(
        lambda: [row["owners"] for row in world.done("ben", "search", "film").rows] == [count],
        "all owners",
    )


def losses(ben: Peer) -> dict[str, str]:
    """Who was lost, and why; told at once and once each."""
    told = [event for event in ben.process.events if event["event"] == "source_lost"]
    assert len({event["nick"] for event in told}) == len(told), told
    return {event["nick"]: event["reason"] for event in told}


def test_f73_f75_liars_are_dropped_and_the_honest_one_brings_the_file(world: World) -> None:
    link = world.tracker().link
    film = random_file(world.folder / "film.mkv", SIZE)
    lies = ("first", "swap", "long")
    for lie in lies:
        liar(world, lie, link, film)
    world.peer("anna", link)
    world.done("anna", "publish", film)
    ben = taker(world, link, owners=4)
    world.done("ben", "fetch", "film.mkv", "--no-wait")
    finished = ben.process.wait_for("fetch_finished")
    assert Path(finished["path"]).read_bytes() == film.read_bytes()
    lost = losses(ben)
    assert set(lost) == set(lies), "nobody else is blamed"
    assert all(reason.startswith("sent wrong data") for reason in lost.values()), lost


def test_f76_a_wrong_manifest_is_refused_and_the_next_one_is_asked(world: World) -> None:
    link = world.tracker().link
    film = random_file(world.folder / "film.mkv", SIZE)
    liar(world, "manifest", link, film)
    ben = taker(world, link, owners=1)
    result = world.run("ben", "fetch", "film.mkv", "--json")
    assert result.code == 4, result
    assert "1 source sent wrong data" in result.error["message"]
    assert losses(ben) == {"manifest": "sent a wrong manifest"}
    assert not list(world.home("ben").node.repository.rglob("*.part")), "nothing was begun"

    world.peer("anna", link)
    world.done("anna", "publish", film)
    until(lambda: world.done("ben", "search", "film").row["owners"] == 2, "anna")
    fetched = world.done("ben", "fetch", "film.mkv").row
    assert Path(fetched["path"]).read_bytes() == film.read_bytes()


def test_f74_when_all_lie_it_ends_with_4_and_what_was_verified_is_kept(world: World) -> None:
    link = world.tracker().link
    film = random_file(world.folder / "film.mkv", SIZE)
    anna = world.peer("anna", link, env={"P2PTUI_PEER_UP_LIMIT": "4 MB/s"})
    world.done("anna", "publish", film)
    ben = taker(world, link, owners=1)
    world.done("ben", "fetch", "film.mkv", "--no-wait")
    until(lambda: int(world.done("ben", "transfers").row["done"]) > 0, "the first chunks")
    world.done("ben", "pause", "1")
    world.done("anna", "remove", "film.mkv")
    for lie in ("all", "swap"):
        liar(world, lie, link, film)
    wait_for_owners(world, 2)
    world.done("ben", "resume", "1")
    failed = ben.process.wait_for("fetch_failed")
    assert "2 sources sent wrong data" in failed["reason"]
    assert failed["exit_code"] == 4
    (row,) = world.done("ben", "history").rows
    assert row["state"] == "failed"
    assert list(world.home("ben").node.repository.rglob("*.part"))

    world.done("anna", "publish", film)
    until(lambda: world.done("ben", "search", "film").row["owners"] == 3, "anna")
    world.done("ben", "retry", "1")
    finished = ben.process.wait_for("fetch_finished")
    assert Path(finished["path"]).read_bytes() == film.read_bytes()
    begun = [event for event in ben.process.events if event["event"] == "fetch_started"]
    assert begun[-1]["resumed"] > 0
    lost = {event["nick"] for event in ben.process.events if event["event"] == "source_lost"}
    assert lost == {"all", "swap"}, "anna is not blamed for what she shares anew"
    assert anna.process.popen.poll() is None
