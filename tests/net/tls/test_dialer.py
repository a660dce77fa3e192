import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import PeerId
from p2ptui.net.dialer import Deadlines, dial, probe_peer
from p2ptui.net.gate import vet_member, vet_tracker
from p2ptui.net.identity import dump_certificate, make_csr, new_key
from p2ptui.net.link import LinkClosed
from p2ptui.net.refusals import explain_end
from p2ptui.net.tls import KeyFiles, peer_client_context, peer_server_context
from p2ptui.net.wire.messages import Endpoint
from p2ptui.net.wire.protocol import Role
from tests.support.memory_net import peer_id_of
from tests.support.tls_swarm import (
    DAY_S,
    HOST,
    PeerPort,
    ShiftedClock,
    TlsSwarm,
    greet,
    network_of,
    until,
    write_pair,
)
from tracker.certificates import _leaf

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = Deadlines(connect_s=1.0, tls_s=0.3)


@asynccontextmanager
async def serving(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """Any server at all."""
    tasks: set[asyncio.StreamWriter] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(writer)
        await serve(reader, writer)

    server = await asyncio.start_server(run, HOST, 0, ssl=context)
    try:
        yield Endpoint(HOST, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for writer in tasks:
            writer.transport.abort()


async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Say nothing."""


async def dial_member(swarm: TlsSwarm, at: Endpoint, deadlines: Deadlines = QUICK) -> P2PError:
    """The error of a member that dials the tracker there."""
    network = await swarm.member("dialler")
    network._deadlines = deadlines
    with pytest.raises(P2PError) as caught:
        await network.dial_tracker(at.host, at.port)
    return caught.value


async def test_f103_nobody_there(swarm: TlsSwarm) -> None:
    async with serving(never) as at:
        pass
    error = await dial_member(swarm, at)
    assert error.exit_code is ExitCode.UNREACHABLE
    assert str(at.port) in error.message


async def test_f107_a_name_that_is_none(swarm: TlsSwarm) -> None:
    error = await dial_member(swarm, Endpoint("no-such-host.invalid", 7070))
    assert error.exit_code is ExitCode.UNREACHABLE
    assert error.title == "No such host"


async def test_f107_all_addresses_of_a_name_are_tried(
    swarm: TlsSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = await swarm.member("anna")
    async with serving(never) as dead:
        pass

    async def resolve(_host: str, _port: int, _timeout_s: float) -> list[object]:
        return [(socket.AF_INET, (HOST, port)) for port in (dead.port, swarm.port)]

    monkeypatch.setattr("p2ptui.net.dialer.resolve", resolve)
    link = await network.dial_tracker("tracker.lan", 1)
    assert link.peer_id == swarm.authority.tracker_id
    link.abort()


async def test_a_server_that_never_shakes_hands(swarm: TlsSwarm) -> None:
    async with serving(never) as at:
        error = await dial_member(swarm, at)
    assert error.exit_code is ExitCode.UNREACHABLE
    assert "no answer in the handshake" in error.message


async def test_a_server_that_speaks_no_tls(swarm: TlsSwarm) -> None:
    async def http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(http) as at:
        error = await dial_member(swarm, at)
    assert error.exit_code is ExitCode.UNREACHABLE
    assert "does not speak TLS" in error.message


async def test_f5_a_server_of_old_tls_is_named_as_such(swarm: TlsSwarm) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    files = swarm.authority.key_files
    context.load_cert_chain(files.leaf, files.key)

    # In blocking calls, for the loops' own servers do not send their alerts.
    def shake_hands(sock: socket.socket) -> None:
        with sock, contextlib.suppress(ssl.SSLError):
            context.wrap_socket(sock.accept()[0], server_side=True).close()

    with socket.create_server((HOST, 0)) as sock:
        at = Endpoint(HOST, sock.getsockname()[1])
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(shake_hands, sock))
            error = await dial_member(swarm, at)
    assert error.exit_code is ExitCode.UNREACHABLE
    assert "older TLS" in error.message


async def test_f6_a_server_of_another_version_is_named_as_such(swarm: TlsSwarm) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["p2ptui/2"])
    files = swarm.authority.key_files
    context.load_cert_chain(files.leaf, files.key)
    async with serving(never, context) as at:
        error = await dial_member(swarm, at)
    assert error.exit_code is ExitCode.UNREACHABLE
    assert "other protocol version" in error.message


async def test_f8_peers_of_two_swarms_do_not_meet(swarm: TlsSwarm, other_swarm: TlsSwarm) -> None:
    port = await PeerPort.open(await swarm.member("anna"))
    stranger = await other_swarm.member("otto")
    with pytest.raises(P2PError) as caught:
        await stranger.dial_peer(port.endpoint, None)
    assert caught.value.exit_code is ExitCode.SECURITY
    assert port.links.empty()
    await port.listener.close()


async def test_f7_a_refused_caller_is_told_so_and_not_connected(
    swarm: TlsSwarm, other_swarm: TlsSwarm, tmp_path: Path
) -> None:
    """The trap: the dial of a caller whose certificate is refused succeeds."""
    port = await PeerPort.open(await swarm.member("anna"))
    key = new_key()
    foreign = write_pair(tmp_path / "f", other_swarm.authority.issue(make_csr(key)), key)
    link, _ = await dial(
        HOST,
        port.endpoint.port,
        whom="the peer",
        context=peer_client_context(swarm.authority.ca_der, foreign),
        vet=vet_member(lambda _: False),
        clock=ShiftedClock(),
    )
    with pytest.raises(LinkClosed) as caught:
        await greet(link)
    error = explain_end(caught.value, "the peer", "there")
    assert error.title == "Refused by the peer"
    assert error.exit_code is ExitCode.SECURITY
    assert port.links.empty()
    await port.listener.close()


async def test_f9_the_bearer_of_an_expired_certificate_is_told_so(swarm: TlsSwarm) -> None:
    port = await PeerPort.open(await swarm.member("anna"))
    swarm.clock.shift_s = -8 * DAY_S
    credentials, membership = await swarm.join("late")
    # Its own clock is behind as well, so it does not know.
    late = network_of(credentials, membership, swarm.clock)
    link = await late.dial_peer(port.endpoint, None)
    with pytest.raises(LinkClosed) as caught:
        await greet(link)
    error = explain_end(caught.value, "the peer", "there")
    assert "our certificate has expired" in error.message
    assert error.exit_code is ExitCode.UNREACHABLE
    await port.listener.close()


async def test_f11_who_is_expected_must_answer(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    port = await PeerPort.open(anna)
    anna_id = anna._credentials.peer_id
    link = await bert.dial_peer(port.endpoint, anna_id)
    assert link.peer_id == anna_id
    await greet(link)
    seen = await port.links.get()
    assert seen.peer_id == bert._credentials.peer_id
    with pytest.raises(P2PError) as caught:
        await bert.dial_peer(port.endpoint, peer_id_of("somebody else"))
    assert caught.value.exit_code is ExitCode.SECURITY
    await port.listener.close()


def minted(swarm: TlsSwarm, folder: Path, victim: PeerId) -> KeyFiles:
    """What a stolen authority can make: a valid chain and the victim's name, on another key."""
    key = new_key()
    authority = swarm.authority
    until = swarm.clock.wall() + DAY_S
    leaf = _leaf(authority._key, authority.ca_der, key.public_key(), f"{victim}.p2ptui", until)
    return write_pair(folder, leaf, key)


async def test_f11_a_stolen_authority_cannot_pose_as_a_member_that_calls(
    swarm: TlsSwarm, tmp_path: Path
) -> None:
    port = await PeerPort.open(await swarm.member("anna"))
    bert = await swarm.member("bert")
    files = minted(swarm, tmp_path / "m", bert._credentials.peer_id)
    for at in (port.endpoint.port, swarm.port):
        context = peer_client_context(swarm.authority.ca_der, files)
        reader, writer = await asyncio.open_connection(HOST, at, ssl=context, server_hostname="")
        said = await reader.read()
        assert b"goodbye" in said
        assert b"refused" in said
        writer.transport.abort()
    assert port.links.empty()
    assert swarm.members.empty()
    await port.listener.close()


async def test_f11_a_stolen_authority_cannot_pose_as_a_member_that_is_called(
    swarm: TlsSwarm, tmp_path: Path
) -> None:
    bert, anna = await swarm.member("bert"), await swarm.member("anna")
    bert_id = bert._credentials.peer_id
    files = minted(swarm, tmp_path / "m", bert_id)
    async with serving(never, peer_server_context(swarm.authority.ca_der, files)) as at:
        for expect in (bert_id, None):
            with pytest.raises(P2PError) as caught:
                await anna.dial_peer(at, expect)
            assert caught.value.exit_code is ExitCode.SECURITY


async def test_a_member_cannot_pose_as_the_tracker(swarm: TlsSwarm) -> None:
    mallory = await swarm.member("mallory")
    context = peer_server_context(
        swarm.authority.ca_der, mallory._credentials.key_files(swarm.authority.pin)
    )
    context.verify_mode = ssl.CERT_OPTIONAL
    async with serving(never, context) as at:
        error = await dial_member(swarm, at)
    assert error.exit_code is ExitCode.SECURITY


async def test_f113_another_swarms_tracker_at_the_known_address_stops_us(
    swarm: TlsSwarm, other_swarm: TlsSwarm
) -> None:
    error = await dial_member(swarm, other_swarm.listener.endpoint)
    assert error.exit_code is ExitCode.SECURITY
    assert "p2ptui forget" in error.hint
    assert other_swarm.heard == []


async def test_f109_a_tracker_whose_certificate_has_expired_is_a_matter_of_clocks(
    swarm: TlsSwarm,
) -> None:
    network = await swarm.member("anna")
    swarm.clock.shift_s = -40 * DAY_S
    authority = swarm.authority
    (authority.key_files.leaf).unlink()
    authority.renew_leaf()
    swarm.context.load_cert_chain(authority.key_files.leaf, authority.key_files.key)
    assert dump_certificate(authority.leaf_der)
    with pytest.raises(P2PError) as caught:
        await network.dial_tracker(HOST, swarm.port)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert "clocks" in caught.value.hint


async def test_the_dial_back_meets_the_right_member_or_nobody(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    port = await PeerPort.open(anna)
    context = peer_client_context(swarm.authority.ca_der, swarm.authority.key_files)

    async def probe(endpoint: Endpoint, expect: PeerId) -> bool:
        return await probe_peer(
            endpoint, expect, context=context, clock=swarm.clock, deadlines=QUICK
        )

    assert await probe(port.endpoint, anna._credentials.peer_id)
    assert not await probe(port.endpoint, bert._credentials.peer_id)
    await until(lambda: port.listener.unproven == 0)
    # The tracker is no peer: its call reaches no handler.
    assert port.links.empty()
    assert port.listener.links == ()
    await port.listener.close()
    assert not await probe(port.endpoint, anna._credentials.peer_id)


async def test_a_cancelled_dial_leaves_nothing_behind(swarm: TlsSwarm) -> None:
    arrived: asyncio.Queue[asyncio.StreamReader] = asyncio.Queue()

    async def note(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.put_nowait(reader)

    network = await swarm.member("anna")
    async with serving(note) as at:
        task = asyncio.create_task(network.dial_tracker(at.host, at.port))  # noqa: TID251
        reader = await arrived.get()
        assert await reader.read(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(10):
            try:
                while await reader.read(65536):
                    pass
            except ConnectionError:
                pass


async def test_names_that_others_tell_us_are_not_looked_up(
    swarm: TlsSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never_resolve(*_: object) -> None:
        raise AssertionError

    anna = await swarm.member("anna")
    monkeypatch.setattr("p2ptui.net.dialer.resolve", never_resolve)
    with pytest.raises(P2PError) as caught:
        await anna.dial_peer(Endpoint("victim.example", 7071), peer_id_of("bert"))
    assert caught.value.exit_code is ExitCode.UNREACHABLE


async def test_to_ourselves_we_do_not_talk(swarm: TlsSwarm) -> None:
    anna = await swarm.member("anna")
    port = await PeerPort.open(anna)
    for expect in (anna._credentials.peer_id, None):
        with pytest.raises(P2PError) as caught:
            await anna.dial_peer(port.endpoint, expect)
        assert caught.value.exit_code is ExitCode.NOT_FOUND
    await port.listener.close()


async def test_vetting_without_a_certificate_refuses() -> None:
    for vet in (vet_member(lambda _: False), vet_tracker(Role.MEMBER)):
        with pytest.raises(Exception, match="no certificate"):
            vet(None)
