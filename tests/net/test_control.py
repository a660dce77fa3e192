"""The control endpoint: requests, answers, subscriptions, and the end of either side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.control import MAX_REQUESTS, ControlServer
from p2ptui.net.control_client import ControlClient
from p2ptui.net.control_wire import (
    MAX_FRAME,
)
from tests.support.command_run import until
from tests.support.control_rig import Engine, Pair, connected, serving


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
