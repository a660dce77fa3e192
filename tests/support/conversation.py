"""Ends of a conversation for tests: greeted links, a sink, and an end that speaks raw bytes."""

import asyncio
from random import Random

from p2ptui.base.clock import Clock
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import decode
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.net.wire.frames import ControlFrame, FrameReader
from p2ptui.net.wire.messages import Endpoint
from p2ptui.net.wire.protocol import Role
from tests.support.memory_net import MemoryLink, peer_id_of, peer_pair
from tests.support.memory_transport import MemoryTransport, connect
from tests.support.messages import PEER_HELLO, frame

MIB = 1024 * 1024


def chunk_of(size: int) -> bytes:
    """The same random bytes for the same size."""
    return Random(size).randbytes(size)


class ChunkSink:
    """Takes the payloads of any requests into one buffer, in order."""

    def __init__(self, size: int) -> None:
        self.chunk = bytearray(size)
        self.filled = 0
        self.frames: list[tuple[int, int, int]] = []
        self.complete = asyncio.Event()

    def data_buffer(self, request_id: int, offset: int, length: int) -> memoryview | None:
        if offset + length > len(self.chunk):
            raise ProtocolViolation("data beyond the chunk")
        return memoryview(self.chunk)[offset : offset + length]

    def data_received(self, request_id: int, offset: int, length: int) -> None:
        self.frames.append((request_id, offset, length))
        self.filled += length
        if self.filled == len(self.chunk):
            self.complete.set()


class RawEnd(asyncio.BufferedProtocol):
    """The other side of a connection, played by hand: writes any bytes, keeps all that comes."""

    transport: MemoryTransport

    def __init__(self) -> None:
        self.heard = bytearray()
        self.lost = asyncio.get_running_loop().create_future()
        self._buffer = bytearray(1 << 16)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.heard += self._buffer[:nbytes]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)

    def messages(self, union: object = m.BetweenPeers) -> list[object]:
        """What was said to it; data frames left out."""
        reader = FrameReader(lambda *_: None, lambda *_: None, scratch_bytes=1 << 16)
        found: list[object] = []
        rest = memoryview(self.heard)
        while rest:
            buffer = reader.get_buffer()
            count = min(len(buffer), len(rest))
            buffer[:count] = rest[:count]
            rest = rest[count:]
            reader.received(count)
            while (event := reader.next_frame()) is not None:
                if isinstance(event, ControlFrame):
                    found.append(decode(union, event.body))
        return found


def raw_pair(role: Role, clock: Clock) -> tuple[MemoryLink, RawEnd]:
    """Our end of an open connection, and the other one to be played by hand."""
    link, raw = MemoryLink(role, clock=clock), RawEnd()
    link.transport, raw.transport = connect(link, raw)
    link.open(link.transport, peer_id_of("raw"), Endpoint("10.0.0.9", 40000))
    return link, raw


async def greeted_raw(clock: Clock) -> tuple[MemoryLink, RawEnd]:
    """A peer link whose other side, played by hand, has greeted and was greeted."""
    link, raw = raw_pair(Role.PEER, clock)
    link.post(PEER_HELLO)
    raw.transport.write(frame(PEER_HELLO))
    assert await link.receive() == PEER_HELLO
    return link, raw


async def greeted_pair(clock: Clock, *, delay_s: float = 0.0) -> tuple[MemoryLink, MemoryLink]:
    """Two ends of a peer connection that have greeted each other."""
    ours, theirs = peer_pair(clock, delay_s=delay_s)
    ours.post(PEER_HELLO)
    theirs.post(PEER_HELLO)
    assert await ours.receive() == await theirs.receive() == PEER_HELLO
    return ours, theirs
