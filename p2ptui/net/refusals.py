"""Refusals: what a failed handshake, or a link that ended at once, means to a person.

In TLS 1.3 the caller's handshake succeeds before the other side has looked at his certificate. So
there are two moments: `explain_refusal` for a handshake that failed (we refused them, or no TLS
came about), `explain_end` for a link that ended before the other side's greeting (they refused us).
"""

import os
import ssl

from p2ptui.base.errors import P2PError, security_stop, unreachable
from p2ptui.base.text import display, local_minute
from p2ptui.net.gate import Refused
from p2ptui.net.identity import BadIdentity
from p2ptui.net.kicks import FOREVER
from p2ptui.net.link import LinkClosed

_EXPIRED, _NOT_YET_VALID = 10, 9
"""X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID."""
_OTHER_TLS = {
    "NO_PROTOCOLS_AVAILABLE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_SSL_VERSION",
}
_NO_TLS = {
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "WRONG_VERSION_NUMBER",
}
_NO_ANSWER = "no answer in the handshake"
KICK_S = 90.0
"""Whoever is out for no longer was kicked rather than banned."""
_CLOCKS = "Compare the clocks of both machines. A peer gets a new one from its tracker."


def explain_refusal(error: Exception, whom: str, where: str) -> P2PError:
    """Why the handshake with `whom` at `where` came to nothing."""
    match error:
        case ssl.SSLCertVerificationError():
            return _unverified(error, whom, where)
        case BadIdentity():
            hint = "Ask whoever runs it what has changed."
            return security_stop(f"This is not {whom}", f"{where}: {error}", hint)
        case Refused(code="kicked"):
            return security_stop("Put out of the swarm", f"{where}: {whom} is on the kick list")
        case Refused():
            why = error.text
        case ssl.SSLError():
            why = _tls_reason(error)
        case TimeoutError():
            why = _NO_ANSWER
        case ConnectionAbortedError() if "taking longer" in str(error):
            why = _NO_ANSWER  # asyncio and uvloop say so of a handshake that took too long
        case ConnectionError():
            why = "the connection was closed during the handshake"
        case OSError():
            why = os_reason(error)
        case _:
            why = str(error)
    return unreachable(f"Cannot reach {whom}", f"{where}: {why}")


def os_reason(error: OSError) -> str:
    """What the system says of an error, as `connection refused`.

    asyncio puts a text of its own, with the address as a tuple, in the place of the system's.
    """
    if error.errno is None or error.errno <= 0:  # that of a name that was not found is negative
        return error.strerror or str(error)
    return os.strerror(error.errno).lower()


def explain_end(end: LinkClosed, whom: str, where: str) -> P2PError:
    """Why a link to `whom` ended before a greeting came: mostly that they refused us."""
    title = f"Refused by {whom}"
    cause = end.__cause__
    if end.code == "kicked":
        why = f"{where}: {ban_text(end.text, end.until)}"
        return security_stop("Put out of the swarm", why, "Ask the tracker's admin.")
    if isinstance(cause, ssl.SSLError):
        return _refused_certificate(cause, title, where)
    if end.code in {"gone", "idle"}:
        return unreachable(f"No answer from {whom}", f"{where}: the connection was closed")
    if end.code in {"stopping", "too_many"} and end.text:
        why = display(end.text)
    else:
        why = {"version": "other protocol version", "too_many": "too many connections"}.get(
            end.code, display(str(end))
        )
    return unreachable(title, f"{where}: {why}")


def ban_text(why: str, until: int, now: float | None = None) -> str:
    """That we are out, until when (`FOREVER`: for good) and why, in words of a sentence."""
    if until == FOREVER:
        held = "banned for good"
    elif now is not None and until - now <= KICK_S:
        held = f"kicked, for {max(1.0, until - now):.0f} s"
    else:
        held = f"banned until {local_minute(until)}"
    return f"{held}: {display(why)}" if why else held


def is_expired(end: LinkClosed) -> bool:
    """Whether a link ended because they find our certificate expired: rejoin, and try once more.

    Our own clock may be behind, so that we did not know (F9).
    """
    cause = end.__cause__
    return isinstance(cause, ssl.SSLError) and "CERTIFICATE_EXPIRED" in (cause.reason or "")


def _refused_certificate(error: ssl.SSLError, title: str, where: str) -> P2PError:
    reason = error.reason or ""
    if "CERTIFICATE_EXPIRED" in reason:
        return unreachable(title, f"{where}: our certificate has expired", _CLOCKS)
    if any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "DECRYPT_ERROR")):
        why = f"{where}: our certificate is not one of its swarm"
        return security_stop(title, why, "Join that swarm first.")
    return unreachable(title, f"{where}: {_tls_reason(error)}")


def _unverified(error: ssl.SSLCertVerificationError, whom: str, where: str) -> P2PError:
    if error.verify_code in {_EXPIRED, _NOT_YET_VALID}:
        return unreachable(f"The certificate of {whom} is not valid now", where, _CLOCKS)
    return security_stop(
        f"This is not {whom}",
        f"{where} shows a certificate that this swarm's key did not sign ({error.verify_message})",
        "Somebody may stand in between. If the tracker was founded anew: p2ptui forget SWARM, "
        "then join it again.",
    )


def _tls_reason(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    if reason in _OTHER_TLS:
        return "it speaks an older TLS than 1.3"
    if reason in _NO_TLS:
        return "no p2ptui answers there (it does not speak TLS)"
    return f"no encrypted connection came about ({reason or error})"
