"""Folders fetched as one job, by real nodes."""

import os
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, PeerId, TransferId
from p2ptui.base.rates import RateMeter
from p2ptui.node.api import BrowseRequest, Page, TransferRow
from p2ptui.node.bundle import Bundle
from p2ptui.node.download import Download
from p2ptui.node.folder_job import FolderJob
from p2ptui.node.node import Node
from p2ptui.node.store_values import TransferRecord
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
        assert row.sources == 1, "anna, however many files she gave"
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


async def test_the_cancel_of_a_job_can_be_undone_with_what_it_had(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        await anna.limit("up", 2 * MIB)
        number = (await bert.fetch_folder("anna", "album", "")).id

        async def some_is_here() -> bool:
            return (await row_of(bert, number)).done >= MIB

        await until(some_is_here)
        await bert.steer(number, "pause")
        had = (await row_of(bert, number)).done
        assert (await bert.steer(number, "cancel")).state == "cancelled"
        assert not (await bert.status()).active
        assert (await bert.undo()).text == "the folder album is there again, paused"
        row = await row_of(bert, number)
        assert (row.state, row.files, row.size, row.done) == ("paused", 3, 8 * MIB, had)
        await anna.limit("up", None)
        await bert.steer(number, "resume")
        assert (await until_over(bert, number)).files_done == 3
        assert tree(swarm.repository("bert")) == tree(swarm.repository("anna"))


async def test_what_a_cancelled_job_had_is_gone_once_it_cannot_be_undone(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        await anna.limit("up", 2 * MIB)
        number = (await bert.fetch_folder("anna", "album", "")).id

        async def some_is_here() -> bool:
            return (await row_of(bert, number)).done >= MIB

        await until(some_is_here)
        here = swarm.repository("bert")
        await bert.steer(number, "cancel")
        assert any(path.is_file() for path in here.rglob("*")), "for as long as it can be undone"
    assert not [path for path in here.rglob("*") if path.is_file() and path.stat().st_size > 4096]


async def test_an_undone_job_that_runs_again_already_is_left_alone(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        await anna.limit("up", 256 * 1024)
        number = (await bert.fetch_folder("anna", "album", "")).id
        await bert.steer(number, "cancel")
        await bert.steer(number, "retry")
        assert (await bert.undo()).text == "the folder album goes on"
        await bert.steer(number, "cancel")
        again = await bert.fetch_folder("anna", "album", "")
        with pytest.raises(P2PError, match="being fetched again"):
            await bert.undo()
        await anna.limit("up", None)
        assert (await until_over(bert, again.id)).state == "finished"


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
        assert tree(swarm.repository("bert")) == tree(swarm.repository("anna")), "twins as well"


async def test_f79_a_job_that_nobody_feeds_is_given_up_as_a_whole(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        await anna.limit("up", 1024)
        row = await bert.fetch_folder("anna", "album", "", patience_s=0.5)
        await anna.close()
        row = await until_over(bert, row.id)
        assert row.state == "failed"
        assert row.reason == "3 of 3 files were not fetched: no source answered for 500 ms"
        files = await bert.transfers(Page(filter=f"job:{row.id}"))
        assert {each.state for each in files.rows} == {"failed"}


def test_a_paused_job_and_one_whose_bundle_brings_something_are_fed() -> None:
    record = TransferRecord(id=TransferId(1), direction="down", content=ContentId(b""), name="a")
    job = FolderJob(record, 0.0)
    file = Download(msgspec.structs.replace(record, id=TransferId(2), job=record.id, size=10))
    job.take([file])
    assert not job.is_fed(1.0)
    file.note(state="paused")
    assert job.is_fed(1.0)
    file.note(state="active")
    file.bundle = Bundle(PeerId("h"), [file], RateMeter(0.0), 0.0)
    assert not job.is_fed(1.0)
    file.bundle.meter.add(1.0, 5000)
    assert job.is_fed(1.1)
    row = job.row(1.1)
    assert (row.state, row.sources, row.known, row.rate_bps > 0) == ("active", 1, 1, True)
