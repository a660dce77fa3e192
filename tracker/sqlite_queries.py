"""Reading the index: plain functions on a reader's connection, run in that reader's thread.

All that may be long is bounded: matches are counted up to `MAX_MATCHES`, and a deadline set on the
connection interrupts the rest. Sorting and counting happen inside SQLite, outside the interpreter's
lock.
"""

import sqlite3
from collections.abc import Sequence
from itertools import product

import msgspec

from p2ptui.base.ids import ContentId, PeerId, content_id_bounds
from p2ptui.net.wire.messages import Entry, Hit
from tracker.sqlite_schema import NAME_BITS
from tracker.store import MAX_COUNTED, MAX_MATCHES, Files, Found, HostRecord, Hosts, Owners, Totals

MAX_NAMES = 8
_NAMES = msgspec.json.Decoder(list[str])
RANKED_OWNERS = 16
"""Owners are counted up to here for the order of hits; more would not move a hit further up."""
TRIGRAM = 3
SCANNED_NAMES = 200_000
"""Words of one or two characters have no trigram: the newest names are looked through."""
SORTED_FILES = 50_000
"""A longer list of a member is paged in the order in which it is stored, by folder."""
FOUND_HOSTS = 20

# Entries of one content that exist, with their members: the range of its names in the index.
OWNERS = f"""
    entries e CROSS JOIN hosts h ON h.no = e.host AND h.gen = e.gen
    WHERE e.name >= c.no << {NAME_BITS} AND e.name < (c.no + 1) << {NAME_BITS}
"""
# Entries under one name that exist; to be completed with its number.
_BEARERS = """
    SELECT 1 FROM entries e CROSS JOIN hosts h ON h.no = e.host AND h.gen = e.gen WHERE e.name =
"""
# Orders members by ping, then by number, which is its lower half; those not pinged come last.
_NEARNESS = "(CAST(min(coalesce(h.ping_ms, 1e6), 1e6) * 100 AS INTEGER) << 32) | h.no"
_HOST_FIELDS = (
    "peer, nick, host, port, files, bytes, ping_ms, reachable, online, seen, joined, software"
)
_HOST_ORDERS = {
    "": "online DESC, nick COLLATE NOCASE, peer",
    **{
        field: f"{field} COLLATE NOCASE" if field in {"nick", "host", "software"} else field
        for field in _HOST_FIELDS.split(", ")
    },
    "peer_id": "peer",
    "address": "host, port",
}
_FILE_ORDERS = {"name": "n.path", "size": "c.size", "changed": "e.mtime"}


def search(db: sqlite3.Connection, text: str, offset: int, limit: int) -> Found:
    """A page of hits."""
    matched, arguments = matching_names(text)
    rows = db.execute(
        f"""
        WITH matched AS MATERIALIZED ({matched}),
        c AS MATERIALIZED (
            SELECT name >> {NAME_BITS} AS no, min(name) AS name, path FROM matched GROUP BY 1
        ),
        page AS MATERIALIZED (
            SELECT c.no, c.name, c.path,
                (SELECT count(*) FROM
                    (SELECT DISTINCT e.host FROM {OWNERS} AND h.online LIMIT {RANKED_OWNERS})
                ) AS owners
            FROM c ORDER BY owners DESC, c.path, c.no LIMIT :limit OFFSET :offset
        ),
        o AS MATERIALIZED (
            SELECT c.no, max(e.name = c.name) AS borne, count(DISTINCT e.host) AS known,
                count(DISTINCT CASE WHEN h.online THEN e.host END) AS online,
                min(CASE WHEN h.online THEN {_NEARNESS} END) AS best
            FROM page c CROSS JOIN {OWNERS} GROUP BY c.no
        )
        SELECT (SELECT count(*) FROM matched), (SELECT count(*) FROM c), k.cid, k.size, c.path,
            (SELECT json_group_array(path) FROM (
                SELECT n.path FROM names n
                WHERE n.no >= c.no << {NAME_BITS} AND n.no < (c.no + 1) << {NAME_BITS}
                    AND EXISTS ({_BEARERS} n.no) LIMIT {MAX_NAMES}
            )),
            o.borne, o.online, o.known, (SELECT nick FROM hosts WHERE no = o.best & 0xffffffff)
        FROM page c CROSS JOIN contents k ON k.no = c.no LEFT JOIN o ON o.no = c.no
        """,  # noqa: S608  (constants; what a member says goes in as a parameter)
        {**arguments, "matches": MAX_MATCHES + 1, "limit": limit, "offset": offset},
    ).fetchall()
    if not rows:
        return Found(hits=(), total=min(offset, MAX_MATCHES), more=False)
    hits = (read_hit(*row[2:]) for row in rows)
    return Found(
        hits=tuple(hit for hit in hits if hit is not None),
        total=rows[0][1],
        more=rows[0][0] > MAX_MATCHES,
    )


def owners(db: sqlite3.Connection, content: ContentId, limit: int) -> Owners:
    """Members online that have a content, and how many have it in all."""
    rows = db.execute(
        f"""
        SELECT DISTINCT h.peer, h.online FROM contents c CROSS JOIN {OWNERS} AND c.cid = ?
        """,  # noqa: S608
        (content,),
    ).fetchall()
    online = [PeerId(peer) for peer, is_online in rows if is_online]
    return Owners(online=tuple(online[:limit]), known=len(rows))


def count_owners(
    db: sqlite3.Connection, contents: Sequence[ContentId], but: PeerId
) -> tuple[int, ...]:
    """How many members online have each content, one member left out."""
    statement = f"""
        SELECT count(*) FROM (
            SELECT DISTINCT e.host FROM contents c CROSS JOIN {OWNERS}
            AND h.online AND h.peer != ? AND c.cid = ? LIMIT {MAX_COUNTED}
        )
        """  # noqa: S608
    return tuple(db.execute(statement, (but, content)).fetchone()[0] for content in contents)


def held(
    db: sqlite3.Connection, peer: PeerId, contents: Sequence[ContentId]
) -> frozenset[ContentId]:
    """Which of these contents a member has."""
    statement = f"""
        SELECT 1 FROM contents c CROSS JOIN {OWNERS}
        AND c.cid = ? AND e.host = (SELECT no FROM hosts WHERE peer = ?) LIMIT 1
        """  # noqa: S608
    return frozenset(
        content
        for content in contents
        if db.execute(statement, (content, peer)).fetchone() is not None
    )


def files(
    db: sqlite3.Connection, peer: PeerId, text: str, *, offset: int, limit: int, sort: str
) -> Files:
    """A page of a member's list."""
    host = db.execute("SELECT no, gen, files FROM hosts WHERE peer = ?", (peer,)).fetchone()
    if host is None:
        return Files(entries=(), total=0)
    no, gen, count = host
    order = _order(_FILE_ORDERS, sort or ("name" if count <= SORTED_FILES else ""), "e.key")
    words = text.split()
    tables = f"""
        FROM entries e CROSS JOIN names n ON n.no = e.name
        CROSS JOIN contents c ON c.no = e.name >> {NAME_BITS}
        WHERE e.host = ? AND e.gen = ? {" AND ".join(["", *[_like(word)[0] for word in words]])}
        """
    patterns = [pattern for word in words for pattern in _like(word)[1]]
    if words:
        count = db.execute(f"SELECT count(*) {tables}", (no, gen, *patterns)).fetchone()[0]
    rows = db.execute(
        f"SELECT n.path, c.size, c.cid, e.mtime {tables} ORDER BY {order} LIMIT ? OFFSET ?",
        (no, gen, *patterns, limit, offset),
    ).fetchall()
    entries = [
        Entry(tuple(path.split("/")), size, ContentId(cid), mtime)
        for path, size, cid, mtime in rows
    ]
    return Files(entries=tuple(entries), total=count)


def hosts(
    db: sqlite3.Connection,
    text: str,
    offset: int,
    limit: int,
    sort: str,
    *,
    holding: tuple[ContentId, ContentId] | None = None,
) -> Hosts:
    """A page of members; `holding`: of those that have a content with an id between these."""
    order = _order(_HOST_ORDERS, sort, "peer")
    where, arguments = "NOT gone", list[str | bytes]()
    if holding is not None:
        holders = f"SELECT e.host FROM contents c CROSS JOIN {OWNERS} AND c.cid BETWEEN ? AND ?"  # noqa: S608
        where += f" AND no IN ({holders})"
        arguments += holding
    for word in text.split():
        where += " AND (nick || ' ' || peer || ' ' || host || ':' || port) LIKE ? ESCAPE '\\'"
        arguments.append(_pattern(word))
    total = db.execute(f"SELECT count(*) FROM hosts WHERE {where}", arguments).fetchone()[0]  # noqa: S608
    rows = db.execute(
        f"SELECT {_HOST_FIELDS} FROM hosts WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        (*arguments, limit, offset),
    ).fetchall()
    return Hosts(rows=tuple(_host(row) for row in rows), total=total)


def find(db: sqlite3.Connection, text: str) -> tuple[HostRecord, ...]:
    """Members that a person may mean; the first way of naming that fits anybody decides."""
    text = text.strip()
    ways: tuple[tuple[str, str], ...] = (
        ("peer = ?", text.lower()),
        ("nick = ?", text),
        ("nick = ? COLLATE NOCASE", text),
        ("(host || ':' || port) = ?", text),
        ("('[' || host || ']:' || port) = ?", text),
        ("host = ?", text),
    )
    if len(text) >= 2:
        ways += (("substr(peer, 1, length(?1)) = ?1", text.lower()),)
    for where, argument in ways:
        rows = db.execute(
            f"""
            SELECT {_HOST_FIELDS} FROM hosts WHERE NOT gone AND {where}
            ORDER BY online DESC, seen DESC LIMIT {FOUND_HOSTS}
            """,  # noqa: S608
            (argument,),
        ).fetchall()
        if rows:
            return tuple(_host(row) for row in rows)
    return ()


def totals(db: sqlite3.Connection) -> Totals:
    """Sums over the index."""
    known, online, count, size = db.execute(
        """
        SELECT count(*), count(*) FILTER (WHERE online),
            coalesce(sum(files) FILTER (WHERE online), 0),
            coalesce(total(bytes) FILTER (WHERE online), 0)
        FROM hosts WHERE NOT gone
        """
    ).fetchone()
    contents = db.execute("SELECT value FROM meta WHERE key = 'contents'").fetchone()[0]
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
    return Totals(
        online=online,
        known=known,
        files=count,
        bytes=min(int(size), 2**63 - 1),
        contents=contents,
        index_bytes=pages * page_bytes,
    )


def matching_names(text: str) -> tuple[str, dict[str, str | int | bytes]]:
    """A statement for the numbers and paths of the matching names, and its parameters."""
    bounds = content_id_bounds(text)
    if bounds is not None:
        found = f"""
            SELECT n.no AS name, n.path FROM contents k CROSS JOIN names n
            ON n.no >= k.no << {NAME_BITS} AND n.no < (k.no + 1) << {NAME_BITS}
            WHERE k.cid BETWEEN :low AND :high LIMIT :matches
            """  # noqa: S608  (constants)
        return found, {"low": bounds[0], "high": bounds[1]}
    words = text.split()
    if not words:
        return "SELECT no AS name, path FROM names ORDER BY no DESC LIMIT :matches", {}
    arguments: dict[str, str | int | bytes] = {}
    phrases: list[str] = []
    conditions: list[str] = []
    for place, word in enumerate(words):
        asked = _parts(word)
        phrases += map(_phrase, asked)
        if asked != [word]:
            condition, patterns = _like(word, f"p{place}_")
            conditions.append(condition)
            arguments |= {f"p{place}_{i}": pattern for i, pattern in enumerate(patterns)}
    if phrases:
        arguments["phrases"] = " ".join(phrases)
        conditions.insert(0, "search MATCH :phrases")
        source = "search s CROSS JOIN names n ON n.no = s.rowid"
    else:
        source = f"(SELECT no, path FROM names ORDER BY no DESC LIMIT {SCANNED_NAMES}) n"  # noqa: S608
    where = " AND ".join(conditions)
    return f"SELECT n.no AS name, n.path FROM {source} WHERE {where} LIMIT :matches", arguments  # noqa: S608


def _parts(word: str) -> list[str]:
    """What the full-text index is asked for a word; the name must then hold all of it.

    Each trigram costs a pass over its list, so of a long word a few are looked up. LIKE folds ASCII
    alone: other words are looked up whole, and so are those that have but two trigrams.
    """
    if len(word) < TRIGRAM:
        return []
    if len(word) < TRIGRAM + 2 or not word.isascii():
        return [word]
    middle = [word[TRIGRAM : 2 * TRIGRAM]] if len(word) >= 3 * TRIGRAM else []
    return [word[:TRIGRAM], *middle, word[-TRIGRAM:]]


def read_hit(  # noqa: PLR0917  (columns of a row)
    cid: bytes,
    size: int,
    found: str,
    names: str,
    borne: int | None,
    online: int | None,
    known: int | None,
    best: str | None,
) -> Hit | None:
    """A content as a hit, the name that was found first; None when nobody has it any more.

    A name that was found may be one that is not swept away yet (not `borne` by anybody): then the
    content is shown under the names that it does have.
    """
    if not known or online is None:
        return None
    paths = _NAMES.decode(names)
    if borne:
        paths = [found, *(path for path in paths if path != found)][:MAX_NAMES]
    return Hit(
        content=ContentId(cid),
        size=size,
        names=tuple(tuple(path.split("/")) for path in paths),
        owners=online,
        known=known,
        best=best or "",
    )


def _host(row: tuple[object, ...]) -> HostRecord:
    fields = dict(zip(_HOST_FIELDS.split(", "), row, strict=True))
    reachable = fields["reachable"]
    fields["reachable"] = None if reachable is None else bool(reachable)
    fields["online"] = bool(fields["online"])
    return HostRecord(**fields)  # type: ignore[arg-type]  # columns of the table, in its types


def _order(orders: dict[str, str], sort: str, last: str) -> str:
    """An ORDER BY from a field's name; what is not known sorts by the list's own order."""
    column = orders.get(sort.lstrip("-"), orders.get("", last))
    return f"{column} DESC, {last}" if sort.startswith("-") else f"{column}, {last}"


def _phrase(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _pattern(word: str) -> str:
    for character in "\\%_":
        word = word.replace(character, "\\" + character)
    return f"%{word}%"


def _like(word: str, name: str = "") -> tuple[str, list[str]]:
    """A condition that `n.path` holds a word in any case, and its patterns.

    LIKE folds ASCII alone: a short word with other letters is tried in each of its cases.
    """
    folded = {word}
    if not word.isascii():
        cases = [dict.fromkeys((letter.lower(), letter.upper())) for letter in word[:3]]
        folded = {"".join(letters) + word[3:] for letters in product(*cases)}
        folded |= {word.lower(), word.upper(), word.capitalize()}
    patterns = sorted(_pattern(each) for each in folded)
    tests = [
        f"n.path LIKE {f':{name}{i}' if name else '?'} ESCAPE '\\'" for i in range(len(patterns))
    ]
    return f"({' OR '.join(tests)})", patterns
