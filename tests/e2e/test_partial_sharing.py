"""Takers give each other what they have while they fetch: real processes."""

from pathlib import Path

from tests.support.processes import World, random_file, until

SIZE = 40_000_000
CAPPED = {"P2PTUI_PEER_UP_LIMIT": "8 MB/s"}


def test_takers_find_each_other_and_the_publisher_sends_little_more_than_one_copy(
    world: World,
) -> None:
    link = world.tracker().link
    files = world.folder / "files"
    files.mkdir()
    original = random_file(files / "film.mkv", SIZE)
    anna = world.peer("anna", link, "--share", files, env=CAPPED)
    takers = {name: world.peer(name, link) for name in ("ben", "cleo", "dora")}
    for name in takers:
        world.done(name, "fetch", "film.mkv", "--no-wait")

    # While it goes on: each is told of the others, and says which of its sources fetch it too.
    def partial_sources() -> list[dict[str, object]]:
        sources = world.done("ben", "sources", "film.mkv").rows
        return [row for row in sources if row["partial"]]

    until(lambda: len(partial_sources()) == 2, "both other takers")
    (hit,) = world.done("ben", "search", "film").rows
    assert (hit["owners"], hit["known"]) == (1, 1), "who fetches it is no owner"

    for name, taker in takers.items():
        finished = taker.process.wait_for("fetch_finished")
        assert Path(finished["path"]).read_bytes() == original.read_bytes(), name
    sent = sum(row["done"] for row in world.done("anna", "transfers").rows)
    assert sent < 2 * SIZE, "three copies would be the whole of it"
    until(lambda: world.done("ben", "search", "film").row["owners"] == 4, "four owners")
    assert anna.process.popen.poll() is None
