"""Dialer: connects, lays TLS over it, and returns a link only to whom was meant.

A connection in TLS 1.3 stands for the caller before the other side has looked at his certificate:
`dial` returning means that *they* are proven to us. That they accepted *us* is known when their
greeting has come (PROTOCOL.md 1).
"""

import asyncio
import socket
import ssl

from msgspec import Struct

from p2ptui.base.addresses import format_address
from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.ids import PeerId
from p2ptui.net.connection import Connection
from p2ptui.net.gate import SHUTDOWN_S, Gate, Refused, Vet, vet_expected
from p2ptui.net.identity import BadIdentity
from p2ptui.net.refusals import explain_refusal, os_reason
from p2ptui.net.sockets import connect, resolve
from p2ptui.net.wire.messages import Endpoint

CONNECT_S = 5.0
TLS_S = 10.0


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

    All addresses of the host are tried in turn. `whom` names the other side in messages. Raises
    `P2PError`: unreachable, or a security stop when somebody else answers.
    """
    deadlines = deadlines or Deadlines()
    addresses = await resolve(host, port, deadlines.connect_s)
    where = format_address(host, port)
    failure = unreachable(f"Cannot reach {whom}", f"{where} has no address")
    for address in addresses:
        try:
            sock = await connect(address, deadlines.connect_s)
        except TimeoutError:
            why = f"{where} does not answer"
            failure = unreachable(f"Cannot reach {whom}", why, "Is the address right?")
            continue
        except OSError as error:
            failure = unreachable(f"Cannot reach {whom}", f"{where}: {os_reason(error)}")
            continue
        try:
            gate = await _shake_hands(sock, context, vet, clock, deadlines.tls_s)
            return gate.result(), gate.certificate or b""
        except (OSError, TimeoutError, Refused, BadIdentity) as error:
            failure = explain_refusal(error, whom, where)
            if failure.exit_code is ExitCode.SECURITY:
                break
    raise failure


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
