"""Dialer: connects, lays TLS over it, and returns a link only to whom was meant.

A connection in TLS 1.3 stands for the caller before the other side has looked at his certificate:
`dial` returning means that *they* are proven to us. That they accepted *us* is known when their
greeting has come (PROTOCOL.md 1).
"""

import asyncio
import errno
import socket
import ssl
from functools import partial

from msgspec import Struct

from p2ptui.base.addresses import format_address, is_link_local
from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError, unreachable
from p2ptui.base.ids import PeerId
from p2ptui.net.connection import Connection
from p2ptui.net.gate import SHUTDOWN_S, Gate, Refused, Vet, vet_expected
from p2ptui.net.identity import BadIdentity
from p2ptui.net.race import first_success
from p2ptui.net.refusals import explain_refusal, os_reason
from p2ptui.net.sockets import Address, connect, resolve
from p2ptui.net.wire.messages import Endpoint

CONNECT_S = 5.0
TLS_S = 10.0
_RELAYED = "through the tracker"


class Deadlines(Struct, frozen=True):
    """How long a dial may take, for each address that is tried."""

    connect_s: float = CONNECT_S
    tls_s: float = TLS_S


async def dial(
    host: str,
    port: int,
    *,
    whom: str,
    context: ssl.SSLContext,
    vet: Vet,
    clock: Clock,
    deadlines: Deadlines | None = None,
) -> tuple[Connection, bytes]:
    """A connection to somebody proven, and the certificate (DER) that was shown.

    All addresses of the host are tried, each a little after the one before; the first at which the
    right one proves itself is taken. `whom` names the other side in messages. Raises `P2PError`:
    unreachable, or a security stop when somebody else answers.
    """
    deadlines = deadlines or Deadlines()
    addresses = await resolve(host, port, deadlines.connect_s)
    where = format_address(host, port)

    async def attempt(address: Address) -> Gate:
        sock = await open_socket(address, whom, where, deadlines.connect_s)
        try:
            gate = await _shake_hands(sock, context, vet, clock, deadlines.tls_s)
            gate.result()
        except (OSError, TimeoutError, Refused, BadIdentity) as error:
            raise explain_refusal(error, whom, where) from None
        return gate

    gate = await first_success([partial(attempt, each) for each in addresses], discard=_abort)
    return gate.result(), gate.certificate or b""


async def dial_over(
    sock: socket.socket,
    *,
    whom: str,
    context: ssl.SSLContext,
    vet: Vet,
    clock: Clock,
    deadlines: Deadlines | None = None,
) -> Connection:
    """A connection to somebody proven over a socket that is connected already. Owns the socket.

    Raises `P2PError` as `dial` does.
    """
    tls_s = (deadlines or Deadlines()).tls_s
    try:
        return (await _shake_hands(sock, context, vet, clock, tls_s)).result()
    except (OSError, TimeoutError, Refused, BadIdentity) as error:
        raise explain_refusal(error, whom, _RELAYED) from None


async def accept_over(
    sock: socket.socket,
    *,
    whom: str,
    context: ssl.SSLContext,
    vet: Vet,
    clock: Clock,
    deadlines: Deadlines | None = None,
) -> Connection:
    """The server's side of `dial_over`: the other one begins."""
    gate = Gate(vet, clock)
    try:
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: gate,
            sock,
            ssl=context,
            ssl_handshake_timeout=(deadlines or Deadlines()).tls_s,
            ssl_shutdown_timeout=SHUTDOWN_S,
        )
        return gate.result()
    except asyncio.CancelledError:
        gate.abandon(sock)
        raise
    except (OSError, TimeoutError, Refused, BadIdentity) as error:
        raise explain_refusal(error, whom, _RELAYED) from None


async def open_socket(
    address: Address, whom: str, where: str, timeout_s: float = CONNECT_S
) -> socket.socket:
    """A connected socket. Raises `P2PError` (unreachable), told of `whom` at `where`."""
    try:
        return await connect(address, timeout_s)
    except TimeoutError:
        why, hint = f"{where} does not answer", "Is the address right?"
    except OSError as error:
        why, hint = f"{where}: {os_reason(error)}", ""
        if error.errno == errno.EINVAL and is_link_local(address[1][0]):
            hint = "A link-local address needs its interface behind it, as in fe80::1%eth0."
    raise unreachable(f"Cannot reach {whom}", why, hint)


async def probe_peer(
    endpoint: Endpoint,
    expect: PeerId,
    *,
    context: ssl.SSLContext,
    clock: Clock,
    deadlines: Deadlines | None = None,
) -> bool:
    """Whether this member itself answers there: the tracker's dial-back (PROTOCOL.md 3)."""
    try:
        connection, _ = await dial(
            endpoint.host,
            endpoint.port,
            whom="the member",
            context=context,
            vet=vet_expected(expect, lambda _: False),
            clock=clock,
            deadlines=deadlines,
        )
    except P2PError:
        return False
    connection.abort()
    return True


async def _shake_hands(
    sock: socket.socket, context: ssl.SSLContext, vet: Vet, clock: Clock, tls_s: float
) -> Gate:
    gate = Gate(vet, clock)
    loop = asyncio.get_running_loop()
    try:
        await loop.create_connection(
            lambda: gate,
            sock=sock,
            ssl=context,
            # Ids are compared by the gate; no name is sent in the clear.
            server_hostname="",
            ssl_handshake_timeout=tls_s,
            ssl_shutdown_timeout=SHUTDOWN_S,
        )
    except asyncio.CancelledError:
        gate.abandon(sock)
        raise
    return gate


def _abort(gate: Gate) -> None:
    if gate.connection is not None:
        gate.connection.abort()
