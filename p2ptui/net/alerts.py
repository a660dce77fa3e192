"""Alerts: telling a caller why his handshake was refused.

OpenSSL writes an alert when a handshake fails (*certificate expired*, *protocol version*), and both
asyncio and uvloop then close the socket without having sent it: the caller sees a reset and nobody
can say why. So the server's contexts make TLS objects that send their last words themselves. It is
done once, unwaited, and if it does not succeed the caller is no worse off.
"""

import contextlib
import socket
import ssl
from contextvars import ContextVar

_caller: ContextVar[socket.socket | None] = ContextVar("caller", default=None)


class AlertingContext(ssl.SSLContext):
    """A server's context. Its handshakes send their alert to the socket that `call_from` named."""

    # The names are those of `ssl`, which asyncio uses.
    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """A TLS object that sends the alert of a failed handshake."""
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, _Alerting):
            made.prepare(outgoing, _caller.get())
        return made


def alerting_context() -> ssl.SSLContext:
    """A server's context, not yet furnished."""
    context = AlertingContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _Alerting
    return context


def call_from(sock: socket.socket) -> None:
    """Say whose handshake the current task begins."""
    _caller.set(sock)


class _Alerting(ssl.SSLObject):
    _last_words: tuple[ssl.MemoryBIO, socket.socket] | None = None

    def prepare(self, outgoing: ssl.MemoryBIO, sock: socket.socket | None) -> None:
        if sock is not None:
            self._last_words = (outgoing, sock)

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            if self._last_words is not None:
                outgoing, sock = self._last_words
                with contextlib.suppress(OSError):
                    sock.send(outgoing.read())
            raise
        self._last_words = None
