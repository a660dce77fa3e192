"""Composition roots of the peer: the node as a process, and a command in one shot."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from p2ptui.base.clock import SystemClock
from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.logs import configure_logs
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.command_context import Context, time_limit
from p2ptui.command_line import Parsed, split_address
from p2ptui.commands import Command
from p2ptui.headless import node_sentence
from p2ptui.home_lock import HomeLock, in_use
from p2ptui.launch import report_start, wait_gone
from p2ptui.net.loop import raise_descriptor_limit
from p2ptui.node.api import NodeApi
from p2ptui.node.remote import RemoteNode
from p2ptui.output import Output, standard_output, write_line
from p2ptui.peer_commands import HANDLERS
from p2ptui.peer_waiting import wait_connected
from p2ptui.progress import NoProgress, ProgressLine, ProgressSink
from p2ptui.running import served, told

if TYPE_CHECKING:
    from p2ptui.node.node import Node

LOCK_PATIENCE_S = 5.0
POLL_S = 0.05
_ONCE_ONE_RUNS = "others see this once one does (p2ptui peer --headless)."
_WITHOUT_NODE = {
    "share": _ONCE_ONE_RUNS,
    "publish": _ONCE_ONE_RUNS,
    "limit": "the limit ended with this command. A lasting one goes into the settings file.",
}
"""What a command that ran without a node could not do."""


async def _open(home: Home, settings: Settings, trust: str = "") -> "Node":
    from p2ptui.node.opening import open_node  # noqa: PLC0415  (front-ends need no engine)

    return await open_node(home.node, settings, clock=SystemClock(), trust=trust)


# --- the node as a process -----------------------------------------------------------------------


async def run_node(
    home: Home, settings: Settings, *, as_json: bool, detached: bool, trust: str
) -> int:
    """`p2ptui peer --headless`: until somebody stops it."""
    lock = HomeLock.take(home.node.lock)
    if lock is None:
        raise in_use(home.node.lock, "node")
    with lock:
        configure_logs(home.node.log)
        raise_descriptor_limit()
        node = await _open(home, settings, trust)
        write = _discard if detached else lambda text: write_line(sys.stdout, text)
        sentence = None if as_json else node_sentence
        async with (
            told(node.feed((), 1.0), write, sentence),
            served(home.node, node, NodeApi),
        ):
            if detached:
                report_start(None)
            await node.wait_stopped()
    return ExitCode.DONE


def _discard(_text: str) -> None:
    """What is told by a node that nobody watches."""


# --- one command ---------------------------------------------------------------------------------


@asynccontextmanager
async def reach_node(
    home: Home, settings: Settings, out: Output
) -> AsyncIterator[Context[NodeApi]]:
    """The running node of the home, or one in this process for as long as the block runs.

    Raises `P2PError` (usage) when another process holds the home and cannot be asked.
    """
    deadline = asyncio.get_running_loop().time() + LOCK_PATIENCE_S
    while True:
        remote = await RemoteNode.connect(home.node.control)
        if remote is not None:
            try:
                yield Context(api=remote, out=out, progress=_progress(out), stays=True)
            finally:
                await remote.close()
            return
        lock = HomeLock.take(home.node.lock)
        if lock is not None:
            break
        if asyncio.get_running_loop().time() >= deadline:
            raise in_use(home.node.lock, "node")
        await asyncio.sleep(POLL_S)
    with lock:
        configure_logs(home.node.log)
        raise_descriptor_limit()
        node = await _open(home, settings)
        async with served(home.node, node, NodeApi) as control:
            try:
                yield Context(api=node, out=out, progress=_progress(out), stays=False)
            except P2PError:
                await control.wait_idle()
                raise
            if control.busy:
                out.say("(another command uses this node: staying until it is done)")
                await control.wait_idle()


def _progress(out: Output) -> ProgressSink:
    if out.as_json or not sys.stderr.isatty():
        return NoProgress()
    import shutil  # noqa: PLC0415  (for a terminal's width only)

    return ProgressLine(sys.stderr, shutil.get_terminal_size().columns)


async def run_command(home: Home, settings: Settings, command: Command, args: Parsed) -> int:
    """A command in one shot; the exit code."""
    out = standard_output(as_json=args.flag("json"))
    if command.name == "stop":
        return await _stop(home, out)
    async with reach_node(home, settings, out) as found:
        ask = _ask if sys.stdin.isatty() and sys.stderr.isatty() and not out.as_json else None
        context = replace(found, ask=ask)
        await prepare(context, command, args)
        await HANDLERS[command.name](context, args)
        if not context.stays and command.name in _WITHOUT_NODE:
            out.say(f"No node is running: {_WITHOUT_NODE[command.name]}")
    return ExitCode.DONE


async def prepare(context: Context[NodeApi], command: Command, args: Parsed) -> None:
    """Wait for the tracker where a command needs it. Raises `P2PError` (unreachable).

    While it is away members in reach will do for what they can answer.
    """
    if command.need not in {"swarm", "members"}:
        return
    if command.name == "fetch" and split_address(args.words(0))[1]:
        return  # from one address: the node itself knows whether it can do without the tracker
    await wait_connected(
        context.api, time_limit(args) or context.timeout_s, or_members=command.need == "members"
    )


async def _stop(home: Home, out: Output) -> int:
    remote = await RemoteNode.connect(home.node.control)
    if remote is None:
        out.result({"stopped": False}, "No node is running in this home.")
        return ExitCode.DONE
    await remote.stop()
    await remote.close()
    if not await wait_gone(home.node.lock):
        raise unreachable(
            "The node is still running",
            "It agreed to stop but has not ended yet.",
            f"Look into its log: {home.node.log}",
        )
    out.result({"stopped": True}, "The node has stopped.")
    return ExitCode.DONE


async def _ask(question: str) -> bool:
    """Ask at the terminal, without holding up the loop."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answer = await asyncio.to_thread(sys.stdin.readline)
    return answer.strip().lower() in {"y", "yes"}
