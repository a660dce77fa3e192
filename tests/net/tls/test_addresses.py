"""Several addresses and families on real sockets (F107, F108), many members behind one (F115)."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.dialer import Deadlines
from p2ptui.net.link import Link
from p2ptui.net.listener import Listener
from p2ptui.net.sockets import resolve
from p2ptui.net.tls_network import TlsNetwork
from p2ptui.net.wire.messages import Endpoint, Hello, PeerHello, Welcome
from tests.support.tls_swarm import HOST, TlsSwarm, greet

AT_ONCE = 16
"""Members that come at the same moment from one address: as many as may be unproven there."""
WAVES = 2


@pytest.fixture
def silent() -> Iterator[Endpoint]:
    """A port that takes no more connections: its queue is full, and SYNs are dropped."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        listening.listen(0)
        where = listening.getsockname()
        waiting = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(where)
            waiting.append(sock)
        yield Endpoint(HOST, where[1])
        for sock in waiting:
            sock.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


async def listening_at(network: TlsNetwork, host: str) -> Listener:
    async def handler(link: Link) -> None:
        link.post(PeerHello(0, (), "test", host, 0, 0))
        await link.receive()
        await link.receive()

    return await network.listen(host, 0, handler)


async def test_f107_an_address_that_is_silent_delays_by_a_moment(
    swarm: TlsSwarm, silent: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await swarm.member("anna")

    async def both(_host: str, _port: int, _timeout_s: float) -> list[object]:
        return [(socket.AF_INET, (HOST, port)) for port in (silent.port, swarm.port)]

    monkeypatch.setattr("p2ptui.net.dialer.resolve", both)
    began = time.monotonic()
    link = await anna.dial_tracker("tracker.lan", 1)
    assert time.monotonic() - began < 3
    assert link.peer_id == swarm.authority.tracker_id
    link.abort()


async def test_f107_when_no_address_answers_it_is_told(
    swarm: TlsSwarm, silent: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await swarm.member("anna")
    anna._deadlines = Deadlines(connect_s=0.3)

    async def dead(_host: str, _port: int, _timeout_s: float) -> list[object]:
        return [(socket.AF_INET, (HOST, port)) for port in (silent.port, 1)]

    monkeypatch.setattr("p2ptui.net.dialer.resolve", dead)
    with pytest.raises(P2PError) as caught:
        await anna.dial_tracker("tracker.lan", 7070)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert "connection refused" in caught.value.message
    assert "does not answer" in caught.value.message


@needs_ipv6
async def test_f108_a_dual_stack_port_takes_both_families(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    listener = await listening_at(anna, "")
    for host in ("127.0.0.1", "::1"):
        link = await bert.dial_peer(
            Endpoint(host, listener.endpoint.port), anna._credentials.peer_id
        )
        await greet(link)
        assert link.remote.host == host
        link.abort()
    await listener.close()


@needs_ipv6
async def test_f108_a_port_of_ipv6_alone(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    listener = await listening_at(anna, "::1")
    link = await bert.dial_peer(listener.endpoint, anna._credentials.peer_id)
    await greet(link)
    link.abort()
    with pytest.raises(P2PError) as caught:
        await bert.dial_peer(
            Endpoint("127.0.0.1", listener.endpoint.port), anna._credentials.peer_id
        )
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    await listener.close()


@needs_ipv6
async def test_f108_a_link_local_address_without_its_interface_says_so(swarm: TlsSwarm) -> None:
    anna = await swarm.member("anna")
    with pytest.raises(P2PError) as caught:
        await anna.dial_tracker("fe80::1", swarm.port)
    assert "%eth0" in caught.value.hint


async def test_f108_a_name_with_both_families_has_them_in_turn() -> None:
    found = [where[0] for _, where in await resolve("localhost", 7070, 5)]
    assert found
    assert len(found) == len(set(found))


async def test_f115_members_behind_one_address_all_get_in(swarm: TlsSwarm) -> None:
    async def come(number: int) -> TlsNetwork:
        network = await swarm.member(f"member-{number}")
        link = await network.dial_tracker(HOST, swarm.port)
        await link.send(Hello(0, (), "test", f"m{number}", 7071, (), 0, 0, 0, bytes(16)))
        assert isinstance(await link.receive(), Welcome)
        return network

    for wave in range(WAVES):
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(come(wave * AT_ONCE + number))
    held = [await swarm.members.get() for _ in range(WAVES * AT_ONCE)]
    assert len({link.peer_id for link in held}) == WAVES * AT_ONCE
    assert not any(link.closed for link in held)
