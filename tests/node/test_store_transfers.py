"""The queue and the history of transfers."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.ids import ContentId, PeerId, TransferId
from p2ptui.node.api import Page, PeerPart
from p2ptui.node.history import with_parts
from p2ptui.node.store import NodeStore
from p2ptui.node.store_leftovers import LeftoverTable
from p2ptui.node.store_schema import STEPS, VERSION
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import Leftover, TransferRecord

CONTENT = ContentId(bytes(32))


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[TransferTable]:
    store = await NodeStore.open(tmp_path / "node.db")
    yield TransferTable(store)
    await store.close()


def transfer(name: str, **fields: object) -> TransferRecord:
    record = TransferRecord(direction="down", content=CONTENT, name=name, folder="/downloads")
    return msgspec.structs.replace(record, **fields)


async def test_a_transfer_comes_back_as_it_was_kept(table: TransferTable) -> None:
    kept = await table.add(transfer("a", size=2**62, address="[::1]:7071", started=1.5))
    assert kept.id > 0
    assert await table.get(kept.id) == kept
    done = msgspec.structs.replace(
        kept, state="finished", finished=9.5, path="/downloads/a", sources=3, seconds=8.0
    )
    await table.save(done)
    assert await table.get(kept.id) == done
    assert await table.get(TransferId(99)) is None


async def test_many_are_kept_and_ended_together(table: TransferTable) -> None:
    first = await table.add(transfer("one"))
    many = await table.add_all([transfer(f"file {number}") for number in range(3)])
    assert [each.id for each in many] == [first.id + 1, first.id + 2, first.id + 3]
    assert [await table.get(each.id) for each in many] == many
    ended = [
        msgspec.structs.replace(
            each, state="finished", finished=9.5, path="/a", done=5, size=5, seconds=1.5, peers=b"x"
        )
        for each in many[:2]
    ]
    await table.finish(ended)
    assert [await table.get(each.id) for each in many] == [*ended, many[2]]
    assert await table.unfinished() == [first, many[2]]


async def test_numbers_are_never_used_again(table: TransferTable) -> None:
    job = await table.add(transfer("job", files=1))
    (file,) = await table.add_all([transfer("file", job=job.id, finished=1.0, state="finished")])
    await table.forget_files(job.id)
    assert await table.get(file.id) is None
    assert (await table.add(transfer("next"))).id == file.id + 1


async def test_what_is_not_finished_goes_on(table: TransferTable) -> None:
    first = await table.add(transfer("a"))
    await table.add(transfer("b", state="failed", finished=3.0))
    await table.add(transfer("c", direction="up"))
    last = await table.add(transfer("d", state="paused"))
    assert await table.unfinished() == [first, last]
    assert [found.name for found in await table.of_content(CONTENT)] == ["d", "c", "b", "a"]
    assert await table.of_content(ContentId(b"x" * 32)) == []


async def test_history_is_paged_the_newest_first(table: TransferTable) -> None:
    for name in ("beta", "Alpha", "gamma"):
        await table.add(transfer(name, size=len(name)))
    rows, total = await table.page(Page())
    assert ([row.name for row in rows], total) == (["gamma", "Alpha", "beta"], 3)
    rows, _ = await table.page(Page(sort="name", limit=2))
    assert [row.name for row in rows] == ["Alpha", "beta"]
    rows, total = await table.page(Page(filter="AL"))
    assert ([row.name for row in rows], total) == (["Alpha"], 1)


async def test_history_is_bounded_and_numbers_are_never_used_again(
    table: TransferTable,
) -> None:
    await table.keep(2)
    running = await table.add(transfer("running"))
    kept = [await table.add(transfer(f"{number}", finished=1.0)) for number in range(5)]
    rows, _ = await table.page(Page())
    assert [row.id for row in rows] == [kept[4].id, kept[3].id, running.id]
    assert len({record.id for record in kept}) == 5
    await table.keep(1)
    rows, _ = await table.page(Page())
    assert [row.id for row in rows] == [kept[4].id, running.id]


async def test_many_are_added_at_once(table: TransferTable) -> None:
    kept = await table.add_all([transfer("a"), transfer("b", priority=2, place=7)])
    assert [record.id for record in kept] == sorted(record.id for record in kept)
    assert await table.unfinished() == kept
    assert [record.rank for record in kept] == [(0, kept[0].id), (-2, 7)]
    assert await table.add_all([]) == []


async def test_the_queue_of_an_older_version_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(f"{STEPS[0]} PRAGMA user_version = 1;")
        old.execute(
            "INSERT INTO transfers (direction, content, name, size, done, state, reason, folder, "
            "path, peer, address, mtime, sources, started, seconds) "
            "VALUES ('down', ?, 'song', 9, 4, 'paused', '', '/d', '', '', '', 0, 0, 1.5, 2.5)",
            (CONTENT,),
        )
        old.commit()
    for _ in range(2):
        store = await NodeStore.open(path)
        (record,) = await TransferTable(store).unfinished()
        assert (record.name, record.done, record.state, record.seconds) == (
            "song",
            4,
            "paused",
            2.5,
        )
        assert (record.priority, record.place, record.swarm) == (0, 0, "")
        leftover = await LeftoverTable(store).add(Leftover(folder="/d", content=CONTENT))
        assert leftover in await LeftoverTable(store).all()
        await LeftoverTable(store).drop(leftover)
        await store.close()
    with contextlib.closing(sqlite3.connect(path)) as new:
        assert new.execute("PRAGMA user_version").fetchone() == (VERSION,)


async def test_the_past_is_what_is_over_the_last_first(table: TransferTable) -> None:
    part = PeerPart(peer_id=PeerId("b" * 32), nick="Änne", bytes=7)
    await table.add(transfer("running"))
    await table.add(transfer("song", state="finished", finished=9.0, peers=with_parts(b"", [part])))
    await table.add(transfer("film", state="failed", finished=5.0, done=90, seconds=3.0))
    await table.add(
        transfer("song", direction="up", state="finished", finished=7.0, peer="bert (cccccccc)")
    )
    await table.add(transfer("of a job", state="finished", finished=8.0, job=TransferId(1)))

    async def found(text: str, sort: str = "") -> list[tuple[str, float | None]]:
        rows, total = await table.past(Page(filter=text, sort=sort))
        assert total == len(rows)
        return [(row.name, row.finished) for row in rows]

    assert await found("") == [("song", 9.0), ("song", 7.0), ("film", 5.0)]
    assert await found("änne") == [("song", 9.0)]
    assert await found("BBBBBBBB so") == [("song", 9.0)]
    assert await found("bert") == await found("up") == [("song", 7.0)]
    assert await found("song down") == [("song", 9.0)]
    assert await found("failed") == [("film", 5.0)]
    assert await found("nobody") == []
    assert (await found("", "-rate"))[0] == ("film", 5.0)
    assert await found("job:1") == [("of a job", 8.0)]
    rows, total = await table.past(Page(offset=1, limit=1))
    assert ([row.finished for row in rows], total) == ([7.0], 3)
