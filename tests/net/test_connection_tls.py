"""Connections over real TLS on loopback, with both event loops."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from p2ptui.base.clock import SystemClock
from p2ptui.net import loop as loops
from p2ptui.net.connection import Connection
from p2ptui.net.link import LinkClosed
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.protocol import Role
from tests.support.conversation import ChunkSink
from tests.support.messages import ENDPOINT, PEER_HELLO

MIB = 1024 * 1024
Run = Callable[[Coroutine[Any, Any, None]], None]
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """For a server and a client that trusts it blindly."""
    file: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=365 * 200))
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return server, client


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test on one of the event loops."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
        return loops.run
    return asyncio.run


class Doorstep(asyncio.Protocol):
    """Opens a connection once TLS is up."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's TLS transport has the methods of asyncio's class, but is none.
        tls = cast("asyncio.Transport", transport)
        connection = Connection(Role.PEER, clock=SystemClock())
        tls.set_protocol(connection)
        connection.open(tls, None, ENDPOINT)
        self.opened.set_result(connection)


async def converse(
    contexts: Contexts, talk: Callable[[Connection, Connection], Coroutine[Any, Any, None]]
) -> None:
    """Have `talk` with both ends of a greeted connection, which is closed afterwards."""
    loop = asyncio.get_running_loop()
    doorstep = Doorstep()
    server = await loop.create_server(lambda: doorstep, "127.0.0.1", 0, ssl=contexts[0])
    port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(30):
            _, door = await loop.create_connection(Doorstep, "127.0.0.1", port, ssl=contexts[1])
            ours, theirs = await door.opened, await doorstep.opened
            for link in (ours, theirs):
                link.post(PEER_HELLO)
            assert await ours.receive() == await theirs.receive() == PEER_HELLO
            await talk(ours, theirs)
            async with asyncio.TaskGroup() as group:
                group.create_task(ours.close())
                group.create_task(theirs.close())
    finally:
        server.close()
        await server.wait_closed()


def test_payloads_and_messages_cross_both_ways_at_once(run: Run, contexts: Contexts) -> None:
    chunk = Random(1).randbytes(5 * MIB + 17)

    async def send(link: Connection) -> None:
        await link.send_data(1, 0, chunk)
        for number in range(300):
            await link.send(m.Cancel(number))

    async def take(link: Connection, sink: ChunkSink) -> None:
        for number in range(300):
            assert await link.receive() == m.Cancel(number)
        assert sink.chunk == chunk

    async def talk(ours: Connection, theirs: Connection) -> None:
        async with asyncio.TaskGroup() as group:
            for link in (ours, theirs):
                sink = ChunkSink(len(chunk))
                link.set_sink(sink)
                group.create_task(send(link))
                group.create_task(take(link, sink))

    run(converse(contexts, talk))


def test_a_buffer_may_change_once_it_was_sent(run: Run, contexts: Contexts) -> None:
    """The rule that `send_data` gives: the transport keeps no view of the payload."""

    async def talk(ours: Connection, theirs: Connection) -> None:
        sink = ChunkSink(8 * MIB)
        theirs.set_sink(sink)
        buffer = bytearray(MIB)
        for number in range(8):
            buffer[:] = bytes([number]) * MIB
            await ours.send_data(1, number * MIB, buffer)
        buffer[:] = b"\xff" * MIB
        await sink.complete.wait()
        assert sink.chunk == b"".join(bytes([number]) * MIB for number in range(8))

    run(converse(contexts, talk))


def test_a_goodbye_reaches_who_is_sending_what_we_do_not_read(run: Run, contexts: Contexts) -> None:
    async def talk(ours: Connection, theirs: Connection) -> None:
        for number in range(50_000):
            ours.post(m.Cancel(number))
        while theirs._reading:  # noqa: ASYNC110  (until its queue is full)
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        began = loop.time()
        closing = spawn(theirs.close("too_many", "enough"), name="close")
        with pytest.raises(LinkClosed) as caught:
            await ours.receive()
        assert (caught.value.code, caught.value.theirs) == ("too_many", True)
        await closing
        assert loop.time() - began < 1.5

    run(converse(contexts, talk))


def test_the_reason_of_an_end_crosses(run: Run, contexts: Contexts) -> None:
    async def talk(ours: Connection, theirs: Connection) -> None:
        await ours.send_data(1, 0, b"unasked")
        with pytest.raises(LinkClosed, match="protocol: data that nobody asked for") as caught:
            await ours.receive()
        assert caught.value.theirs

    run(converse(contexts, talk))


def test_f78_memory_stays_small_for_who_does_not_read(run: Run, contexts: Contexts) -> None:
    async def talk(ours: Connection, theirs: Connection) -> None:
        assert theirs._transport is not None
        assert ours._transport is not None
        theirs.set_sink(ChunkSink(MIB))
        theirs._transport.pause_reading()
        sent = 0

        async def send() -> None:
            nonlocal sent
            while True:
                await ours.send_data(1, 0, bytes(MIB))
                sent += MIB

        sending = asyncio.gather(send(), return_exceptions=True)
        while ours._writable:  # noqa: ASYNC110  (until the system's own buffers are full)
            await asyncio.sleep(0)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert ours._transport.get_write_buffer_size() <= MIB
        ours.abort()
        (error,) = await sending
        assert isinstance(error, LinkClosed)
        assert sent < 64 * MIB

    run(converse(contexts, talk))
