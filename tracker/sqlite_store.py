"""`Store` on SQLite: one thread that writes, a few that read, none of them the loop's.

Changes that wait while a transaction runs are committed together by the next one: the more members
announce at once, the larger (and cheaper a row) the transactions. Readers never wait for the writer
(WAL). Old generations are swept when there is nothing better to do.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.loop import Threads
from p2ptui.net.tasks import TaskSet
from tracker import sqlite_changes as changes
from tracker import sqlite_queries as queries
from tracker.sqlite_contents import index as contents_page
from tracker.sqlite_schema import open_reader, open_writer
from tracker.store import (
    QUERY_DEADLINE_S,
    Applied,
    Arrival,
    Beat,
    Change,
    Files,
    Found,
    HostRecord,
    Hosts,
    Owners,
    QueryTooBroad,
    Standing,
    StoreError,
    Totals,
)

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

READERS = 2
MAX_TOGETHER = 64
"""Most jobs in one transaction: 32,000 entries when all are full announces."""
PROGRESS_STEPS = 20_000
"""Steps of SQLite's machine between two looks at the deadline."""

log = logging.getLogger(__name__)


class SqliteStore:
    """The index in one SQLite file. Made by `open`."""

    def __init__(
        self, path: Path, writer: sqlite3.Connection, write: Threads, clock: Clock
    ) -> None:
        """Use `open`."""
        self._path = path
        self._clock = clock
        self._db = writer
        self._write_thread = write
        self._jobs: deque[tuple[Job[Any], asyncio.Future[Any]]] = deque()
        self._tasks = TaskSet()
        self._writing = False
        self._closed = False
        self._sweeping = False
        self._free: asyncio.LifoQueue[tuple[Threads, sqlite3.Connection]] = asyncio.LifoQueue()
        self._readers: list[tuple[Threads, sqlite3.Connection]] = []

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "SqliteStore":
        """Open the index, or make it. Raises `sqlite3.Error` or `ForeignSchema`."""
        write = Threads(1, "index-write")
        try:
            writer = await write(open_writer, path)
        except BaseException:
            write.close()
            raise
        store = cls(path, writer, write, clock)
        try:
            for number in range(READERS):
                threads = Threads(1, f"index-read-{number}")
                reader = threads, await threads(open_reader, path)
                store._readers.append(reader)
                store._free.put_nowait(reader)
        except BaseException:
            await store.close()
            raise
        store._sweep_soon()
        return store

    @property
    def path(self) -> Path:
        """The database file."""
        return self._path

    async def connect(self, arrival: Arrival) -> Standing:
        """See `Store`."""
        return await self._write(lambda db: changes.connect(db, arrival))

    async def disconnect(self, peer: PeerId, now: float) -> None:
        """See `Store`."""
        await self._write(lambda db: changes.disconnect(db, peer, now))
        self._sweep_soon()

    async def beat(self, beats: Sequence[Beat], now: float) -> None:
        """See `Store`."""
        await self._write(lambda db: changes.beat(db, beats, now))

    async def apply(self, change: Change) -> Applied:
        """See `Store`."""
        applied = await self._write(lambda db: changes.apply(db, change))
        if change.digest:
            self._sweep_soon()
        return applied

    async def clear(self, peer: PeerId) -> None:
        """See `Store`."""
        await self._write(lambda db: changes.clear(db, peer))
        self._sweep_soon()

    async def forget_unseen(self, before: float) -> int:
        """See `Store`."""
        count = await self._write(lambda db: changes.forget_unseen(db, before))
        self._sweep_soon()
        return count

    async def search(self, text: str, offset: int, limit: int) -> Found:
        """See `Store`."""
        return await self._read(lambda db: queries.search(db, text, offset, limit))

    async def owners(self, content: ContentId, limit: int) -> Owners:
        """See `Store`."""
        return await self._read(lambda db: queries.owners(db, content, limit))

    async def index(self, text: str, offset: int, limit: int, *, sort: str, single: bool) -> Found:
        """See `Store`."""
        return await self._read(
            lambda db: contents_page(db, text, offset, limit, sort=sort, single=single)
        )

    async def holders(
        self, bounds: tuple[ContentId, ContentId], text: str, offset: int, limit: int, sort: str
    ) -> Hosts:
        """See `Store`."""
        return await self._read(
            lambda db: queries.hosts(db, text, offset, limit, sort, holding=bounds)
        )

    async def count_owners(self, contents: Sequence[ContentId], but: PeerId) -> tuple[int, ...]:
        """See `Store`."""
        return await self._read(lambda db: queries.count_owners(db, contents, but))

    async def held(self, peer: PeerId, contents: Sequence[ContentId]) -> frozenset[ContentId]:
        """See `Store`."""
        return await self._read(lambda db: queries.held(db, peer, contents))

    async def files(self, peer: PeerId, text: str, offset: int, limit: int, sort: str) -> Files:
        """See `Store`."""
        return await self._read(
            lambda db: queries.files(db, peer, text, offset=offset, limit=limit, sort=sort)
        )

    async def hosts(self, text: str, offset: int, limit: int, sort: str) -> Hosts:
        """See `Store`."""
        return await self._read(lambda db: queries.hosts(db, text, offset, limit, sort))

    async def find(self, text: str) -> tuple[HostRecord, ...]:
        """See `Store`."""
        return await self._read(lambda db: queries.find(db, text))

    async def totals(self) -> Totals:
        """See `Store`."""
        return await self._read(queries.totals)

    async def swept(self) -> None:
        """Wait until nothing is left to sweep up."""
        await self._tasks.wait()

    async def close(self) -> None:
        """Write what waits, then close; may be called twice."""
        if self._closed:
            return
        self._closed = True
        # Jobs that wait are written; the sweeper sees `_closed` and stops after its current step.
        await self._tasks.wait()
        for threads, reader in self._readers:
            await threads(reader.close)
            threads.close()
        await self._write_thread(self._db.close)
        self._write_thread.close()

    # --- writing ---------------------------------------------------------------------------------

    async def _write(self, job: Job[T]) -> T:
        if self._closed:
            raise StoreError("the index is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.append((job, future))
        if not self._writing:
            self._writing = True
            self._tasks.spawn(self._write_all(), name="index writer")
        return await future

    async def _write_all(self) -> None:
        try:
            while self._jobs:
                count = min(len(self._jobs), MAX_TOGETHER)
                batch = [self._jobs.popleft() for _ in range(count)]
                outcomes = await self._write_thread(self._commit, [job for job, _ in batch])
                for (_, future), outcome in zip(batch, outcomes, strict=True):
                    if future.done():  # its caller was cancelled; the change is made all the same
                        continue
                    if isinstance(outcome, BaseException):
                        future.set_exception(outcome)
                    else:
                        future.set_result(outcome)
        finally:
            self._writing = False

    def _commit(self, jobs: list[Job[Any]]) -> list[Any]:
        """In the writer's thread: all jobs in one transaction; if one fails, each in its own."""
        try:
            return self._transact(jobs)
        except Exception as error:  # noqa: BLE001  (a border: told to the one who asked)
            if len(jobs) > 1:
                return [self._commit([job])[0] for job in jobs]
            return [self._described(error)]

    def _transact(self, jobs: list[Job[Any]]) -> list[Any]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [job(self._db) for job in jobs]
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return outcomes

    # --- reading ---------------------------------------------------------------------------------

    async def _read(self, job: Job[T]) -> T:
        if self._closed:
            raise StoreError("the index is closed")
        threads, reader = await self._free.get()
        running = self._tasks.spawn(self._run_reader(threads, reader, job), name="index reader")
        return await asyncio.shield(running)

    async def _run_reader(self, threads: Threads, reader: sqlite3.Connection, job: Job[T]) -> T:
        # A task of its own: a caller that is cancelled must not free the reader while its thread
        # still uses it.
        try:
            outcome = await threads(self._query, reader, job)
        finally:
            self._free.put_nowait((threads, reader))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _query(self, reader: sqlite3.Connection, job: Job[T]) -> T | Exception:
        deadline = self._clock.monotonic() + QUERY_DEADLINE_S
        reader.set_progress_handler(lambda: self._clock.monotonic() > deadline, PROGRESS_STEPS)
        try:
            return job(reader)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                return QueryTooBroad(f"no answer within {QUERY_DEADLINE_S:g} s")
            return self._described(error)
        except sqlite3.Error as error:
            return self._described(error)

    # --- the rest --------------------------------------------------------------------------------

    def _described(self, error: Exception) -> Exception:
        """A failure as the rest knows it; a damaged file is marked for the opener."""
        if not isinstance(error, sqlite3.Error):
            return error
        log.error("the index %s failed: %s", self._path, error)
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            damage_mark(self._path).touch()
            return StoreError(f"the index is damaged ({error}); a restart makes a new one")
        return StoreError(f"the index cannot be used: {error}")

    def _sweep_soon(self) -> None:
        if not self._sweeping and not self._closed:
            self._sweeping = True
            self._tasks.spawn(self._sweep(), name="index sweeper")

    async def _sweep(self) -> None:
        try:
            while not self._closed and await self._write(changes.sweep):
                pass
        except StoreError as error:
            log.warning("old entries stay for now: %s", error)
        finally:
            self._sweeping = False


def damage_mark(path: Path) -> Path:
    """A file beside a database that was found damaged; the next start puts both aside."""
    return path.with_name(path.name + ".damaged")
