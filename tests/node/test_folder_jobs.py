"""Folders fetched as one job, by real nodes."""

import os
from pathlib import Path

from p2ptui.base.ids import TransferId
from p2ptui.node.api import BrowseRequest, Page, TransferRow
from p2ptui.node.node import Node
from tests.support.contents import MIB, make_bytes
from tests.support.node_swarm import NodeSwarm, node_swarm, until

OLD = 1_600_000_000


def fill(folder: Path) -> None:
    """An album of two different contents, one of them twice, and empty folders."""
    (folder / "album/deep/void").mkdir(parents=True)
    (folder / "album/empty").mkdir()
    (folder / "album/one").write_bytes(make_bytes(3 * MIB, seed=1))
    (folder / "album/deep/twin").write_bytes(make_bytes(3 * MIB, seed=1))
    (folder / "album/deep/two").write_bytes(make_bytes(2 * MIB, seed=2))
    os.utime(folder / "album/one", (OLD, OLD))


def tree(folder: Path) -> list[str]:
    """All there is below a folder that is not hidden."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return sorted(name for name in found if not name.startswith(".") and "/." not in name)


async def row_of(node: Node, number: TransferId) -> TransferRow:
    return (await node.transfer(number)).row


async def until_over(node: Node, number: TransferId) -> TransferRow:
    async def over() -> bool:
        return (await row_of(node, number)).finished is not None

    await until(over)
    return await row_of(node, number)


async def connected(node: Node) -> bool:
    return (await node.status()).tracker.state == "connected"


async def two_nodes(swarm: NodeSwarm, *, restarts: bool = False) -> tuple[Node, Node]:
    """Anna, who has the album, and Bert; whoever `restarts` him closes him too."""
    await swarm.tracker()
    fill(swarm.repository("anna"))
    anna = await swarm.node("anna")
    bert = await (swarm.open("bert") if restarts else swarm.node("bert"))
    await until(lambda: connected(bert))

    async def listed() -> bool:
        members = await bert.peers(Page())
        if not any(row.nick == "anna" and row.online for row in members.rows):
            return False
        return (await bert.browse(BrowseRequest(host="anna"))).total == 3

    await until(listed)
    return anna, bert


async def test_a_folder_comes_with_its_structure_empty_folders_and_times(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        _anna, bert = await two_nodes(swarm)
        begun = await bert.fetch_folder("anna", "album", "")
        assert (begun.files, begun.name, begun.size) == (3, "album", 8 * MIB)
        row = await until_over(bert, begun.id)
        assert (row.state, row.files_done, row.done) == ("finished", 3, 8 * MIB)
        here, there = swarm.repository("bert"), swarm.repository("anna")
        assert tree(here) == tree(there)
        assert (here / "album/one").stat().st_mtime == OLD
        assert (here / "album/deep/twin").read_bytes() == (there / "album/one").read_bytes()
        assert [part.nick for part in row.peers] == ["anna"]
        assert row.peers[0].bytes == 5 * MIB, "the twin was copied"
        history = await bert.transfers(Page())
        assert [each.name for each in history.rows] == ["album"], "one row"


async def test_two_folders_of_one_name_never_mix(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        mine = swarm.repository("bert") / "album" / "mine"
        mine.parent.mkdir(parents=True)
        mine.write_text("mine")
        _anna, bert = await two_nodes(swarm)
        row = await bert.fetch_folder("anna", "album", "")
        assert row.path == str(swarm.repository("bert") / "album (2)")
        await until_over(bert, row.id)
        assert tree(mine.parent) == ["mine"]
        again = await bert.fetch_folder("anna", "album", "")
        assert (again.path, again.files_done) == (row.path, 3), "the same folder goes on there"


async def test_a_job_is_paused_survives_a_restart_and_goes_on(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm, restarts=True)
        await anna.limit("up", 512 * 1024)
        number = (await bert.fetch_folder("anna", "album", "")).id
        same = await bert.fetch_folder("anna", "album", "")
        assert same.id == number, "it is fetched already"

        async def some() -> bool:
            return (await row_of(bert, number)).done >= MIB

        await until(some)
        paused = await bert.steer(number, "pause")
        assert paused.state == "paused"
        files = await bert.transfers(Page(filter=f"job:{number}"))
        assert {each.state for each in files.rows} == {"paused"}
        assert all(each.job == number for each in files.rows)
        await bert.close()
        bert = await swarm.node("bert")
        row = await row_of(bert, number)
        assert (row.state, row.files, row.size) == ("paused", 3, 8 * MIB)
        assert row.done >= MIB
        await anna.limit("up", None)
        await bert.steer(number, "resume")
        row = await until_over(bert, number)
        assert (row.state, row.files_done) == ("finished", 3)
        assert tree(swarm.repository("bert")) == tree(swarm.repository("anna"))


async def test_a_job_is_cancelled_as_a_whole_and_taken_up_again(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        await anna.limit("up", 256 * 1024)
        number = (await bert.fetch_folder("anna", "album", "")).id
        row = await bert.steer(number, "cancel")
        assert (row.state, row.id) == ("cancelled", number)
        assert not (await bert.status()).active
        await anna.limit("up", None)
        row = await bert.steer(number, "retry")
        assert row.state != "cancelled"
        assert (await until_over(bert, number)).files_done == 3
