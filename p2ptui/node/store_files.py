"""Files of the library in the node's database: lookups, and the log of changes. Reads only.

Pages are in `store_pages`, writes in `store_changes`.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from p2ptui.base.ids import ContentId
from p2ptui.net.wire.share_digest import DIGEST_BYTES
from p2ptui.node.manifest import Manifest
from p2ptui.node.store import NodeStore, Row
from p2ptui.node.store_values import (
    Changes,
    FileRecord,
    ShareRecord,
    StoredState,
    Totals,
    entry_of,
)

T = TypeVar("T")

COLUMNS = "id, share, folder, name, wire, size, mtime_ns, inode, state, reason, content, revision"
_IN_LIMIT = 500
# One statement, thus one state of the database: the digest fits the changes.
_CHANGES = """
SELECT 'head' AS kind, '' AS wire,
    coalesce((SELECT value FROM meta WHERE key = 'revision'), 0) AS size,
    (SELECT value FROM meta WHERE key = 'digest') AS content, 0 AS mtime_ns, -1 AS revision
UNION ALL
SELECT 'added', wire, size, content, mtime_ns, revision FROM files
    WHERE state = 'shared' AND revision > ?1
UNION ALL
SELECT 'removed', wire, 0, NULL, 0, revision FROM removals
    WHERE revision > ?1 AND ?1 > 0
ORDER BY revision LIMIT ?2
"""


class FileTable:
    """The files of all shares."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store

    async def shares(self) -> list[ShareRecord]:
        """All shares, the repository first."""
        rows = await self._store.fetch(
            "SELECT id, path, name, kind, away, device FROM shares "
            "ORDER BY kind != 'repository', kind = 'file', name, id"
        )
        return [
            ShareRecord(number, path, name, kind, bool(away), device)
            for number, path, name, kind, away, device in rows
        ]

    async def top_names(self) -> set[str]:
        """First components on the wire that are in use, of files and of folder shares."""
        rows = await self._store.fetch_page(
            "SELECT DISTINCT substr(wire, 1, instr(wire || '/', '/') - 1) FROM files "
            "UNION SELECT name FROM shares WHERE name != ''"
        )
        return {row[0] for row in rows}

    async def get(self, file_id: int) -> FileRecord | None:
        """A file by its number."""
        found = await self._select("id = ?", (file_id,))
        return found[0] if found else None

    async def at(self, share: int, folder: str, name: str) -> FileRecord | None:
        """The file of a share at a local place."""
        found = await self._select("share = ? AND folder = ? AND name = ?", (share, folder, name))
        return found[0] if found else None

    async def in_folders(self, share: int, folders: Sequence[str]) -> list[FileRecord]:
        """The files of a share that lie right in these local folders."""
        found: list[FileRecord] = []
        for some in batches(folders):
            found += await self._select(
                "share = ? AND folder IN (SELECT value FROM json_each(?))",
                (share, json.dumps(some)),
            )
        return found

    async def in_folder(self, share: int, folder: str, names: Sequence[str]) -> list[FileRecord]:
        """Those of a local folder's files that have these names."""
        found: list[FileRecord] = []
        for some in batches(names):
            found += await self._select(
                "share = ? AND folder = ? AND name IN (SELECT value FROM json_each(?))",
                (share, folder, json.dumps(some)),
            )
        return found

    async def names_in(self, share: int, folder: str) -> list[tuple[int, str]]:
        """Numbers and names of all files in a local folder."""
        rows = await self._store.fetch_page(
            "SELECT id, name FROM files WHERE share = ? AND folder = ?", (share, folder)
        )
        return [(row[0], row[1]) for row in rows]

    async def folders(self, share: int) -> set[str]:
        """The local folders of a share that hold files."""
        rows = await self._store.fetch_page(
            "SELECT DISTINCT folder FROM files WHERE share = ?", (share,)
        )
        return {row[0] for row in rows}

    async def named(self, wire: str) -> list[FileRecord]:
        """The files under a wire name joined with `/`."""
        return await self._select("wire = ? COLLATE NOCASE AND wire = ?", (wire, wire))

    async def with_last_name(self, name: str, limit: int) -> list[FileRecord]:
        """Files whose last component on the wire is this."""
        return await self._select(
            "(wire = ? COLLATE NOCASE AND wire = ?) "
            "OR substr(wire, -length(?) - 1) = '/' || ? LIMIT ?",
            (name, name, name, name, limit),
            long=True,
        )

    async def with_content(self, content: ContentId) -> list[FileRecord]:
        """The shared files with a content."""
        return await self._select("content = ? AND state = 'shared'", (content,))

    async def with_contents(self, contents: Collection[ContentId]) -> list[FileRecord]:
        """The shared files with any of these contents."""
        found: list[FileRecord] = []
        for some in batches(list(contents)):
            marks = ",".join("?" * len(some))
            found += await self._select(f"content IN ({marks}) AND state = 'shared'", some)
        return found

    async def having(self, contents: Collection[ContentId]) -> set[ContentId]:
        """Which of these contents are shared."""
        found: set[ContentId] = set()
        for some in batches(list(contents)):
            marks = ",".join("?" * len(some))
            rows = await self._store.fetch(
                "SELECT DISTINCT content FROM files "  # noqa: S608  (question marks alone)
                f"WHERE content IN ({marks}) AND state = 'shared'",
                some,
            )
            found.update(ContentId(bytes(row[0])) for row in rows)
        return found

    async def waiting(self, limit: int, after: int, busy: Collection[int]) -> list[FileRecord]:
        """The next files to be hashed, by number; those in `busy` are passed over."""
        return await self._select(
            "state = 'listed' AND id > ? AND id NOT IN (SELECT value FROM json_each(?)) "
            "ORDER BY id LIMIT ?",
            (after, json.dumps(list(busy)), limit),
        )

    async def manifest(self, content: ContentId) -> Manifest | None:
        """The manifest of a content that was hashed or fetched here."""
        rows = await self._store.fetch(
            "SELECT size, hashes FROM manifests WHERE content = ?", (content,)
        )
        return Manifest(content, rows[0][0], bytes(rows[0][1])) if rows else None

    async def totals(self) -> dict[tuple[int, StoredState], Totals]:
        """Number and bytes of files by share and state."""
        rows = await self._store.fetch("SELECT share, state, files, bytes FROM totals")
        return {(share, state): Totals(files, size) for share, state, files, size in rows}

    async def changes_since(self, revision: int, limit: int) -> Changes:
        """At most `limit` changes after a revision, in their order; after 0, all that is shared."""
        (head, *rows) = await self._store.fetch(_CHANGES, (revision, limit + 1))
        latest, digest = head[2], bytes(head[3] or bytes(DIGEST_BYTES))
        if len(rows) == limit and rows[-1][-1] != latest:
            latest, digest = rows[-1][-1], b""
        return Changes(
            latest,
            tuple(entry_of(*row[1:5]) for row in rows if row[0] == "added"),
            tuple(tuple(row[1].split("/")) for row in rows if row[0] == "removed"),
            digest,
        )

    async def exclusions(self, share: int) -> set[tuple[str, str]]:
        """The excluded files of a share, as (folder, name)."""
        rows = await self._store.fetch_page(
            "SELECT folder, name FROM exclusions WHERE share = ?", (share,)
        )
        return {(folder, name) for folder, name in rows}

    async def _select(
        self, where: str, values: Sequence[object], *, long: bool = False
    ) -> list[FileRecord]:
        sql = f"SELECT {COLUMNS} FROM files WHERE {where}"  # noqa: S608  (constants alone)
        fetch = self._store.fetch_page if long else self._store.fetch
        return [record(row) for row in await fetch(sql, values)]


def record(row: Row) -> FileRecord:
    """The file of a row of `COLUMNS`."""
    return FileRecord(*row)


def batches(items: Sequence[T], size: int = _IN_LIMIT) -> Iterable[Sequence[T]]:
    """The items in slices that fit into one IN clause."""
    return (items[start : start + size] for start in range(0, len(items), size))
