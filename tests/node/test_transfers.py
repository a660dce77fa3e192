"""The page of all transfers: what is under way and what was, as of one moment."""

import asyncio
from typing import cast

from p2ptui.base.ids import TransferId
from p2ptui.net.tasks import spawn
from p2ptui.node import rows
from p2ptui.node.api import Page
from p2ptui.node.downloads import Downloads
from p2ptui.node.folder_jobs import FolderJobs
from p2ptui.node.past_sources import PastSources
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import TransferRecord
from p2ptui.node.transfers import Transfers
from p2ptui.node.undoing import Undoing
from p2ptui.node.uploads import Upload, UploadLedger
from tests.support.contents import make_bytes, make_manifest
from tests.support.fake_time import FakeClock
from tests.support.memory_net import peer_id_of
from tests.support.offers import MemoryOffer

SONG = make_bytes(1000)
BERT = peer_id_of("bert")


class Table:
    """A history whose reading and writing let others have their turn, as a database does."""

    def __init__(self) -> None:
        self.records: list[TransferRecord] = []

    async def add(self, record: TransferRecord) -> TransferRecord:
        await asyncio.sleep(0)
        self.records.append(record)
        await asyncio.sleep(0)
        return record

    async def page(self, page: Page) -> tuple[list[TransferRecord], int]:
        await asyncio.sleep(0)
        found = self.records[page.offset : page.offset + page.limit]
        await asyncio.sleep(0)
        return found, len(self.records)

    async def get(self, _transfer_id: TransferId) -> TransferRecord | None:
        return None


class Nothing:
    """No downloads, and no jobs."""

    current: tuple[()] = ()

    def __init__(self) -> None:
        self.past = PastSources()

    def get(self, _transfer_id: TransferId) -> None:
        return None


def transfers_of(table: Table) -> tuple[Transfers, UploadLedger]:
    clock = FakeClock()

    async def on_end(upload: Upload) -> None:
        await made.add_upload(upload)

    ledger = UploadLedger(clock, on_end)
    made = Transfers(
        table=cast("TransferTable", table),
        downloads=cast("Downloads", Nothing()),
        ledger=ledger,
        undoing=cast("Undoing", None),
        jobs=cast("FolderJobs", Nothing()),
        clock=clock,
        path=lambda peer: "relay" if peer == BERT else "",
    )
    return made, ledger


async def test_an_upload_that_ends_while_the_page_is_read_is_on_it_once() -> None:
    for turns in range(8):
        table = Table()
        transfers, ledger = transfers_of(table)
        upload = ledger.begin(BERT, "bert", make_manifest(SONG).content_id, MemoryOffer(SONG))
        ledger.count(upload, len(SONG))
        ledger.end(upload)
        ending = spawn(ledger.end_peer(BERT), name="end")
        for _ in range(turns):
            await asyncio.sleep(0)
        page = await transfers.page(Page())
        assert (len(page.rows), page.total) == (1, 1), f"after {turns} turns"
        await ending
        assert len(table.records) == 1
        assert (await transfers.page(Page())).rows[0].state == "finished"


async def test_an_upload_tells_how_its_taker_is_connected() -> None:
    transfers, ledger = transfers_of(Table())
    upload = ledger.begin(BERT, "bert", make_manifest(SONG).content_id, MemoryOffer(SONG))
    ledger.count(upload, 10)
    detail = await transfers.detail(upload.id)
    assert detail.row == rows.upload_row(upload, upload.started)
    (taker,) = detail.sources
    assert (taker.nick, taker.path, taker.done) == ("bert", "relay", 10)
