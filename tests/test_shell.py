"""Shell sessions against a fake node: what is read, carried out, told and left."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from p2ptui.base.errors import P2PError, not_found
from p2ptui.base.ids import TransferId
from p2ptui.command_context import Context
from p2ptui.node.api import NodeApi, TransferRow
from p2ptui.node.events import Connected, Disconnected, FetchStateChanged, Published
from p2ptui.peer_commands import HANDLERS
from p2ptui.peer_program import prepare
from p2ptui.peer_shell import Teller, status_line
from p2ptui.progress import NoProgress, ProgressSink
from p2ptui.shell import Shell, Telling
from tests.support.command_run import Desk, until
from tests.support.fake_node import ANNA, TIME, FakeNode, finished, transfer

WAIT_S = 10.0


class Typed:
    """Lines of a script, or typed one by one by the test."""

    def __init__(self, *lines: str, interactive: bool = False) -> None:
        self.interactive = interactive
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self.statuses: list[str] = []
        self.reads = 0
        self.progress: ProgressSink = NoProgress()
        for line in lines:
            self.lines.put_nowait(line)
        if lines:
            self.lines.put_nowait(None)

    async def read(self) -> str | None:
        self.reads += 1
        return await self.lines.get()

    async def confirm(self, question: str) -> bool:
        return True

    def status(self, text: str) -> None:
        self.statuses.append(text)


class Session:
    """A shell with its fake node and all that it wrote."""

    def __init__(self, io: Typed, *, as_json: bool = False) -> None:
        self.node = FakeNode()
        self.io = io
        self.desk = Desk(self.node, as_json=as_json)
        self.desk.wait = not io.interactive
        self.shell: Shell[NodeApi] = Shell(
            "peer",
            HANDLERS,
            self.desk.context,
            io,
            prepare=prepare,
            telling=Telling(
                feed=lambda: self.node.feed(("transfers",), 0.2),
                sentence=Teller(),
                status=status_line,
            ),
        )

    async def run(self) -> tuple[int, str]:
        async with asyncio.timeout(WAIT_S):
            return await self.shell.run()


@pytest.fixture
async def typing() -> AsyncIterator[tuple[Session, "asyncio.Task[tuple[int, str]]"]]:
    session = Session(Typed(interactive=True))
    task = asyncio.get_running_loop().create_task(session.run())
    await until(lambda: session.node.bus.followers == 1)
    yield session, task
    task.cancel()
    await asyncio.wait({task})


async def test_a_script_runs_one_command_after_the_other() -> None:
    session = Session(Typed("search song", "/fetch song.flac", "", "# end", "status"))

    def fetched(node: FakeNode, _request: object) -> TransferRow:
        node.emit(finished())
        return transfer(1, "active")

    session.node.fetched = fetched
    assert await session.run() == (0, "end")
    text = "\n".join(session.desk.out)
    assert text.index("2 of 3") < text.index("fetched song.flac") < text.index("node:")


async def test_the_code_of_a_script_is_that_of_its_first_failure() -> None:
    session = Session(Typed("fetch nosuch", "nonsense", "status"))
    assert await session.run() == (4, "end")
    assert len(session.desk.err) == 2
    assert session.desk.out, "what comes after a failure still runs"


async def test_a_person_s_mistakes_are_no_failure_of_the_shell() -> None:
    assert await Session(Typed("nonsense", "exit", interactive=True)).run() == (0, "exit")


@pytest.mark.parametrize(
    ("line", "end"), [("exit", "exit"), ("/stop", "exit"), ("quit", "exit"), ("detach", "detach")]
)
async def test_ways_to_leave(line: str, end: str) -> None:
    session = Session(Typed(line, "status"))
    assert await session.run() == (0, end)
    assert session.desk.out == []


async def test_help() -> None:
    session = Session(Typed("/help", "help fetch", "fetch --help", "help nonsense"))
    code, _ = await session.run()
    assert code == 2
    assert "discover" not in session.desk.out[0]
    assert all("[IP PORT]" in text for text in session.desk.out[1:3])


async def test_json_for_one_command_or_for_all() -> None:
    session = Session(Typed("search song --json", "search song"))
    await session.run()
    assert session.desk.out[0].startswith("{")
    assert session.desk.out[1].startswith("name")
    session = Session(Typed("search song", "nonsense"), as_json=True)
    await session.run()
    assert session.desk.out[0].startswith("{")
    assert session.desk.err[0].startswith('{"error"')


async def test_a_fetch_runs_on_while_one_types_and_its_end_is_told(typing: Any) -> None:
    session, task = typing
    session.io.lines.put_nowait("fetch song.flac")
    await until(lambda: session.desk.out)
    assert session.desk.out == ["fetching song.flac, 2.0 MB (transfer 1)"]
    session.io.lines.put_nowait("shares")
    await until(lambda: len(session.desk.out) > 1)
    session.node.emit(finished())
    await until(lambda: session.desk.err and "fetched song.flac" in session.desk.err[-1])
    assert not task.done()


async def test_in_a_script_nothing_is_told_unasked() -> None:
    session = Session(Typed())
    task = asyncio.get_running_loop().create_task(session.run())
    await until(lambda: session.node.bus.followers == 1)
    session.node.emit(Published(time=TIME, files=1, bytes=1))
    session.io.lines.put_nowait("rescan")
    session.io.lines.put_nowait(None)
    assert await task == (0, "end")
    assert (session.desk.out, session.desk.err) == (["4 changes found"], [])


async def test_progress_stands_below_the_prompt(typing: Any) -> None:
    session, _ = typing
    assert session.io.statuses == [""]
    session.node.rows = [transfer(1, "active", 500_000), transfer(2, "queued")]
    await until(lambda: len(session.io.statuses) > 1)
    assert session.io.statuses[-1] == "song.flac: 25 %, 500.0 KB/s, 4.0 s left; 1 more"


async def test_an_engine_that_is_gone_ends_the_shell(typing: Any) -> None:
    session, task = typing
    await session.node.close()
    assert await task == (0, "gone")


async def test_ctrl_c_ends_the_command_and_not_the_shell(typing: Any) -> None:
    session, task = typing
    hanging = asyncio.Event()

    async def hang(_context: Context[NodeApi], _args: object) -> None:
        hanging.set()
        await asyncio.Event().wait()

    session.shell._handlers = {**HANDLERS, "rescan": hang}
    session.io.lines.put_nowait("rescan")
    await hanging.wait()
    os.kill(os.getpid(), signal.SIGINT)
    await until(lambda: "interrupted" in session.desk.err)
    session.io.lines.put_nowait("exit")
    assert await task == (0, "exit")


async def test_a_lost_tracker_is_told_once_until_it_is_back() -> None:
    teller = Teller()
    lost = Disconnected(time=TIME, reason="refused", retry_s=1)
    back = Connected(time=TIME, tracker="office", peer_id=ANNA, address="10.0.0.1:7070")
    assert teller(lost)
    assert teller(lost) == ""
    assert teller(back)
    assert teller(lost)
    ordinary = FetchStateChanged(time=TIME, id=TransferId(1), name="a", state="active")
    assert teller(ordinary) == ""


async def test_a_command_that_needs_the_tracker_waits_for_it() -> None:
    session = Session(Typed("search song"))
    session.node.trouble["search"] = not_found("No search without a tracker")
    asked: list[str] = []

    async def prepared(_context: Any, command: Any, _args: Any) -> None:
        asked.append(command.name)
        raise P2PError("Not connected", exit_code=5)  # type: ignore[arg-type]

    session.shell._prepare = prepared
    assert await session.run() == (5, "end")
    assert asked == ["search"]
