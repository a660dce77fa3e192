"""Writing to the index: members that come and go, their changes, and sweeping up after them.

Plain functions on the writer's connection, each to be run inside a transaction of the caller's, in
the writer's thread. A batch of entries goes through a temporary table in a few statements: a
statement a row would hand the interpreter's lock to and fro a thousand times.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.wire.messages import Entry
from p2ptui.net.wire.share_digest import entry_digest
from tracker.sqlite_schema import NAME_BITS
from tracker.store import Applied, Arrival, Beat, Change, Standing

KEY_BYTES = 12
SWEEP_ROWS = 2_000
_NO_DIGEST = bytes(16)
_DIGEST_MODULUS = 1 << 128


def connect(db: sqlite3.Connection, arrival: Arrival) -> Standing:
    """A member is online; what the index has of its share."""
    row = db.execute(
        """
        INSERT INTO hosts (peer, nick, host, port, software, joined, seen, online)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)
        ON CONFLICT (peer) DO UPDATE SET nick = excluded.nick, host = excluded.host,
            port = excluded.port, software = excluded.software, seen = excluded.seen, online = 1,
            ping_ms = NULL, reachable = NULL, gone = 0
        RETURNING revision, digest, files, bytes
        """,
        (arrival.peer, arrival.nick, arrival.host, arrival.port, arrival.software, arrival.now),
    ).fetchall()[0]
    return Standing(revision=row[0], digest=row[1], files=row[2], bytes=row[3])


def disconnect(db: sqlite3.Connection, peer: PeerId, now: float) -> None:
    """A member is offline."""
    db.execute(
        "UPDATE hosts SET online = 0, ping_ms = NULL, seen = ?2 WHERE peer = ?1", (peer, now)
    )


def beat(db: sqlite3.Connection, beats: Sequence[Beat], now: float) -> None:
    """Signs of life of members online."""
    db.executemany(
        "UPDATE hosts SET seen = ?2, ping_ms = ?3, reachable = ?4 WHERE peer = ?1 AND online",
        [(each.peer, now, each.ping_ms, each.reachable) for each in beats],
    )


def clear(db: sqlite3.Connection, peer: PeerId) -> None:
    """Empty a member's list."""
    db.execute(
        """
        UPDATE hosts SET gen = gen + 1, sweep_at = x'', complete = 1, revision = 0,
            digest = zeroblob(16), files = 0, bytes = 0
        WHERE peer = ?
        """,
        (peer,),
    )


def forget_unseen(db: sqlite3.Connection, before: float) -> int:
    """Give up members that were not seen since; `sweep` deletes them."""
    return db.execute(
        """
        UPDATE hosts SET gone = 1, gen = gen + 1, sweep_at = x'', complete = 1, revision = 0,
            digest = zeroblob(16), files = 0, bytes = 0
        WHERE NOT online AND NOT gone AND seen < ?
        """,
        (before,),
    ).rowcount


def apply(db: sqlite3.Connection, change: Change) -> Applied:
    """One announce, whole or not at all."""
    row = db.execute(
        "SELECT no, revision, digest, files, bytes, gen FROM hosts WHERE peer = ?", (change.peer,)
    ).fetchone()
    if row is None or (change.base not in {0, row[1]}):
        return Applied(state="stale")
    no, _revision, digest, files, size, gen = row
    if change.base == 0:
        digest, files, size, gen = _NO_DIGEST, 0, 0, gen + 1
    added = {entry.path: entry for entry in change.added}
    removed = [path for path in dict.fromkeys(change.removed) if path not in added]
    _fill_batch(db, added.values(), removed)
    total = int.from_bytes(digest, "little")
    replaced, taken, dropped = 0, 0, []
    db.execute("DELETE FROM stale")
    for i, name, entry, old_gen in _old_entries(db, no):
        db.execute("INSERT OR IGNORE INTO stale VALUES (?)", (name,))
        if old_gen != gen:
            continue
        replaced += 1
        taken += i >= len(added)
        total -= entry_digest(entry)
        size -= entry.size
        successor = added.get(entry.path) if i < len(added) else None
        if successor is None or successor.content != entry.content:
            dropped.append(entry.content)
    for entry in added.values():
        total += entry_digest(entry)
        size += entry.size
    files += len(added) - replaced
    if files > change.max_entries and added:
        return Applied(state="full")
    if added:
        _write_entries(db, no, gen)
    if removed:
        db.execute(
            """
            DELETE FROM entries WHERE host = ?
                AND key IN (SELECT key FROM batch WHERE path IS NULL)
            """,
            (no,),
        )
    _bury_stale(db)
    digest = (total % _DIGEST_MODULUS).to_bytes(16, "little")
    differs = bool(change.digest) and change.digest != digest
    revision = 0 if differs else change.revision
    db.execute(
        """
        UPDATE hosts SET revision = ?2, digest = ?3, files = ?4, bytes = ?5, complete = ?7,
            sweep_at = CASE WHEN gen = ?6 THEN sweep_at ELSE x'' END, gen = ?6
        WHERE no = ?1
        """,
        (no, revision, digest, files, min(size, 2**63 - 1), gen, bool(change.digest)),
    )
    return Applied(
        state="differs" if differs else "applied",
        revision=revision,
        files=files,
        bytes=size,
        added=len(added),
        removed=taken,
        dropped=tuple(dict.fromkeys(dropped)),
    )


def sweep(db: sqlite3.Connection) -> bool:
    """Delete some entries of old generations; False when there are none left to delete.

    A list that is just being announced anew is left alone: most of it comes to life again.
    """
    row = db.execute(
        """
        SELECT no, gen, gone, sweep_at FROM hosts
        WHERE (gen > swept OR gone) AND (complete OR NOT online) LIMIT 1
        """
    ).fetchone()
    if row is None:
        return False
    no, gen, gone, at = row
    old = "host = ?1 AND gen <> ?2 AND key > ?3"
    last, count = db.execute(
        f"""
        SELECT max(key), count(*)
        FROM (SELECT key FROM entries WHERE {old} ORDER BY key LIMIT ?4)
        """,  # noqa: S608
        (no, gen, at, SWEEP_ROWS),
    ).fetchone()
    if count:
        db.execute("DELETE FROM stale")
        where = f"WHERE {old} AND key <= ?4"
        db.execute(
            f"INSERT OR IGNORE INTO stale SELECT name FROM entries {where}",  # noqa: S608
            (no, gen, at, last),
        )
        db.execute(f"DELETE FROM entries {where}", (no, gen, at, last))  # noqa: S608
        _bury_stale(db)
    if count == SWEEP_ROWS:
        db.execute("UPDATE hosts SET sweep_at = ?2 WHERE no = ?1", (no, last))
    elif gone:
        db.execute("DELETE FROM hosts WHERE no = ?", (no,))
    else:
        db.execute("UPDATE hosts SET swept = gen WHERE no = ?", (no,))
    return True


def path_keys(paths: Iterable[tuple[str, ...]]) -> bytes:
    """The keys of paths, end to end: 4 bytes of the folder's hash, 8 of the file name's."""
    folders: dict[tuple[str, ...], bytes] = {}
    keys = bytearray()
    for path in paths:
        folder = path[:-1]
        head = folders.get(folder)
        if head is None:
            head = folders[folder] = _hash("/".join(folder), 4)
        keys += head + _hash(path[-1], 8)
    return bytes(keys)


def _hash(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=size).digest()


def _fill_batch(
    db: sqlite3.Connection, added: Iterable[Entry], removed: Sequence[tuple[str, ...]]
) -> None:
    entries = list(added)
    rows: list[tuple[str | None, int, int]] = [
        ("/".join(entry.path), entry.size, entry.mtime) for entry in entries
    ]
    rows += [(None, 0, 0)] * len(removed)
    keys = path_keys([*(entry.path for entry in entries), *removed])
    db.execute("DELETE FROM batch")
    db.execute(
        f"""
        INSERT INTO batch (i, path, size, mtime, key, cid)
        SELECT key, value ->> 0, value ->> 1, value ->> 2,
            substr(?2, key * {KEY_BYTES} + 1, {KEY_BYTES}), substr(?3, key * 32 + 1, 32)
        FROM json_each(?1)
        """,  # noqa: S608  (constants of this module)
        (
            msgspec.json.encode(rows).decode(),
            keys,
            b"".join(entry.content for entry in entries),
        ),
    )


def _old_entries(db: sqlite3.Connection, host: int) -> list[tuple[int, int, Entry, int]]:
    """What the batch removes or replaces: place in the batch, name, entry, generation."""
    rows = db.execute(
        f"""
        SELECT b.i, e.name, n.path, c.size, c.cid, e.mtime, e.gen
        FROM batch b
        CROSS JOIN entries e ON e.host = ? AND e.key = b.key
        CROSS JOIN names n ON n.no = e.name
        CROSS JOIN contents c ON c.no = e.name >> {NAME_BITS}
        """,  # noqa: S608  (a constant)
        (host,),
    ).fetchall()
    return [
        (i, name, Entry(tuple(path.split("/")), size, ContentId(cid), mtime), gen)
        for i, name, path, size, cid, mtime, gen in rows
    ]


def _write_entries(db: sqlite3.Connection, host: int, gen: int) -> None:
    made = db.execute(
        "INSERT OR IGNORE INTO contents (cid, size) SELECT cid, size FROM batch WHERE path NOTNULL"
    ).rowcount
    _count_contents(db, made)
    db.execute(
        """
        UPDATE batch SET content =
            (SELECT no FROM contents c WHERE c.cid = batch.cid AND c.size = batch.size)
        WHERE path NOTNULL
        """
    )
    find_names = """
        UPDATE batch SET name =
            (SELECT no FROM names n WHERE n.content = batch.content AND n.key = batch.key)
        WHERE path NOTNULL AND name IS NULL
        """
    db.execute(find_names)
    db.execute(
        f"""
        INSERT INTO names (no, content, key, path)
        SELECT coalesce(
                (SELECT max(n.no) + 1 FROM names n WHERE n.no >= b.content << {NAME_BITS}
                    AND n.no < (b.content + 1) << {NAME_BITS}),
                b.content << {NAME_BITS}
            ) + row_number() OVER (PARTITION BY b.content ORDER BY b.i) - 1,
            b.content, b.key, b.path
        FROM batch b WHERE b.path NOTNULL AND b.name IS NULL
        """  # noqa: S608  (a constant)
    )
    # Names that were found keep their place in the full-text index; the others enter it.
    db.execute(
        """
        INSERT INTO search (rowid, path)
        SELECT n.no, n.path FROM batch b
        CROSS JOIN names n ON n.content = b.content AND n.key = b.key
        WHERE b.path NOTNULL AND b.name IS NULL ORDER BY n.no
        """
    )
    db.execute(find_names)
    db.execute(
        """
        INSERT INTO entries (host, key, name, mtime, gen)
        SELECT ?1, key, name, mtime, ?2 FROM batch WHERE path NOTNULL
        ON CONFLICT (host, key) DO UPDATE SET name = excluded.name, mtime = excluded.mtime,
            gen = excluded.gen
        """,
        (host, gen),
    )


def _bury_stale(db: sqlite3.Connection) -> None:
    """Delete those names among `stale` that no entry bears any more, and contents without names."""
    db.execute("DELETE FROM dead")
    found = db.execute(
        """
        INSERT INTO dead SELECT n.no, n.path FROM stale s CROSS JOIN names n ON n.no = s.name
        WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.name = s.name)
        """
    ).rowcount
    if not found:
        return
    db.execute("INSERT INTO search (search, rowid, path) SELECT 'delete', name, path FROM dead")
    db.execute("DELETE FROM names WHERE no IN (SELECT name FROM dead)")
    lost = db.execute(
        f"""
        DELETE FROM contents WHERE no IN (SELECT name >> {NAME_BITS} FROM dead)
            AND NOT EXISTS (SELECT 1 FROM names n WHERE n.no >= contents.no << {NAME_BITS}
                AND n.no < (contents.no + 1) << {NAME_BITS})
        """  # noqa: S608  (a constant)
    ).rowcount
    _count_contents(db, -lost)


def _count_contents(db: sqlite3.Connection, change: int) -> None:
    if change:
        db.execute("UPDATE meta SET value = value + ? WHERE key = 'contents'", (change,))
