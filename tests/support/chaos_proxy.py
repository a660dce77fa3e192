"""Chaos proxy: TCP between two real processes, with the faults of a bad network at command.

It forwards raw bytes and knows nothing of what they mean. It runs on a loop and a thread of its
own; its methods are called from the test's thread and have taken effect when they return. What a
TCP proxy cannot do is lose packets: to whom a network loses some, TCP shows it as delays and bursts
(F105), which is what `Weather.delay_s`, `jitter_s` and `rate_bps` make.

A node is put behind one as behind a router that forwards its port: the node listens on one address
of the loopback, and the proxy on the same port of the address that the tracker sees (`door_of`).
"""

import asyncio
import contextlib
import dataclasses
import random
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from p2ptui.net.tasks import spawn

BLOCK_BYTES = 64 * 1024
AHEAD_BYTES = 1 << 20
"""What it takes in, in one direction, before that has gone out: the delay's pipe."""
PACE_S = 0.05
"""How finely a rate is doled out."""
ANSWER_S = 10.0

Direction = Literal["in", "out"]
"""`in`: from whoever calls to the target; `out`: from the target back."""
Cut = Literal["rst", "fin"]
_RESET = struct.pack("ii", 1, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Weather:
    """What bytes meet in one direction."""

    stalled: bool = False
    """Nothing passes, and nothing is closed."""
    rate_bps: float = 0
    """Bytes a second of all connections together; 0: as many as come."""
    delay_s: float = 0
    jitter_s: float = 0
    """Up to so much more, anew for each block; their order stays."""


FAIR = Weather()


class _Lane:
    """One direction: its weather and what is to happen to its next bytes."""

    def __init__(self) -> None:
        self.weather = FAIR
        self.changed = asyncio.Event()
        self.passed = 0
        """Bytes of all connections that went through."""
        self.cut_at: tuple[int, Cut] | None = None
        self.flip_at: int | None = None
        self.paid_until = 0.0

    def set(self, weather: Weather) -> None:
        self.weather = weather
        self.changed.set()
        self.changed = asyncio.Event()

    async def permit(self, wanted: int) -> int:
        """How many of so many bytes may pass now; waits until at least one may."""
        loop = asyncio.get_running_loop()
        while self.weather.stalled:
            await self.changed.wait()
        weather = self.weather
        allowed = wanted
        if weather.rate_bps:
            allowed = min(wanted, max(1, int(weather.rate_bps * PACE_S)))
            begin = max(loop.time(), self.paid_until)
            self.paid_until = begin + allowed / weather.rate_bps
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.paid_until - loop.time()):
                    await self.changed.wait()  # a better one need not be waited for
                self.paid_until = loop.time()
        return allowed


class _Pipe:
    """One connection through the proxy."""

    def __init__(self, lanes: dict[Direction, _Lane], chance: random.Random) -> None:
        self._lanes = lanes
        self._chance = chance
        self._writers: list[asyncio.StreamWriter] = []

    async def run(
        self,
        caller: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        target: tuple[str, int],
    ) -> None:
        self._writers.append(caller[1])
        try:
            reader, writer = await asyncio.open_connection(*target)
        except OSError:
            self.end("rst")
            return
        self._writers.append(writer)
        ways: dict[Direction, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {
            "in": (caller[0], writer),
            "out": (reader, caller[1]),
        }
        tasks = [
            spawn(self._forward(self._lanes[name], *way), name=f"proxy-{name}")
            for name, way in ways.items()
        ]
        try:
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self.end("fin")

    def end(self, how: Cut) -> None:
        """Close both sides."""
        for writer in self._writers:
            if how == "rst":
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
            else:
                writer.close()

    async def _forward(
        self, lane: _Lane, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Bytes of one direction until their end, which is passed on too."""
        blocks: deque[tuple[float, bytes]] = deque()
        came, left = asyncio.Event(), asyncio.Event()
        sending = spawn(self._send_on(lane, blocks, came, left, writer), name="proxy-send")
        loop = asyncio.get_running_loop()
        due = 0.0
        try:
            while not sending.done():
                data = await reader.read(BLOCK_BYTES)
                late_s = lane.weather.delay_s + self._chance.uniform(0, lane.weather.jitter_s)
                due = max(due, loop.time() + late_s)
                blocks.append((due, data))
                came.set()
                if not data:
                    break
                while sum(len(block) for _due, block in blocks) > AHEAD_BYTES:
                    left.clear()
                    await left.wait()
            await asyncio.wait({sending})
        except OSError:
            self.end("rst")  # as the side that broke off had it
        finally:
            sending.cancel()
            await asyncio.wait({sending})

    async def _send_on(
        self,
        lane: _Lane,
        blocks: deque[tuple[float, bytes]],
        came: asyncio.Event,
        left: asyncio.Event,
        writer: asyncio.StreamWriter,
    ) -> None:
        try:
            await self._send(lane, blocks, came, left, writer)
        except OSError:
            self.end("rst")
        finally:
            blocks.clear()
            left.set()

    async def _send(
        self,
        lane: _Lane,
        blocks: deque[tuple[float, bytes]],
        came: asyncio.Event,
        left: asyncio.Event,
        writer: asyncio.StreamWriter,
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not blocks:
                came.clear()
                await came.wait()
            due, data = blocks[0]
            await asyncio.sleep(max(0.0, due - loop.time()))
            begin = 0
            while begin < len(data):
                length = await lane.permit(len(data) - begin)
                writer.write(self._touched(lane, data[begin : begin + length]))
                await writer.drain()
                begin += length
            blocks.popleft()
            left.set()
            if not data:
                writer.write_eof()
                return

    def _touched(self, lane: _Lane, piece: bytes) -> bytes:
        """A piece as it is to go out; the connection may end at it."""
        passed, lane.passed = lane.passed, lane.passed + len(piece)
        if lane.flip_at is not None and lane.flip_at < lane.passed:
            spoilt = bytearray(piece)
            spoilt[lane.flip_at - passed] ^= 0xFF
            piece, lane.flip_at = bytes(spoilt), None
        if lane.cut_at is not None and lane.cut_at[0] < lane.passed:
            (where, how), lane.cut_at = lane.cut_at, None
            lane.passed = where
            if how == "rst":
                self.end("rst")
                return b""
            self._writers[0].write(piece[: where - passed])
            self.end("fin")
            return b""
        return piece


class ChaosProxy:
    """A proxy that listens on `host:port` and forwards to `target`. `close` it."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, seed: int = 1) -> None:
        self.target = ("", 0)
        """Where it forwards to; read anew for each connection."""
        self._chance = random.Random(seed)
        self._listener = socket.create_server((host, port))
        self.host, self.port = self._listener.getsockname()[:2]
        self._listener.close()
        self._server: asyncio.Server | None = None
        self._pipes: dict[_Pipe, asyncio.Task[None]] = {}
        self.accepted = 0
        """Connections that it has taken so far."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-proxy")
        self._thread.start()
        self._lanes: dict[Direction, _Lane] = {"in": _Lane(), "out": _Lane()}
        self.open_door()

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    def passed(self, way: Direction) -> int:
        """Bytes that went through in that direction."""
        return self._lanes[way].passed

    @property
    def open(self) -> int:
        """Connections through it now."""
        return len(self._pipes)

    # --- faults -----------------------------------------------------------------------------------

    def weather(self, weather: Weather, *ways: Direction) -> None:
        """Have this in one direction, or in both."""

        async def change() -> None:
            for way in ways or ("in", "out"):
                self._lanes[way].set(weather)

        self._do(change)

    def cut(self, how: Cut = "rst") -> None:
        """End all connections now; new ones are taken."""

        async def change() -> None:
            for pipe in tuple(self._pipes):
                pipe.end(how)

        self._do(change)

    def cut_after(self, count: int, how: Cut = "rst", way: Direction = "out") -> None:
        """End the connection that carries the byte after so many more."""

        async def change() -> None:
            lane = self._lanes[way]
            lane.cut_at = lane.passed + count, how

        self._do(change)

    def flip_after(self, count: int, way: Direction = "out") -> None:
        """Turn all bits of the byte after so many more."""

        async def change() -> None:
            lane = self._lanes[way]
            lane.flip_at = lane.passed + count

        self._do(change)

    def close_door(self) -> None:
        """Refuse new connections; those that are open stay."""

        async def change() -> None:
            if self._server is not None:
                self._server.close()
                self._server = None

        self._do(change)

    def open_door(self) -> None:
        """Take new connections."""

        async def change() -> None:
            if self._server is None:
                self._server = await asyncio.start_server(self._accept, self.host, self.port)

        self._do(change)

    def close(self) -> None:
        """End everything."""

        async def end() -> None:
            tasks = set(self._pipes.values())
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            await asyncio.sleep(0)  # the transports close

        self.close_door()
        self.cut()
        self._do(end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_S)
        self._loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        pipe = _Pipe(self._lanes, self._chance)
        task = spawn(pipe.run((reader, writer), self.target), name=f"proxy-{self.port}")
        self._pipes[pipe] = task
        task.add_done_callback(lambda _task: self._pipes.pop(pipe))

    def _do(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(ANSWER_S)
