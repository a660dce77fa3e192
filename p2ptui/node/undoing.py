"""What can be undone: removals of files and cancelled downloads, with what they leave on disk.

What is left is written down first, so that it is deleted even when the node is killed meanwhile.
"""

import functools
import logging
from collections.abc import Sequence
from pathlib import Path

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import TransferId
from p2ptui.base.text import display
from p2ptui.node.api import Removal, TransferRow, Undone
from p2ptui.node.download import Download
from p2ptui.node.downloads import Downloads
from p2ptui.node.folder_jobs import FolderJobs
from p2ptui.node.library import Library
from p2ptui.node.removals import Removed
from p2ptui.node.store import NodeStore
from p2ptui.node.store_leftovers import LeftoverTable
from p2ptui.node.store_values import Leftover, TransferRecord
from p2ptui.node.undo import Step, Undo

log = logging.getLogger(__name__)


class Undoing:
    """Removes files and cancels downloads so that it can be taken back for a while."""

    def __init__(
        self, library: Library, downloads: Downloads, store: NodeStore, jobs: FolderJobs
    ) -> None:
        self._library = library
        self._downloads = downloads
        self._jobs = jobs
        self._leftovers = LeftoverTable(store)
        self._undo = Undo()

    async def start(self) -> None:
        """Delete what an earlier run had no time to delete."""
        for leftover in await self._leftovers.all():
            try:
                await self._clear(leftover)
            except P2PError as error:  # its disk may be away: it is tried at the next start
                log.warning("what was removed earlier is still on disk: %s", error)

    async def close(self) -> None:
        """From now on nothing can be undone."""
        await self._undo.close()

    async def remove(self, name: str) -> Removal:
        """Withdraw a file. Raises `P2PError`."""
        removed = await self._library.remove(name)
        self._undo.add(
            Step(
                revert=functools.partial(self._put_back, removed),
                settle=functools.partial(self._library.removals.settle, removed),
            )
        )
        return removed.removal

    async def cancel(self, transfer_id: TransferId) -> Download:
        """End a download, unless it ends by itself meanwhile. Raises not found."""
        known = self._downloads.find(transfer_id)
        paused = known.record.state == "paused"
        leftover = await self._leftovers.add(
            Leftover(folder=known.record.folder, content=known.record.content)
        )
        download = await self._downloads.cancel(transfer_id)
        if download.record.state != "cancelled":
            await self._leftovers.drop(leftover)
            return download
        self._undo.add(
            Step(
                revert=functools.partial(self._go_on, download, leftover, paused=paused),
                settle=functools.partial(self._clear, leftover),
            )
        )
        return download

    async def cancel_job(self, job_id: TransferId) -> TransferRow | None:
        """End a folder job with all its files; None when there is no such job."""
        job = self._jobs.get(job_id)
        if job is None:
            return None
        paused = job.state == "paused"
        files = [
            Leftover(folder=file.record.folder, content=file.record.content)
            for file in job.open.values()
        ]
        leftovers = await self._leftovers.add_all(files)
        row = await self._jobs.cancel(job)
        if row.state != "cancelled" and not job.cancelled:
            await self._leftovers.drop(*leftovers)
            return row
        self._undo.add(
            Step(
                revert=functools.partial(self._job_goes_on, job.record, leftovers, paused=paused),
                settle=functools.partial(self._clear_all, leftovers),
            )
        )
        return row

    async def undo(self) -> Undone:
        """Take the latest back. Raises not found when there is nothing."""
        return Undone(text=await self._undo.undo())

    async def _put_back(self, removed: Removed) -> str:
        return await self._library.removals.put_back(removed)

    async def _go_on(self, download: Download, leftover: Leftover, *, paused: bool) -> str:
        transfer_id = download.record.id
        await self._downloads.resume(transfer_id, paused=paused)
        await self._leftovers.drop(leftover)
        return f"the download of {display(download.record.name)} {_state(paused)}"

    async def _job_goes_on(
        self, record: TransferRecord, leftovers: Sequence[Leftover], *, paused: bool
    ) -> str:
        await self._jobs.go_on(record.id, paused=paused)
        await self._leftovers.drop(*leftovers)
        return f"the folder {display(record.name)} {_state(paused)}"

    async def _clear_all(self, leftovers: Sequence[Leftover]) -> None:
        for leftover in leftovers:
            await self._clear(leftover)

    async def _clear(self, leftover: Leftover) -> None:
        if leftover.content is None:
            await self._library.removals.delete(leftover)
            return
        await self._downloads.discard(Path(leftover.folder), leftover.content)
        await self._leftovers.drop(leftover)


def _state(paused: bool) -> str:
    return "is there again, paused" if paused else "goes on"
