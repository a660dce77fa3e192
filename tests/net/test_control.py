"""The control endpoint over real sockets, with a small api of its own."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError, not_found
from p2ptui.net.control import MAX_REQUESTS, ControlServer
from p2ptui.net.control_client import ControlClient
from p2ptui.net.control_socket import Door, dial_endpoint, read_frame
from p2ptui.net.control_wire import (
    CONTROL_VERSION,
    LENGTH,
    MAX_FRAME,
    Answer,
    Greeting,
    Refusal,
    Request,
    encode_value,
    pack,
    unpack_to_client,
)
from tests.support.command_run import until


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "node.sock"


@pytest.fixture(params=[False, True], ids=["unix", "tcp"])
def tcp(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_calls_and_their_typed_answers(path: Path, tcp: bool) -> None:
    async with serving(path, Engine(), tcp=tcp), connected(path) as client:
        pairs = await client.call(tuple[Pair, ...], "echo", Pair(1, "ü\0"), 2)
        assert pairs == (Pair(1, "ü\0"), Pair(1, "ü\0"))
        await client.call(type(None), "nothing")
        assert client.software == "9.9"


async def test_many_at_once_on_one_connection(path: Path) -> None:
    engine = Engine()
    async with serving(path, engine), connected(path) as client:
        hanging = [
            asyncio.get_running_loop().create_task(client.call(int, "hang")) for _ in range(10)
        ]
        await until(lambda: engine.hanging == 10)
        assert await client.call(tuple[Pair, ...], "echo", Pair(1, "a"), 0) == ()
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)
        await until(lambda: engine.hanging == 0)


async def test_an_expected_error_travels_whole(path: Path) -> None:
    async with serving(path, Engine()), connected(path) as client:
        with pytest.raises(P2PError) as caught:
            await client.call(int, "fail", "expected")
    error = caught.value
    assert (error.title, error.message, error.hint) == ("No such file", "x.txt", "Try search.")
    assert error.exit_code is ExitCode.NOT_FOUND


@pytest.mark.parametrize("kind", ["bug", "network"])
async def test_an_unexpected_error_is_logged_and_told(
    path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(path, Engine()), connected(path) as client:
        with pytest.raises(P2PError, match="unexpected"):
            await client.call(int, "fail", kind)
        assert await client.call(tuple[Pair, ...], "echo", Pair(1, "a"), 0) == ()
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("echo", ("not a pair", 1)),
        ("echo", (Pair(1, "a"), "2")),
        ("echo", (Pair(1, "a"),)),
        ("echo", (Pair(1, "a"), 1, 1)),
        ("nothing", (1,)),
        ("secret", ()),
        ("__init__", ()),
        ("_read", ()),
    ],
)
async def test_what_does_not_fit_the_protocol_is_refused(
    path: Path, method: str, arguments: tuple[object, ...]
) -> None:
    async with serving(path, Engine()), connected(path) as client:
        with pytest.raises(P2PError) as caught:
            await client.call(int, method, *arguments)
    assert caught.value.title in {f"Wrong arguments for '{method}'", "Not understood"}


async def test_an_answer_of_another_type_is_told(path: Path) -> None:
    async with serving(path, Engine()), connected(path) as client:
        with pytest.raises(P2PError, match="not understood"):
            await client.call(int, "echo", Pair(1, "a"), 1)


async def test_a_subscription_in_order_to_its_end(path: Path) -> None:
    engine = Engine()
    counts: list[int] = []
    async with serving(path, engine, on_front_ends=counts.append), connected(path) as client:
        assert [item async for item in client.feed(int, "count", 500)] == list(range(500))
        await until(lambda: counts == [1, 0])
    assert engine.ended == 1


async def test_a_subscription_that_is_left_ends_at_the_engine(path: Path) -> None:
    engine = Engine()
    async with serving(path, engine) as server, connected(path) as client:
        items = client.feed(int, "count", 10**9)
        assert await anext(items) == 0
        assert server.front_ends == 1
        await items.aclose()  # type: ignore[attr-defined]
        await until(lambda: engine.ended == 1 and server.front_ends == 0)


async def test_one_that_does_not_read_harms_nobody_and_is_not_read_for(path: Path) -> None:
    engine = Engine()
    async with serving(path, engine), connected(path) as client:
        items = client.feed(bytes, "pour")
        await anext(items)
        before = -1
        # Once its buffers are full the engine is not asked for more on its behalf.
        while before != engine.poured:
            before = engine.poured
            for _ in range(50):
                await client.call(type(None), "nothing")
        assert engine.poured * 64 * 1024 < 8 * 2**20
        await items.aclose()  # type: ignore[attr-defined]


async def test_requests_beyond_the_limit_wait(path: Path) -> None:
    engine = Engine()
    async with serving(path, engine), connected(path) as client:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(client.call(int, "hang")) for _ in range(MAX_REQUESTS + 5)]
        await until(lambda: engine.hanging == MAX_REQUESTS)
        async with connected(path) as other:
            await other.call(type(None), "nothing")
        assert engine.hanging == MAX_REQUESTS
    await asyncio.wait(tasks)
    assert all(isinstance(task.exception(), P2PError) for task in tasks)


async def test_a_cancelled_call_is_cancelled_at_the_engine(path: Path) -> None:
    engine = Engine()
    async with serving(path, engine), connected(path) as client:
        task = asyncio.get_running_loop().create_task(client.call(int, "hang"))
        await engine.hang_began.wait()
        task.cancel()
        await engine.cancelled.wait()
        await client.call(type(None), "nothing")


async def test_an_engine_that_goes_is_told_plainly(path: Path) -> None:
    engine = Engine()
    async with connected_to_one_that_closes(path, engine) as (client, server):
        task = asyncio.get_running_loop().create_task(client.call(int, "hang"))
        items = client.feed(bytes, "pour")
        await anext(items)
        await engine.hang_began.wait()
        await server.close()
        with pytest.raises(P2PError, match="The node is gone") as caught:
            await task
        assert caught.value.exit_code is ExitCode.UNREACHABLE
        with pytest.raises(P2PError, match="The node is gone"):
            async for _ in items:
                pass
        with pytest.raises(P2PError, match="The node is gone"):
            await client.call(type(None), "nothing")
    assert not path.exists()
    assert await ControlClient.connect(path) is None


@asynccontextmanager
async def connected_to_one_that_closes(
    path: Path, engine: Engine
) -> AsyncIterator[tuple[ControlClient, ControlServer]]:
    async with serving(path, engine) as server, connected(path) as client:
        yield client, server


async def test_what_is_being_answered_still_goes_out_at_the_end(path: Path) -> None:
    engine = Engine()
    async with serving(path, engine) as server, connected(path) as client:
        task = asyncio.get_running_loop().create_task(client.call(bytes, "large", 4 * 2**20))
        await engine.large_began.wait()
        await asyncio.gather(task, server.close())
        assert len(task.result()) == 4 * 2**20


async def test_an_answer_too_long_is_refused_and_the_connection_lives(path: Path) -> None:
    async with serving(path, Engine()), connected(path) as client:
        with pytest.raises(P2PError):
            await client.call(bytes, "large", MAX_FRAME + 1)
        await client.call(type(None), "nothing")


async def test_nobody_there(path: Path) -> None:
    assert await ControlClient.connect(path) is None
    path.parent.mkdir()
    path.write_text("no door")
    assert await ControlClient.connect(path) is None


async def test_what_a_killed_engine_left_is_replaced(path: Path, tcp: bool) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(os.fspath(path))
    assert await ControlClient.connect(path) is None
    async with serving(path, Engine(), tcp=tcp), connected(path) as client:
        await client.call(type(None), "nothing")


async def test_the_endpoint_is_its_owners_alone(path: Path, tcp: bool) -> None:
    async with serving(path, Engine(), tcp=tcp):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0


async def test_a_folder_that_others_can_write_to_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    with pytest.raises(P2PError) as caught:
        async with serving(path, Engine()):
            pass
    assert "chmod 700" in caught.value.message
    assert caught.value.exit_code is ExitCode.STORAGE


async def test_without_the_token_a_tcp_endpoint_says_nothing(path: Path) -> None:
    async with serving(path, Engine(), tcp=True):
        door = msgspec.json.decode(path.read_bytes(), type=Door)
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(pack(Greeting(CONTROL_VERSION, "", "wrong")))
        writer.write(pack(Request(1, "nothing", msgspec.Raw(encode_value(())))))
        assert isinstance(unpack_to_client(await read_frame(reader) or b""), Greeting)
        assert await read_frame(reader) is None
        writer.close()


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(LENGTH.pack(0), id="empty"),
        pytest.param(LENGTH.pack(2**32 - 1), id="4 GiB"),
        pytest.param(LENGTH.pack(MAX_FRAME + 1), id="limit + 1"),
        pytest.param(LENGTH.pack(4) + b"\xc1\xc1\xc1\xc1", id="no MessagePack"),
        pytest.param(LENGTH.pack(4) + b"\x93\x91\x91", id="cut short"),
        pytest.param(LENGTH.pack(3000) + b"\x91" * 3000, id="deeply nested"),
    ],
)
async def test_nonsense_ends_one_connection_only(path: Path, garbage: bytes) -> None:
    async with serving(path, Engine()), connected(path) as client:
        dialled = await dial_endpoint(path)
        assert dialled is not None
        reader, writer, _ = dialled
        await read_frame(reader)
        writer.write(pack(Greeting(CONTROL_VERSION, "")) + garbage)
        if len(garbage) < LENGTH.size + 4:
            writer.write_eof()
        assert await read_frame(reader) is None
        writer.close()
        await client.call(type(None), "nothing")


async def test_a_request_number_in_use_is_not_started_twice(path: Path) -> None:
    engine = Engine()
    async with serving(path, engine):
        dialled = await dial_endpoint(path)
        assert dialled is not None
        reader, writer, _ = dialled
        await read_frame(reader)
        writer.write(pack(Greeting(CONTROL_VERSION, "")))
        raw = msgspec.Raw(encode_value(()))
        writer.write(pack(Request(1, "hang", raw)) + pack(Request(1, "hang", raw)))
        writer.write(pack(Request(2, "nothing", raw)) + pack(Request(3, "missing", raw)))
        answers = [unpack_to_client(await read_frame(reader) or b"") for _ in range(2)]
        assert {type(answer) for answer in answers} == {Answer, Refusal}
        assert engine.hanging == 1
        writer.close()
        await until(lambda: engine.hanging == 0)


async def test_another_version_is_named(path: Path) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(pack(Greeting(CONTROL_VERSION + 1, "7.7")))
        await reader.read(1)
        writer.close()

    path.parent.mkdir()
    server = await asyncio.start_unix_server(other, os.fspath(path))
    async with server:
        with pytest.raises(P2PError, match="another version") as caught:
            await ControlClient.connect(path)
    assert "7.7" in caught.value.message


async def test_one_that_hangs_is_not_waited_for_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2ptui.net.control_client.GREETING_S", 0.01)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(os.fspath(path))
        silent.listen()
        with pytest.raises(P2PError, match="does not answer"):
            await ControlClient.connect(path)
