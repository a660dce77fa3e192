"""A small api of its own for the control endpoint, served over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from p2ptui.base.errors import not_found
from p2ptui.net.control import ControlServer
from p2ptui.net.control_client import ControlClient


class Pair(msgspec.Struct, frozen=True):
    left: int
    right: str


class Api(Protocol):
    async def echo(self, pair: Pair, times: int) -> tuple[Pair, ...]: ...
    async def nothing(self) -> None: ...
    async def fail(self, kind: str) -> int: ...
    async def hang(self) -> int: ...
    async def large(self, size: int) -> bytes: ...
    def count(self, to: int) -> AsyncIterator[int]: ...
    def pour(self) -> AsyncIterator[bytes]: ...


class Engine:
    def __init__(self) -> None:
        self.hanging = 0
        self.cancelled = asyncio.Event()
        self.hang_began = asyncio.Event()
        self.large_began = asyncio.Event()
        self.poured = 0
        self.ended = 0

    async def echo(self, pair: Pair, times: int) -> tuple[Pair, ...]:
        return (pair,) * times

    async def nothing(self) -> None:
        return None

    async def fail(self, kind: str) -> int:
        if kind == "expected":
            raise not_found("No such file", "x.txt", "Try search.")
        if kind == "network":
            raise ConnectionResetError("of the engine's own")
        raise ValueError("a bug")

    async def hang(self) -> int:
        self.hanging += 1
        self.hang_began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.hanging -= 1
            self.cancelled.set()
            raise
        return 0

    async def large(self, size: int) -> bytes:
        self.large_began.set()
        return bytes(size)

    async def count(self, to: int) -> AsyncIterator[int]:
        try:
            for number in range(to):
                yield number
        finally:
            self.ended += 1

    async def pour(self) -> AsyncIterator[bytes]:
        while True:
            self.poured += 1
            yield bytes(64 * 1024)
            await asyncio.sleep(0)

    def secret(self) -> str:
        return "not in the protocol"


@asynccontextmanager
async def serving(
    path: Path, engine: Engine, *, tcp: bool = False, **options: Any
) -> AsyncIterator[ControlServer]:
    server = ControlServer(path, engine, Api, software="9.9", tcp=tcp, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[ControlClient]:
    client = await ControlClient.connect(path)
    assert client is not None
    try:
        yield client
    finally:
        await client.close()
