"""Loss: how a connection that was lost is told: in words, an error's number is for the log."""

import ssl

from p2ptui.net.link import LinkClosed


def link_lost(exc: Exception | None) -> LinkClosed:
    """The end of a link whose transport was lost."""
    end = LinkClosed("gone", _words(exc), theirs=True)
    end.__cause__ = exc
    return end


def _words(exc: Exception | None) -> str:
    if isinstance(exc, ssl.SSLError):
        reason = str(getattr(exc, "reason", None) or "the encryption failed")
        if "BAD_RECORD_MAC" in reason:
            return "what arrived was damaged on its way"
        return reason.replace("_", " ").lower()
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror.lower()
    return str(exc) if exc else "the connection was lost"
