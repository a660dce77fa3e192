"""TLS contexts, built by hand (PROTOCOL.md 1, *TLS traps*).

What each of them holds to, and why:

- TLS 1.3 alone. No compression, no early data, no renegotiation exists in it.
- `num_tickets = 0` at every server: a resumed session skips the certificate, and so let in a member
  whose certificate had expired.
- The verify mode is set here, once, and never in an SNI callback, which fails open.
- Trust is one CA, the swarm's; the system's own roots are never loaded.
- OpenSSL checks the chain; who it is (id against key, name and expectation) is checked by the
  listener and the dialer, for no host name says that.
- ALPN is offered here and checked there: OpenSSL goes on without it when nothing fits.
"""

import ssl
from pathlib import Path

from msgspec import Struct

from p2ptui.base.errors import security_stop
from p2ptui.net.alerts import alerting_context
from p2ptui.net.ciphers import prefer_fast_cipher
from p2ptui.net.wire.messages import ALPN, RELAY_ALPN


class KeyFiles(Struct, frozen=True):
    """Where our leaf certificate and its key lie, as PEM: OpenSSL reads them from files alone."""

    leaf: Path
    key: Path


def tracker_context(ca_der: bytes, files: KeyFiles) -> ssl.SSLContext:
    """For the tracker's listener: members show a certificate, strangers who want one do not.

    A certificate that is shown and does not verify ends the handshake.
    """
    context = _server(ca_der, files, ssl.CERT_OPTIONAL)
    context.set_alpn_protocols([ALPN, RELAY_ALPN])
    return context


def peer_server_context(ca_der: bytes, files: KeyFiles) -> ssl.SSLContext:
    """For a peer's listener: a certificate of this swarm or nothing."""
    return _server(ca_der, files, ssl.CERT_REQUIRED)


def peer_client_context(ca_der: bytes, files: KeyFiles) -> ssl.SSLContext:
    """For dialling peers: both sides show a certificate of this swarm."""
    context = _client(ssl.CERT_REQUIRED)
    context.load_verify_locations(cadata=ca_der)
    load_leaf(context, files)
    return context


def member_client_context(ca_der: bytes, files: KeyFiles) -> ssl.SSLContext:
    """For dialling the tracker as a member."""
    return peer_client_context(ca_der, files)


def relay_client_context(ca_der: bytes, files: KeyFiles) -> ssl.SSLContext:
    """For the connections to the tracker through which another member is reached."""
    context = peer_client_context(ca_der, files)
    context.set_alpn_protocols([RELAY_ALPN])
    return context


def stranger_context() -> ssl.SSLContext:
    """For dialling a tracker whose key is not known yet.

    OpenSSL proves that the other side owns the key of the certificate it shows, and nothing more;
    pin and issuer are checked by `joining` before anything is sent.
    """
    return _client(ssl.CERT_NONE)


def load_leaf(context: ssl.SSLContext, files: KeyFiles) -> None:
    """Load our leaf into a context, also into one in use: new handshakes show it from then on.

    Raises a security stop when the files do not belong together or cannot be read.
    """
    try:
        context.load_cert_chain(files.leaf, files.key, password=_refuse_password)
    except (ssl.SSLError, OSError) as error:
        raise security_stop(
            "Our certificate cannot be used",
            f"{files.leaf}: {error.strerror or error}",
            "Forget the swarm (p2ptui forget SWARM) and join it again.",
        ) from None


def _server(ca_der: bytes, files: KeyFiles, verify: ssl.VerifyMode) -> ssl.SSLContext:
    context = alerting_context()
    _harden(context)
    context.num_tickets = 0
    context.verify_mode = verify
    context.load_verify_locations(cadata=ca_der)
    load_leaf(context, files)
    return context


def _client(verify: ssl.VerifyMode) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Names in the certificates are ids, not hosts: the dialer compares them.
    context.check_hostname = False
    context.verify_mode = verify
    _harden(context)
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    context.set_alpn_protocols([ALPN])
    prefer_fast_cipher(context)


def _refuse_password() -> str:
    # An encrypted key would make OpenSSL ask on the terminal.
    return ""
