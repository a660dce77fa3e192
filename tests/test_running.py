"""The life of an engine in a process: lock, endpoint, signals, events, end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.command_line import parse_arguments
from p2ptui.commands import find_command
from p2ptui.headless import node_sentence
from p2ptui.home_lock import HomeLock
from p2ptui.launch import start_engine, wait_gone
from p2ptui.node.api import NodeApi
from p2ptui.node.remote import RemoteNode
from p2ptui.output import Output
from p2ptui.peer_program import reach_node, run_command
from p2ptui.running import Interrupted, close_engine, interruptible, on_signals, served, told
from tests.support.command_run import until
from tests.support.fake_node import FakeNode, finished

WAIT_S = 10.0


class OneNode:
    """In place of the engine's factory: makes fake nodes and remembers them."""

    def __init__(self) -> None:
        self.made: list[FakeNode] = []

    async def __call__(self, _home: Home, _settings: Settings, _trust: str = "") -> Any:
        self.made.append(FakeNode())
        return self.made[-1]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.under(tmp_path / "home")


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> OneNode:
    factory = OneNode()
    monkeypatch.setattr("p2ptui.peer_program._open", factory)
    monkeypatch.setattr("p2ptui.peer_program.configure_logs", lambda _path: None)
    return factory


def quiet() -> Output:
    return Output(as_json=False, out=lambda _text: None, err=lambda _text: None)


@asynccontextmanager
async def running(home: Home) -> AsyncIterator[FakeNode]:
    """A node of another process, as far as can be told from here."""
    node = FakeNode()
    lock = HomeLock.take(home.node.lock)
    assert lock is not None
    with lock:
        async with served(home.node, node, NodeApi):
            yield node


# --- the lock -------------------------------------------------------------------------------------


def test_f120_two_engines_cannot_hold_one_home(home: Home) -> None:
    lock = HomeLock.take(home.node.lock)
    assert lock is not None
    assert HomeLock.take(home.node.lock) is None
    lock.release()
    again = HomeLock.take(home.node.lock)
    assert again is not None
    again.release()


def test_a_lock_ends_with_its_process_however_that_ends(home: Home) -> None:
    program = (
        "import sys, time, pathlib\n"
        "from p2ptui.home_lock import HomeLock\n"
        "lock = HomeLock.take(pathlib.Path(sys.argv[1]))\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, os.fspath(home.node.lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert HomeLock.take(home.node.lock) is None
        process.kill()
    lock = HomeLock.take(home.node.lock)
    assert lock is not None
    lock.release()


def test_f102_a_home_that_cannot_be_made_is_a_plain_message(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(P2PError) as caught:
        HomeLock.take(tmp_path / "home" / "node.lock")
    assert caught.value.exit_code is ExitCode.USAGE
    assert "P2PTUI_HOME" in caught.value.hint


async def test_the_end_of_a_holder_is_waited_for(home: Home) -> None:
    lock = HomeLock.take(home.node.lock)
    assert lock is not None
    assert not await wait_gone(home.node.lock, 0)
    lock.release()
    assert await wait_gone(home.node.lock, 0)


# --- signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
async def test_f98_a_signal_interrupts_and_what_is_open_is_closed(name: str) -> None:
    closed = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), getattr(signal, name))
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            closed.append(name)

    with pytest.raises(Interrupted):
        async with asyncio.timeout(WAIT_S):
            await interruptible(work())
    assert closed == [name]


async def test_another_s_cancellation_is_no_interruption() -> None:
    task = asyncio.get_running_loop().create_task(interruptible(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_innermost_block_hears_and_the_outer_one_again_after_it() -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    before = signal.getsignal(signal.SIGINT)
    with on_signals(lambda: heard.put_nowait("outer")):
        with on_signals(lambda: heard.put_nowait("inner"), ("SIGINT",)):
            os.kill(os.getpid(), signal.SIGINT)
            assert await heard.get() == "inner"
            os.kill(os.getpid(), signal.SIGTERM)
            assert await heard.get() == "outer"
        os.kill(os.getpid(), signal.SIGINT)
        assert await heard.get() == "outer"
    assert signal.getsignal(signal.SIGINT) == before


# --- an engine and its events ---------------------------------------------------------------------


async def test_all_events_are_told_from_the_first_to_the_last(home: Home) -> None:
    node = FakeNode()
    lines: list[str] = []
    async with told(node.feed((), 1.0), lines.append, None), served(home.node, node, NodeApi):
        node.emit(finished())
    assert [json.loads(line)["event"] for line in lines] == ["fetch_finished", "stopped"]


async def test_a_reader_that_is_gone_does_not_stop_the_engine(home: Home) -> None:
    def write(_text: str) -> None:
        raise BrokenPipeError

    node = FakeNode()
    async with (
        told(node.feed((), 1.0), write, node_sentence),
        served(home.node, node, NodeApi),
    ):
        node.emit(finished())
        await asyncio.sleep(0)
        remote = await RemoteNode.connect(home.node.control)
        assert remote is not None
        assert (await remote.status()).nick == "anna"
        await remote.close()


async def test_an_engine_that_cannot_start_is_closed_and_leaves_no_endpoint(home: Home) -> None:
    node = FakeNode()
    node.trouble["start"] = P2PError("Port in use")
    with pytest.raises(P2PError, match="Port in use"):
        async with served(home.node, node, NodeApi):
            pass
    assert ("close",) in node.calls
    assert not home.node.control.exists()


async def test_f98_an_engine_that_does_not_close_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2ptui.running.CLOSE_S", 0.01)

    class Stuck(FakeNode):
        async def close(self) -> None:
            await asyncio.Event().wait()

    async with asyncio.timeout(WAIT_S):
        await close_engine(Stuck())


async def test_front_ends_are_counted(home: Home) -> None:
    async with running(home) as node:
        remote = await RemoteNode.connect(home.node.control)
        assert remote is not None
        items = remote.feed(("status",), 60.0)
        await anext(items)
        assert node.front_ends == 1
        await items.aclose()  # type: ignore[attr-defined]
        await until(lambda: not node.front_ends)
        await remote.close()


# --- the node of a command ------------------------------------------------------------------------


async def test_a_command_uses_the_running_node(home: Home, nodes: OneNode) -> None:
    async with running(home) as node, reach_node(home, Settings(), quiet()) as context:
        assert context.stays
        await context.api.forget("office")
        assert ("forget", "office") in node.calls
    assert nodes.made == []


async def test_without_one_it_opens_its_own_for_as_long_as_it_runs(
    home: Home, nodes: OneNode
) -> None:
    async with reach_node(home, Settings(), quiet()) as context:
        assert not context.stays
        assert nodes.made[0].started.is_set()
        async with reach_node(home, Settings(), quiet()) as second:
            assert second.stays, "another command attaches to it"
    assert ("close",) in nodes.made[0].calls
    assert len(nodes.made) == 1
    assert await wait_gone(home.node.lock, 0)


async def test_a_command_stays_until_others_are_done_with_its_node(
    home: Home, nodes: OneNode
) -> None:
    async with asyncio.timeout(WAIT_S):
        opened = asyncio.Event()
        leave = asyncio.Event()

        async def first() -> None:
            async with reach_node(home, Settings(), quiet()):
                opened.set()
                await leave.wait()

        task = asyncio.get_running_loop().create_task(first())
        await opened.wait()
        async with reach_node(home, Settings(), quiet()) as second:
            leave.set()
            await asyncio.sleep(0)
            assert (await second.api.status()).nick == "anna"
            assert not task.done()
        await task


async def test_a_home_that_is_held_in_silence_is_told(
    home: Home, nodes: OneNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2ptui.peer_program.LOCK_PATIENCE_S", 0)
    lock = HomeLock.take(home.node.lock)
    assert lock is not None
    with lock, pytest.raises(P2PError, match="in use") as caught:
        async with reach_node(home, Settings(), quiet()):
            pass
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(os.getpid()) in caught.value.message


async def one_shot(home: Home, *words: str) -> int:
    command = find_command(words[0], "peer", "cli")
    assert command is not None
    args = parse_arguments(command, list(words[1:]), "cli")
    return await run_command(home, Settings(), command, args)


async def test_one_shot(home: Home, nodes: OneNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert await one_shot(home, "search", "song", "--json") == 0
    written = capsys.readouterr()
    assert json.loads(written.out)["name"] == "song.flac"
    assert written.err == ""


async def test_what_needs_a_node_says_so_without_one(
    home: Home, nodes: OneNode, capsys: pytest.CaptureFixture[str]
) -> None:
    await one_shot(home, "publish", "/a/b.txt")
    assert "No node is running" in capsys.readouterr().err
    async with running(home):
        await one_shot(home, "publish", "/a/b.txt")
    assert capsys.readouterr().err == ""


async def test_stop(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert await one_shot(home, "stop", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": False}

    async def live() -> None:
        async with running(home) as node:
            ready.set()
            await node.wait_stopped()

    ready = asyncio.Event()
    task = asyncio.get_running_loop().create_task(live())
    await ready.wait()
    assert await one_shot(home, "stop") == 0
    assert capsys.readouterr().out == "The node has stopped.\n"
    await task


# --- an engine as a process of its own ------------------------------------------------------------


async def test_what_goes_wrong_at_the_start_is_told_to_the_starter(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("P2PTUI_HOME", os.fspath(home.folder))
    with pytest.raises(P2PError) as caught:
        await start_engine(["peer", "--headless", "--nick", "x" * 100], home.node.log)
    assert caught.value.title == "Settings are wrong"
    assert caught.value.exit_code is ExitCode.USAGE


async def test_a_process_that_says_nothing_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/true")
    with pytest.raises(P2PError, match="did not start") as caught:
        await start_engine(["peer"], home.node.log)
    assert str(home.node.log) in caught.value.hint
