"""Tables of a node's database, and the steps from version to version. Pure text.

`totals` is kept by triggers, so that the number and size of a million files are read in a moment.
`revision` numbers single changes of what is shared: a file that becomes shared takes the next
number, a name that ceases to be shared takes one in `removals`.
"""

_TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE shares (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('repository', 'folder', 'file')),
    away INTEGER NOT NULL DEFAULT 0,
    device INTEGER NOT NULL DEFAULT 0,
    UNIQUE (path, kind, name)
);

CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    share INTEGER NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    wire TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('listed', 'shared', 'error', 'away')),
    reason TEXT NOT NULL DEFAULT '',
    content BLOB,
    revision INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX files_place ON files (share, folder, name);
CREATE INDEX files_wire ON files (wire COLLATE NOCASE);
CREATE INDEX files_content ON files (content) WHERE content IS NOT NULL;
CREATE INDEX files_waiting ON files (id) WHERE state = 'listed';
CREATE INDEX files_revision ON files (revision) WHERE state = 'shared';

CREATE TABLE exclusions (
    share INTEGER NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (share, folder, name)
) WITHOUT ROWID;

CREATE TABLE removals (
    wire TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX removals_revision ON removals (revision);

CREATE TABLE manifests (
    content BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    hashes BLOB NOT NULL
);

CREATE TABLE totals (
    share INTEGER NOT NULL,
    state TEXT NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (share, state)
) WITHOUT ROWID;
CREATE TRIGGER files_inserted AFTER INSERT ON files BEGIN
    INSERT INTO totals VALUES (new.share, new.state, 1, new.size)
    ON CONFLICT (share, state) DO UPDATE SET files = files + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER files_deleted AFTER DELETE ON files BEGIN
    UPDATE totals SET files = files - 1, bytes = bytes - old.size
    WHERE share = old.share AND state = old.state;
END;
CREATE TRIGGER files_updated AFTER UPDATE OF state, size ON files BEGIN
    UPDATE totals SET files = files - 1, bytes = bytes - old.size
    WHERE share = old.share AND state = old.state;
    INSERT INTO totals VALUES (new.share, new.state, 1, new.size)
    ON CONFLICT (share, state) DO UPDATE SET files = files + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER shares_deleted AFTER DELETE ON shares BEGIN
    DELETE FROM totals WHERE share = old.id;
END;

CREATE TABLE transfers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    direction TEXT NOT NULL,
    content BLOB NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    done INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    folder TEXT NOT NULL,
    path TEXT NOT NULL,
    peer TEXT NOT NULL,
    address TEXT NOT NULL,
    mtime INTEGER NOT NULL,
    sources INTEGER NOT NULL,
    started REAL NOT NULL,
    finished REAL,
    seconds REAL NOT NULL
);
CREATE INDEX transfers_content ON transfers (content);
CREATE INDEX transfers_open ON transfers (id) WHERE finished IS NULL;
"""

_PRIORITIES = """
ALTER TABLE transfers ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE transfers ADD COLUMN place INTEGER NOT NULL DEFAULT 0;

CREATE TABLE leftovers (
    id INTEGER PRIMARY KEY,
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    content BLOB
);
"""
"""`leftovers`: what lies on disk for as long as a removal or a cancellation can be undone."""

_JOBS = """
ALTER TABLE transfers ADD COLUMN peers BLOB NOT NULL DEFAULT x'';
ALTER TABLE transfers ADD COLUMN job INTEGER NOT NULL DEFAULT 0;
ALTER TABLE transfers ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE transfers ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE transfers ADD COLUMN remote TEXT NOT NULL DEFAULT '';
CREATE INDEX transfers_job ON transfers (job) WHERE job != 0;
"""
"""A folder job is a transfer with files and without a content; its files bear its number."""

_SWARMS = """
ALTER TABLE transfers ADD COLUMN swarm TEXT NOT NULL DEFAULT '';
"""
"""What is told of a download is told to the swarm that it ran in."""

STEPS = (_TABLES, _PRIORITIES, _JOBS, _SWARMS)
"""`STEPS[n]` leads from version n to n + 1; a new database takes all of them."""
VERSION = len(STEPS)
