"""What a scan, the hasher, a removal and a finished fetch write into the node's database.

Whatever becomes or ceases to be shared goes through `_offer` and `_withdraw`, which keep the change
log and the digest. Each call is one transaction; callers bring batches of some hundreds.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from p2ptui.node.manifest import Manifest
from p2ptui.node.store import NodeStore, Transaction
from p2ptui.node.store_files import COLUMNS, batches, record
from p2ptui.node.store_values import (
    FileRecord,
    Fingerprint,
    ScannedFile,
    ShareKind,
    ShareRecord,
    StoredState,
)

NAME_TAKEN = "another shared file has this name"


class Hashed(NamedTuple):
    """A file that was hashed, and what it was while it was."""

    id: int
    mark: Fingerprint
    manifest: Manifest


class FileChanges:
    """Writes to shares and their files."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store

    async def add_share(self, path: str, name: str, kind: ShareKind) -> ShareRecord:
        """Note a new share; it has no files yet."""
        async with self._store.transaction() as transaction:
            number = await transaction.execute(
                "INSERT INTO shares (path, name, kind) VALUES (?, ?, ?)", (path, name, kind)
            )
        assert number is not None
        return ShareRecord(number, path, name, kind)

    async def note_scan(self, share: int, device: int) -> None:
        """Note that a share was found, and on which device."""
        async with self._store.transaction() as transaction:
            await transaction.execute(
                "UPDATE shares SET away = 0, device = ? WHERE id = ? AND (away OR device != ?)",
                (device, share, device),
            )

    async def set_share_away(self, share: int) -> int:
        """Withdraw all files of a share whose disk is gone (F100); how many that were."""
        async with self._store.transaction() as transaction:
            rows = await transaction.fetch(
                "SELECT id FROM files WHERE share = ? AND state != 'away'", (share,)
            )
            await _withdraw(transaction, [row[0] for row in rows])
            await _set_state(transaction, [row[0] for row in rows], "away")
            await transaction.execute("UPDATE shares SET away = 1 WHERE id = ?", (share,))
        return len(rows)

    async def apply_scan(
        self, share: int, found: Sequence[ScannedFile], changed: Sequence[tuple[int, Fingerprint]]
    ) -> None:
        """List new files, and put those that differ (by number) back to be hashed."""
        async with self._store.transaction() as transaction:
            marks = dict(changed)
            files = await _records(transaction, list(marks))
            changed = [(file.id, marks[file.id]) for file in files if file.mark != marks[file.id]]
            await _withdraw(transaction, [file_id for file_id, _ in changed])
            await transaction.execute_many(
                "UPDATE files SET size = ?, mtime_ns = ?, inode = ?, state = 'listed', "
                "reason = '', content = NULL WHERE id = ?",
                [(*mark, file_id) for file_id, mark in changed],
            )
            await transaction.execute_many(
                "INSERT OR IGNORE INTO files "
                "(share, folder, name, wire, size, mtime_ns, inode, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'listed')",
                [(share, file.folder, file.name, file.wire, *file.mark) for file in found],
            )

    async def list_file(self, share: int, file: ScannedFile) -> None:
        """List one file, or put it back to be hashed when it differs or could not be shared."""
        async with self._store.transaction() as transaction:
            await transaction.execute(
                "UPDATE files SET state = 'listed', reason = '' "
                "WHERE share = ? AND folder = ? AND name = ? AND state = 'error'",
                (share, file.folder, file.name),
            )
            rows = await transaction.fetch(
                "SELECT id FROM files WHERE share = ? AND folder = ? AND name = ?",
                (share, file.folder, file.name),
            )
        if rows:
            await self.apply_scan(share, (), [(rows[0][0], file.mark)])
        else:
            await self.apply_scan(share, [file], ())

    async def list_again(self, file_ids: Sequence[int]) -> None:
        """Put files back to be hashed: they changed, or what hindered them may be over."""
        async with self._store.transaction() as transaction:
            await _withdraw(transaction, file_ids)
            await _set_state(transaction, file_ids, "listed")

    async def settle(self, hashed: Sequence[Hashed]) -> list[FileRecord]:
        """Share files that were hashed; those that changed meanwhile are left as they are.

        Returns the files that cannot be shared because another one has their name.
        """
        by_id = {result.id: result for result in hashed}
        async with self._store.transaction() as transaction:
            waiting = [
                file
                for file in await _records(transaction, list(by_id))
                if file.state == "listed" and file.mark == by_id[file.id].mark
            ]
            await _keep_manifests(transaction, [by_id[file.id].manifest for file in waiting])
            await transaction.execute_many(
                "UPDATE files SET content = ? WHERE id = ?",
                [(by_id[file.id].manifest.content_id, file.id) for file in waiting],
            )
            return await _offer(transaction, [file.id for file in waiting])

    async def add_shared(
        self, share: int, file: ScannedFile, manifest: Manifest
    ) -> FileRecord | None:
        """Share a file whose manifest is known without hashing it; None when its name is taken."""
        added = await self.add_all_shared(share, [(file, manifest)])
        async with self._store.transaction() as transaction:
            found = await _records(transaction, added)
        return found[0] if found else None

    async def add_all_shared(
        self, share: int, files: Sequence[tuple[ScannedFile, Manifest]]
    ) -> list[int]:
        """Share files of known manifests without hashing them.

        Returns the numbers of those whose name was not taken.
        """
        async with self._store.transaction() as transaction:
            places = [(share, file.folder, file.name) for file, _ in files]
            await _withdraw(transaction, await _at(transaction, places))
            await transaction.execute_many(
                "DELETE FROM exclusions WHERE share = ? AND folder = ? AND name = ?", places
            )
            await _keep_manifests(transaction, [manifest for _, manifest in files])
            await transaction.execute_many(
                "INSERT INTO files "
                "(share, folder, name, wire, size, mtime_ns, inode, state, content) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'listed', ?) ON CONFLICT (share, folder, name) "
                "DO UPDATE SET wire = excluded.wire, size = excluded.size, reason = '', "
                "mtime_ns = excluded.mtime_ns, inode = excluded.inode, state = 'listed', "
                "content = excluded.content",
                [
                    (*place, file.wire, *file.mark, manifest.content_id)
                    for place, (file, manifest) in zip(places, files, strict=True)
                ],
            )
            numbers = await _at(transaction, places)
            refused = {file.id for file in await _offer(transaction, numbers)}
        return [number for number in numbers if number not in refused]

    async def fail(self, problems: Sequence[tuple[int, str]]) -> None:
        """Note why files (by number) cannot be shared."""
        async with self._store.transaction() as transaction:
            await _withdraw(transaction, [file_id for file_id, _ in problems])
            await transaction.execute_many(
                "UPDATE files SET state = 'error', reason = ? WHERE id = ?",
                [(reason, file_id) for file_id, reason in problems],
            )

    async def delete(self, file_ids: Sequence[int]) -> None:
        """Forget files that are gone."""
        async with self._store.transaction() as transaction:
            await _delete(transaction, file_ids)

    async def set_away(self, file_ids: Sequence[int]) -> None:
        """Withdraw files whose disk is gone; their contents stay known (F100)."""
        async with self._store.transaction() as transaction:
            await _withdraw(transaction, file_ids)
            await _set_state(transaction, file_ids, "away")

    async def bring_back(self, file_ids: Sequence[int]) -> list[FileRecord]:
        """Share files again whose disk came back unchanged; those whose name is taken now."""
        async with self._store.transaction() as transaction:
            files = await _records(transaction, file_ids)
            unknown = [file.id for file in files if file.content is None]
            await _set_state(transaction, unknown, "listed")
            return await _offer(
                transaction, [file.id for file in files if file.content is not None]
            )

    async def retry_errors(self) -> None:
        """Put files that could not be shared back to be hashed."""
        async with self._store.transaction() as transaction:
            await transaction.execute("UPDATE files SET state = 'listed' WHERE state = 'error'")

    async def drop_share(self, share: int) -> int:
        """Forget a share and all its files; how many there were."""
        async with self._store.transaction() as transaction:
            rows = await transaction.fetch("SELECT id FROM files WHERE share = ?", (share,))
            await _delete(transaction, [row[0] for row in rows])
            await transaction.execute("DELETE FROM shares WHERE id = ?", (share,))
        return len(rows)

    async def exclude(self, file: FileRecord) -> None:
        """Withdraw a file that stays where it lies, for as long as its share lasts."""
        async with self._store.transaction() as transaction:
            await _delete(transaction, [file.id])
            await transaction.execute(
                "INSERT OR IGNORE INTO exclusions VALUES (?, ?, ?)",
                (file.share, file.folder, file.name),
            )

    async def include(self, share: int, folder: str, name: str) -> None:
        """Take an exclusion back."""
        async with self._store.transaction() as transaction:
            await transaction.execute(
                "DELETE FROM exclusions WHERE share = ? AND folder = ? AND name = ?",
                (share, folder, name),
            )


async def _at(transaction: Transaction, places: Sequence[tuple[int, str, str]]) -> list[int]:
    """Numbers of the files that are at these places: share, folder and name."""
    names: dict[tuple[int, str], list[str]] = {}
    for share, folder, name in places:
        names.setdefault((share, folder), []).append(name)
    found: list[int] = []
    for (share, folder), some in names.items():
        rows = await transaction.fetch(
            "SELECT id FROM files WHERE share = ? AND folder = ? "
            "AND name IN (SELECT value FROM json_each(?))",
            (share, folder, json.dumps(some)),
        )
        found += [row[0] for row in rows]
    return found


async def _records(transaction: Transaction, file_ids: Sequence[int]) -> list[FileRecord]:
    rows = await transaction.fetch(
        f"SELECT {COLUMNS} FROM files "  # noqa: S608  (a constant)
        "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(file_ids)),),
    )
    return [record(row) for row in rows]


async def _offer(transaction: Transaction, file_ids: Sequence[int]) -> list[FileRecord]:
    """Share files whose content is known; returns those whose name another file has already."""
    refused: list[FileRecord] = []
    for some in batches(file_ids):
        files = await _records(transaction, some)
        rows = await transaction.fetch(
            "SELECT wire FROM files WHERE state = 'shared' "
            "AND wire COLLATE NOCASE IN (SELECT value FROM json_each(?))",
            (json.dumps([file.wire for file in files]),),
        )
        taken = {row[0] for row in rows}
        offered: list[FileRecord] = []
        for file in files:
            (refused if file.wire in taken else offered).append(file)
            taken.add(file.wire)
        for file in offered:
            transaction.sum.add(file.entry)
        await transaction.execute_many(
            "UPDATE files SET state = 'shared', reason = '', revision = ? WHERE id = ?",
            [(transaction.next_revision(), file.id) for file in offered],
        )
        await transaction.execute(
            "DELETE FROM removals WHERE wire IN (SELECT value FROM json_each(?))",
            (json.dumps([file.wire for file in offered]),),
        )
    await transaction.execute_many(
        "UPDATE files SET state = 'error', reason = ? WHERE id = ?",
        [(NAME_TAKEN, file.id) for file in refused],
    )
    return refused


async def _withdraw(transaction: Transaction, file_ids: Sequence[int]) -> None:
    """Take files out of what is shared; the caller gives them their new state, or deletes them."""
    for some in batches(file_ids):
        shared = [file for file in await _records(transaction, some) if file.state == "shared"]
        for file in shared:
            transaction.sum.remove(file.entry)
        await transaction.execute_many(
            "REPLACE INTO removals VALUES (?, ?)",
            [(file.wire, transaction.next_revision()) for file in shared],
        )


async def _set_state(transaction: Transaction, file_ids: Sequence[int], state: StoredState) -> None:
    await transaction.execute_many(
        "UPDATE files SET state = ?, reason = '', "
        "content = CASE ? WHEN 'listed' THEN NULL ELSE content END WHERE id = ?",
        [(state, state, file_id) for file_id in file_ids],
    )


async def _delete(transaction: Transaction, file_ids: Sequence[int]) -> None:
    await _withdraw(transaction, file_ids)
    await transaction.execute_many(
        "DELETE FROM files WHERE id = ?", [(file_id,) for file_id in file_ids]
    )


async def _keep_manifests(transaction: Transaction, manifests: Sequence[Manifest]) -> None:
    await transaction.execute_many(
        "INSERT OR IGNORE INTO manifests VALUES (?, ?, ?)",
        [(manifest.content_id, manifest.size, manifest.hashes) for manifest in manifests],
    )
