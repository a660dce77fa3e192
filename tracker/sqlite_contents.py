"""The index as the admin looks at it: all contents, or those of one member alone, page by page.

Unlike a member's search it goes to the end of the list. Plain functions on a reader's connection,
as in `sqlite_queries`, under the same deadline.
"""

import sqlite3

from p2ptui.net.wire.messages import Hit
from tracker.sqlite_queries import MAX_NAMES, OWNERS, matching_names, read_hit
from tracker.sqlite_schema import NAME_BITS
from tracker.store import Found

MAX_LISTED = 100_000
"""Matching names that are looked at when words are given, or another order than the list's own."""
_ORDERS = {"name": "path", "size": "size"}
_SINGLE = f"""
    (SELECT min(e.host) = max(e.host) FROM {OWNERS})
"""  # noqa: S608  (constants)


def index(
    db: sqlite3.Connection, text: str, offset: int, limit: int, *, sort: str, single: bool
) -> Found:
    """A page of contents, the newest first."""
    if text or sort.lstrip("-") in _ORDERS:
        page, total, more = _matching(db, text, offset, limit, sort=sort, single=single)
    else:
        page, total, more = _newest(db, offset, limit, single=single)
    hits = [hit for number, name in page if (hit := _hit(db, number, name)) is not None]
    return Found(hits=tuple(hits), total=total, more=more)


def _newest(
    db: sqlite3.Connection, offset: int, limit: int, *, single: bool
) -> tuple[list[tuple[int, int]], int, bool]:
    """Contents in the list's own order: their numbers, and one name of each."""
    where = f"WHERE {_SINGLE}" if single else ""
    rows = db.execute(
        f"""
        SELECT c.no, (SELECT min(n.no) FROM names n
            WHERE n.no >= c.no << {NAME_BITS} AND n.no < (c.no + 1) << {NAME_BITS})
        FROM contents c {where} ORDER BY c.no DESC LIMIT ? OFFSET ?
        """,  # noqa: S608
        (limit + 1, offset),
    ).fetchall()
    if single:
        # To count them all would take a look at every content: up to a bound, and as far as asked.
        counted = f"SELECT count(*) FROM (SELECT 1 FROM contents c {where} LIMIT {MAX_LISTED + 1})"  # noqa: S608
        count = db.execute(counted).fetchone()[0]
        seen = offset + min(len(rows), limit) if rows else 0
        return rows[:limit], max(seen, min(count, MAX_LISTED)), max(count, seen) > MAX_LISTED
    total = db.execute("SELECT value FROM meta WHERE key = 'contents'").fetchone()[0]
    return rows[:limit], total, False


def _matching(
    db: sqlite3.Connection, text: str, offset: int, limit: int, *, sort: str, single: bool
) -> tuple[list[tuple[int, int]], int, bool]:
    """Contents whose names hold the words, in an order of their fields."""
    matched, arguments = matching_names(text)
    column = _ORDERS.get(sort.lstrip("-"), "no DESC")
    direction = " DESC" if sort.startswith("-") and sort.lstrip("-") in _ORDERS else ""
    where = f"WHERE {_SINGLE}" if single else ""
    rows = db.execute(
        f"""
        WITH matched AS MATERIALIZED ({matched}),
        c AS MATERIALIZED (
            SELECT name >> {NAME_BITS} AS no, min(name) AS name, path FROM matched GROUP BY 1
        ),
        found AS MATERIALIZED (
            SELECT c.no, c.name, c.path, k.size FROM c
            CROSS JOIN contents k ON k.no = c.no {where}
        )
        SELECT no, name, (SELECT count(*) FROM found), (SELECT count(*) FROM matched)
        FROM found ORDER BY {column}{direction}, no LIMIT :limit OFFSET :offset
        """,  # noqa: S608
        {**arguments, "matches": MAX_LISTED + 1, "limit": limit, "offset": offset},
    ).fetchall()
    if not rows:
        return [], offset, False
    total, matches = rows[0][2:]
    return [row[:2] for row in rows], total, matches > MAX_LISTED


def _hit(db: sqlite3.Connection, number: int, name: int) -> Hit | None:
    """One content; None when nobody has it any more."""
    row = db.execute(
        f"""
        SELECT c.cid, c.size, (SELECT path FROM names WHERE no = ?2),
            (SELECT json_group_array(path) FROM (
                SELECT n.path FROM names n
                WHERE n.no >= c.no << {NAME_BITS} AND n.no < (c.no + 1) << {NAME_BITS}
                    AND EXISTS (SELECT 1 FROM entries e CROSS JOIN hosts h
                        ON h.no = e.host AND h.gen = e.gen WHERE e.name = n.no)
                LIMIT {MAX_NAMES}
            )),
            EXISTS (SELECT 1 FROM entries e CROSS JOIN hosts h
                ON h.no = e.host AND h.gen = e.gen WHERE e.name = ?2),
            (SELECT count(*) FROM (SELECT DISTINCT e.host FROM {OWNERS} AND h.online)),
            (SELECT count(*) FROM (SELECT DISTINCT e.host FROM {OWNERS})),
            (SELECT h.nick FROM {OWNERS} AND h.online
                ORDER BY h.ping_ms IS NULL, h.ping_ms, h.no LIMIT 1)
        FROM contents c WHERE c.no = ?1
        """,  # noqa: S608
        (number, name),
    ).fetchone()
    return None if row is None else read_hit(*row)
