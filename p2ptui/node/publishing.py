"""Adding to the library: shares, single files, finished downloads; what is meant by a name.

What a user names may be reached through links (it was meant); what is shared then is the place they
lead to. Nothing in the node's own home but the repository folder is ever shared: keys lie there.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from p2ptui.base.errors import P2PError, not_found, storage_error, usage_error
from p2ptui.base.ids import parse_content_id
from p2ptui.base.names import check_name, check_wire_path
from p2ptui.base.text import display
from p2ptui.net.loop import Offload
from p2ptui.node.api import Share
from p2ptui.node.hashing import BackgroundHashing, why_not
from p2ptui.node.manifest import Manifest
from p2ptui.node.shared_files import ShareFolder
from p2ptui.node.storage_errors import explain
from p2ptui.node.store_changes import NAME_TAKEN, FileChanges
from p2ptui.node.store_files import FileTable
from p2ptui.node.store_values import (
    Adopted,
    FileRecord,
    Fingerprint,
    ScannedFile,
    ShareRecord,
)

_TRIES = 3
_NAMES_SHOWN = 5


class Shelf(Protocol):
    """What of the library is needed here."""

    @property
    def records(self) -> Mapping[int, ShareRecord]:
        """All shares by number."""
        ...

    def share_value(self, share: ShareRecord) -> Share:
        """A share as front-ends see it."""
        ...

    async def refresh_shares(self) -> None:
        """Read the shares anew after one came or went."""
        ...

    async def scan(self, share: ShareRecord) -> int:
        """Scan one share."""
        ...

    def withdraw_open(self, is_meant: Callable[[FileRecord], bool]) -> None:
        """Let no more be read of opened files that are no longer shared."""
        ...


class Publishing:
    """What users and downloads do to the library."""

    def __init__(
        self,
        shelf: Shelf,
        files: FileTable,
        changes: FileChanges,
        *,
        hashing: BackgroundHashing,
        offload: Offload,
        off_limits: Sequence[Path],
    ) -> None:
        self._shelf = shelf
        self._files = files
        self._changes = changes
        self._hashing = hashing
        self._offload = offload
        self._off_limits = tuple(off_limits)

    # --- shares -------------------------------------------------------------------------------

    async def use_repository(self, path: str) -> None:
        """Make this folder the repository, in place of another one of an earlier run."""
        named = self._off_limits
        self._off_limits = await self._offload(lambda: tuple(path.resolve() for path in named))
        shares = await self._files.shares()
        for share in shares:
            # Another repository is no more; a folder share at this place becomes the repository.
            wrong_kind = "folder" if share.path == path else "repository"
            if share.kind == wrong_kind:
                await self._changes.drop_share(share.id)
        if not any(share.kind == "repository" and share.path == path for share in shares):
            await self._changes.add_share(path, "", "repository")

    async def add_share(self, path: Path) -> Share:
        """Offer a folder; returns when its files are listed. Raises `P2PError`."""
        folder = await self._resolve(path)
        if not await self._offload(folder.is_dir):
            raise usage_error(
                "Not a folder", display(str(path)), "To offer a single file: publish FILE."
            )
        share = self._share_at(folder)
        if share is None:
            outer = self._share_around(folder)
            if outer is not None:
                raise usage_error(
                    "Already shared",
                    f"{display(str(path))} is a part of {display(outer.path)}",
                )
            self._refuse_off_limits(folder)
            name = await self._free_name(folder)
            share = await self._changes.add_share(str(folder), name, "folder")
            await self._shelf.refresh_shares()
        await self._shelf.scan(share)
        return self._shelf.share_value(self._shelf.records.get(share.id, share))

    async def remove_share(self, path: Path) -> Share:
        """Stop offering a folder or a single file. Raises `P2PError`."""
        resolved = await self._offload(path.resolve)
        named = {str(path), str(resolved)}
        share = next((one for one in self._shelf.records.values() if one.path in named), None)
        if share is None:
            raise not_found(
                "Not shared", display(str(path)), "The command shares lists what is shared."
            )
        if share.kind == "repository":
            raise usage_error(
                "The repository folder is always shared",
                display(share.path),
                "Use another one with --downloads, or remove single files.",
            )
        value = self._shelf.share_value(share)
        await self.drop(share)
        return value

    # --- single files -------------------------------------------------------------------------

    async def publish(self, path: Path, name: str) -> FileRecord:
        """Offer one file under a name; empty: its own. Returns when it is shared."""
        file = await self._resolve(path)
        if await self._offload(file.is_dir):
            raise usage_error(
                "This is a folder", display(str(path)), "To offer a folder: share FOLDER."
            )
        if not await self._offload(file.is_file):
            raise usage_error("Not a regular file", display(str(path)))
        place = self._place(file)
        if place is not None and name in {"", place[1].wire, place[1].name}:
            share, scanned = place
            mark = await self.mark(share, scanned)
            await self._changes.include(share.id, scanned.folder, scanned.name)
            await self._changes.list_file(share.id, scanned._replace(mark=mark))
            return await self._share_now(share, scanned.folder, scanned.name)
        self._refuse_off_limits(file)
        share, new = await self._file_share(file, name)
        try:
            await self._shelf.scan(share)
            return await self._share_now(share, "", file.name)
        except P2PError:
            if new:
                await self.drop(share)
            raise

    async def adopt(self, path: Path, manifest: Manifest) -> FileRecord | None:
        """Share a finished download without hashing it; None when it lies in no share."""
        folder = await self._offload(path.parent.resolve)
        place = self._place(folder / path.name)
        if place is None:
            return None
        share, file = place
        mark = await self.mark(share, file)
        if mark.size != manifest.size:
            return None
        return await self._changes.add_shared(share.id, file._replace(mark=mark), manifest)

    async def adopt_all(self, files: Sequence[Adopted]) -> None:
        """Share finished downloads, looked at already, as far as they lie in shares."""
        folders: dict[Path, Path] = {}
        for folder in {file.folder for file in files}:
            folders[folder] = await self._offload(folder.resolve)
        places: dict[Path, tuple[ShareRecord, ScannedFile] | None] = {
            folder: self._place(resolved / "file") for folder, resolved in folders.items()
        }
        found: dict[int, list[tuple[ScannedFile, Manifest]]] = {}
        for file in files:
            place = places[file.folder]
            if place is None or file.name.startswith("."):
                continue
            share, other = place
            shown = unicodedata.normalize("NFC", file.name)
            if check_name(shown):
                continue
            wire = other.wire.removesuffix("file") + shown
            scanned = ScannedFile(other.folder, file.name, wire, file.mark)
            found.setdefault(share.id, []).append((scanned, file.manifest))
        for share_id, some in found.items():
            await self._changes.add_all_shared(share_id, some)

    # --- for `removals` ------------------------------------------------------------------------

    async def find(self, name: str) -> FileRecord:
        """The file that a name, the end of one, or a content id means. Raises `P2PError`."""
        wire = unicodedata.normalize("NFC", name).strip("/")
        content = parse_content_id(name)
        found = await (
            self._files.with_content(content) if content is not None else self._files.named(wire)
        )
        if not found:
            found = await self._files.with_last_name(wire, _NAMES_SHOWN + 1)
        found = [record for record in found if record.share in self._shelf.records]
        # Of files that want the same name, the one that has it is meant.
        shared = [record for record in found if record.state == "shared"]
        if len(shared) == 1 and len({record.wire for record in found}) == 1:
            return shared[0]
        if not found:
            raise not_found(
                "No such file in the library",
                display(name),
                "`files` lists what is shared.",
            )
        if len(found) > 1:
            names = ", ".join(display(record.wire) for record in found[:_NAMES_SHOWN])
            more = ", …" if len(found) > _NAMES_SHOWN else ""
            raise usage_error("Several files have this name", names + more, "Give the whole name.")
        return found[0]

    async def give_name_away(self, wire: str) -> None:
        """Let a file have the name that another one had until now."""
        waiting = [record.id for record in await self._files.named(wire)]
        await self._changes.list_again(waiting)
        await self._shelf.refresh_shares()
        self._hashing.wake()

    async def drop(self, share: ShareRecord) -> None:
        """Take a share away with all its files."""
        await self._changes.drop_share(share.id)
        self._shelf.withdraw_open(lambda file: file.share == share.id)
        await self._shelf.refresh_shares()

    async def mark(self, share: ShareRecord, file: ScannedFile) -> Fingerprint:
        """What a file is now. Raises `P2PError`."""

        def look() -> Fingerprint:
            with ShareFolder(share.root) as folder:
                return folder.mark(file.folder, file.name)

        try:
            return await self._offload(look)
        except OSError as error:
            raise explain(error, share.root / file.folder / file.name, "read") from error

    # --- inside -------------------------------------------------------------------------------

    async def _share_now(self, share: ShareRecord, folder: str, name: str) -> FileRecord:
        """Hash a listed file out of turn; a file that changes meanwhile is tried again."""
        path = share.root / folder / name
        for _ in range(_TRIES):
            record = await self._files.at(share.id, folder, name)
            if record is None:
                raise not_found("No such file", display(str(path)))
            if record.state == "shared":
                return record
            if record.state == "error" and record.reason == NAME_TAKEN:
                raise _name_taken(record.wire)
            result = await self._hashing.hash_now(record)
            if result.trouble is not None:
                raise storage_error(
                    "Cannot read the file", f"{display(str(path))}: {why_not(result.trouble)}"
                )
        raise storage_error(
            "The file keeps changing", display(str(path)), "Publish it once it is written."
        )

    async def _file_share(self, file: Path, name: str) -> tuple[ShareRecord, bool]:
        """The share of a single file under a name, and whether it is a new one."""
        wire = unicodedata.normalize("NFC", name or file.name)
        reason = check_name(wire)
        if reason:
            raise usage_error(
                "Not a name to publish under", f"{display(wire)}: {reason}", "Give another name."
            )
        for share in self._shelf.records.values():
            if (share.kind, share.path, share.name) == ("file", str(file), wire):
                return share, False
        if await self._files.named(wire):
            raise _name_taken(wire)
        share = await self._changes.add_share(str(file), wire, "file")
        await self._shelf.refresh_shares()
        return share, True

    async def _resolve(self, path: Path) -> Path:
        if not path.is_absolute():
            raise usage_error("Not an absolute path", display(str(path)))
        try:
            return await self._offload(lambda: path.resolve(strict=True))
        except FileNotFoundError as error:
            raise not_found("No such file or folder", display(str(path))) from error
        except (OSError, RuntimeError, ValueError) as error:
            trouble = error if isinstance(error, OSError) else OSError(str(error))
            raise explain(trouble, path, "open") from error

    def _share_at(self, folder: Path) -> ShareRecord | None:
        for share in self._shelf.records.values():
            if share.kind != "file" and share.path == str(folder):
                return share
        return None

    def _share_around(self, path: Path) -> ShareRecord | None:
        """The innermost folder share that a path lies in."""
        around = [
            share
            for share in self._shelf.records.values()
            if share.kind != "file" and path.is_relative_to(share.path)
        ]
        return max(around, key=lambda share: len(share.path), default=None)

    def _place(self, path: Path) -> tuple[ShareRecord, ScannedFile] | None:
        """Where a file lies in the share that it belongs to; None when no scan would list it."""
        share = self._share_around(path)
        if share is None:
            return None
        relative = path.relative_to(share.path)
        if any(part.startswith(".") for part in relative.parts) or self._is_off_limits(path):
            return None
        try:
            wire = share.prefix + unicodedata.normalize("NFC", relative.as_posix())
            if check_wire_path(tuple(wire.split("/"))):
                return None
        except UnicodeEncodeError:
            return None
        folder = relative.parent.as_posix()
        nothing = Fingerprint(0, 0, 0)
        return share, ScannedFile("" if folder == "." else folder, path.name, wire, nothing)

    def _is_off_limits(self, path: Path) -> bool:
        share = self._share_around(path)
        return any(
            path.is_relative_to(folder)
            and (share is None or not Path(share.path).is_relative_to(folder))
            for folder in self._off_limits
        )

    def _refuse_off_limits(self, path: Path) -> None:
        if self._is_off_limits(path) or path == Path(path.anchor):
            raise usage_error(
                "This is not to be shared",
                f"{display(str(path))} holds the node's keys or the whole system",
                "Choose another folder.",
            )

    async def _free_name(self, folder: Path) -> str:
        """The wire name of a new folder share: its own, or `name (2)` when that is taken."""
        try:
            name = unicodedata.normalize("NFC", folder.name)
            reason = check_name(name)
        except UnicodeEncodeError:
            name, reason = "", "a name that is not UTF-8"
        if reason:
            raise usage_error(
                "This folder cannot be shared under its name",
                f"{display(str(folder))}: {reason}",
                "Rename it.",
            )
        taken = await self._files.top_names()
        number = 1
        free = name
        while free in taken:
            number += 1
            free = f"{name} ({number})"
        return free


def _name_taken(wire: str) -> P2PError:
    return usage_error(
        "The name is taken", display(wire), "Publish it under another name, or remove the other."
    )
