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
DELETE FROM transfers WHERE finished IS NOT NULL AND job = 0 AND id <= (
    SELECT id FROM transfers WHERE finished IS NOT NULL AND job = 0
    ORDER BY id DESC LIMIT 1 OFFSET ?
)
"""
_TRIM_JOBS = """
DELETE FROM transfers WHERE job != 0 AND finished IS NOT NULL
AND job NOT IN (SELECT id FROM transfers WHERE job = 0)
"""


class TransferTable:
    """Uploads and downloads, running and past."""

    def __init__(self, store: NodeStore, history: int | None = None) -> None:
        """`history`: how many that are over are remembered."""
        self._store = store
        self._history = history or HISTORY

    async def keep(self, history: int) -> None:
        """Remember so many that are over."""
        self._history = history
        async with self._store.transaction() as transaction:
            await transaction.execute(_TRIM, (history,))
            await transaction.execute(_TRIM_JOBS)

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
            await transaction.execute(_TRIM, (self._history,))
            await transaction.execute(_TRIM_JOBS)
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
        return await self._select(
            "finished IS NULL AND direction = ? AND files = 0 ORDER BY id", (direction,)
        )

    async def jobs(self) -> list[TransferRecord]:
        """Folder jobs to go on with, the oldest first."""
        return await self._select("finished IS NULL AND files > 0 ORDER BY id", ())

    async def files_of(self, job: TransferId) -> list[TransferRecord]:
        """The files of a folder job, as far as they are remembered, in its order."""
        return await self._select("job = ? ORDER BY id", (job,))

    async def latest_job(self, host: str, remote: str) -> TransferRecord | None:
        """The last job for a member's folder."""
        found = await self._select(
            "files > 0 AND host = ? AND remote = ? ORDER BY id DESC LIMIT 1", (host, remote)
        )
        return found[0] if found else None

    async def forget_files(self, job: TransferId) -> None:
        """The files of a job that is complete need not be remembered one by one."""
        async with self._store.transaction() as transaction:
            await transaction.execute(
                "DELETE FROM transfers WHERE job = ? AND state = 'finished'", (job,)
            )

    async def of_content(self, content: ContentId) -> list[TransferRecord]:
        """All transfers of a content, the newest first."""
        return await self._select("content = ? ORDER BY id DESC", (content,))

    async def page(self, page: Page) -> tuple[list[TransferRecord], int]:
        """A page of all transfers, the newest first unless sorted; and how many there are.

        A folder job is one row; the word `job:ID` in the filter finds its files instead.
        """
        words, job = _job_of(page.filter)
        where, texts = words_condition("name", words)
        where, values = f"job = ? AND {where}", (job, *texts)
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


def _job_of(text: str) -> tuple[str, int]:
    """The words of a filter, and the job that one of them names; 0: none."""
    job, words = 0, []
    for word in text.split():
        number = word.removeprefix("job:")
        if number != word and number.isdecimal() and len(number) < 18:
            job = int(number)
        else:
            words.append(word)
    return " ".join(words), job


def _values(transfer: TransferRecord) -> tuple[object, ...]:
    return msgspec.structs.astuple(transfer)


def _transfer(row: Row) -> TransferRecord:
    return TransferRecord(**dict(zip(_FIELDS, row, strict=True)))
