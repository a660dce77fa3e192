"""Transfers: uploads and downloads as front-ends ask for them: what is under way and what was."""

import itertools
from collections.abc import Callable, Mapping

import msgspec

from p2ptui.base.clock import Clock
from p2ptui.base.errors import not_found
from p2ptui.base.ids import PeerId, TransferId
from p2ptui.node import api, events, queue, rows
from p2ptui.node.downloads import Downloads
from p2ptui.node.folder_jobs import FolderJobs
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import TransferRecord
from p2ptui.node.undoing import Undoing
from p2ptui.node.uploads import Upload, UploadLedger

MAX_SNAPSHOT_ROWS = 500
MAX_PAGE = 1000
"""Rows of a page that a front-end may ask for."""


class Transfers:
    """All transfers of a node."""

    def __init__(
        self,
        *,
        table: TransferTable,
        downloads: Downloads,
        ledger: UploadLedger,
        undoing: Undoing,
        jobs: FolderJobs,
        clock: Clock,
        path: Callable[[PeerId], str] = lambda _peer: "",
    ) -> None:
        """`path` says how a member is connected with us; empty when it is not."""
        self._path = path
        self._table = table
        self._jobs = jobs
        self._undoing = undoing
        self._downloads = downloads
        self._ledger = ledger
        self._clock = clock

    async def page(self, page: api.Page) -> api.TransferPage:
        """A page, history included; uploads in progress first."""
        async with self._ledger.settling:  # none is missing here, and none is here twice
            return await self._page(page)

    async def _page(self, page: api.Page) -> api.TransferPage:
        now = self._clock.monotonic()
        words = page.filter.casefold().split()
        uploads = [
            rows.upload_row(upload, now)
            for upload in self._ledger.current
            if all(word in upload.name.casefold() for word in words)
        ]
        offset, limit = max(0, page.offset), max(1, min(page.limit, MAX_PAGE))
        found = uploads[offset : offset + limit]
        records, total = await self._table.page(
            api.Page(
                offset=max(0, offset - len(uploads)),
                limit=max(1, limit - len(found)),
                filter=page.filter,
                sort=page.sort,
            )
        )
        turns = queue.turns(self._downloads.current)
        for record in records[: limit - len(found)]:
            found.append(self._row(record, now, turns))
        return api.TransferPage(rows=tuple(found), total=total + len(uploads))

    async def past(self, page: api.Page) -> api.TransferPage:
        """A page of what is over, the last first."""
        records, total = await self._table.past(page)
        return api.TransferPage(rows=tuple(map(rows.record_row, records)), total=total)

    def _row(
        self, record: TransferRecord, now: float, turns: Mapping[TransferId, int]
    ) -> api.TransferRow:
        job = self._jobs.get(record.id)
        if job is not None:
            return job.row(now)
        download = self._downloads.get(record.id)
        if download is None:
            return rows.record_row(record)
        return rows.download_row(download, now, turns.get(record.id, 0))

    async def detail(self, transfer_id: TransferId) -> api.TransferDetail:
        """One transfer with its sources and chunk map. Raises not found."""
        now = self._clock.monotonic()
        download = self._downloads.get(transfer_id)
        past = self._downloads.past.of(transfer_id)
        if download is not None:
            turn = queue.turns(self._downloads.current).get(transfer_id, 0)
            detail = rows.detail(download, now, turn)
            return detail if download.fetch else msgspec.structs.replace(detail, sources=past)
        for upload in self._ledger.current:
            if upload.id == transfer_id:
                return rows.upload_detail(upload, now, self._path(upload.peer))
        record = await self._table.get(transfer_id)
        if record is None:
            raise not_found("No such transfer", f"There is no transfer {transfer_id}.")
        row = self._row(record, now, {})
        return api.TransferDetail(row=row, sources=past, chunks=0, bitmap=b"")

    async def steer(self, transfer_id: TransferId, act: api.TransferAct) -> api.TransferRow:
        """Do something with a download. Raises not found."""
        if act == "cancel":
            job = await self._undoing.cancel_job(transfer_id)
        else:
            job = await self._jobs.steer(transfer_id, act)
        if job is not None:
            return job
        downloads = self._downloads
        match act:
            case "pause":
                download = await downloads.pause(transfer_id)
            case "resume":
                download = await downloads.resume(transfer_id)
            case "cancel":
                download = await self._undoing.cancel(transfer_id)
            case "retry":
                download = await downloads.retry(transfer_id)
            case "raise" | "lower":
                download = await downloads.prioritise(transfer_id, 1 if act == "raise" else -1)
            case "earlier" | "later":
                download = await downloads.move(transfer_id, earlier=act == "earlier")
        return rows.download_row(download, self._clock.monotonic())

    async def live(self) -> tuple[api.TransferRow, ...]:
        """What is under way or waits, as far as a snapshot takes it."""
        now = self._clock.monotonic()
        found = [rows.upload_row(upload, now) for upload in self._ledger.current]
        jobs = self._jobs.rows(now)
        room = max(0, MAX_SNAPSHOT_ROWS - len(found) - len(jobs))
        ranked = self._downloads.current
        turns = queue.turns(ranked)
        single = itertools.islice((each for each in ranked if not each.record.job), room)
        downloads = (rows.download_row(each, now, turns.get(each.record.id, 0)) for each in single)
        return (*jobs, *downloads, *found)

    async def add_upload(self, upload: Upload) -> events.UploadFinished:
        """An upload is over: it goes into the history; what is told of it."""
        record = await self._table.add(rows.upload_record(upload, self._clock.wall()))
        row = rows.record_row(record)
        return events.UploadFinished(
            time=self._clock.wall(),
            id=row.id,
            name=row.name,
            content_id=row.content_id,
            peer=row.peer,
            bytes=row.done,
            seconds=row.seconds,
        )
