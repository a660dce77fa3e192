"""A transport in memory: two ends, bytes in order, with delay, back-pressure and cut cables."""

import asyncio
from collections import deque
from collections.abc import Iterable

HIGH_WATER = 64 * 1024


class Line:
    """What a host sends by: all its connections together pass so many bytes a second."""

    def __init__(self, rate_bps: float) -> None:
        self.rate_bps = rate_bps
        self._free_at = 0.0

    def pass_at(self, length: int, now: float) -> float:
        """When the last of so many bytes has passed, after all that came before."""
        self._free_at = max(now, self._free_at) + length / self.rate_bps
        return self._free_at


class MemoryTransport(asyncio.Transport):
    """One end. What is written goes to the other end's protocol, a `BufferedProtocol`."""

    def __init__(self, protocol: asyncio.BufferedProtocol, *, delay_s: float = 0.0) -> None:
        super().__init__()
        self.other: MemoryTransport
        self.is_cut = False
        """A cut cable: bytes are kept and nobody is told."""
        self.delay_s = delay_s
        self.line: Line | None = None
        """By what it sends; None: as fast as the other side reads."""
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._sent: deque[tuple[float, memoryview]] = deque()
        self._size = 0
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4
        self._pressed = False
        self._reads = True
        self._delivering: asyncio.Handle | None = None
        self._closing = False
        self._lost = False

    # --- writing --------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self._lost or not data:
            return
        copied = memoryview(bytes(data))
        now = self._loop.time()
        passed = now if self.line is None else self.line.pass_at(len(copied), now)
        self._sent.append((passed + self.delay_s, copied))
        self._size += len(copied)
        if self._size > self._high and not self._pressed:
            self._pressed = True
            self._protocol.pause_writing()
        self._schedule()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        for data in list_of_data:
            self.write(data)

    def get_write_buffer_size(self) -> int:
        return self._size

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low

    def _schedule(self) -> None:
        if self._delivering is not None or self.is_cut or self._lost:
            return
        if self._sent:
            if self.other._reads:
                at = max(self._sent[0][0], self._loop.time())
                self._delivering = self._loop.call_at(at, self._deliver)
        elif self._closing:
            self._delivering = self._loop.call_soon(self._end)

    def _deliver(self) -> None:
        """One read of the other side."""
        self._delivering = None
        if self.is_cut or self._lost or not self.other._reads:
            return
        due, data = self._sent.popleft()
        buffer = memoryview(self.other._protocol.get_buffer(-1))
        count = min(len(buffer), len(data))
        assert count, "a protocol gave an empty buffer"
        buffer[:count] = data[:count]
        if count < len(data):
            self._sent.appendleft((due, data[count:]))
        self._size -= count
        self.other._protocol.buffer_updated(count)
        if self._pressed and self._size <= self._low:
            self._pressed = False
            self._protocol.resume_writing()
        self._schedule()

    # --- reading --------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        self._reads = False

    def resume_reading(self) -> None:
        self._reads = True
        self.other._schedule()

    def is_reading(self) -> bool:
        return self._reads

    # --- ending ---------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        return self._closing or self._lost

    def close(self) -> None:
        """Flush, then end both sides."""
        self._closing = True
        self._schedule()

    def abort(self) -> None:
        """End at once; the other side is reset, unless the cable is cut."""
        self._loop.call_soon(self._lose, None)
        if not self.is_cut:
            self._loop.call_soon(self.other._lose, ConnectionResetError("connection reset"))

    def _end(self) -> None:
        self._delivering = None
        self._lose(None)
        if not self.is_cut:
            self.other._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._sent.clear()
            self._size = 0
            self._protocol.connection_lost(error)

    def set_cut(self, is_cut: bool) -> None:
        """Cut or mend the cable in both directions."""
        for end in (self, self.other):
            end.is_cut = is_cut
            end._schedule()


def connect(
    one: asyncio.BufferedProtocol, other: asyncio.BufferedProtocol, *, delay_s: float = 0.0
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two protocols joined by a cable with that delay in each direction."""
    first = MemoryTransport(one, delay_s=delay_s)
    second = MemoryTransport(other, delay_s=delay_s)
    first.other, second.other = second, first
    return first, second
