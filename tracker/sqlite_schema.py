"""The index as SQLite tables, and how a connection to them is set up.

A *name* is one content under one path; entries of many members share it. Its number is
`content << NAME_BITS | running number`, so that a list of matching names, which the full-text index
gives in ascending order, is already grouped by content, and all names or owners of a content are
one range of an index: a search needs no lookup to know what it found.

An entry is found by its member and a key: a hash of its folder, then of its file name. Entries of
one folder lie together, so that a share that is announced in order is written in order.

A member's list is emptied by raising its generation: entries of an older one do not exist for any
query, come to life again when they are announced again, and are swept away later.
"""

import sqlite3
from pathlib import Path

SCHEMA_VERSION = 1
NAME_BITS = 24
PAGE_BYTES = 8192
WRITER_CACHE_KIB = 96 * 1024
READER_CACHE_KIB = 96 * 1024
"""A search in a million entries looks at some 50 MB of pages."""
CHECKPOINT_PAGES = 16_384
"""Pages in the log before they go to the file: what is written again and again goes there once."""
BUSY_TIMEOUT_S = 2.0

_TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE hosts (
    no INTEGER PRIMARY KEY,
    peer TEXT NOT NULL UNIQUE,
    nick TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    software TEXT NOT NULL,
    joined REAL NOT NULL,
    seen REAL NOT NULL,
    online INTEGER NOT NULL,
    ping_ms REAL,
    reachable INTEGER,
    revision INTEGER NOT NULL DEFAULT 0,
    digest BLOB NOT NULL DEFAULT (zeroblob(16)),
    files INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    complete INTEGER NOT NULL DEFAULT 1,  -- the last announce carried the digest of the whole
    gen INTEGER NOT NULL DEFAULT 1,       -- entries of another generation do not exist
    swept INTEGER NOT NULL DEFAULT 1,     -- generation that all entries on disk are of
    sweep_at BLOB NOT NULL DEFAULT (x''), -- entries up to this key are swept
    gone INTEGER NOT NULL DEFAULT 0       -- to be deleted once it is swept
);
CREATE INDEX hosts_by_nick ON hosts (nick COLLATE NOCASE);
CREATE INDEX hosts_to_sweep ON hosts (no) WHERE gen > swept OR gone;
CREATE TABLE contents (
    no INTEGER PRIMARY KEY,
    cid BLOB NOT NULL,
    size INTEGER NOT NULL,  -- as announced: who lies about it makes a content of its own
    UNIQUE (cid, size)
);
CREATE TABLE names (
    no INTEGER PRIMARY KEY,
    content INTEGER NOT NULL,
    key BLOB NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (content, key),
    CHECK (no >> {NAME_BITS} = content)
);
CREATE TABLE entries (
    host INTEGER NOT NULL,
    key BLOB NOT NULL,
    name INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    gen INTEGER NOT NULL,
    PRIMARY KEY (host, key)
) WITHOUT ROWID;
CREATE INDEX entries_by_name ON entries (name, host, gen);
CREATE VIRTUAL TABLE search USING fts5
    (path, content = '', columnsize = 0, tokenize = 'trigram'); -- nothing is ranked by length
INSERT INTO meta VALUES ('contents', 0);
PRAGMA user_version = {SCHEMA_VERSION};
"""  # noqa: S608  (constants)

_WRITER_TABLES = """
CREATE TEMP TABLE batch (
    i INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    path TEXT,     -- NULL: removed
    cid BLOB,
    size INTEGER,
    mtime INTEGER,
    content INTEGER,
    name INTEGER
);
CREATE TEMP TABLE stale (name INTEGER PRIMARY KEY);
CREATE TEMP TABLE dead (name INTEGER PRIMARY KEY, path TEXT NOT NULL);
"""


class ForeignSchema(Exception):  # noqa: N818  (a condition of the file, handled by its opener)
    """The file holds tables of another version, or of something else."""


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes; makes the tables in an empty file.

    Raises `ForeignSchema`, or `sqlite3.Error` when the file is damaged, locked or not writable.
    """
    connection = _connect(path, WRITER_CACHE_KIB)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the process loses nothing; a power cut may lose the last changes, which the
        # digest at the next hello brings to light.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute("PRAGMA temp_store = MEMORY")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if version == 0 and tables == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
        elif version != SCHEMA_VERSION:
            raise ForeignSchema(  # noqa: TRY301  (closed below like every other failure)
                f"tables of version {version}, not {SCHEMA_VERSION}"
            )
        connection.executescript(_WRITER_TABLES)
        # Who was online when the last process ended is not online now. This is also the first
        # write: a file that is locked or read-only shows it here, not at the first member.
        connection.execute("UPDATE hosts SET online = 0, ping_ms = NULL")
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    connection = _connect(path, READER_CACHE_KIB)
    connection.execute("PRAGMA query_only = 1")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _connect(path: Path, cache_kib: int) -> sqlite3.Connection:
    # Used by one thread at a time, but closed by another when its own has ended.
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    except BaseException:
        connection.close()
        raise
    return connection
