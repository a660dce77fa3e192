"""Files that nobody else may read: keys, certificates, lists that decide who is trusted.

PROTOCOL.md 1, *Files*: 0600 from the first byte, folders 0700, and a refusal in one line with the
cure when others can get at them. Symbolic links are never followed at the last component. Where the
system has no such rights (Windows) the checks are left out: the profile folder guards the files.
Everything here blocks; callers on an event loop use a thread.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from p2ptui.base.errors import P2PError, security_stop, storage_error

_POSIX = os.name == "posix"
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
MAX_BYTES = 64 * 1024 * 1024
"""No private file is larger; one that is was not written by us."""


def require_private(path: Path) -> None:
    """Refuse a file or folder that others can use, that is not ours, or that is a symbolic link.

    Raises a security stop whose hint is the command that cures it; a storage error when the path
    cannot be looked at.
    """
    try:
        found = path.lstat()
    except OSError as error:
        raise _storage(path, "look at", error) from None
    _refuse_unless_private(path, found)


def make_private_folder(path: Path) -> None:
    """Make a 0700 folder with its parents, or check the one that is there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
    except OSError as error:
        raise _storage(path, "make", error) from None
    require_private(path)
    if not path.is_dir():
        raise storage_error("Not a folder", str(path), "Move the file away.")


def read_private(path: Path) -> bytes:
    """Content of a private file. Raises `FileNotFoundError`, else a `P2PError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NOFOLLOW | _CLOEXEC | _BINARY)
    except FileNotFoundError:
        raise
    except OSError as error:
        if path.is_symlink():
            raise _symlink(path) from None
        raise _storage(path, "read", error) from None
    with open(descriptor, "rb") as file:  # noqa: PTH123  (a descriptor, not a path)
        # The open file is what is checked, so that it cannot be exchanged in between.
        _refuse_unless_private(path, os.fstat(file.fileno()))
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise storage_error("File too large", f"{path} is not one that p2ptui wrote")
    return data


def create_private(path: Path, data: bytes) -> bool:
    """Write a new 0600 file, whole or not at all; False when the name is taken already."""
    with _written(path, data) as fresh:
        try:
            os.link(fresh, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if path.exists():
                return False
            fresh.replace(path)
        sync_folder(path.parent)
    return True


def replace_private(path: Path, data: bytes) -> None:
    """Write a 0600 file in place of what is there: after a crash it is the old one or the new."""
    with _written(path, data) as fresh:
        fresh.replace(path)
        sync_folder(path.parent)


def append_private(path: Path, data: bytes) -> None:
    """Append to a private file (made when missing) and wait until it is on disk."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NOFOLLOW | _CLOEXEC | _BINARY
    try:
        descriptor = os.open(path, flags, 0o600)
        with open(descriptor, "ab") as file:  # noqa: PTH123  (a descriptor)
            status = os.fstat(file.fileno())
            _refuse_unless_private(path, status)
            _write_whole(file.fileno(), data, status.st_size)
        if status.st_size == 0:
            sync_folder(path.parent)
    except OSError as error:
        raise _storage(path, "write", error) from None


def _write_whole(descriptor: int, data: bytes, size_before: int) -> None:
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size_before)
        raise


@contextlib.contextmanager
def _written(path: Path, data: bytes) -> Iterator[Path]:
    """A complete and synced 0600 file beside `path`, gone at the end unless it was moved."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _CLOEXEC | _BINARY
    try:
        descriptor = os.open(fresh, flags, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123  (a descriptor, not a path)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield fresh
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise _storage(path, "write", error) from None


def sync_folder(path: Path) -> None:
    """Wait until names that were made, moved or removed in a folder are on disk (`OSError`)."""
    if not _POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY | _DIRECTORY | _CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_unless_private(path: Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise _symlink(path)
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise security_stop("Not a regular file", f"{path} is something else", f"rm {path}")
    if not _POSIX:
        return
    if found.st_uid != os.geteuid():
        raise security_stop(
            "Not your file",
            f"{path} belongs to user {found.st_uid}",
            f"chown {os.geteuid()} {path}",
        )
    if found.st_mode & _OTHERS:
        mode = "700" if stat.S_ISDIR(found.st_mode) else "600"
        raise security_stop(
            "Others can read a key",
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}",
            f"chmod {mode} {path}",
        )


def _symlink(path: Path) -> P2PError:
    return security_stop(
        "Symbolic link refused", f"{path} is a link", f"Put the real one in its place: rm {path}"
    )


def _storage(path: Path, what: str, error: OSError) -> P2PError:
    return storage_error(
        f"Cannot {what} {path.name}",
        f"{path}: {error.strerror or error}",
        "Check rights and space.",
    )
