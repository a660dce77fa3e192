"""Writing a backup of a running tracker: authority, settings, history and index in one file.

Each database is copied by SQLite itself out of one read transaction, in a thread: members announce
and search meanwhile. Nothing stands under the wanted name before all of it is on disk.
"""

import contextlib
import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from p2ptui import __version__
from p2ptui.base.clock import Clock
from p2ptui.base.errors import storage_error, unreachable, usage_error
from p2ptui.base.paths import TrackerHome
from p2ptui.base.private_files import sync_folder
from p2ptui.base.text import format_bytes
from p2ptui.net.loop import Threads
from tracker.api_values import Backup
from tracker.authority import Authority
from tracker.backup_format import (
    AUTHORITY,
    FORMAT,
    HISTORY,
    INDEX,
    MANIFEST,
    Item,
    Manifest,
    extra_files,
)
from tracker.sqlite_schema import BUSY_TIMEOUT_S

PAGES_A_STEP = 1024
BLOCK = 1024 * 1024
SPARE_BYTES = 16 * 1024 * 1024
"""Room that is asked for beside twice the index: its copy, and the archive."""


class _GivenUp(Exception):  # noqa: N818  (a wish, not an error)
    """The tracker stops, or nobody waits for the backup any more."""


class Backups:
    """Writes backups, one at a time."""

    def __init__(
        self,
        *,
        home: TrackerHome,
        authority: Authority,
        index: Path,
        history: Path | None = None,
        clock: Clock,
    ) -> None:
        """`index`: the database that is in use, which may be a temporary one.

        `history`: that of the fetches; None: it is in memory alone and not backed up.
        """
        self._home = home
        self._authority = authority
        self._databases = {INDEX: index}
        if history is not None:
            self._databases = {HISTORY: history, INDEX: index}
        self._clock = clock
        self._give_up: threading.Event | None = None

    async def write(self, path: str) -> Backup:
        """Write a backup. Raises `P2PError`; then nothing stands under that name."""
        if self._give_up is not None:
            raise usage_error(
                "A backup is being written", "one at a time", "Wait until it is done."
            )
        self._give_up = give_up = threading.Event()
        threads = Threads(1, "backup")
        try:
            return await threads(self._write, Path(path), give_up)
        finally:
            give_up.set()  # nobody waits any more: the thread ends at its next step
            self._give_up = None
            threads.close()

    def close(self) -> None:
        """Give up what is being written."""
        if self._give_up is not None:
            self._give_up.set()

    def _write(self, target: Path, give_up: threading.Event) -> Backup:
        _refuse_bad_target(target)

        def go_on() -> None:
            if give_up.is_set():
                raise _GivenUp

        try:
            with tempfile.TemporaryDirectory(
                prefix=".p2ptui-backup-", dir=target.parent, ignore_cleanup_errors=True
            ) as folder:
                archive = self._gather(Path(folder), go_on)
                _put_in_place(archive, target)
                sync_folder(target.parent)
                return Backup(path=str(target), bytes=target.stat().st_size)
        except _GivenUp:
            raise unreachable("The backup was given up", "the tracker stops") from None
        except OSError as error:
            raise storage_error(
                "The backup cannot be written",
                f"{target}: {error.strerror or error}",
                "Check rights and space.",
            ) from None
        except sqlite3.Error as error:
            raise storage_error("The databases cannot be copied", str(error)) from None

    def _gather(self, folder: Path, go_on: Callable[[], None]) -> Path:
        """Make the archive in a folder of ours, whole and on disk."""
        small = {AUTHORITY + name: data for name, data in self._authority.copies().items()}
        for name, path in extra_files(self._home).items():
            with contextlib.suppress(FileNotFoundError):
                small[name] = path.read_bytes()
        items = [Item(n, len(data), hashlib.sha256(data).hexdigest()) for n, data in small.items()]
        large = {}
        for name, database in self._databases.items():
            copy = folder / name
            _copy_database(database, copy, go_on)
            large[name] = Item(name, copy.stat().st_size, _digest(copy, go_on))
        items += large.values()
        manifest = Manifest(
            format=FORMAT,
            software=__version__,
            swarm=self._authority.name,
            pin=self._authority.pin,
            made=self._clock.wall(),
            files=tuple(items),
        )
        small = {MANIFEST: msgspec.json.format(msgspec.json.encode(manifest)), **small}
        archive = folder / "archive"
        descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with (
            open(descriptor, "wb") as file,  # noqa: PTH123  (a descriptor, not a path)
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, data in small.items():
                tar.addfile(self._info(name, len(data)), io.BytesIO(data))
            for name, item in large.items():
                with (folder / name).open("rb") as source:
                    tar.addfile(self._info(name, item.size), _Watched(source, go_on))
        with archive.open("rb") as written:
            os.fsync(written.fileno())
        return archive

    def _info(self, name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(self._clock.wall())
        return info


class _Watched(io.RawIOBase):
    """A file that stops being read when the backup is given up."""

    def __init__(self, file: IO[bytes], go_on: Callable[[], None]) -> None:
        super().__init__()
        self._file = file
        self._go_on = go_on

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        self._go_on()
        return self._file.read(size)


def _refuse_bad_target(target: Path) -> None:
    if not target.is_absolute():
        raise usage_error("Not a full path", str(target), "Begin it with a /.")
    if os.path.lexists(target):
        raise usage_error(
            "There is something already", str(target), "Name a file that does not exist."
        )
    if not target.parent.is_dir():
        raise usage_error("No such folder", str(target.parent), "Make it first.")


def _copy_database(source: Path, copy: Path, go_on: Callable[[], None]) -> None:
    with _opened(source) as ours, _opened(copy) as theirs:
        # A read transaction around the whole: writers go on, and the copy never begins anew.
        ours.execute("BEGIN")
        pages, page_bytes = (
            ours.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size")
        )
        _refuse_without_room(copy.parent, 2 * pages * page_bytes + SPARE_BYTES)
        theirs.execute("PRAGMA synchronous = OFF")
        ours.backup(theirs, pages=PAGES_A_STEP, progress=lambda *_: go_on(), sleep=0.05)
        # In one file, without a log beside it.
        theirs.execute("PRAGMA journal_mode = DELETE")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def _refuse_without_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise storage_error(
            "No room for the backup",
            f"{folder} has {format_bytes(free)}, about {format_bytes(needed)} are needed",
            "Free some space, or name a file on another disk.",
        )


def _digest(path: Path, go_on: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            go_on()
            digest.update(block)
    return digest.hexdigest()


def _put_in_place(archive: Path, target: Path) -> None:
    """Give the archive its name, unless somebody took that meanwhile."""
    try:
        os.link(archive, target)
    except FileExistsError:
        raise usage_error("There is something already", str(target)) from None
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise
        archive.rename(target)
