"""Long lists out of the node's database: filtered, sorted and cut in SQL (a million rows)."""

from p2ptui.base.errors import usage_error
from p2ptui.base.ids import content_id_bounds
from p2ptui.net.wire.messages import Entry
from p2ptui.node.api import FolderRow, Page
from p2ptui.node.store import NodeStore
from p2ptui.node.store_files import COLUMNS, record
from p2ptui.node.store_values import FileRecord, entry_of

MAX_ROWS = 1000

_SORTS = {
    "name": "wire COLLATE NOCASE",
    "size": "size",
    "content_id": "content",
    "state": "state",
    "path": "share, folder, name",
    "changed": "mtime_ns",
    "": "wire COLLATE NOCASE",
}


class FilePages:
    """Pages of the library."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store

    async def files(self, page: Page) -> tuple[list[FileRecord], int]:
        """The rows of a page, and how many there are in all. Raises a usage error (exit 2)."""
        where, values = words_condition("wire", page.filter)
        order = order_by(page.sort, _SORTS)
        rows = await self._store.fetch_page(
            f"SELECT {COLUMNS} FROM files WHERE {where} "  # noqa: S608  (constants alone)
            f"ORDER BY {order}, id LIMIT ? OFFSET ?",
            (*values, *bounds(page)),
        )
        if values:
            ((total,),) = await self._store.fetch_page(
                f"SELECT count(*) FROM files WHERE {where}",  # noqa: S608  (constants alone)
                values,
            )
        else:
            ((total,),) = await self._store.fetch("SELECT coalesce(sum(files), 0) FROM totals")
        return [record(row) for row in rows], total

    async def folder(
        self, name: str, page: Page
    ) -> tuple[tuple[FolderRow, ...], list[FileRecord], int]:
        """What lies directly in a folder: folders, a page of its files, and how many files."""
        prefix = f"{name}/" if name else ""
        length = len(prefix)
        inside, values = "1", tuple[object, ...]()
        if prefix:
            # The index by name finds the range; names that differ in case alone fall out of it.
            inside = "wire COLLATE NOCASE >= ? AND wire COLLATE NOCASE < ? AND substr(wire,1,?)=?"
            values = (prefix, f"{name}0", length, prefix)  # `0` is the character behind `/`
        rest = f"instr(substr(wire, {length + 1}), '/')"
        folders = await self._store.fetch_page(
            f"SELECT substr(wire, 1, {length} + {rest} - 1) AS part, "  # noqa: S608  (constants)
            f"count(*), sum(size), sum(state = 'listed') FROM files WHERE {inside} AND {rest} > 0 "
            "GROUP BY part ORDER BY part COLLATE NOCASE LIMIT ?",
            (*values, MAX_ROWS),
        )
        rows = await self._store.fetch_page(
            f"SELECT {COLUMNS} FROM files WHERE {inside} AND {rest} = 0 "  # noqa: S608  (constants)
            f"ORDER BY {order_by(page.sort, _SORTS)}, id LIMIT ? OFFSET ?",
            (*values, *bounds(page)),
        )
        ((total,),) = await self._store.fetch_page(
            f"SELECT count(*) FROM files WHERE {inside} AND {rest} = 0",  # noqa: S608  (constants)
            values,
        )
        return (
            tuple(FolderRow(name=n, files=f, bytes=b, waiting=w) for n, f, b, w in folders),
            [record(row) for row in rows],
            total,
        )

    async def entries(self, text: str, offset: int, limit: int) -> tuple[tuple[Entry, ...], int]:
        """A page of what is shared, by name, as others are told; and how many there are in all.

        A text that is the beginning of a content id finds the files with that content.
        """
        contents = content_id_bounds(text)
        where, values = (
            ("content BETWEEN ? AND ?", list[object](contents))
            if contents
            else (words_condition("wire", text))
        )
        rows = await self._store.fetch_page(
            "SELECT wire, size, content, mtime_ns FROM files "  # noqa: S608  (constants alone)
            f"WHERE state = 'shared' AND {where} ORDER BY wire COLLATE NOCASE, id LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        if values:
            ((total,),) = await self._store.fetch_page(
                "SELECT count(*) FROM files "  # noqa: S608  (constants alone)
                f"WHERE state = 'shared' AND {where}",
                values,
            )
        else:
            ((total,),) = await self._store.fetch(
                "SELECT coalesce(sum(files), 0) FROM totals WHERE state = 'shared'"
            )
        return tuple(entry_of(*row) for row in rows), total


def bounds(page: Page) -> tuple[int, int]:
    """Limit and offset of a page."""
    return min(max(page.limit, 0), MAX_ROWS), max(page.offset, 0)


def order_by(sort: str, sorts: dict[str, str]) -> str:
    """The ORDER BY terms of a sort as a front-end gives it. Raises a usage error."""
    field = sort.removeprefix("-")
    terms = sorts.get(field)
    if terms is None:
        known = ", ".join(sorted(name for name in sorts if name))
        raise usage_error("No such column to sort by", field, f"Sort by one of: {known}.")
    if sort.startswith("-"):
        return ", ".join(f"{term} DESC" for term in terms.split(", "))
    return terms


def words_condition(column: str, text: str) -> tuple[str, list[str]]:
    """A condition that a column holds every word, whatever the case; no values when no words.

    LIKE folds the case of ASCII letters alone; other words are compared with `folded` text.
    """
    conditions, values = ["1"], []
    for word in text.split():
        if word.isascii():
            conditions.append(f"{column} LIKE ? ESCAPE '\\'")
            values.append(f"%{escape_like(word)}%")
        else:
            conditions.append(f"instr(folded({column}), ?) > 0")
            values.append(word.casefold())
    return " AND ".join(conditions), values


def escape_like(text: str) -> str:
    """A text that stands for itself in a LIKE pattern whose escape character is a backslash."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
