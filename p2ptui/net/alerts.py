"""Alerts: telling a caller why his handshake was refused.

OpenSSL writes an alert when a handshake fails (*certificate expired*, *protocol version*), and both
asyncio and uvloop then close the socket without having sent it: the caller sees a reset and nobody
can say why. So the server's contexts make TLS objects that send their last words themselves. It is
done once, unwaited, and if it does not succeed the caller is no worse off.

The same objects know when a caller's hello was answered; whoever counts callers is told.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable
from contextvars import ContextVar

_Call = tuple[socket.socket, Callable[[], None]]
_call: ContextVar[_Call | None] = ContextVar("call", default=None)


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
            made.prepare(outgoing, _call.get())
        return made


def alerting_context() -> ssl.SSLContext:
    """A server's context, not yet furnished."""
    context = AlertingContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _Alerting
    return context


def call_from(sock: socket.socket, answered: Callable[[], None]) -> None:
    """Say whose handshake the current task begins; `answered` is called once his hello was."""
    _call.set((sock, answered))


class _Alerting(ssl.SSLObject):
    _outgoing: ssl.MemoryBIO
    _call: _Call | None = None
    _answered = False

    def prepare(self, outgoing: ssl.MemoryBIO, call: _Call | None) -> None:
        if call is not None:
            self._outgoing, self._call = outgoing, call

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            # Our side of the handshake lies ready: his hello was a whole and proper one.
            if self._call is not None and not self._answered and self._outgoing.pending:
                self._answered = True
                self._call[1]()
            raise
        except ssl.SSLError:
            if self._call is not None:
                with contextlib.suppress(OSError):
                    self._call[0].send(self._outgoing.read())
            raise
        if self._call is not None:
            del self._call, self._outgoing
