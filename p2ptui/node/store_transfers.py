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
_ENDING = (
    "size", "done", "state", "reason", "path", "name", "sources", "finished", "seconds", "peers",
)  # fmt: skip
"""What the end of a transfer changes."""
_SORTS = {name: name for name in _FIELDS} | {
    "": "id DESC",
    "name": "name COLLATE NOCASE",
    "content_id": "content",
}
_PAST_SORTS = _SORTS | {
    "": "finished DESC",
    "rate": "done / (seconds + 0.001)",
    "took": "seconds",
    "when": "finished",
}
_PARTNERS = ("name", "peer", "partners(peers)")
"""What the words of a filter of the history are looked for in."""
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
        marks = ", ".join("?" * len(_FIELDS))
        async with self._store.transaction() as transaction:
            ((last,),) = await transaction.fetch(
                "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'transfers'), 0)"
            )
            added = [
                msgspec.structs.replace(transfer, id=TransferId(number))
                for number, transfer in enumerate(transfers, start=last + 1)
            ]
            await transaction.execute_many(
                f"INSERT INTO transfers ({_COLUMNS}) VALUES ({marks})",  # noqa: S608  (constants)
                [_values(transfer) for transfer in added],
            )
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

    async def finish(self, transfers: Sequence[TransferRecord]) -> None:
        """Write that many are over: what changes then, and no more."""
        assignments = ", ".join(f"{name} = ?" for name in _ENDING)
        async with self._store.transaction() as transaction:
            await transaction.execute_many(
                f"UPDATE transfers SET {assignments} WHERE id = ?",  # noqa: S608  (constants)
                [(*(getattr(each, name) for name in _ENDING), each.id) for each in transfers],
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

    async def past(self, page: Page) -> tuple[list[TransferRecord], int]:
        """A page of what is over, the last first unless sorted; and how many there are.

        Each word of the filter is in the name or in the nick or id of a member who took part, or is
        a direction or a state. Folder jobs as in `page`.
        """
        words, job = _job_of(page.filter)
        return await self._cut(page, *_past_condition(words, job), _PAST_SORTS)

    async def page(self, page: Page) -> tuple[list[TransferRecord], int]:
        """A page of all transfers, the newest first unless sorted; and how many there are.

        A folder job is one row; the word `job:ID` in the filter finds its files instead.
        """
        words, job = _job_of(page.filter)
        where, texts = words_condition("name", words)
        return await self._cut(page, f"job = ? AND {where}", (job, *texts), _SORTS)

    async def _cut(
        self, page: Page, where: str, values: tuple[object, ...], sorts: dict[str, str]
    ) -> tuple[list[TransferRecord], int]:
        order = order_by(page.sort, sorts)
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


def _past_condition(words: str, job: int) -> tuple[str, tuple[object, ...]]:
    conditions = ["finished IS NOT NULL", "job = ?"]
    values: list[object] = [job]
    for word in words.split():
        found = [words_condition(column, word) for column in _PARTNERS]
        either = [condition for condition, _ in found]
        conditions.append(f"({' OR '.join(either)} OR direction = ? OR state = ?)")
        values += [value for _, texts in found for value in texts]
        values += [word.casefold()] * 2
    return " AND ".join(conditions), tuple(values)


def _values(transfer: TransferRecord) -> tuple[object, ...]:
    return msgspec.structs.astuple(transfer)


def _transfer(row: Row) -> TransferRecord:
    return TransferRecord(**dict(zip(_FIELDS, row, strict=True)))
