"""Transfers in the node's database: the queue, which outlives the process, and the history."""

from collections.abc import Sequence

import msgspec

from p2ptui.base.ids import ContentId, TransferId
from p2ptui.node.api import Direction, Page
from p2ptui.node.store import NodeStore, Row
from p2ptui.node.store_pages import bounds, order_by, words_condition
from p2ptui.node.store_values import TransferRecord

HISTORY = 10_000
"""Finished transfers that are remembered."""

_FIELDS = TransferRecord.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)
_SORTS = {name: name for name in _FIELDS} | {
    "": "id DESC",
    "name": "name COLLATE NOCASE",
    "content_id": "content",
}
_TRIM = """
DELETE FROM transfers WHERE finished IS NOT NULL AND id <= (
    SELECT id FROM transfers WHERE finished IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?
)
"""


class TransferTable:
    """Uploads and downloads, running and past."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store

    async def add(self, transfer: TransferRecord) -> TransferRecord:
        """Keep a new transfer; returned with its number, which is never used again."""
        return (await self.add_all([transfer]))[0]

    async def add_all(self, transfers: Sequence[TransferRecord]) -> list[TransferRecord]:
        """Keep new transfers; returned with their numbers."""
        marks = ", ".join("?" * (len(_FIELDS) - 1))
        added = []
        async with self._store.transaction() as transaction:
            for transfer in transfers:
                number = await transaction.execute(
                    f"INSERT INTO transfers ({', '.join(_FIELDS[1:])}) "  # noqa: S608  (constants)
                    f"VALUES ({marks})",
                    _values(transfer)[1:],
                )
                assert number is not None
                added.append(msgspec.structs.replace(transfer, id=TransferId(number)))
            await transaction.execute(_TRIM, (HISTORY,))
        return added

    async def save(self, *transfers: TransferRecord) -> None:
        """Write what became of transfers that were added before."""
        assignments = ", ".join(f"{name} = ?" for name in _FIELDS[1:])
        async with self._store.transaction() as transaction:
            await transaction.execute_many(
                f"UPDATE transfers SET {assignments} WHERE id = ?",  # noqa: S608  (constants)
                [(*_values(transfer)[1:], transfer.id) for transfer in transfers],
            )

    async def get(self, transfer_id: TransferId) -> TransferRecord | None:
        """A transfer by its number."""
        found = await self._select("id = ?", (transfer_id,))
        return found[0] if found else None

    async def unfinished(self, direction: Direction = "down") -> list[TransferRecord]:
        """Transfers to go on with, the oldest first."""
        return await self._select("finished IS NULL AND direction = ? ORDER BY id", (direction,))

    async def of_content(self, content: ContentId) -> list[TransferRecord]:
        """All transfers of a content, the newest first."""
        return await self._select("content = ? ORDER BY id DESC", (content,))

    async def page(self, page: Page) -> tuple[list[TransferRecord], int]:
        """A page of all transfers, the newest first unless sorted; and how many there are."""
        where, values = words_condition("name", page.filter)
        order = order_by(page.sort, _SORTS)
        rows = await self._store.fetch_page(
            f"SELECT {_COLUMNS} FROM transfers WHERE {where} "  # noqa: S608  (constants alone)
            f"ORDER BY {order}, id DESC LIMIT ? OFFSET ?",
            (*values, *bounds(page)),
        )
        ((total,),) = await self._store.fetch_page(
            f"SELECT count(*) FROM transfers WHERE {where}",  # noqa: S608  (constants alone)
            values,
        )
        return [_transfer(row) for row in rows], total

    async def _select(self, where: str, values: tuple[object, ...]) -> list[TransferRecord]:
        sql = f"SELECT {_COLUMNS} FROM transfers WHERE {where}"  # noqa: S608  (constants alone)
        return [_transfer(row) for row in await self._store.fetch(sql, values)]


def _values(transfer: TransferRecord) -> tuple[object, ...]:
    return msgspec.structs.astuple(transfer)


def _transfer(row: Row) -> TransferRecord:
    return TransferRecord(**dict(zip(_FIELDS, row, strict=True)))
