import asyncio
import contextlib
import gc
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from p2ptui.base.clock import SystemClock
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net import listener as listener_module
from p2ptui.net.gate import Gate, vet_member
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.listener import Door, Limits, Listener
from p2ptui.net.wire.messages import Hello
from tests.support.tls_swarm import (
    HOST,
    PATIENCE_S,
    PeerPort,
    TlsSwarm,
    attacker_context,
    greet,
    network_of,
    until,
)

HELLO = Hello(0, (), "test", "anna", 0, (), 0, 0, 0, bytes(16))
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def silent(port: int) -> Stream:
    return await asyncio.open_connection(HOST, port)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side closes, or resets."""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE_S):
            return await reader.read()
    return b""


class Halfway:
    """A stranger whose hello was answered, and who says nothing more until `finish`."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = attacker_context().wrap_bio(self._incoming, self._outgoing)

    @classmethod
    async def open(cls, port: int) -> "Halfway":
        halfway = cls(await silent(port))
        with pytest.raises(ssl.SSLWantReadError):
            halfway._tls.do_handshake()
        reader, writer = halfway.stream
        writer.write(halfway._outgoing.read())
        halfway._incoming.write(await reader.read(1))
        return halfway

    async def finish(self) -> None:
        reader, writer = self.stream
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._incoming.write(await reader.read(4096))
            else:
                break
        writer.write(self._outgoing.read())


@contextlib.asynccontextmanager
async def limited(
    folder: Path, limits: Limits, door: Door | None = None
) -> AsyncIterator[TlsSwarm]:
    swarm = await TlsSwarm.start(folder, limits=limits, door=door)
    try:
        yield swarm
    finally:
        await swarm.close()


async def test_f1_plain_http_is_closed_and_not_logged(
    swarm: TlsSwarm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(50):
        reader, writer = await silent(swarm.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: tracker\r\n\r\n")
        assert b"HTTP" not in await ended(reader)
        writer.close()
    assert swarm.listener.refused == 50
    assert caplog.records == []


async def test_f2_a_silent_caller_is_closed_at_the_deadline(tmp_path: Path) -> None:
    async with limited(tmp_path, Limits(handshake_s=0.2)) as swarm:
        reader, writer = await silent(swarm.port)
        await until(lambda: swarm.listener.unproven == 1)
        assert await ended(reader) == b""
        writer.close()
        assert swarm.listener.links == ()
        await until(lambda: swarm.listener.unproven == 0)
        assert swarm.listener.refused == 1


async def test_f4_a_dripping_client_hello_is_closed_at_the_deadline(tmp_path: Path) -> None:
    async with limited(tmp_path, Limits(handshake_s=0.3)) as swarm:
        reader, writer = await silent(swarm.port)
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
        dripped = 0
        for byte in hello:
            writer.write(bytes([byte]))
            dripped += 1
            try:
                async with asyncio.timeout(0.02):
                    assert await ended(reader) == b""
                    break
            except TimeoutError:
                continue
        assert dripped < len(hello)
        assert swarm.listener.refused == 1
        writer.close()


async def test_f3_one_address_holds_16_places_and_members_still_get_in(
    swarm: TlsSwarm, tmp_path: Path
) -> None:
    flood = [await silent(swarm.port) for _ in range(300)]
    await until(lambda: swarm.listener.refused >= 300 - 16)
    assert swarm.listener.unproven == 16
    # The oldest went, the newest stay.
    for reader, _ in flood[: 300 - 16]:
        assert await ended(reader) == b""
    network = await swarm.member("anna")
    link = await network.dial_tracker(HOST, swarm.port)
    await link.send(HELLO)
    assert await link.receive()
    for _, writer in flood:
        writer.close()
    await link.close()


async def test_f3_under_a_running_flood_every_member_gets_in(swarm: TlsSwarm) -> None:
    networks = [await swarm.member(f"member{number}") for number in range(10)]
    streams: list[Stream] = []
    stop = asyncio.Event()

    async def keep_flooding() -> None:
        while not stop.is_set():
            streams.append(await silent(swarm.port))

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_flooding())
        await until(lambda: len(streams) > 64)
        for network in networks:
            link = await network.dial_tracker(HOST, swarm.port)
            await link.send(HELLO)
            assert await link.receive()
            await link.close()
        stop.set()
    assert swarm.listener.unproven <= 16
    for _, writer in streams:
        writer.transport.abort()


async def test_f3_all_places_together_are_limited_too(tmp_path: Path) -> None:
    async with limited(tmp_path, Limits(unproven=8, unproven_per_address=100)) as swarm:
        flood = [await silent(swarm.port) for _ in range(20)]
        await until(lambda: swarm.listener.refused == 12)
        assert swarm.listener.unproven == 8
        for reader, writer in flood[:12]:
            assert await ended(reader) == b""
            writer.close()
        for _, writer in flood[12:]:
            writer.close()


async def test_f3_strangers_who_do_not_join_hold_places_as_well(tmp_path: Path) -> None:
    async with limited(tmp_path, Limits(unproven=4, unproven_per_address=4)) as swarm:
        strangers = [
            await asyncio.open_connection(
                HOST, swarm.port, ssl=attacker_context(), server_hostname=""
            )
            for _ in range(4)
        ]
        # They were challenged: TLS is up, and still nothing is proven.
        for reader, _ in strangers:
            assert await reader.read(1)
        assert swarm.listener.unproven == 4
        await swarm.member("anna")
        await ended(strangers[0][0])
        assert strangers[0][0].at_eof()
        for _, writer in strangers:
            writer.transport.abort()


async def test_f3_who_is_in_the_middle_of_a_handshake_is_spared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "GRACE_S", PATIENCE_S)
    async with limited(tmp_path, Limits(unproven=4, unproven_per_address=100)) as swarm:
        halfway = await Halfway.open(swarm.port)
        flood = [await silent(swarm.port) for _ in range(20)]
        await until(lambda: swarm.listener.refused == 17)
        assert swarm.listener.unproven == 4
        await halfway.finish()
        assert await halfway.stream[0].read(1)  # he is challenged
        for _, writer in (*flood, halfway.stream):
            writer.transport.abort()


async def test_f3_while_all_are_in_the_middle_of_it_the_next_one_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace_s = 0.3
    monkeypatch.setattr(listener_module, "GRACE_S", grace_s)
    clock = asyncio.get_running_loop().time
    async with limited(tmp_path, Limits(unproven=2, unproven_per_address=100)) as swarm:
        network = await swarm.member("anna")
        await until(lambda: swarm.listener.unproven == 0)
        began = clock()
        halfway = [await Halfway.open(swarm.port) for _ in range(2)]
        link = await network.dial_tracker(HOST, swarm.port)
        assert clock() - began >= grace_s
        await link.send(HELLO)
        assert await link.receive()
        await ended(halfway[0].stream[0])
        assert halfway[0].stream[0].at_eof()
        assert swarm.listener.unproven == 1
        await link.close()
        for each in halfway:
            each.stream[1].transport.abort()


async def test_f3_members_who_are_slow_are_spared_for_longer_and_strangers_change_nothing(
    swarm: TlsSwarm,
) -> None:
    listener = swarm.listener
    listener._lately_s = 0.0
    halfway = await Halfway.open(swarm.port)
    await halfway.finish()
    assert await halfway.stream[0].read(1)
    halfway.stream[1].transport.abort()
    await until(lambda: listener.unproven == 0)
    assert listener._lately_s == 0.0  # a stranger proves nothing
    link = await (await swarm.member("anna")).dial_tracker(HOST, swarm.port)
    await link.send(HELLO)
    assert await link.receive()
    assert 0.0 < listener._lately_s < PATIENCE_S
    await link.close()


async def test_f3_one_who_is_done_makes_room_before_anybody_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "GRACE_S", PATIENCE_S)
    monkeypatch.setattr(listener_module, "HELLO_S", PATIENCE_S)
    async with limited(tmp_path, Limits(unproven=2, unproven_per_address=100)) as swarm:
        networks = [await swarm.member(f"member{number}") for number in range(8)]
        await until(lambda: swarm.listener.unproven == 0)
        links = await asyncio.gather(
            *(network.dial_tracker(HOST, swarm.port) for network in networks)
        )
        assert swarm.listener.refused == 0
        for link in links:
            await link.send(HELLO)
            assert await link.receive()
            await link.close()


def test_f4_unread_words_spare_a_caller_for_a_while_only() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        caller = listener_module._Caller(
            0, "", ours, Gate(vet_member(lambda _: True), SystemClock()), since=100.0
        )
        silent_s, unread_s = listener_module.HELLO_S, listener_module.GRACE_S
        assert not caller.may_go(100.0 + silent_s / 2, unread_s)
        assert caller.may_go(100.0 + silent_s * 2, unread_s)
        theirs.send(b"x")
        assert not caller.may_go(100.0 + silent_s * 2, unread_s)
        assert caller.may_go(100.0 + unread_s * 2, unread_s)


async def test_a_proven_member_holds_no_place(swarm: TlsSwarm) -> None:
    network = await swarm.member("anna")
    links = [await network.dial_tracker(HOST, swarm.port) for _ in range(3)]
    for link in links:
        await link.send(HELLO)
        await link.receive()
    await until(lambda: swarm.listener.unproven == 0)
    assert len(swarm.listener.links) == 3
    for link in links:
        link.abort()
    await until(lambda: not swarm.listener.links)


async def test_four_connections_of_one_peer_and_no_fifth(swarm: TlsSwarm) -> None:
    port = await PeerPort.open(await swarm.member("anna"))
    bert = await swarm.member("bert")
    links = [await bert.dial_peer(port.endpoint, None) for _ in range(4)]
    for link in links:
        await greet(link)
    fifth = await bert.dial_peer(port.endpoint, None)
    with pytest.raises(LinkClosed) as caught:
        await greet(fifth)
    assert caught.value.code == "too_many"
    await links[0].close()
    await until(lambda: len(port.listener.links) == 3)
    sixth = await bert.dial_peer(port.endpoint, None)
    await greet(sixth)
    cora = await swarm.member("cora")
    await greet(await cora.dial_peer(port.endpoint, None))
    await port.listener.close()


async def test_closing_tells_everybody_and_waits_for_the_handlers(swarm: TlsSwarm) -> None:
    port = await PeerPort.open(await swarm.member("anna"))
    bert = await swarm.member("bert")
    link = await bert.dial_peer(port.endpoint, None)
    await greet(link)
    reader, writer = await silent(port.endpoint.port)
    await until(lambda: port.listener.unproven == 1)
    await port.listener.close()
    with pytest.raises(LinkClosed) as caught:
        await link.receive()
    assert (caught.value.code, caught.value.theirs) == ("stopping", True)
    assert await ended(reader) == b""
    writer.close()
    with pytest.raises(P2PError) as refused:
        await bert.dial_peer(port.endpoint, None)
    assert refused.value.exit_code is ExitCode.UNREACHABLE


async def test_closing_does_not_wait_for_a_handler_for_ever(
    swarm: TlsSwarm, tmp_path: Path
) -> None:
    credentials, membership = await swarm.join("anna")
    network = network_of(credentials, membership, swarm.clock)
    network._limits = Limits(goodbye_s=0.1)
    cancelled = asyncio.Event()

    async def stubborn(_: Link) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    listener = await network.listen(HOST, 0, stubborn)
    bert = await swarm.member("bert")
    link = await bert.dial_peer(listener.endpoint, None)
    await until(lambda: len(listener.links) == 1)
    await listener.close()
    assert cancelled.is_set()
    link.abort()


async def test_a_handler_that_fails_ends_its_link_and_no_other(
    swarm: TlsSwarm, caplog: pytest.LogCaptureFixture
) -> None:
    anna = await swarm.member("anna")

    async def failing(link: Link) -> None:
        if link.peer_id == bert.membership_id:
            raise RuntimeError("a mistake of ours")
        await link.receive()

    class Named:
        membership_id = ""

    bert = Named()
    listener = await anna.listen(HOST, 0, failing)
    unlucky, lucky = await swarm.member("bert"), await swarm.member("cora")
    bert.membership_id = unlucky._credentials.peer_id
    good = await lucky.dial_peer(listener.endpoint, None)
    bad = await unlucky.dial_peer(listener.endpoint, None)
    with pytest.raises(LinkClosed) as caught:
        await bad.receive()
    assert caught.value.code == "internal"
    assert "a mistake of ours" in caplog.text
    await until(lambda: len(listener.links) == 1)
    assert not good.closed
    good.abort()
    await listener.close()


async def test_f114_a_port_in_use_says_so(swarm: TlsSwarm) -> None:
    anna = await swarm.member("anna")
    for where, hint in (((HOST, swarm.port), "--listen"), (("192.0.2.1", 0), "--listen")):
        with pytest.raises(P2PError) as caught:
            await anna.listen(*where, lambda _: asyncio.sleep(0))
        assert caught.value.exit_code is ExitCode.USAGE
        assert hint in caught.value.hint


async def test_an_empty_host_listens_for_all_and_shows_plain_addresses(swarm: TlsSwarm) -> None:
    anna = await swarm.member("anna")
    remotes: asyncio.Queue[str] = asyncio.Queue()

    async def note(link: Link) -> None:
        remotes.put_nowait(link.remote.host)

    listener = await anna.listen("", 0, note)
    bert = await swarm.member("bert")
    link = await bert.dial_peer(type(listener.endpoint)(HOST, listener.endpoint.port), None)
    assert await remotes.get() == HOST
    link.abort()
    await listener.close()


async def test_f93_without_descriptors_the_oldest_makes_room_and_accepting_goes_on(
    swarm: TlsSwarm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    failures: list[OSError] = []
    real_next = Listener._next

    async def failing_next(listener: Listener) -> tuple[socket.socket, tuple[str, int]]:
        accepted = await real_next(listener)
        if failures:
            accepted[0].close()
            raise failures.pop(0)
        return accepted

    monkeypatch.setattr(Listener, "_next", failing_next)
    listener = await anna.listen(HOST, 0, lambda link: link.close())
    oldest = await silent(listener.endpoint.port)
    await until(lambda: listener.unproven == 1)
    failures += [ConnectionAbortedError(103, "gone already"), OSError(24, "Too many open files")]
    others = [await silent(listener.endpoint.port) for _ in range(2)]
    assert await ended(oldest[0]) == b""
    link = await bert.dial_peer(listener.endpoint, None)
    with pytest.raises(LinkClosed):
        await link.receive()
    assert "Too many open files" in caplog.text
    assert "gone already" not in caplog.text
    for _, writer in (oldest, *others):
        writer.close()
    await listener.close()


# --- what the owner of the door decides ---------------------------------------------------------


async def enter(link: Link) -> object:
    """Say hello as a member; the tracker's answer."""
    link.post(HELLO)
    return await link.receive()


@pytest.mark.parametrize("turns", range(6))
async def test_a_caller_in_the_moment_of_closing_is_not_forgotten(
    tmp_path: Path, turns: int
) -> None:
    swarm = await TlsSwarm.start(tmp_path)
    with socket.create_connection((HOST, swarm.port), timeout=PATIENCE_S) as caller:
        for _ in range(turns):
            await asyncio.sleep(0)
        await swarm.close()
        gc.collect()  # a socket that was lost warns now, which is an error
        with contextlib.suppress(ConnectionError):
            assert caller.recv(1) == b""


@pytest.fixture
def from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers of these tests count as calling from another machine."""
    monkeypatch.setattr(listener_module, "is_loopback", lambda _address: False)


async def test_a_barred_caller_is_dropped_before_any_handshake(
    tmp_path: Path, from_elsewhere: None
) -> None:
    asked: list[str] = []

    def refuses(address: str) -> bool:
        asked.append(address)
        return True

    async with limited(tmp_path, Limits(), Door(refuses=refuses)) as swarm:
        reader, writer = await silent(swarm.port)
        assert await ended(reader) == b""
        writer.close()
        assert asked == [HOST]
        assert (swarm.listener.refused, swarm.listener.unproven) == (1, 0)


async def test_loopback_is_never_locked_out(tmp_path: Path) -> None:
    def locked(_peer: object) -> int:
        return 1

    door = Door(refuses=lambda _address: True, per_address=locked)
    async with limited(tmp_path, Limits(per_peer=None), door) as swarm:
        for name in ("anna", "bert"):
            network = await swarm.member(name)
            link = await network.dial_tracker(HOST, swarm.port)
            await enter(link)
        assert len(swarm.listener.links) == 2


async def test_f115_members_behind_one_address_up_to_what_it_may_hold(
    tmp_path: Path, from_elsewhere: None
) -> None:
    door = Door(per_address=lambda _peer: 16)
    async with limited(tmp_path, Limits(per_peer=None), door) as swarm:
        networks = [await swarm.member(f"member {number}") for number in range(17)]
        links = []
        for network in networks[:16]:
            links.append(await network.dial_tracker(HOST, swarm.port))
            await enter(links[-1])
        over = await networks[16].dial_tracker(HOST, swarm.port)
        with pytest.raises(LinkClosed) as caught:
            await enter(over)
        assert caught.value.code == "too_many"
        assert "16 connections" in caught.value.text
        again = await networks[0].dial_tracker(HOST, swarm.port)
        await enter(again)  # the same member anew: it takes the place of the older
        await links[1].close()
        await again.close()
        await links[0].close()
        await until(lambda: len(swarm.listener.links) == 14)
        over = await networks[16].dial_tracker(HOST, swarm.port)
        await enter(over)
