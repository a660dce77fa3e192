"""The traps of PROTOCOL.md 1, each with a client or server that steps into it."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.ciphers import has_aes
from p2ptui.net.identity import make_csr, new_key
from p2ptui.net.tls import (
    KeyFiles,
    load_leaf,
    member_client_context,
    peer_client_context,
    peer_server_context,
    stranger_context,
    tracker_context,
)
from tests.support.tls_swarm import (
    DAY_S,
    HOST,
    PeerPort,
    TlsSwarm,
    attacker_context,
    call_raw,
    write_pair,
)
from tracker.certificates import make_peer_leaf


def member_files(swarm: TlsSwarm, folder: Path) -> KeyFiles:
    key = new_key()
    return write_pair(folder, swarm.authority.issue(make_csr(key)), key)


def all_contexts(swarm: TlsSwarm) -> list[ssl.SSLContext]:
    ca, files = swarm.authority.ca_der, swarm.authority.key_files
    return [
        tracker_context(ca, files),
        peer_server_context(ca, files),
        peer_client_context(ca, files),
        member_client_context(ca, files),
        stranger_context(),
    ]


async def test_f5_all_contexts_speak_tls_1_3_alone(swarm: TlsSwarm) -> None:
    for context in all_contexts(swarm):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_3
        assert context.maximum_version == ssl.TLSVersion.TLSv1_3


async def test_verify_modes_and_trust(swarm: TlsSwarm) -> None:
    tracker, server, client, member, stranger = all_contexts(swarm)
    assert tracker.verify_mode is ssl.CERT_OPTIONAL
    assert server.verify_mode is client.verify_mode is member.verify_mode is ssl.CERT_REQUIRED
    assert stranger.verify_mode is ssl.CERT_NONE
    for context in (tracker, server, client, member):
        # One CA, never the system's roots.
        assert context.cert_store_stats()["x509"] == 1
        assert context.sni_callback is None
    assert tracker.num_tickets == server.num_tickets == 0


@pytest.mark.skipif(not has_aes(), reason="the processor has no AES")
async def test_aes_128_is_taken_where_the_processor_has_aes(swarm: TlsSwarm) -> None:
    _, writer = await asyncio.open_connection(
        HOST, swarm.port, ssl=stranger_context(), server_hostname=""
    )
    assert writer.get_extra_info("cipher")[0] == "TLS_AES_128_GCM_SHA256"
    writer.transport.abort()


async def test_f5_a_tls_1_2_client_is_refused(swarm: TlsSwarm) -> None:
    context = attacker_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        await call_raw(swarm.port, context)
    assert swarm.listener.refused == 1


@pytest.mark.parametrize("alpn", ["", "h2", "p2ptui/2"])
async def test_f6_no_or_another_alpn_is_closed_without_a_word(swarm: TlsSwarm, alpn: str) -> None:
    assert await call_raw(swarm.port, attacker_context(alpn=alpn)) == b""
    assert swarm.listener.refused == 1
    assert await call_raw_briefly(swarm.port) != b""


async def call_raw_briefly(port: int) -> bytes:
    """The first words of the tracker to a stranger with the right ALPN."""
    reader, writer = await asyncio.open_connection(
        HOST, port, ssl=attacker_context(), server_hostname=""
    )
    words = await reader.read(1000)
    writer.transport.abort()
    return words


async def test_f7_a_peer_lets_nobody_in_without_a_certificate(swarm: TlsSwarm) -> None:
    port = await PeerPort.open(await swarm.member("anna"))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        await call_raw(port.endpoint.port, attacker_context())
    assert port.links.empty()
    await port.listener.close()


async def test_f8_a_certificate_of_another_swarm_is_refused_everywhere(
    swarm: TlsSwarm, other_swarm: TlsSwarm, tmp_path: Path
) -> None:
    foreign = attacker_context(member_files(other_swarm, tmp_path / "foreign"))
    port = await PeerPort.open(await swarm.member("anna"))
    for at in (port.endpoint.port, swarm.port):
        with pytest.raises(ssl.SSLError, match=r"UNKNOWN_CA|CERTIFICATE"):
            await call_raw(at, foreign)
    assert port.links.empty()
    await port.listener.close()


async def test_f9_an_expired_certificate_is_refused_everywhere(
    swarm: TlsSwarm, tmp_path: Path
) -> None:
    port = await PeerPort.open(await swarm.member("anna"))
    swarm.clock.shift_s = -8 * DAY_S
    expired = attacker_context(member_files(swarm, tmp_path / "expired"))
    for at in (port.endpoint.port, swarm.port):
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_EXPIRED"):
            await call_raw(at, expired)
    await port.listener.close()


async def test_f10_a_members_leaf_signs_nobody_in(swarm: TlsSwarm, tmp_path: Path) -> None:
    port = await PeerPort.open(await swarm.member("anna"))
    leaf_key, key = new_key(), new_key()
    leaf = swarm.authority.issue(make_csr(leaf_key))
    grandchild = make_peer_leaf(leaf_key, leaf, key.public_key(), swarm.clock.wall())
    files = write_pair(tmp_path / "grandchild", grandchild, key)
    # The whole chain is sent, as an attacker would.
    files.leaf.write_bytes(files.leaf.read_bytes() + _pem(leaf))
    for at in (port.endpoint.port, swarm.port):
        with pytest.raises(ssl.SSLError, match=r"UNKNOWN_CA|CERTIFICATE"):
            await call_raw(at, attacker_context(files))
    assert port.links.empty()
    await port.listener.close()


def _pem(der: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(der).encode("ascii")


def _connect_twice(port: int, files: KeyFiles) -> tuple[ssl.SSLSession | None, bool]:
    """Two handshakes of a client that asks for resumption, in blocking calls."""
    context = attacker_context(files)
    session: ssl.SSLSession | None = None
    for turn in range(2):
        with (
            socket.create_connection((HOST, port), timeout=10) as plain,
            context.wrap_socket(plain, session=session) as tls,
        ):
            # Tickets come with the first bytes that are read; a member speaks first, so the other
            # side answers a broken hello with a goodbye.
            tls.sendall(b"\0\0\0\1\1")
            assert tls.recv(100)
            session = tls.session
            if turn == 1:
                return session, bool(tls.session_reused)
    raise AssertionError


async def test_f14_no_session_is_resumed(swarm: TlsSwarm, tmp_path: Path) -> None:
    files = member_files(swarm, tmp_path / "member")
    session, reused = await asyncio.to_thread(_connect_twice, swarm.port, files)
    assert session is None or not session.has_ticket
    assert not reused


async def test_f14_the_trap_is_real(swarm: TlsSwarm, tmp_path: Path) -> None:
    """With tickets, OpenSSL's default, a session is resumed: what the rule is for."""
    swarm.context.num_tickets = 2
    files = member_files(swarm, tmp_path / "member")
    session, reused = await asyncio.to_thread(_connect_twice, swarm.port, files)
    assert session is not None
    assert session.has_ticket
    assert reused


async def test_a_fresh_leaf_goes_into_a_context_in_use(swarm: TlsSwarm) -> None:
    def shown() -> bytes:
        with (
            socket.create_connection((HOST, swarm.port), timeout=10) as plain,
            stranger_context().wrap_socket(plain) as tls,
        ):
            certificate = tls.getpeercert(binary_form=True)
            assert certificate is not None
            return certificate

    before = await asyncio.to_thread(shown)
    assert before == swarm.authority.leaf_der
    swarm.clock.shift_s = 25 * DAY_S
    assert swarm.authority.renew_leaf()
    load_leaf(swarm.context, swarm.authority.key_files)
    after = await asyncio.to_thread(shown)
    assert after == swarm.authority.leaf_der != before


async def test_files_that_do_not_belong_together_are_a_security_stop(
    swarm: TlsSwarm, tmp_path: Path
) -> None:
    files = member_files(swarm, tmp_path / "a")
    mixed = KeyFiles(leaf=files.leaf, key=member_files(swarm, tmp_path / "b").key)
    for wrong in (mixed, KeyFiles(leaf=tmp_path / "none", key=files.key)):
        with pytest.raises(P2PError) as caught:
            peer_client_context(swarm.authority.ca_der, wrong)
        assert caught.value.exit_code is ExitCode.SECURITY
