"""Restoring a tracker from a backup, into a home that holds none.

Everything is unpacked and verified in a folder aside before anything gets its place. Of an archive
only files that its manifest lists are read, only under names that we know, only regular ones; what
a tar file may say of owners, rights, links and paths is not looked at.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from p2ptui.base.errors import P2PError, storage_error, usage_error
from p2ptui.base.paths import TrackerHome
from p2ptui.base.private_files import make_private_folder, sync_folder
from p2ptui.net.identity import BadIdentity, id_of_key, load_key
from tracker.backup_format import (
    AUTHORITY,
    HISTORY,
    INDEX,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    READABLE,
    Item,
    Manifest,
    extra_files,
    is_known_name,
)

BLOCK = 1024 * 1024
_KEY = AUTHORITY + "ca.key"
_LOGS = ("-wal", "-shm", "-journal")
"""What SQLite has beside a database, by its name."""


class Restored(NamedTuple):
    """What was restored."""

    swarm: str
    pin: str
    made: float
    """When the backup was written, in seconds since 1970."""
    kept: tuple[str, ...]
    """Files that were there already and were left as they are."""


def restore_tracker(archive: Path, home: TrackerHome) -> Restored:
    """Restore a backup (blocks). Raises `P2PError`; then the home is as it was.

    The caller holds the home's lock: no tracker runs.
    """
    refuse_unless_empty(home)
    make_private_folder(home.folder)
    staging = Path(tempfile.mkdtemp(prefix=".restore-", dir=home.folder))
    try:
        manifest = _unpack(archive, staging, home)
        _check_key(staging, manifest)
        return Restored(
            manifest.swarm, manifest.pin, manifest.made, _put_in_place(staging, manifest, home)
        )
    except OSError as error:
        raise storage_error(
            "The backup cannot be restored",
            f"{error.filename or archive}: {error.strerror or error}",
            "Check rights and space.",
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def refuse_unless_empty(home: TrackerHome) -> None:
    """Raise a usage error when a tracker's authority or index lies in this home."""
    if home.authority.is_dir() and not any(home.authority.iterdir()):
        found = home.database
    else:
        found = home.authority if os.path.lexists(home.authority) else home.database
    if os.path.lexists(found):
        raise usage_error(
            "There is a tracker in this home",
            str(found),
            f"Name another home with P2PTUI_HOME, or move {home.folder} away.",
        )


def _unpack(archive: Path, staging: Path, home: TrackerHome) -> Manifest:
    """All files, verified and on disk, under their names in the staging folder."""
    try:
        with tarfile.open(archive, "r:") as tar:
            manifest = _read_manifest(tar, archive)
            (staging / AUTHORITY).mkdir(mode=0o700)
            for item in manifest.files:
                if not is_known_name(item.name, home):
                    raise _damaged(archive, f"it lists {item.name[:100]!r}")
                _unpack_one(tar, item, staging, archive)
            if tar.next() is not None:
                raise _damaged(archive, "it holds more than it lists")
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _damaged(archive, str(error)) from None
    return manifest


def _read_manifest(tar: tarfile.TarFile, archive: Path) -> Manifest:
    member = tar.next()
    if member is None or member.name != MANIFEST or member.size > MAX_MANIFEST_BYTES:
        raise usage_error("Not a backup of a tracker", str(archive), f"No {MANIFEST} in front.")
    data = _opened(tar, member, archive).read(member.size)
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(archive, f"{MANIFEST}: {error}") from None
    if manifest.format not in READABLE:
        raise usage_error(
            "A backup of another kind",
            f"{archive}: format {manifest.format}, p2ptui {manifest.software}",
            "Restore it with that version.",
        )
    return manifest


def _unpack_one(tar: tarfile.TarFile, item: Item, staging: Path, archive: Path) -> None:
    member = tar.next()
    if member is None or (member.name, member.size) != (item.name, item.size):
        raise _damaged(archive, f"{item.name} is missing or of another size")
    source = _opened(tar, member, archive)
    digest = hashlib.sha256()
    descriptor = os.open(staging / item.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123  (a descriptor, not a path)
        while block := source.read(BLOCK):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != item.sha256:
        raise _damaged(archive, f"{item.name} is not what was written")


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Path) -> IO[bytes]:
    source = tar.extractfile(member) if member.isreg() and not member.issparse() else None
    if source is None:
        raise _damaged(archive, f"{member.name[:100]!r} is no plain file")
    return source


def _check_key(staging: Path, manifest: Manifest) -> None:
    """The key must be the one whose fingerprint members know."""
    try:
        found = id_of_key(load_key((staging / _KEY).read_bytes()).public_key())
    except (FileNotFoundError, BadIdentity) as error:
        raise storage_error("The backup holds no key", str(error)) from None
    if found != manifest.pin:
        raise storage_error("The backup is damaged", "its key is not that of its swarm")


def _put_in_place(staging: Path, manifest: Manifest, home: TrackerHome) -> tuple[str, ...]:
    """Move everything to where it belongs, the authority last; what was kept of what was there."""
    kept = []
    names = {item.name for item in manifest.files}
    for name, place in (extra_files(home) | {HISTORY: home.history}).items():
        if name not in names:
            continue
        if os.path.lexists(place):
            kept.append(str(place))
            continue
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if name == HISTORY:
            _drop_logs(place)
        # The settings may lie on another disk than the home.
        shutil.move(staging / name, place)
    if INDEX in names:
        _drop_logs(home.database)
        (staging / INDEX).rename(home.database)
    sync_folder(staging / AUTHORITY)
    (staging / AUTHORITY).rename(home.authority)
    sync_folder(home.folder)
    return tuple(kept)


def _drop_logs(place: Path) -> None:
    """Remove what a database that is gone left beside it: it would be played into the next one."""
    for suffix in _LOGS:
        place.with_name(place.name + suffix).unlink(missing_ok=True)


def _damaged(archive: Path, what: str) -> P2PError:
    return storage_error(
        "The backup is damaged", f"{archive}: {what}", "Nothing was restored. Try an older one."
    )
