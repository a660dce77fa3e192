"""The history of fetches as SQLite tables: what members told of their downloads (blocking).

A row is known by its taker, its content and the time that the taker told, which need not be the one
that is believed: a report that comes twice counts once.
There are so many rows as the admin wants: beyond that the oldest go first of whoever has most, so
that a member that reports without end pushes out nobody's history but its own.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from p2ptui.base.ids import ContentId, PeerId, WirePeerId, content_id_text

BUSY_TIMEOUT_S = 2.0
MAX_TOTAL = 2**60
"""Sums stop here: they are numbers that members tell."""

_TABLES = """
CREATE TABLE fetches (
    no INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    taker TEXT NOT NULL,
    nick TEXT NOT NULL,
    content BLOB NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    bytes INTEGER NOT NULL,  -- those that came from members
    seconds REAL NOT NULL,
    givers BLOB NOT NULL,
    words TEXT NOT NULL,     -- what a filter looks at
    UNIQUE (taker, content, time)
);
CREATE INDEX fetches_by_time ON fetches (time, no);
CREATE INDEX fetches_of_taker ON fetches (taker, time, no);
CREATE TABLE totals (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO totals VALUES ('files', 0), ('bytes', 0);
"""
_TOLD = """
ALTER TABLE fetches ADD COLUMN told INTEGER;
UPDATE fetches SET told = time;
CREATE UNIQUE INDEX fetches_as_told ON fetches (taker, content, told);
"""
STEPS = (_TABLES, _TOLD)
"""`STEPS[n]` leads from version n to n + 1; a new database takes all of them."""
VERSION = len(STEPS)

_COLUMNS = "time, taker, nick, content, name, size, bytes, seconds, givers"
_SORTS = {
    "": "time DESC",
    "time": "time",
    "nick": "nick COLLATE NOCASE",
    "name": "name COLLATE NOCASE",
    "size": "size",
    "seconds": "seconds",
    "rate_bps": "bytes / max(seconds, 0.001)",
}
_encoder = msgspec.msgpack.Encoder()


class GiverPart(Struct, frozen=True, array_like=True):
    """Who gave how much, under the nick of that time."""

    peer: WirePeerId
    nick: str
    bytes: int


class FetchRecord(Struct, frozen=True, kw_only=True):
    """A download that a member finished. `time` in seconds since 1970."""

    time: int
    """When it ended, as far as that can be."""
    taker: PeerId
    nick: str
    content: ContentId
    name: str
    size: int
    seconds: float
    givers: tuple[GiverPart, ...]
    told: int | None = None
    """When it ended by the taker's clock; None: at that time."""

    @property
    def bytes(self) -> int:
        """What came from members."""
        return sum(giver.bytes for giver in self.givers)


_givers = msgspec.msgpack.Decoder(tuple[GiverPart, ...])


class OtherVersion(Exception):  # noqa: N818  (a condition of the file, handled by its opener)
    """The tables were made by a newer version."""


def open_history(path: Path | None) -> sqlite3.Connection:
    """The database at `path`, made or brought up to date; None: in memory alone.

    Raises `OtherVersion`, or `sqlite3.Error` when it is damaged, locked or not writable.
    """
    # Used by one thread at a time, but closed by another when its own has ended.
    connection = sqlite3.connect(
        path or ":memory:", timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise OtherVersion(f"tables of version {version}, not {VERSION}")  # noqa: TRY301
        for step, script in enumerate(STEPS[version:], version + 1):
            connection.executescript(
                f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {step}; COMMIT;"
            )
        # The first write: a file that is locked or read-only shows it here.
        connection.execute("UPDATE totals SET value = value WHERE key = 'files'")
    except BaseException:
        connection.close()
        raise
    return connection


def count_by_taker(db: sqlite3.Connection) -> Counter[str]:
    """How many rows each taker has."""
    return Counter(dict(db.execute("SELECT taker, count(*) FROM fetches GROUP BY taker")))


def add(
    db: sqlite3.Connection, records: Sequence[FetchRecord], keep: int, counts: Counter[str]
) -> int:
    """Keep new fetches, in one transaction; how many were new. `counts` as `count_by_taker`."""
    changed = Counter(counts)
    new, total = 0, 0
    db.execute("BEGIN IMMEDIATE")
    try:
        for record in records:
            if db.execute(
                f"INSERT OR IGNORE INTO fetches ({_COLUMNS}, words, told) "  # noqa: S608  (constants)
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*_values(record), _words(record), _told(record)),
            ).rowcount:
                new, total = new + 1, total + record.bytes
                changed[record.taker] += 1
        for key, amount in (("files", new), ("bytes", total)):
            db.execute(
                "UPDATE totals SET value = min(value + ?, ?) WHERE key = ?",
                (min(amount, MAX_TOTAL), MAX_TOTAL, key),
            )
        _trim(db, keep, changed)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    counts.clear()
    counts.update(changed)
    return new


def _trim(db: sqlite3.Connection, keep: int, counts: Counter[str]) -> None:
    """Bring those who have most down to one level, with one statement for each of them."""
    over = counts.total() - keep
    if over <= 0:
        return
    ranked = counts.most_common()
    above = level = spare = 0
    for many, (_, count) in enumerate(ranked, 1):
        above += count
        below = ranked[many][1] if many < len(ranked) else 0
        if above - many * below >= over:
            level, spare = divmod(above - over, many)
            ranked = ranked[:many]
            break
    for place, (taker, count) in enumerate(ranked):
        step = count - level - (place < spare)
        db.execute(
            "DELETE FROM fetches WHERE no IN "
            "(SELECT no FROM fetches WHERE taker = ? ORDER BY time, no LIMIT ?)",
            (taker, step),
        )
        counts[taker] -= step


def page(
    db: sqlite3.Connection, text: str, offset: int, limit: int, sort: str
) -> tuple[list[FetchRecord], int]:
    """Fetches that hold all words of a text, the newest first unless sorted; and how many."""
    wanted = text.casefold().split()
    where = " AND ".join(["instr(words, ?)"] * len(wanted)) or "1"
    name = sort.removeprefix("-")
    order = _SORTS.get(name, _SORTS[""])
    if name and sort.startswith("-"):
        order += " DESC"
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM fetches WHERE {where} "  # noqa: S608  (constants alone)
        f"ORDER BY {order}, no DESC LIMIT ? OFFSET ?",
        (*wanted, limit, offset),
    ).fetchall()
    ((total,),) = db.execute(
        f"SELECT count(*) FROM fetches WHERE {where}",  # noqa: S608  (constants alone)
        wanted,
    )
    return [_record(row) for row in rows], total


def totals(db: sqlite3.Connection) -> tuple[int, int]:
    """Fetched files and bytes, those included that are remembered no more."""
    found = dict(db.execute("SELECT key, value FROM totals"))
    return found["files"], found["bytes"]


def _values(record: FetchRecord) -> tuple[object, ...]:
    return (
        record.time, record.taker, record.nick, record.content, record.name, record.size,
        record.bytes, record.seconds, _encoder.encode(record.givers),
    )  # fmt: skip


def _told(record: FetchRecord) -> int:
    return record.time if record.told is None else record.told


def _record(row: tuple[object, ...]) -> FetchRecord:
    time, taker, nick, content, name, size, _bytes, seconds, givers = row
    assert isinstance(givers, bytes)
    return FetchRecord(
        time=time, taker=taker, nick=nick, content=content, name=name, size=size,  # type: ignore[arg-type]
        seconds=seconds, givers=_givers.decode(givers),  # type: ignore[arg-type]
    )  # fmt: skip


def _words(record: FetchRecord) -> str:
    who = " ".join(f"{giver.nick} {giver.peer}" for giver in record.givers)
    content = content_id_text(record.content)
    return f"{record.nick} {record.taker} {record.name} {content} {who}".casefold()
