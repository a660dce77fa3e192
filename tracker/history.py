"""History: who fetched what from whom, when and how fast, as the members told it.

In a database of its own beside the index: what the index loses comes back with the next announces,
a history does not. One thread reads and writes it.
"""

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from p2ptui.base.clock import Clock
from p2ptui.base.errors import storage_error
from p2ptui.base.ids import content_id_text
from p2ptui.net.loop import Threads
from tracker import sqlite_history as tables
from tracker.api_values import FetchPage, FetchRow, GiverRow, Page
from tracker.sqlite_history import FetchRecord

MAX_PAGE = 1_000
_SUFFIXES = ("", "-wal", "-shm")
T = TypeVar("T")
log = logging.getLogger(__name__)


class FetchHistory:
    """Made by `open`, ended by `close`. Methods raise a storage error."""

    def __init__(self, db: sqlite3.Connection, path: Path | None, threads: Threads) -> None:
        """Use `open`."""
        self._db = db
        self._threads = threads
        self._counts: Counter[str] = Counter()
        self._keep = 0
        self.path = path
        """None: it is in memory alone."""
        self.notice = ""
        """What was wrong with the file; empty: nothing."""
        self.files = 0
        """Fetches that members told of since the swarm began."""
        self.bytes = 0
        """What those brought from members."""

    @classmethod
    async def open(cls, path: Path, clock: Clock, keep: int) -> "FetchHistory":
        """Open the history, which never stops a tracker: without its file it is in memory.

        `keep`: how many fetches are remembered.
        """
        threads = Threads(1, "history")
        try:
            opened, place, notice = await threads(_open, path, int(clock.wall()), keep)
        except BaseException:
            threads.close()
            raise
        history = cls(opened.db, place, threads)
        history.notice = notice
        history._counts, history._keep = opened.counts, keep
        history.files, history.bytes = opened.totals
        return history

    async def keep(self, count: int) -> None:
        """Remember so many."""
        self._keep = count
        await self.add(())

    async def add(self, records: Sequence[FetchRecord]) -> None:
        """Keep fetches that members told of; one that is known already counts once."""

        def job() -> tuple[int, int]:
            tables.add(self._db, records, self._keep, self._counts)
            return tables.totals(self._db)

        self.files, self.bytes = await self._run(job)

    async def page(self, page: Page) -> FetchPage:
        """A page, the newest first unless sorted; `filter`: words of names, nicks and ids."""
        offset, limit = max(0, page.offset), max(1, min(page.limit, MAX_PAGE))
        # One more than SQLite's numbers hold is past the end of any list.
        offset = min(offset, 2**62)
        found, total = await self._run(
            lambda: tables.page(self._db, page.filter, offset, limit, page.sort)
        )
        return FetchPage(rows=tuple(map(fetch_row, found)), total=total)

    async def close(self) -> None:
        """Close it; may be called once."""
        await self._threads(self._db.close)
        self._threads.close()

    async def _run(self, job: Callable[[], T]) -> T:
        try:
            return await self._threads(job)
        except sqlite3.Error as error:
            log.error("the history %s failed: %s", self.path, error)  # noqa: TRY400
            raise storage_error("The history cannot be used", str(error)) from None


def fetch_row(record: FetchRecord) -> FetchRow:
    """A fetch as consoles see it."""
    return FetchRow(
        time=float(record.time),
        peer_id=record.taker,
        nick=record.nick,
        name=record.name,
        content_id=content_id_text(record.content),
        size=record.size,
        seconds=round(record.seconds, 3),
        rate_bps=round(record.bytes / record.seconds) if record.seconds > 0 else 0,
        givers=tuple(
            GiverRow(peer_id=giver.peer, nick=giver.nick, bytes=giver.bytes)
            for giver in record.givers
        ),
    )


class _Opened(NamedTuple):
    """A database that was read and written once."""

    db: sqlite3.Connection
    counts: Counter[str]
    totals: tuple[int, int]


def _begin(path: Path | None, keep: int) -> _Opened:
    """Open it and bring it to its length: damage behind the first pages shows here."""
    db = tables.open_history(path)
    try:
        counts = tables.count_by_taker(db)
        tables.add(db, (), keep, counts)
        return _Opened(db, counts, tables.totals(db))
    except BaseException:
        db.close()
        raise


def _open(path: Path, now: int, keep: int) -> tuple[_Opened, Path | None, str]:
    try:
        return _begin(path, keep), path, ""
    except tables.OtherVersion as error:
        reason = str(error)
    except sqlite3.OperationalError as error:
        return _begin(None, keep), None, f"The history {path} cannot be used ({error})"
    except sqlite3.Error as error:
        reason = str(error)
    try:
        aside = _put_aside(path, now)
        opened = _begin(path, keep)
    except (OSError, sqlite3.Error) as error:
        return _begin(None, keep), None, f"The history {path} cannot be used ({error})"
    return opened, path, f"The history could not be used ({reason}); the old file is {aside}"


def _put_aside(path: Path, now: int) -> Path:
    aside = path.with_name(f"{path.name}.{now}.bad")
    for suffix in _SUFFIXES:
        try:
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        except FileNotFoundError:
            continue
    return aside
