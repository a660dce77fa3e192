"""The queue and the history of transfers."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.ids import ContentId, TransferId
from p2ptui.node import store_transfers
from p2ptui.node.api import Page
from p2ptui.node.store import NodeStore
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import TransferRecord

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
    table: TransferTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_transfers, "HISTORY", 2)
    running = await table.add(transfer("running"))
    kept = [await table.add(transfer(f"{number}", finished=1.0)) for number in range(5)]
    rows, _ = await table.page(Page())
    assert [row.id for row in rows] == [kept[4].id, kept[3].id, running.id]
    assert len({record.id for record in kept}) == 5
