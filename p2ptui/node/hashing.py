"""Hashing in the background: takes the listed files from the database, a few threads at a time.

Small files go to a thread by the hundred and are written by the hundred; a large one goes alone,
and threads that find nothing else to do help with it. A file that changes while it is hashed waits
a little longer each time. Whoever needs one file at once (a publication) has it hashed out of turn.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError, not_found
from p2ptui.base.text import display
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet
from p2ptui.node.hasher import HashCancelled, HashJob, HashProgress, HashResult, hash_files
from p2ptui.node.shared_files import NotRegular
from p2ptui.node.split_file import SplitFile
from p2ptui.node.store_changes import NAME_TAKEN, FileChanges, Hashed
from p2ptui.node.store_files import FileTable
from p2ptui.node.store_values import FileRecord, Fingerprint, ShareRecord

log = logging.getLogger(__name__)

BATCH_FILES = 256
BATCH_BYTES = 16 * 2**20
FETCHED_ROWS = 2048
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0


@dataclass(slots=True)
class HashingTally:
    """What was hashed since there was last nothing to do."""

    files: int = 0
    bytes: int = 0
    since: float = 0.0
    """Monotonic seconds."""


@dataclass(frozen=True, slots=True)
class HashingEvents:
    """Whom to tell."""

    on_settled: Callable[[], Awaitable[None]]
    """Some files were settled."""
    on_problem: Callable[[FileRecord, str], None]
    """A file cannot be shared, for a new reason."""
    on_share_gone: Callable[[int], None]
    """A share (its number) could not be opened."""
    on_idle: Callable[[HashingTally], None]
    """All is hashed."""


class BackgroundHashing:
    """The queue of files to hash, and the threads at work on it."""

    def __init__(
        self,
        files: FileTable,
        changes: FileChanges,
        *,
        offload: Offload,
        clock: Clock,
        events: HashingEvents,
        threads: int,
    ) -> None:
        self._files = files
        self._changes = changes
        self._offload = offload
        self._clock = clock
        self._events = events
        self._threads = threads
        self._shares: Mapping[int, ShareRecord] = {}
        self._queue: deque[FileRecord] = deque()
        self._cursor = 0
        self._busy: dict[int, FileRecord] = {}
        self._delays: dict[int, float] = {}
        """Seconds that files wait before they are tried again, by number, longer each time."""
        self._delayed: set[int] = set()
        self._progress: set[HashProgress] = set()
        self._workers = TaskSet()
        self._wake = asyncio.Event()
        self.idle = asyncio.Event()
        """Set while there is nothing to do."""
        self.tally = HashingTally(since=clock.monotonic())

    def use_shares(self, shares: Mapping[int, ShareRecord]) -> None:
        """Say which shares there are now, by number."""
        self._shares = shares

    def wake(self) -> None:
        """There may be something to do."""
        self.idle.clear()
        self._wake.set()

    def progress_of(self, file_id: int) -> int | None:
        """Bytes hashed of a file that a thread is at; None when none is."""
        for progress in self._progress:
            if progress.file == file_id:
                return progress.done
        return None

    @property
    def current(self) -> FileRecord | None:
        """A file that a thread is at."""
        return next((self._busy[at.file] for at in self._progress if at.file in self._busy), None)

    @property
    def hashed_now(self) -> int:
        """Bytes of unsettled batches that were hashed so far."""
        return sum(progress.total for progress in self._progress)

    async def run(self) -> None:
        """Hash whatever is listed, until cancelled."""
        try:
            while True:
                self._wake.clear()
                if len(self._workers) < self._threads and (batch := await self._next_batch()):
                    self._workers.spawn(self._work(batch), name="hashing")
                    continue
                if len(self._workers) < self._threads and (split := self._split()):
                    self._workers.spawn(self._help(split), name="hashing-help")
                    continue
                if not len(self._workers) and not self._delayed and not self._wake.is_set():
                    self._rest()
                await self._wake.wait()
        finally:
            for progress in self._progress:
                progress.cancelled = True
            await self._workers.cancel_all()

    async def hash_now(self, file: FileRecord) -> HashResult:
        """Hash one file out of turn and share it; the result tells the trouble, if any.

        Raises `P2PError` when its share is no more, or the database cannot be written.
        """
        if file.share not in self._shares:
            raise not_found("No longer shared", display(file.wire))
        self.idle.clear()
        return (await self._hash([file]))[0]

    async def _next_batch(self) -> list[FileRecord]:
        if not self._queue:
            await self._fill()
        batch: list[FileRecord] = []
        size = 0
        while self._queue and len(batch) < BATCH_FILES and size < BATCH_BYTES:
            if batch and size + self._queue[0].size > BATCH_BYTES:
                break
            file = self._queue.popleft()
            if file.id in self._busy or file.share not in self._shares:
                continue
            batch.append(file)
            size += file.size
        return batch

    async def _fill(self) -> None:
        passed = self._delayed | self._busy.keys()
        rows = await self._files.waiting(FETCHED_ROWS, self._cursor, passed)
        if not rows and self._cursor:
            rows = await self._files.waiting(FETCHED_ROWS, 0, passed)
        self._cursor = rows[-1].id if rows else 0
        self._queue.extend(rows)

    async def _work(self, batch: list[FileRecord]) -> None:
        try:
            await self._hash(batch)
        except HashCancelled:
            pass
        except P2PError as error:  # the database: it may be on a full disk
            log.warning("hashed files cannot be noted: %s", error)
            for file in batch:
                self._delay(file.id)
        finally:
            self._wake.set()

    def _split(self) -> SplitFile | None:
        """A large file that one more thread may help with."""
        found = (progress.split for progress in self._progress)
        return next((split for split in found if split is not None and split.has_more), None)

    async def _help(self, split: SplitFile) -> None:
        try:
            await self._offload(split.help)
        finally:
            self._wake.set()

    async def _hash(self, files: Sequence[FileRecord]) -> list[HashResult]:
        loop = asyncio.get_running_loop()

        def tell_helpers() -> None:
            loop.call_soon_threadsafe(self._wake.set)

        progress = HashProgress(on_split=tell_helpers)
        self._progress.add(progress)
        self._busy.update((file.id, file) for file in files)
        try:
            jobs = [
                HashJob(file.id, self._shares[file.share].root, file.folder, file.name, file.mark)
                for file in files
            ]
            results = await self._offload(hash_files, jobs, progress)
            await self._settle({file.id: file for file in files}, results)
        finally:
            progress.cancelled = True
            self._progress.discard(progress)
            for file in files:
                self._busy.pop(file.id, None)
            self._wake.set()
        return results

    async def _settle(self, files: dict[int, FileRecord], results: list[HashResult]) -> None:
        outcome = _Outcome.of(files, results)
        if outcome.good:
            for file in await self._changes.settle(outcome.good):
                self._complain(file, NAME_TAKEN)
        for file, mark in outcome.changed:
            await self._changes.apply_scan(file.share, (), [(file.id, mark)])
            self._delay(file.id)
        if outcome.gone:
            await self._changes.delete(outcome.gone)
        if outcome.problems:
            await self._changes.fail([(file.id, reason) for file, reason in outcome.problems])
            for file, reason in outcome.problems:
                self._complain(file, reason)
        for file in outcome.rootless:
            self._delay(file.id)
        for share in {file.share for file in outcome.rootless}:
            self._events.on_share_gone(share)
        for hashed in outcome.good:
            self._delays.pop(hashed.id, None)
            self.tally.files += 1
            self.tally.bytes += hashed.manifest.size
        await self._events.on_settled()

    def _complain(self, file: FileRecord, reason: str) -> None:
        if file.reason != reason:
            self._events.on_problem(file, reason)

    def _delay(self, file_id: int) -> None:
        delay_s = self._delays.get(file_id, FIRST_DELAY_S)
        self._delays[file_id] = min(2 * delay_s, LONGEST_DELAY_S)
        self._delayed.add(file_id)
        asyncio.get_running_loop().call_later(delay_s, self._end_delay, file_id)

    def _end_delay(self, file_id: int) -> None:
        self._delayed.discard(file_id)
        self._wake.set()

    def _rest(self) -> None:
        tally = self.tally
        self.tally = HashingTally(since=self._clock.monotonic())
        self._delays.clear()
        self.idle.set()
        if tally.files:
            self._events.on_idle(tally)


@dataclass(slots=True)
class _Outcome:
    """Results sorted by what is to be done about them."""

    good: list[Hashed] = field(default_factory=list)
    changed: list[tuple[FileRecord, Fingerprint]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    problems: list[tuple[FileRecord, str]] = field(default_factory=list)
    rootless: list[FileRecord] = field(default_factory=list)

    @classmethod
    def of(cls, files: dict[int, FileRecord], results: Sequence[HashResult]) -> "_Outcome":
        """Sort results; `files` by number."""
        sorted_ = cls()
        for result in results:
            file = files[result.job.id]
            if result.manifest is not None and result.mark is not None:
                sorted_.good.append(Hashed(file.id, result.mark, result.manifest))
            elif result.mark is not None:
                sorted_.changed.append((file, result.mark))
            elif result.root_gone:
                sorted_.rootless.append(file)
            elif isinstance(result.trouble, FileNotFoundError):
                sorted_.gone.append(file.id)
            else:
                sorted_.problems.append((file, why_not(result.trouble)))
        return sorted_


def why_not(error: OSError | None) -> str:
    """Why a file cannot be read, in a few words."""
    if isinstance(error, NotRegular):
        return "not a regular file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return (error.strerror or str(error)).lower() if error is not None else "unknown"
