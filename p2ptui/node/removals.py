"""Removals: files are withdrawn, and for a while they can be put back.

A file of the repository folder is moved aside; it is deleted when it can no longer be put back. A
file of another folder, or one that was published by itself, stays where it lies.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from p2ptui.base.errors import P2PError, not_found, usage_error
from p2ptui.base.ids import content_id_text
from p2ptui.base.text import display
from p2ptui.net.loop import Offload
from p2ptui.node import removed_files
from p2ptui.node.api import Removal
from p2ptui.node.publishing import Publishing, Shelf
from p2ptui.node.storage_errors import explain
from p2ptui.node.store_changes import FileChanges
from p2ptui.node.store_files import FileTable
from p2ptui.node.store_leftovers import LeftoverTable
from p2ptui.node.store_values import (
    FileRecord,
    Leftover,
    ScannedFile,
    ShareRecord,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Removed:
    """A file that was withdrawn, as it was."""

    removal: Removal
    share: ShareRecord
    file: FileRecord
    leftover: Leftover | None = None
    """Where it was moved to."""


class Removals:
    """Withdraws files, puts them back, deletes them."""

    def __init__(
        self,
        shelf: Shelf,
        publishing: Publishing,
        files: FileTable,
        changes: FileChanges,
        leftovers: LeftoverTable,
        *,
        offload: Offload,
        woken: Callable[[], Awaitable[None]],
    ) -> None:
        """`woken`: there may be something new to hash or to tell."""
        self._shelf = shelf
        self._publishing = publishing
        self._files = files
        self._changes = changes
        self._leftovers = leftovers
        self._offload = offload
        self._woken = woken

    async def remove(self, name: str) -> Removed:
        """Withdraw a file; one of the repository folder is moved aside. Raises `P2PError`."""
        file = await self._publishing.find(name)
        share = self._shelf.records[file.share]
        leftover = None
        if share.kind == "repository":
            leftover = await self._move_aside(share, file)
            await self._changes.delete([file.id])
        elif share.kind == "folder":
            await self._changes.exclude(file)
        else:
            await self._publishing.drop(share)
        self._shelf.withdraw_open(lambda other: other.id == file.id)
        await self._publishing.give_name_away(file.wire)
        removal = Removal(
            name=file.wire,
            content_id=content_id_text(file.content) if file.content is not None else "",
            deleted=str(share.root / file.place) if share.kind == "repository" else "",
        )
        return Removed(removal, share, file, leftover)

    async def put_back(self, removed: Removed) -> str:
        """Share a file again where it was; what to tell. Raises `P2PError`."""
        file = removed.file
        share = await self._share_again(removed)
        try:
            if removed.leftover is not None:
                await self._move_back(share, file, removed.leftover)
            shared = await self._list_again(share, file)
        except P2PError:
            if share.kind == "file":
                await self._publishing.drop(share)
            raise
        await self._woken()
        if not shared:
            return f"{display(file.wire)} lies there again, but another shared file has its name"
        return f"{display(file.wire)} is shared again"

    async def _list_again(self, share: ShareRecord, file: FileRecord) -> bool:
        """Share it, unhashed when it is as it was; False when its name is taken."""
        place = ScannedFile(file.folder, file.name, file.wire, file.mark)
        place = place._replace(mark=await self._publishing.mark(share, place))
        await self._changes.include(share.id, file.folder, file.name)
        manifest = await self._files.manifest(file.content) if file.content is not None else None
        if manifest is not None and place.mark == file.mark:
            return await self._changes.add_shared(share.id, place, manifest) is not None
        await self._changes.list_file(share.id, place)
        return True

    async def settle(self, removed: Removed) -> None:
        """Delete what was moved aside. Raises `P2PError`."""
        if removed.leftover is not None:
            await self.delete(removed.leftover)

    async def delete(self, leftover: Leftover) -> None:
        """Delete a file that was moved aside, also by an earlier run. Raises `P2PError`."""
        place = Path(leftover.folder)
        try:
            await self._offload(removed_files.delete, place, leftover.name)
        except OSError as error:
            raise explain(error, place, "delete from") from error
        await self._leftovers.drop(leftover)

    async def _move_aside(self, share: ShareRecord, file: FileRecord) -> Leftover | None:
        path = share.root / file.place
        leftover = await self._leftovers.add(
            Leftover(folder=str(path.parent), name=removed_files.new_name())
        )
        try:
            await self._offload(
                removed_files.move_aside, share.root, file.folder, file.name, leftover.name
            )
        except OSError as error:
            with contextlib.suppress(P2PError):
                await self._leftovers.drop(leftover)
            if isinstance(error, FileNotFoundError):
                return None  # somebody deleted it: that is what was wanted
            raise explain(error, path, "delete") from error
        return leftover

    async def _move_back(self, share: ShareRecord, file: FileRecord, leftover: Leftover) -> None:
        path = share.root / file.place
        try:
            moved = await self._offload(
                removed_files.move_back, share.root, file.folder, file.name, leftover.name
            )
        except OSError as error:
            raise explain(error, path, "put back") from error
        if not moved:
            raise usage_error(
                "Another file has its place now", display(str(path)), "Move that one away first."
            )
        await self._leftovers.drop(leftover)

    async def _share_again(self, removed: Removed) -> ShareRecord:
        """The share that the file was in; that of a single file is made anew."""
        was = removed.share
        if was.kind == "file":
            share = await self._changes.add_share(was.path, was.name, "file")
            await self._shelf.refresh_shares()
            return share
        now = self._shelf.records.get(was.id)
        if now is None:
            raise not_found("Its folder is no longer shared", display(was.path))
        if removed.leftover is None and was.kind == "repository":
            raise not_found("The file is gone", display(removed.removal.deleted))
        return now
