"""What a failed connection is told as."""

import asyncio
import errno
import socket

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.dialer import Deadlines, dial
from p2ptui.net.gate import vet_tracker
from p2ptui.net.refusals import explain_refusal, os_reason
from p2ptui.net.tls import stranger_context
from p2ptui.net.wire.protocol import Role
from tests.support.fake_time import FakeClock


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 45915)"),
         "connection refused"),
        (OSError(errno.EHOSTUNREACH, "x"), "no route to host"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("by itself"), "by itself"),
    ],
)  # fmt: skip
def test_the_words_are_the_system_s(error: OSError, said: str) -> None:
    assert os_reason(error) == said


def test_a_handshake_is_told_in_the_same_words() -> None:
    error = OSError(errno.ENETUNREACH, "Connect call failed")
    told = explain_refusal(error, "the peer", "10.0.0.1:7071")
    assert str(told) == "Cannot reach the peer: 10.0.0.1:7071: network is unreachable"


async def test_nobody_listening_is_told_without_a_tuple() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(P2PError) as caught:
        async with asyncio.timeout(10):
            await dial(
                "127.0.0.1",
                port,
                whom="the tracker",
                context=stranger_context(),
                vet=vet_tracker(Role.STRANGER),
                clock=FakeClock(),
                deadlines=Deadlines(),
            )
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert str(caught.value) == (f"Cannot reach the tracker: 127.0.0.1:{port}: connection refused")
