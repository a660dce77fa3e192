"""Leftovers in the node's database: what is to be deleted from disk once nobody can undo it."""

from collections.abc import Iterable

import msgspec

from p2ptui.node.store import NodeStore
from p2ptui.node.store_values import Leftover


class LeftoverTable:
    """Written before a file is moved aside, so that a node that is killed forgets none."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store

    async def add(self, leftover: Leftover) -> Leftover:
        """Keep one; returned with its number."""
        return (await self.add_all([leftover]))[0]

    async def add_all(self, leftovers: Iterable[Leftover]) -> list[Leftover]:
        """Keep several; returned with their numbers."""
        kept = []
        async with self._store.transaction() as transaction:
            for leftover in leftovers:
                number = await transaction.execute(
                    "INSERT INTO leftovers (folder, name, content) VALUES (?, ?, ?)",
                    (leftover.folder, leftover.name, leftover.content),
                )
                assert number is not None
                kept.append(msgspec.structs.replace(leftover, id=number))
        return kept

    async def all(self) -> list[Leftover]:
        """Those of this run and of earlier ones."""
        rows = await self._store.fetch("SELECT folder, name, content, id FROM leftovers")
        return [Leftover(*row) for row in rows]

    async def drop(self, *leftovers: Leftover) -> None:
        """They are gone, or in use again."""
        async with self._store.transaction() as transaction:
            await transaction.execute_many(
                "DELETE FROM leftovers WHERE id = ?", [(each.id,) for each in leftovers]
            )
