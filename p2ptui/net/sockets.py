"""Plain TCP sockets: made, bound and tuned here, before TLS is laid over them."""

import asyncio
import contextlib
import errno
import socket

from p2ptui.base.addresses import alternating, format_address, is_address
from p2ptui.base.errors import P2PError, unreachable, usage_error

BACKLOG = 1024
USER_TIMEOUT_MS = 20_000
"""How long unacknowledged bytes may wait: a cut is noticed within that (PROTOCOL.md 7)."""
_PRIVILEGED = 1024

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


def tune(sock: socket.socket) -> None:
    """Set the options that all our connections have."""
    sock.setblocking(False)
    with contextlib.suppress(OSError):  # it may be reset already
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


async def resolve(host: str, port: int, timeout_s: float) -> list[Address]:
    """All addresses of a host, the system's order, IPv6 and IPv4 in turn.

    Raises `P2PError` (unreachable).
    """
    flags = socket.AI_NUMERICHOST if is_address(host) else 0
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except TimeoutError:
        raise unreachable("No such host", f"nobody could say where {host} is in time") from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a name"
        raise unreachable("No such host", f"{host}: {why}", "Check the name.") from None
    at = {address[0]: (family, address) for family, _, _, _, address in found}
    return [at[each] for each in alternating(map(str, at))]  # type: ignore[misc]


async def connect(address: Address, timeout_s: float) -> socket.socket:
    """A connected socket. Raises OSError, TimeoutError."""
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        tune(sock)
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; an empty host, or `::`, takes callers over IPv4 and IPv6.

    `host` is an address or a name of this machine. Raises `P2PError` (usage) when the port is in
    use, privileged, or the address is not ours.
    """
    if not host:
        host = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104  (asked for)
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE, proto=0
        )
    except (OSError, UnicodeError):
        raise usage_error(
            "Cannot listen", f"{host} is not an address of this machine", "Check --listen."
        ) from None
    family, _, _, _, where = found[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            # A bare `::` means everybody; an address of its own means that one.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        if hasattr(socket, "SO_REUSEPORT"):
            # On POSIX this only skips the wait after a restart; on Windows it would share ports.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(where)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _cannot_bind(host, port, error) from None
    return sock


def _cannot_bind(host: str, port: int, error: OSError) -> P2PError:
    where = format_address(host, port)
    if error.errno == errno.EADDRINUSE:
        return usage_error(
            "Port in use", f"another program listens on {where}", "Choose another with --listen."
        )
    if error.errno in {errno.EACCES, errno.EPERM} and port < _PRIVILEGED:
        return usage_error(
            "Port not allowed",
            f"ports below {_PRIVILEGED}, such as {port}, are for administrators",
            "Choose one from 1024 on with --listen.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return usage_error(
            "Cannot listen", f"{host} is not an address of this machine", "Check --listen."
        )
    return usage_error("Cannot listen", f"{where}: {error.strerror}", "Check --listen.")
