"""The book of downloads: those that are not over, by number and by content, as in the store."""

import logging
from collections.abc import Collection, Iterable
from itertools import islice

from p2ptui.base.errors import P2PError, not_found, usage_error
from p2ptui.base.ids import ContentId, TransferId
from p2ptui.base.text import display
from p2ptui.node.api import TransferState
from p2ptui.node.download import Download
from p2ptui.node.queue import MAX_PRIORITY, exchange, neighbour
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import TransferRecord

log = logging.getLogger(__name__)

_FIRST = (-MAX_PRIORITY, 0)


class DownloadBook:
    """Of several downloads of one content one is at work; its twins wait for what it brings."""

    def __init__(self, table: TransferTable) -> None:
        self._table = table
        self._downloads: dict[TransferId, Download] = {}
        self._in_order = True
        """Whether they stand in the order of the queue: mostly, for new ones come last."""
        self._last_rank = _FIRST
        self._contents: dict[ContentId, Download] = {}
        self._twins: dict[ContentId, list[Download]] = {}

    @property
    def all(self) -> Collection[Download]:
        """Downloads that are not over, in the order of the queue."""
        if not self._in_order:
            self._downloads = dict(
                sorted(self._downloads.items(), key=lambda item: item[1].record.rank)
            )
            self._in_order = True
            last = next(reversed(self._downloads.values()), None)
            self._last_rank = last.record.rank if last is not None else _FIRST
        return self._downloads.values()

    @property
    def ranked(self) -> tuple[Download, ...]:
        """The same, to be kept."""
        return tuple(self.all)

    def first_waiting(self, count: int) -> list[Download]:
        """Those that may be started and come first, at most `count`."""
        return list(islice((each for each in self.all if each.waits), count))

    def get(self, transfer_id: TransferId) -> Download | None:
        """A download that is not over."""
        return self._downloads.get(transfer_id)

    def find(self, transfer_id: TransferId) -> Download:
        """A download that is not over. Raises not found."""
        download = self._downloads.get(transfer_id)
        if download is None:
            raise no_download(transfer_id)
        return download

    def of_content(self, content: ContentId) -> Download | None:
        """The download of a content that is not over."""
        return self._contents.get(content)

    def holds(self, download: Download) -> bool:
        """Whether it is not over."""
        return self._downloads.get(download.record.id) is download

    # --- its pages --------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up what an earlier run of the node left."""
        for record in await self._table.unfinished():
            download = Download(record)
            if record.state != "paused":
                download.note(state="queued", reason="")
            self._put(download)

    async def add(self, record: TransferRecord, patience_s: float | None) -> Download:
        """A new download."""
        download = Download(await self._table.add(record), patience_s)
        self._put(download)
        return download

    async def add_each(
        self, records: Iterable[TransferRecord], patience_s: float | None = None
    ) -> list[Download]:
        """New downloads, of contents that are in the book as well: to have them twice here."""
        kept = await self._table.add_all(list(records))
        added = [Download(record, patience_s) for record in kept]
        for download in added:
            self._put(download)
        return added

    async def reopen(self, transfer_id: TransferId) -> Download:
        """One that failed or was cancelled, or the one of its content. Raises not found."""
        record = await self._table.get(transfer_id)
        if record is None or record.state not in {"failed", "cancelled"}:
            raise no_download(transfer_id)
        known = self.of_content(record.content)
        if known is not None:
            return known
        download = Download(record)
        self._put(download)
        return download

    async def reopen_each(
        self, records: Iterable[TransferRecord], state: TransferState
    ) -> list[Download]:
        """Those that failed or were cancelled, in another state; contents may come twice."""
        again = [Download(record) for record in records if record.id not in self._downloads]
        for download in again:
            download.note(state=state, reason="", finished=None)
            self._put(download)
        await self.save(*again)
        return again

    def drop(self, download: Download) -> None:
        """It is over."""
        self._downloads.pop(download.record.id, None)
        content = download.record.content
        twins = self._twins.get(content, [])
        if self._contents.get(content) is not download:
            if download in twins:
                twins.remove(download)
        elif twins:
            heir = self._contents[content] = twins.pop(0)
            heir.twin = False
        else:
            del self._contents[content]
        if not twins:
            self._twins.pop(content, None)

    async def save(self, *downloads: Download) -> None:
        """Write their records; what cannot be written now goes on without."""
        if not downloads:
            return
        try:
            await self._table.save(*(download.record for download in downloads))
        except P2PError as error:
            log.warning("the state of %d downloads is not kept: %s", len(downloads), error)

    async def finish(self, downloads: Collection[Download]) -> None:
        """Write that many are over; what cannot be written now goes on without."""
        try:
            await self._table.finish([download.record for download in downloads])
        except P2PError as error:
            log.warning("the end of %d downloads is not kept: %s", len(downloads), error)

    async def save_progress(self, running: Iterable[Download]) -> None:
        """Write how far these have come."""
        changed = []
        for download in running:
            fetch = download.fetch
            if fetch is not None and fetch.done != download.record.done:
                download.note(done=fetch.done)
                changed.append(download)
        await self.save(*changed)

    # --- the order of the queue -------------------------------------------------------------------

    async def prioritise(self, download: Download, step: int) -> None:
        """Change its priority by so much, within bounds."""
        priority = download.record.priority + step
        download.note(priority=min(max(priority, -MAX_PRIORITY), MAX_PRIORITY))
        self._in_order = False
        await self.save(download)

    async def move(self, download: Download, *, earlier: bool) -> None:
        """Exchange its place with the next one of the same priority."""
        other = neighbour(download, self.all, before=earlier)
        if other is not None:
            exchange(download, other)
            self._in_order = False
            await self.save(download, other)

    def _put(self, download: Download) -> None:
        rank = download.record.rank
        if not self._downloads:
            self._in_order, self._last_rank = True, _FIRST
        self._in_order = self._in_order and rank >= self._last_rank
        self._last_rank = rank
        self._downloads[download.record.id] = download
        if self._contents.setdefault(download.record.content, download) is not download:
            download.twin = True
            self._twins.setdefault(download.record.content, []).append(download)


def no_download(transfer_id: TransferId) -> P2PError:
    """There is no download of that number that is not over."""
    return not_found(
        "No such download",
        f"There is no running download {transfer_id}.",
        "`transfers` lists those that run with their numbers, `history` those that are over.",
    )


def goes_elsewhere(running: TransferRecord) -> P2PError:
    """The content is being fetched to another folder than the one that is asked for."""
    return usage_error(
        "It is being fetched to another folder",
        f"transfer {running.id} puts {display(running.name)} into {display(running.folder)}",
        f"Let it finish, or `cancel {running.id}` first.",
    )
