"""The node's database: SQLite in WAL mode, off the event loop (aiosqlite).

One connection writes, each write a transaction of its own; lookups and long lists read over two
others, so that neither waits for the other. `NodeStore` opens it and keeps the head of the change
log (latest revision and digest of the share) in step with what is committed; the tables are in
`store_files`, `store_changes`,
`store_pages` and `store_transfers`.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiosqlite

from p2ptui.base.errors import P2PError, storage_error, unreachable
from p2ptui.base.text import display
from p2ptui.net.wire.share_digest import DIGEST_BYTES, ShareDigest
from p2ptui.node.history import partners
from p2ptui.node.storage_errors import explain
from p2ptui.node.store_schema import STEPS, VERSION

log = logging.getLogger(__name__)

Row = tuple[Any, ...]
"""A row as SQLite gives it; typed by whoever wrote its SELECT."""

_BUSY_MS = 5000
_OLD_REMOVALS = 50_000


class NodeStore:
    """The open database of a node."""

    def __init__(
        self,
        writer: aiosqlite.Connection,
        lookup: aiosqlite.Connection,
        pages: aiosqlite.Connection,
    ) -> None:
        """Use `NodeStore.open`."""
        self._writer = writer
        self._lookup = lookup
        self._pages = pages
        self._writing = asyncio.Lock()
        self._closed = False
        self.revision = 0
        """Number of the latest change of what is shared."""
        self.digest = bytes(DIGEST_BYTES)
        """Digest of all that is shared (see `messages.Announce`)."""

    @classmethod
    async def open(cls, path: Path) -> "NodeStore":
        """Open a database, or make one. Raises `P2PError` (exit 6) when it cannot be used."""
        opened: list[aiosqlite.Connection] = []
        try:
            # A connect that fails leaves a thread of aiosqlite behind: let it fail here.
            await asyncio.to_thread(_probe, path)
            for _ in range(3):
                opened.append(await _connect(path))  # noqa: PERF401  (what is open is closed below)
            store = cls(*opened)
            await store._prepare(path)
        except BaseException as error:
            for connection in opened:
                await connection.close()
            if isinstance(error, sqlite3.Error):
                raise _unusable(path, error) from error
            if isinstance(error, OSError):
                raise explain(error, path, "open") from error
            raise
        return store

    async def close(self) -> None:
        """Write everything out and close; who asks for something later is told so."""
        async with self._writing:
            self._closed = True
            for connection in (self._pages, self._lookup, self._writer):
                await connection.close()

    async def fetch(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows of a short lookup. Raises `P2PError` when the database cannot be read."""
        with self._open():
            return await _rows(self._lookup, sql, values)

    async def fetch_page(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows of a query that may have to look at every row. Raises as `fetch`."""
        with self._open():
            return await _rows(self._pages, sql, values)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """Write: committed at the end, or not at all. Raises `P2PError` when the disk is full."""
        async with self._writing:
            transaction = Transaction(self._writer, self.revision, self.digest)
            with self._open():
                try:
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield transaction
                    await transaction.save_head()
                    await self._writer.commit()
                except BaseException:
                    # Even a commit may have been cancelled half-way: what holds is in the database.
                    await self._writer.rollback()
                    await self._load_head()
                    raise
            self.revision, self.digest = transaction.revision, transaction.digest

    async def setting(self, key: str) -> bytes | None:
        """A value that the node keeps between its runs."""
        rows = await self.fetch("SELECT value FROM meta WHERE key = ?", (key,))
        return bytes(rows[0][0]) if rows else None

    async def set_setting(self, key: str, value: bytes | None) -> None:
        """Keep a value between runs; None removes it."""
        async with self.transaction() as transaction:
            if value is None:
                await transaction.execute("DELETE FROM meta WHERE key = ?", (key,))
            else:
                await transaction.execute("REPLACE INTO meta VALUES (?, ?)", (key, value))

    @contextlib.contextmanager
    def _open(self) -> Iterator[None]:
        """Front-ends may ask until the very end of the node: that is not a fault of ours."""
        if self._closed:
            raise _stopping()
        try:
            with _told():
                yield
        except (ValueError, sqlite3.ProgrammingError) as error:
            if self._closed:  # between the query and its rows
                raise _stopping() from error
            raise

    async def _prepare(self, path: Path) -> None:
        rows = await _rows(self._writer, "PRAGMA user_version")
        version = rows[0][0]
        if version > VERSION:
            raise storage_error(
                "A newer version made this database",
                display(str(path)),
                "Update p2ptui, or move the file away: the shared files are then hashed again.",
            )
        for number, step in enumerate(STEPS[version:], start=version + 1):
            await self._writer.executescript(
                f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;"
            )
        await self._load_head()
        await self._tidy()

    async def _load_head(self) -> None:
        rows = await _rows(
            self._writer, "SELECT key, value FROM meta WHERE key IN ('revision', 'digest')"
        )
        head = {row[0]: row[1] for row in rows}
        self.revision = int(head.get("revision", 0))
        self.digest = bytes(head.get("digest", bytes(DIGEST_BYTES)))

    async def _tidy(self) -> None:
        """Forget manifests of files that are gone, and removals that are older than most files.

        Without removals nobody could be told what went: all files get new revisions, so that
        everybody is sent all of them.
        """
        async with self.transaction() as transaction:
            await transaction.execute(
                "DELETE FROM manifests WHERE content NOT IN "
                "(SELECT content FROM files WHERE content IS NOT NULL)"
            )
            (removals,), (files,) = await transaction.fetch(
                "SELECT count(*) FROM removals UNION ALL SELECT coalesce(sum(files), 0) FROM totals"
            )
            if removals > max(_OLD_REMOVALS, files):
                await transaction.execute("DELETE FROM removals")
                await transaction.execute(
                    "UPDATE files SET revision = revision + ? WHERE state = 'shared'",
                    (transaction.revision,),
                )
                transaction.revision *= 2


class Transaction:
    """A write in progress: statements, and the head of the change log as it will be."""

    def __init__(self, connection: aiosqlite.Connection, revision: int, digest: bytes) -> None:
        self._connection = connection
        self._head = (revision, digest)
        self._digest = ShareDigest(digest)
        self.revision = revision

    @property
    def digest(self) -> bytes:
        """Digest of the share as it will be."""
        return bytes(self._digest)

    @property
    def sum(self) -> ShareDigest:
        """The digest, to add entries to and take them away from."""
        return self._digest

    def next_revision(self) -> int:
        """The number of one more change."""
        self.revision += 1
        return self.revision

    async def execute(self, sql: str, values: Sequence[object] = ()) -> int | None:
        """Run one statement; the row id of an INSERT."""
        async with self._connection.execute(sql, values) as cursor:
            return cursor.lastrowid

    async def execute_many(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of values."""
        async with self._connection.executemany(sql, values):
            pass

    async def fetch(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows, with all that this transaction wrote."""
        return await _rows(self._connection, sql, values)

    async def save_head(self) -> None:
        """Write the head of the change log when it moved."""
        if (self.revision, self.digest) != self._head:
            await self.execute_many(
                "REPLACE INTO meta VALUES (?, ?)",
                [("revision", self.revision), ("digest", self.digest)],
            )


def _probe(path: Path) -> None:
    sqlite3.connect(path).close()


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        for pragma in (
            f"busy_timeout = {_BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            "cache_size = -8192",
        ):
            await connection.execute(f"PRAGMA {pragma}")
        await connection.create_function("folded", 1, str.casefold, deterministic=True)
        await connection.create_function("partners", 1, partners, deterministic=True)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _rows(
    connection: aiosqlite.Connection, sql: str, values: Sequence[object] = ()
) -> list[Row]:
    async with connection.execute(sql, values) as cursor:
        return [tuple(row) for row in await cursor.fetchall()]


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        hint = "Look whether its disk is full or gone."
        raise storage_error("Cannot use the node's database", str(error), hint) from error


def _stopping() -> P2PError:
    return unreachable("The node is stopping", "Its database is closed already.")


def _unusable(path: Path, error: sqlite3.Error) -> P2PError:
    hint = "Move the file away: the shared files are then hashed again, the history begins anew."
    if isinstance(error, sqlite3.OperationalError):
        hint = "Look whether its folder is there and writable, and whether the disk is full."
    return storage_error(f"Cannot open {display(str(path))}", str(error), hint)
