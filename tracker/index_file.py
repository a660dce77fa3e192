"""Opening the index file whatever has become of it: a lost index is a nuisance, never a stop.

Members announce again what a new index lacks. The authority's key, kicks and invites lie elsewhere
and are not touched (PROTOCOL.md 1, *Files*).
"""

import logging
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.base.errors import storage_error
from p2ptui.net.loop import Threads
from tracker.sqlite_schema import ForeignSchema
from tracker.sqlite_store import SqliteStore, damage_mark

log = logging.getLogger(__name__)

_SUFFIXES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class OpenedIndex:
    """An index that is open. `notice` tells the admin what was wrong with the old one."""

    store: SqliteStore
    notice: str = ""
    hint: str = ""
    temporary: Path | None = None
    """Folder that holds an index which does not outlive this process."""


async def open_index(path: Path, clock: Clock) -> OpenedIndex:
    """Open the index at `path`, or an empty one when it is damaged, locked or not writable.

    Raises `P2PError` when there is not even room for a temporary one.
    """
    files = Threads(1, "index-files")
    try:
        return await _open(path, clock, files)
    finally:
        files.close()


async def _open(path: Path, clock: Clock, files: Threads) -> OpenedIndex:
    reason = ""
    if await files(damage_mark(path).exists):
        reason = "it was found damaged"
    else:
        try:
            return OpenedIndex(await SqliteStore.open(path, clock))
        except ForeignSchema as error:
            reason = str(error)
        except sqlite3.Error as error:
            if not _is_damage(error):
                return await _open_temporary(path, clock, files, str(error))
            reason = str(error)
    try:
        aside = await files(_put_aside, path, int(clock.wall()))
        opened = await SqliteStore.open(path, clock)
    except (OSError, sqlite3.Error) as error:
        return await _open_temporary(path, clock, files, f"{reason}; {error}")
    return OpenedIndex(
        opened,
        notice=f"The index could not be used ({reason}); a new one was begun",
        hint=f"Members announce their files again as they connect. The old file is {aside}.",
    )


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or not isinstance(
        error, sqlite3.OperationalError
    )


def _put_aside(path: Path, now: int) -> Path:
    """Rename a database with its companions; returns its new path (blocks)."""
    aside = path.with_name(f"{path.name}.{now}.bad")
    for suffix in _SUFFIXES:
        try:
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        except FileNotFoundError:
            continue
    damage_mark(path).unlink(missing_ok=True)
    return aside


async def _open_temporary(path: Path, clock: Clock, files: Threads, reason: str) -> OpenedIndex:
    log.error("the index %s cannot be used: %s", path, reason)
    try:
        folder = Path(await files(tempfile.mkdtemp, prefix="p2ptui-index-"))
    except OSError as error:
        raise _no_index(path, f"{reason}; {error.strerror}") from None
    try:
        store = await SqliteStore.open(folder / "index.db", clock)
    except sqlite3.Error as error:
        await files(remove_temporary, folder)
        raise _no_index(path, f"{reason}; {error}") from None
    return OpenedIndex(
        store,
        notice=f"The index {path} cannot be used ({reason}); a temporary one takes its place",
        hint="Free the file or make it writable, then restart the tracker.",
        temporary=folder,
    )


def _no_index(path: Path, reason: str) -> Exception:
    return storage_error(
        "The tracker's index cannot be opened",
        f"{path}: {reason}",
        "Make the file and its folder writable, or free some space.",
    )


def remove_temporary(folder: Path) -> None:
    """Remove a temporary index (blocks)."""
    shutil.rmtree(folder, ignore_errors=True)
