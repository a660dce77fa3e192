"""Where the control endpoint lives: a UNIX socket, or loopback TCP with a token.

A UNIX socket lies at its path, in a folder that only its owner may write to, and the kernel tells
who calls. Where asyncio has none, loopback TCP stands in and leaves a file at the same path, 0600
from the first byte, with its port and a random token that callers must show.
"""

import asyncio
import contextlib
import errno
import os
import secrets
import socket
import stat
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from p2ptui.base.errors import storage_error
from p2ptui.net.control_wire import LENGTH, Envelope, check_length, pack

HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX") and sys.platform != "win32"
LOOPBACK = "127.0.0.1"
SEND_BUFFER = 256 * 1024

ClientHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Door(msgspec.Struct, frozen=True):
    """What the file of a TCP endpoint holds."""

    port: int
    token: str


@dataclass(frozen=True)
class Endpoint:
    """An open control endpoint. `token` is empty for a UNIX socket."""

    server: asyncio.Server
    path: Path
    token: str


async def open_endpoint(
    path: Path, handler: ClientHandler, *, tcp: bool = not HAS_UNIX_SOCKETS
) -> Endpoint:
    """Listen at a path. Whoever calls this holds the home's lock: what lies there is left over.

    Raises `P2PError` (storage) when the endpoint cannot be made.
    """
    try:
        _make_private_folder(path.parent)
        _remove_left_over(path)
        if tcp:
            return await _open_tcp(path, handler)
        umask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(handler, path=os.fspath(path))
        finally:
            os.umask(umask)
    except OSError as error:
        raise storage_error(
            "Cannot open the control socket",
            f"{path}: {error.strerror or error}",
            "Free the path, or choose another home with P2PTUI_HOME.",
        ) from error
    return Endpoint(server, path, "")


def remove_endpoint(path: Path) -> None:
    """Take a closed endpoint's path away."""
    with contextlib.suppress(OSError):
        path.unlink()


async def dial_endpoint(
    path: Path,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str] | None:
    """A connection and the token to show, or None when nobody listens at that path."""
    try:
        door = _find_door(path)
        if door is None:
            return *await asyncio.open_unix_connection(os.fspath(path)), ""
        return *await asyncio.open_connection(LOOPBACK, door.port), door.token
    except (FileNotFoundError, ConnectionError, NotADirectoryError, msgspec.MsgspecError):
        return None
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise storage_error(
            "Cannot reach the control socket",
            f"{path}: {error.strerror or error}",
            "Check who owns the home and whether it is yours.",
        ) from error


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The body of the next frame; None at the end. Raises `ControlViolation`."""
    try:
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        check_length(length)
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def write_frame(writer: asyncio.StreamWriter, envelope: Envelope) -> None:
    """Send a frame and wait for room. Raises `ConnectionError` when the other side is gone."""
    writer.write(pack(envelope))
    await writer.drain()


async def drop(writer: asyncio.StreamWriter) -> None:
    """Close a connection at once, and return when its socket is closed."""
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def caller_is_us(writer: asyncio.StreamWriter) -> bool:
    """Whether the calling process runs under our user, as far as this system can tell."""
    sock = writer.get_extra_info("socket")
    if sock is None or sock.family != getattr(socket, "AF_UNIX", None):
        return True
    return _caller_uid(sock) in {None, os.getuid()}


def _caller_uid(sock: socket.socket) -> int | None:
    if hasattr(socket, "SO_PEERCRED"):
        # struct ucred { pid_t pid; uid_t uid; gid_t gid; } (unix(7))
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("iII", credentials)[1])
    if sys.platform == "darwin":
        # struct xucred { u_int version; uid_t uid; … } at SOL_LOCAL, LOCAL_PEERCRED (unix(4))
        return int(struct.unpack_from("II", sock.getsockopt(0, 1, 76))[1])
    return None


async def _open_tcp(path: Path, handler: ClientHandler) -> Endpoint:
    server = await asyncio.start_server(handler, LOOPBACK, 0)
    door = Door(server.sockets[0].getsockname()[1], secrets.token_hex(32))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(msgspec.json.encode(door))
    return Endpoint(server, path, door.token)


def _find_door(path: Path) -> Door | None:
    """What lies at the path: a TCP endpoint's file, or None for a UNIX socket. Raises `OSError`."""
    found = path.lstat()
    if os.name == "posix" and found.st_uid != os.getuid():
        # The path may lie where everybody can write: nobody else's socket is talked to.
        raise PermissionError(errno.EPERM, "it belongs to another user")
    if stat.S_ISSOCK(found.st_mode):
        return None
    return msgspec.json.decode(path.read_bytes(), type=Door)


def _make_private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return
    found = folder.stat()
    if found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "its folder belongs to another user")
    if found.st_mode & 0o022:
        raise PermissionError(errno.EPERM, f"others can write to its folder (chmod 700 {folder})")


def _remove_left_over(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
