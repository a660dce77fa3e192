"""The TLS object: it never says that nothing waits while something does."""

import ssl
from collections.abc import Callable

import pytest

from p2ptui.net.tls import peer_client_context, peer_server_context
from p2ptui.net.tls_object import TlsObject
from tests.support.tls_swarm import TlsSwarm

RECORD_BYTES = 16 * 1024


def connected(swarm: TlsSwarm) -> tuple[ssl.SSLObject, ssl.SSLObject, Callable[[], None]]:
    """Both ends of a connection in memory, and a call that carries what was written across."""
    ca, files = swarm.authority.ca_der, swarm.authority.key_files
    ends = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]
    server = peer_server_context(ca, files).wrap_bio(*ends[0], server_side=True)
    client = peer_client_context(ca, files).wrap_bio(*ends[1])

    def carry() -> None:
        ends[0][0].write(ends[1][1].read())
        ends[1][0].write(ends[0][1].read())

    waiting = [client, server]
    while waiting:
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            else:
                waiting.remove(end)
            carry()
    return server, client, carry


@pytest.mark.parametrize("size", [1, 1000, RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 1])
async def test_what_is_left_of_a_record_is_told(swarm: TlsSwarm, size: int) -> None:
    server, client, carry = connected(swarm)
    for sender, taker in ((server, client), (client, server)):
        assert isinstance(taker, TlsObject)
        sent = bytes(range(256)) * 160  # two records and a half
        sender.write(sent)
        carry()
        buffer, got = bytearray(size), b""
        while len(got) < len(sent):
            count = taker.read(size, buffer)
            assert isinstance(count, int)
            got += buffer[:count]
            assert taker.pending() or not ssl.SSLObject.pending(taker)
        assert got == sent


async def test_nothing_waits_after_a_read_in_vain_or_one_that_was_short(swarm: TlsSwarm) -> None:
    server, client, carry = connected(swarm)
    server.write(b"x" * 100)
    carry()
    assert client.read(100) == b"x" * 100
    assert client.pending()
    with pytest.raises(ssl.SSLWantReadError):
        client.read(100)
    assert not client.pending()
    server.write(b"short")
    carry()
    assert client.read(100) == b"short"
    assert not client.pending()
