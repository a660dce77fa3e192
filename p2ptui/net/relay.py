"""Relayed connections, the member's side: a stream to another member through the tracker.

The stream to the tracker is TLS, and in it the two members speak TLS with each other as on any
other connection (PROTOCOL.md 3). The inner one runs over one end of a socket pair, whose other end
is piped into the outer: so everything that holds for a socket holds for it.
"""

import asyncio
import socket
import ssl
from functools import partial

from p2ptui.base.addresses import format_address
from p2ptui.base.errors import unreachable
from p2ptui.net.dialer import Deadlines, open_socket
from p2ptui.net.gate import SHUTDOWN_S, Refused
from p2ptui.net.identity import BadIdentity, tracker_id_of_certificate
from p2ptui.net.pipe import PipeEnd
from p2ptui.net.race import first_success
from p2ptui.net.refusals import explain_refusal
from p2ptui.net.sockets import resolve
from p2ptui.net.wire.messages import RELAY_ALPN

GO_BYTES = 1
JOIN_S = 12.0
"""How long the other member has to come: a little more than a ticket is good for."""
_WHOM = "the tracker"


async def relayed_socket(
    host: str,
    port: int,
    ticket: bytes,
    *,
    context: ssl.SSLContext,
    deadlines: Deadlines | None = None,
) -> socket.socket:
    """A connected socket to the other holder of the ticket. Raises `P2PError`.

    `context` is that of `tls.relay_client_context`.
    """
    deadlines = deadlines or Deadlines()
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def go(_end: PipeEnd, _head: bytes) -> None:
        if not ready.done():
            ready.set_result(None)

    def lost(_end: PipeEnd) -> None:
        if not ready.done():
            ready.set_exception(unreachable("Not relayed", "the other member did not come"))

    outer = PipeEnd(head_bytes=GO_BYTES, on_head=go, on_lost=lost)
    try:
        await _open(outer, host, port, context, deadlines)
        outer.write(ticket)
        async with asyncio.timeout(JOIN_S):
            await ready
        return await _pair(outer)
    except BaseException as error:
        outer.abort()
        if isinstance(error, TimeoutError):
            why = "the other member did not come in time"
            raise unreachable("Not relayed", why) from None
        raise
    finally:
        if ready.done() and not ready.cancelled():
            ready.exception()  # heard, whoever ended it


async def _open(
    outer: PipeEnd, host: str, port: int, context: ssl.SSLContext, deadlines: Deadlines
) -> None:
    where = format_address(host, port)
    addresses = await resolve(host, port, deadlines.connect_s)
    sock = await first_success(
        [partial(open_socket, each, _WHOM, where, deadlines.connect_s) for each in addresses],
        discard=socket.socket.close,
    )
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: outer,
            sock=sock,
            ssl=context,
            server_hostname="",
            ssl_handshake_timeout=deadlines.tls_s,
            ssl_shutdown_timeout=SHUTDOWN_S,
        )
        _check(transport.get_extra_info("ssl_object"))
    except asyncio.CancelledError:
        sock.close()
        raise
    except (OSError, TimeoutError, Refused, BadIdentity) as error:
        raise explain_refusal(error, _WHOM, where) from None


def _check(tls: ssl.SSLObject) -> None:
    """See that it is the tracker, and one that relays. Raises `Refused`, `BadIdentity`."""
    if tls.version() != "TLSv1.3" or tls.selected_alpn_protocol() != RELAY_ALPN:
        raise Refused("it relays nothing")
    certificate = tls.getpeercert(binary_form=True)
    if certificate is None:
        raise Refused("no certificate")
    tracker_id_of_certificate(certificate)


async def _pair(outer: PipeEnd) -> socket.socket:
    """A socket whose bytes go through the outer connection."""
    ours, theirs = socket.socketpair()
    try:
        for sock in (ours, theirs):
            sock.setblocking(False)
        inner = PipeEnd()
        await asyncio.get_running_loop().create_connection(lambda: inner, sock=ours)
        inner.join(outer)
    except BaseException:
        ours.close()
        theirs.close()
        raise
    return theirs
