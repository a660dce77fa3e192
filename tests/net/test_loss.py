"""What is said of a connection that was lost."""

import ssl

import pytest

from p2ptui.net.loss import link_lost


def _tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] some words (_ssl.c:2580)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "connection reset by peer"),
        (ConnectionResetError("connection reset"), "connection reset"),
        (_tls("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), "what arrived was damaged on its way"),
        (_tls("BAD_LENGTH"), "bad length"),
        (ssl.SSLError(), "the encryption failed"),
        (None, "the connection was lost"),
    ],
)
def test_a_lost_connection_is_told_in_words(error: OSError | None, text: str) -> None:
    end = link_lost(error)
    assert (end.code, end.text, end.theirs) == ("gone", text, True)
    assert end.__cause__ is error
