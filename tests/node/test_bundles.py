"""Small files of a folder, brought in bundles by real nodes, and the rules of packing them."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from p2ptui.base.ids import ContentId, PeerId, TransferId
from p2ptui.base.rates import RateMeter
from p2ptui.net.wire import messages as m
from p2ptui.node.api import Page, TransferRow
from p2ptui.node.bundle import (
    BUNDLE_BYTES,
    BUNDLE_FILES,
    SMALL_BYTES,
    Bundle,
    is_small,
    packed,
    sort_out,
)
from p2ptui.node.bundles import BundleTools
from p2ptui.node.download import Download
from p2ptui.node.node import Node
from p2ptui.node.partial import PARTIALS
from p2ptui.node.small_placing import SmallFile
from p2ptui.node.source import PROVING_SHARE, SLOW_BPS, SLOW_S
from p2ptui.node.store_values import Adopted, TransferRecord
from p2ptui.node.uploads import SmallContents
from tests.node.test_folder_jobs import connected, row_of, tree, until_over
from tests.support.contents import make_bytes
from tests.support.download_rig import downloading
from tests.support.eventually import eventually
from tests.support.fake_time import virtual_time
from tests.support.node_swarm import NodeSwarm, node_swarm, until

OLD = 1_600_000_000
HOST = PeerId("h" * 32)
FILES = 700


def fill(folder: Path) -> None:
    """More than one bundle of small files: an empty one, one that is there twice, a large one."""
    for number in range(FILES):
        path = folder / f"many/part{number % 7}/file{number:03}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_bytes(50 + number, seed=number))
    (folder / "many/part1/empty").touch()
    (folder / "many/part2/twin").write_bytes(make_bytes(50, seed=0))
    (folder / "many/large").write_bytes(make_bytes(2 * SMALL_BYTES, seed=5))
    os.utime(folder / "many/part3/file003", (OLD, OLD))


async def two_nodes(swarm: NodeSwarm, *, restarts: bool = False) -> tuple[Node, Node]:
    """Anna, who has the files, and Bert; whoever `restarts` him closes him too."""
    await swarm.tracker()
    fill(swarm.repository("anna"))
    anna = await swarm.node("anna")

    async def hashed() -> bool:
        status = await anna.status()
        return status.files == FILES + 3 and not status.hashing

    await until(hashed)
    bert = await (swarm.open("bert") if restarts else swarm.node("bert"))
    await until(lambda: connected(bert))
    return anna, bert


def same_bytes(here: Path, there: Path) -> bool:
    return all(
        (here / name).read_bytes() == (there / name).read_bytes()
        for name in tree(there)
        if (there / name).is_file()
    )


async def uploads_of(node: Node) -> list[TransferRow]:
    rows = (await node.transfers(Page(limit=1000))).rows
    return [row for row in rows if row.direction == "up"]


async def test_a_folder_of_small_files_comes_in_bundles(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        row = await until_over(bert, (await bert.fetch_folder("anna", "many", "")).id)
        assert (row.state, row.files_done) == ("finished", FILES + 3)
        here, there = swarm.repository("bert"), swarm.repository("anna")
        assert tree(here) == tree(there)
        assert same_bytes(here, there)
        assert (here / "many/part3/file003").stat().st_mtime == OLD
        assert not list(here.rglob(PARTIALS)), "nothing is left behind"
        assert [part.nick for part in row.peers] == ["anna"]
        given = await uploads_of(anna)
        small = [each for each in given if not each.content_id]
        assert [each.name for each in small] == ["many"], "all that came in bundles is one upload"
        assert len(given) <= 3, "the large one, and the twin if it was not copied"

        async def listed() -> bool:
            status = await bert.status()
            return status.files == FILES + 3 and not status.hashing

        await until(listed)
        again = await bert.fetch_folder("anna", "many", "")
        assert again.files_done == FILES + 3, "it knows where they are"


async def test_a_file_that_has_changed_there_is_fetched_alone_or_told(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        changed = swarm.repository("anna") / "many/part4/file004"
        changed.write_bytes(make_bytes(54, seed=999))
        row = await bert.fetch_folder("anna", "many", "")

        async def rest_is_here() -> bool:
            return (await row_of(bert, row.id)).files_done == FILES + 2

        await until(rest_is_here)
        left = await bert.transfers(Page(filter=f"job:{row.id}", limit=1000))
        assert [each.name for each in left.rows if each.state != "finished"] == ["file004"]
        assert not (swarm.repository("bert") / "many/part4/file004").exists()
        assert (await bert.steer(row.id, "cancel")).state == "cancelled"
        await anna.rescan()


async def test_a_member_without_the_feature_is_asked_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        with monkeypatch.context() as greeting:
            greeting.setattr(m, "CONTENTS_FEATURE", "another")
            endpoints = await bert._directory.endpoints(anna._parts.credentials.peer_id)
            await bert._swarm().peers.session(anna._parts.credentials.peer_id, endpoints)
        row = await bert.fetch_folder("anna", "many/part5", "")
        row = await until_over(bert, row.id)
        assert (row.state, row.files_done) == ("finished", FILES // 7)
        assert same_bytes(
            swarm.repository("bert") / "part5", swarm.repository("anna") / "many/part5"
        )
        assert all(each.content_id for each in await uploads_of(anna))


async def test_a_job_is_paused_between_bundles_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm, restarts=True)
        await anna.limit("up", 128 * 1024)
        number = (await bert.fetch_folder("anna", "many", "")).id
        paused = await bert.steer(number, "pause")
        assert paused.state == "paused"
        files = await bert.transfers(Page(filter=f"job:{number}", limit=1000))
        assert {each.state for each in files.rows} <= {"paused", "finished"}
        await bert.close()
        bert = await swarm.node("bert")
        assert (await row_of(bert, number)).state == "paused"
        await anna.limit("up", None)
        await bert.steer(number, "resume")
        row = await until_over(bert, number)
        assert (row.state, row.files_done) == ("finished", FILES + 3)
        assert same_bytes(swarm.repository("bert"), swarm.repository("anna"))


async def test_f73_a_member_that_sends_wrong_bytes_is_blamed_and_nothing_of_it_is_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node_swarm(tmp_path) as swarm:
        anna, bert = await two_nodes(swarm)
        row = None
        contents = anna._library.contents
        honest = contents.read_small

        async def lying(wanted: list[ContentId], limit: int) -> object:
            found = await honest(wanted, limit)
            found.given[:] = [data and bytes(len(data)) for data in found.given]
            return found

        monkeypatch.setattr(contents, "read_small", lying)
        row = await bert.fetch_folder("anna", "many/part6", "")

        async def barred() -> bool:
            return bert._swarm().peers.barred(anna._parts.credentials.peer_id)

        await until(barred)
        assert not [
            path for path in (swarm.repository("bert") / "part6").iterdir() if path.is_file()
        ]
        assert (await bert.steer(row.id, "cancel")).state == "cancelled"


# --- pace ---------------------------------------------------------------------------------------


@virtual_time
async def test_f77_a_member_that_drips_into_a_bundle_is_left_to_ordinary_fetches(
    tmp_path: Path,
) -> None:
    data = make_bytes(SMALL_BYTES)
    async with downloading(tmp_path, data) as rig:
        anna = await rig.fetches.peer("anna")
        anna.contents_pause_s = 20.0

        async def none_here(contents: Sequence[ContentId], _limit: int) -> SmallContents:
            return SmallContents([None] * len(contents), "")

        async def where(_host: PeerId) -> tuple[m.Endpoint, ...]:
            return anna.source().endpoints

        async def adopt(_files: Sequence[Adopted]) -> None:
            pytest.fail("nothing comes in a bundle")

        def place(_files: Sequence[SmallFile]) -> NoReturn:
            pytest.fail("nothing comes in a bundle")

        rig.downloads.bundle_with(BundleTools(place, adopt, none_here, where))
        began = rig.fetches.clock.monotonic()
        record = msgspec.structs.replace(rig.of_data(), job=TransferId(1), host=anna.host.peer_id)
        await rig.downloads.add(record, None)
        await eventually(lambda: anna.bundles_asked == 1)
        assert rig.downloads.sources_at_work == 1, "a bundle has a part of our own rate limit"
        await eventually(lambda: not rig.downloads.current)
        assert (tmp_path / "song.mp3").read_bytes() == data
        assert rig.fetches.clock.monotonic() - began <= 20 + SLOW_S + 5
        assert anna.bundles_asked == 1
        assert len(anna.cancelled) == 1, "it need not go on"


def paced(bundle: Bundle, rate_bps: int, *, others: int = 0, fair_bps: float = math.inf) -> bool:
    """Whether a bundle that comes so is told to be slow within 40 s."""
    for second in range(1, 41):
        bundle.meter.add(float(second), rate_bps)
        if bundle.is_slow(float(second), others=others, fair_bps=fair_bps):
            return True
    return False


def bundle_at_work() -> Bundle:
    return Bundle(HOST, [download(1)], RateMeter(0.0), 0.0)


def test_a_bundle_is_slow_when_neither_its_company_nor_our_own_limit_makes_it_so() -> None:
    assert paced(bundle_at_work(), SLOW_BPS - 1024)
    assert not paced(bundle_at_work(), SLOW_BPS)
    assert not paced(bundle_at_work(), SLOW_BPS // 2, others=1)
    assert paced(bundle_at_work(), SLOW_BPS // 3, others=1)
    limit_bps = 64 * 1024
    assert not paced(bundle_at_work(), limit_bps // PROVING_SHARE, fair_bps=limit_bps)
    assert paced(bundle_at_work(), limit_bps // PROVING_SHARE - 100, fair_bps=limit_bps)
    assert not paced(bundle_at_work(), 0), "who sends nothing at all is watched by the session"


# --- packing --------------------------------------------------------------------------------------


def download(number: int, *, size: int = 100, job: int = 1, host: str = HOST) -> Download:
    return Download(
        TransferRecord(
            id=TransferId(number),
            direction="down",
            content=ContentId(number.to_bytes(32, "big")),
            name=f"file{number}",
            size=size,
            job=TransferId(job),
            host=host,
        )
    )


def test_a_bundle_is_bounded_in_files_and_in_bytes_and_of_one_job() -> None:
    many = [download(number) for number in range(BUNDLE_FILES + 1)]
    assert [len(each) for each in packed(many)] == [BUNDLE_FILES, 1]
    assert BUNDLE_FILES <= m.MAX_CONTENTS
    large = [download(number, size=SMALL_BYTES) for number in range(40)]
    bundles = list(packed(large))
    assert [each for bundle in bundles for each in bundle] == large, "in their order"
    sums = [sum(each.record.size for each in bundle) for bundle in bundles]
    assert max(sums) <= BUNDLE_BYTES <= m.MAX_CONTENTS_BYTES
    jobs = [download(1), download(2), download(3, job=2), download(4, job=1)]
    assert [len(each) for each in packed(jobs)] == [2, 1, 1]


def test_only_small_files_of_folder_jobs_come_in_bundles() -> None:
    assert is_small(download(1))
    assert is_small(download(1, size=0))
    assert not is_small(download(1, size=SMALL_BYTES + 1))
    assert not is_small(download(1, job=0))
    assert not is_small(download(1, host=""))
    alone = download(1)
    alone.alone = True
    assert not is_small(alone)


def test_who_is_not_ready_is_asked_file_by_file() -> None:
    waiting = [download(1), download(2, host="other"), download(3, size=SMALL_BYTES + 1)]
    small, others = sort_out(waiting, lambda host: host == HOST)
    assert (small, others) == (waiting[:1], waiting[1:])
