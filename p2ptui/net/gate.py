"""The gate: between a finished TLS handshake and a connection somebody must be proven.

The listener and the dialer both let a `Gate` stand as the protocol during the handshake. When TLS
is up, and before a single byte of the other side is taken, it checks the ALPN and calls a *vet*,
which says who the other side is or refuses it. Only then does the connection exist (PROTOCOL.md 1).
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import cast

from msgspec import Struct

from p2ptui.base.addresses import plain_address
from p2ptui.base.clock import Clock
from p2ptui.base.ids import PeerId
from p2ptui.net.connection import Connection
from p2ptui.net.identity import (
    BadIdentity,
    is_tracker_certificate,
    peer_id_of_certificate,
    tracker_id_of_certificate,
)
from p2ptui.net.wire.codec import encode
from p2ptui.net.wire.frames import control_frame
from p2ptui.net.wire.messages import ALPN, RELAY_ALPN, Endpoint, Goodbye, GoodbyeCode, Kick
from p2ptui.net.wire.protocol import Role

SHUTDOWN_S = 2.0
"""How long a closing connection waits for the other side's close_notify (PROTOCOL.md 7)."""


class Proven(Struct, frozen=True):
    """Who the other side is: what we are to it, and its id; None for a stranger."""

    role: Role
    peer_id: PeerId | None


class Refused(Exception):  # noqa: N818  (a verdict)
    """The other side is not let in. `code`, `told` and `until` go to it; no code: nothing does."""

    def __init__(
        self, text: str, code: GoodbyeCode | None = None, told: str = "", until: int = 0
    ) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.told = told
        self.until = until


Vet = Callable[[bytes | None], Proven]
"""Given the other side's certificate (DER; None when it showed none), says who it is.

OpenSSL has checked the chain already, but for a stranger's view of a tracker. Raises `Refused` or
`BadIdentity`.
"""
IsKicked = Callable[[PeerId], bool]
Tunnel = Callable[[PeerId], asyncio.Protocol]
"""Makes the protocol of a relayed connection of a member: bytes, not messages."""
KickOf = Callable[[PeerId], Kick | None]
"""Why and until when a member is out; None: it is not."""


def vet_member(is_kicked: IsKicked) -> Vet:
    """For peers, dialling and listening: any member of the swarm that is not kicked."""

    def vet(certificate: bytes | None) -> Proven:
        if certificate is None:
            raise Refused("no certificate")
        if is_tracker_certificate(certificate):
            # It dials back to see whether we can be reached, and has its answer by now.
            raise Refused("that is a tracker, not a peer", "done")
        peer_id = peer_id_of_certificate(certificate)
        if is_kicked(peer_id):
            raise Refused(f"{peer_id} is kicked", "kicked")
        return Proven(Role.PEER, peer_id)

    return vet


def vet_expected(expect: PeerId, is_kicked: IsKicked) -> Vet:
    """For dialling one peer: this member and nobody else."""
    member = vet_member(is_kicked)

    def vet(certificate: bytes | None) -> Proven:
        proven = member(certificate)
        if proven.peer_id != expect:
            raise BadIdentity("wrong_name", f"{proven.peer_id} answers there, not {expect}")
        return proven

    return vet


def vet_caller(kick_of: KickOf) -> Vet:
    """For the tracker's listener: a member, or a stranger who has no certificate yet."""

    def vet(certificate: bytes | None) -> Proven:
        if certificate is None:
            return Proven(Role.TRACKER_STRANGER, None)
        peer_id = peer_id_of_certificate(certificate)
        if (kick := kick_of(peer_id)) is not None:
            raise Refused(f"{peer_id} is kicked", "kicked", kick.why, kick.until)
        return Proven(Role.TRACKER_MEMBER, peer_id)

    return vet


def vet_tracker(role: Role) -> Vet:
    """For dialling the tracker, as a member or as a stranger: the tracker's own certificate."""

    def vet(certificate: bytes | None) -> Proven:
        if certificate is None:
            raise Refused("no certificate")
        return Proven(role, tracker_id_of_certificate(certificate))

    return vet


class Gate(asyncio.Protocol):
    """Stands in for the connection until the other side is proven; makes exactly one decision."""

    def __init__(self, vet: Vet, clock: Clock, tunnel: Tunnel | None = None) -> None:
        """`tunnel`: for callers who want a relayed connection; None: there is none."""
        self._vet = vet
        self._clock = clock
        self._tunnel = tunnel
        self.connection: Connection | None = None
        """The proven connection."""
        self.tunnel: asyncio.Protocol | None = None
        """The relayed connection, in place of a connection of messages."""
        self.certificate: bytes | None = None
        """What the other side showed."""
        self.refusal: Refused | BadIdentity | None = None
        """Why there is no connection."""
        self._abandoned = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is up: decide. The transport belongs to the connection, or is closed."""
        # uvloop's transports are of this kind without inheriting from it.
        transport = cast("asyncio.Transport", transport)
        if self._abandoned:
            transport.abort()
            return
        try:
            proven = self._decide(transport)
        except (Refused, BadIdentity) as refusal:
            self.refusal = refusal
            _turn_away(transport, refusal)
            return
        if _alpn(transport) == RELAY_ALPN:
            assert self._tunnel is not None
            assert proven.peer_id is not None
            self.tunnel = self._tunnel(proven.peer_id)
            transport.set_protocol(self.tunnel)
            self.tunnel.connection_made(transport)
            return
        self.connection = Connection(proven.role, clock=self._clock)
        transport.set_protocol(self.connection)
        self.connection.open(transport, proven.peer_id, remote_of(transport))

    def result(self) -> Connection:
        """The connection. Raises `Refused`, `BadIdentity`, or `ConnectionResetError`."""
        if self.refusal is not None:
            raise self.refusal
        if self.connection is None:
            raise ConnectionResetError("closed during the handshake")
        return self.connection

    def abandon(self, sock: socket.socket) -> None:
        """Nobody waits for the handshake any more: end it, in whatever state it is.

        The loop owns the socket, so it is not closed here; it reads the end and drops it.
        """
        self._abandoned = True
        if self.connection is not None:
            self.connection.abort()
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    def _decide(self, transport: asyncio.Transport) -> Proven:
        tls = cast("ssl.SSLObject", transport.get_extra_info("ssl_object"))
        if tls.version() != "TLSv1.3":
            raise Refused("not TLS 1.3")
        relayed = _alpn(transport) == RELAY_ALPN and self._tunnel is not None
        if _alpn(transport) != ALPN and not relayed:
            raise Refused("other protocol version")
        self.certificate = tls.getpeercert(binary_form=True)
        proven = self._vet(self.certificate)
        if relayed and proven.peer_id is None:
            raise Refused("a stranger who wants a relayed connection")
        return proven


def _alpn(transport: asyncio.Transport) -> str | None:
    tls = cast("ssl.SSLObject", transport.get_extra_info("ssl_object"))
    return tls.selected_alpn_protocol()


def remote_of(transport: asyncio.BaseTransport) -> Endpoint:
    """Address of the other side's socket."""
    name = transport.get_extra_info("peername")
    if not name:  # gone already
        return Endpoint(host="0.0.0.0", port=1)  # noqa: S104  (no address is bound)
    return Endpoint(host=plain_address(name[0]), port=max(1, name[1]))


def _turn_away(transport: asyncio.Transport, refusal: Refused | BadIdentity) -> None:
    if isinstance(refusal, BadIdentity):
        goodbye = Goodbye("refused", refusal.text)
    elif refusal.code is not None:
        goodbye = Goodbye(refusal.code, refusal.told, refusal.until)
    else:
        transport.abort()
        return
    transport.write(control_frame(encode(goodbye)))
    transport.close()
