"""Folder jobs: folders of others that are fetched whole, each as one job, over restarts.

The job is a transfer without a content whose files are downloads of their own that bear its number.
It ends when all of these have; those that failed are fetched again with `retry`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError, not_found, usage_error
from p2ptui.base.ids import TransferId
from p2ptui.base.names import numbered_name, safe_name
from p2ptui.base.text import format_duration
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet
from p2ptui.node import events
from p2ptui.node.api import TransferAct, TransferRow, TransferState
from p2ptui.node.bundles import BundleTools
from p2ptui.node.downloads import Downloads
from p2ptui.node.folder_job import FolderJob
from p2ptui.node.history import parts_of, with_parts
from p2ptui.node.rows import record_row
from p2ptui.node.storage_errors import explain
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import TransferRecord

log = logging.getLogger(__name__)

ENDED: frozenset[TransferState] = frozenset({"failed", "cancelled"})
"""How files end that can be fetched again."""
WATCH_S = 1.0
"""How often a job that is not to wait for ever is looked at."""
MAX_NAMES = 1000
"""Names that are tried for a folder."""


class FolderJobs:
    """All folder jobs that are not over."""

    def __init__(
        self,
        table: TransferTable,
        downloads: Downloads,
        offload: Offload,
        publish: Callable[[events.NodeEvent], None],
        clock: Clock,
    ) -> None:
        """`publish` tells an event."""
        self._table = table
        self._downloads = downloads
        self._offload = offload
        self._publish = publish
        self.clock = clock
        self._jobs: dict[TransferId, FolderJob] = {}
        self._endings = TaskSet()
        self._watches = TaskSet()
        downloads.outcomes.over = self._files_over

    def bundle_with(self, tools: BundleTools) -> None:
        """Have small files come in bundles."""
        self._downloads.bundle_with(tools)

    async def load(self) -> None:
        """Take up what an earlier run of the node left; the downloads are loaded already."""
        for record in await self._table.jobs():
            job = FolderJob(record, self.clock.monotonic())
            files = await self._table.files_of(record.id)
            # What was over before a crash is not in the job's own record yet.
            job.note(peers=b"")
            for file in files:
                job.note(peers=with_parts(job.record.peers, parts_of(file.peers)))
            job.failed = sum(file.state == "failed" for file in files)
            job.cancelled = sum(file.state == "cancelled" for file in files)
            ours = (self._downloads.get(file.id) for file in files)
            job.take(each for each in ours if each is not None)
            self._jobs[record.id] = job
            self._look(job)

    async def close(self) -> None:
        """Write down how long they have run."""
        await self._watches.cancel_all()
        await self._endings.wait()
        jobs, self._jobs = list(self._jobs.values()), {}
        now = self.clock.monotonic()
        for job in jobs:
            if job.state != "paused":
                job.rest(now)
        if jobs:
            await self._table.save(*(job.record for job in jobs))

    def get(self, job_id: TransferId) -> FolderJob | None:
        """A job that is not over."""
        return self._jobs.get(job_id)

    def rows(self, now: float) -> list[TransferRow]:
        """All jobs that are not over, the oldest first."""
        return [job.row(now) for job in self._jobs.values()]

    # --- beginning --------------------------------------------------------------------------------

    def running(self, host: str, remote: str) -> FolderJob | None:
        """The job that fetches a member's folder now."""
        same = (each for each in self._jobs.values() if each.record.host == host)
        return next((each for each in same if each.record.remote == remote), None)

    async def place(self, host: str, remote: str, parent: Path, name: str) -> Path:
        """The local folder for a member's folder: a new one, or that of the last job for it.

        Two folders of one name never mix: the second one is `name (2)`. Raises `P2PError`.
        """
        last = await self._table.latest_job(host, remote)
        known = Path(last.path) if last is not None else None
        if known is not None and known.parent == parent and await self._offload(known.is_dir):
            return known
        return await self._offload(_new_folder, parent, safe_name(name))

    async def begin(
        self,
        record: TransferRecord,
        files: Sequence[TransferRecord],
        here: int,
        patience_s: float | None = None,
    ) -> FolderJob:
        """Fetch the files of a folder; `here` of them are in their place already.

        `patience_s`: how long it, and each of its files, goes on without any source.
        """
        size = sum(file.size for file in files)
        kept = await self._table.add(_with(record, size=size, files=len(files) + here))
        job = self._jobs[kept.id] = FolderJob(kept, self.clock.monotonic())
        job.patience_s = patience_s
        ours = [_with(file, job=kept.id) for file in files]
        job.take(await self._downloads.add_files(ours, patience_s))
        if patience_s is not None:
            self._watches.spawn(self._watch(job, patience_s), name=f"patience-{kept.id}")
        self._look(job)
        return job

    async def _watch(self, job: FolderJob, patience_s: float) -> None:
        """Give up what is left of a job once nothing has come for too long (F79).

        Each file has the same patience, but only while it runs: those behind it would each wait
        for as long once more.
        """
        fed, seen = self.clock.monotonic(), -1
        while job.open:
            now = self.clock.monotonic()
            if job.is_fed(now) or job.done != seen:
                fed, seen = now, job.done
            elif now - fed >= patience_s:
                job.given_up = f"no source answered for {format_duration(patience_s)}"
                await self._downloads.set_all(list(job.open.values()), "failed", job.given_up)
                return
            await asyncio.sleep(min(WATCH_S, patience_s))

    # --- steering ---------------------------------------------------------------------------------

    async def steer(self, job_id: TransferId, act: TransferAct) -> TransferRow | None:
        """Do something with all files of a job; None when there is no such job."""
        job = self._jobs.get(job_id)
        if job is None:
            return await self._take_up(job_id) if act in {"resume", "retry"} else None
        if act in {"pause", "resume"}:
            await self._halt(job, paused=act == "pause")
        elif act in {"raise", "lower"}:
            await self._prioritise(job, 1 if act == "raise" else -1)
        elif act == "retry":
            for file in job.open.values():
                if file.fetch is not None:
                    file.fetch.crew.hurry()
        else:
            raise usage_error("A folder has no single place", "Its files are in the queue.")
        await self._table.save(job.record)
        return job.row(self.clock.monotonic())

    async def _halt(self, job: FolderJob, *, paused: bool) -> None:
        now = self.clock.monotonic()
        if paused and job.state != "paused":
            job.rest(now)
        elif not paused and job.state == "paused":
            job.began = now
        state: TransferState = "paused" if paused else "queued"
        await self._downloads.set_all(list(job.open.values()), state)

    async def cancel(self, job: FolderJob) -> TransferRow:
        """End a job; what its files have on disk stays until somebody discards it."""
        await self._downloads.set_all(list(job.open.values()), "cancelled")
        await self._endings.wait()
        return record_row(job.record)

    async def _prioritise(self, job: FolderJob, step: int) -> None:
        files = list(job.open.values())
        for file in files:
            await self._downloads.prioritise(file.record.id, step)
        if files:
            job.note(priority=files[0].record.priority)

    async def go_on(self, job_id: TransferId, *, paused: bool) -> None:
        """Take the end of a cancelled job back, unless it goes on already. Raises `P2PError`."""
        if job_id not in self._jobs:
            await self._take_up(job_id, frozenset({"cancelled"}), paused=paused)

    async def _take_up(
        self, job_id: TransferId, again: frozenset[TransferState] = ENDED, *, paused: bool = False
    ) -> TransferRow | None:
        """Fetch again what failed or was cancelled of a job that is over."""
        record = await self._table.get(job_id)
        if record is None or not record.files or record.state not in ENDED:
            return None
        same = self.running(record.host, record.remote)
        if same is not None:
            raise usage_error(
                "The folder is being fetched again", f"transfer {same.record.id} does so"
            )
        files = await self._table.files_of(job_id)
        left = [file for file in files if file.state in again]
        job = FolderJob(
            _with(
                record,
                state="queued",
                reason="",
                finished=None,
                size=record.size + sum(file.size for file in left),
            ),
            self.clock.monotonic(),
        )
        job.failed = sum(file.state == "failed" and "failed" not in again for file in files)
        self._jobs[job_id] = job
        job.take(await self._downloads.reopen_files(left, "paused" if paused else "queued"))
        await self._table.save(job.record)
        self._look(job)
        return job.row(self.clock.monotonic())

    # --- the end ----------------------------------------------------------------------------------

    def _files_over(self, records: Sequence[TransferRecord]) -> None:
        for number in {record.job for record in records}:
            job = self._jobs.get(number)
            if job is not None and job.over([each for each in records if each.job == number]):
                self._look(job)

    def _look(self, job: FolderJob) -> None:
        if not job.open and self._jobs.pop(job.record.id, None) is not None:
            self._endings.spawn(self._end(job), name=f"folder-{job.record.id}")

    async def _end(self, job: FolderJob) -> None:
        now, wall = self.clock.monotonic(), self.clock.wall()
        job.rest(now)
        record = job.record
        state, reason = "finished", ""
        if job.failed:
            state, reason = "failed", f"{job.failed} of {record.files} files were not fetched"
            reason += f": {job.given_up}" if job.given_up else ""
        elif job.cancelled:
            state = "cancelled"
        job.note(
            state=state, reason=reason, done=record.size, finished=wall, sources=job.files_done
        )
        try:
            await self._table.save(job.record)
            await self._table.forget_files(record.id)
        except P2PError as error:
            log.warning("the end of the folder %s is not kept: %s", record.name, error)
        self._publish(_event(job.record, wall))


def _event(record: TransferRecord, wall: float) -> events.NodeEvent:
    if record.state == "finished":
        return events.FetchFinished(
            time=wall,
            id=record.id,
            name=record.name,
            content_id="",
            path=record.path,
            bytes=record.size,
            seconds=round(record.seconds, 3),
            sources=len(record_row(record).peers),
        )
    if record.state == "failed":
        return events.FetchFailed(
            time=wall,
            id=record.id,
            name=record.name,
            content_id="",
            reason=record.reason,
            hint=f"`retry {record.id}` fetches them again.",
            exit_code=int(ExitCode.NOT_FOUND),
        )
    return events.FetchStateChanged(time=wall, id=record.id, name=record.name, state=record.state)


def _with(record: TransferRecord, **changes: object) -> TransferRecord:
    return msgspec.structs.replace(record, **changes)


def _new_folder(parent: Path, name: str) -> Path:
    """Make a folder of that name that was not there (blocking). Raises `P2PError`."""
    for number in range(1, MAX_NAMES):
        path = parent / (name if number == 1 else numbered_name(name, number))
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise explain(error, path, "write to") from error
        return path
    raise not_found("No free name", f"{parent} has {MAX_NAMES} folders called {name}.")
