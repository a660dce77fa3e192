"""Composition roots of the tracker: the server as a process, a command in one shot, the shell."""

import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from p2ptui import __version__
from p2ptui.base.clock import SystemClock
from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.logs import configure_logs
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.base.text import display
from p2ptui.command_context import Context
from p2ptui.command_line import Parsed
from p2ptui.commands import TRACKER_PROGRAM, Command
from p2ptui.completion import LineCompleter
from p2ptui.home_lock import HomeLock, in_use
from p2ptui.launch import report_start, start_engine, wait_gone
from p2ptui.net.loop import raise_descriptor_limit
from p2ptui.net.supervision import Supervisor
from p2ptui.net.tasks import TaskSet
from p2ptui.output import Output, standard_output, write_line
from p2ptui.running import on_signals, served, told
from p2ptui.shell import Telling
from p2ptui.shell_io import Completer
from p2ptui.shell_program import Front, run_shell
from p2ptui.tracker_commands import HANDLERS, tracker_sentence
from tracker.api import Page, TrackerApi
from tracker.remote import RemoteTracker

STATUS_S = 1.0
CANDIDATES = 50
log = logging.getLogger(__name__)


async def run_tracker(
    home: Home, settings: Settings, *, as_json: bool, detached: bool, new_swarm: bool
) -> int:
    """`p2ptui tracker --headless`: until somebody stops it."""
    from tracker.opening import open_tracker  # noqa: PLC0415  (front-ends need no engine)

    lock = HomeLock.take(home.tracker.lock)
    if lock is None:
        raise in_use(home.tracker.lock, "tracker")
    with lock:
        configure_logs(home.tracker.log)
        raise_descriptor_limit()
        server = open_tracker(home.tracker, settings, clock=SystemClock(), new_swarm=new_swarm)
        write = _discard if detached else lambda text: write_line(sys.stdout, text)
        sentence = None if as_json else tracker_sentence
        supervisor = Supervisor(os.environ)
        async with (
            told(server.feed((), 1.0), write, sentence),
            served(home.tracker, server, TrackerApi),
            supervisor.told(),
            reloaded_at_hangup(server, supervisor),
        ):
            if detached:
                report_start(None)
            await server.wait_stopped()
    return ExitCode.DONE


@asynccontextmanager
async def reloaded_at_hangup(api: TrackerApi, supervisor: Supervisor) -> AsyncIterator[None]:
    """SIGHUP reads the settings again while the block runs; how that went is told as an event.

    Not of a tracker at a terminal: there the signal says that the terminal is gone.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        yield
        return
    tasks = TaskSet()

    async def reload() -> None:
        supervisor.reloading()
        try:
            await api.reload()
        except P2PError as error:
            log.warning("%s", error)
        finally:
            supervisor.ready()

    def hang_up() -> None:
        tasks.spawn(reload(), name="reload")

    with on_signals(hang_up, ("SIGHUP",)):
        try:
            yield
        finally:
            await tasks.cancel_all()


def _discard(_text: str) -> None:
    """What is told by a tracker that nobody watches."""


async def run_tracker_command(home: Home, command: Command, args: Parsed) -> int:
    """A command in one shot, asked of the running tracker; the exit code."""
    out = standard_output(as_json=args.flag("json"))
    api = await RemoteTracker.connect(home.tracker.control)
    if api is None:
        if command.name == "stop":
            out.result({"stopped": False}, "No tracker is running in this home.")
            return ExitCode.DONE
        raise unreachable(
            "No tracker is running in this home",
            str(home.tracker.folder),
            "Start one with `p2ptui tracker`, or name its home with P2PTUI_HOME.",
        )
    try:
        if command.name == "stop":
            await api.stop()
        else:
            await HANDLERS[command.name](Context(api=api, out=out), args)
            return ExitCode.DONE
    finally:
        await api.close()
    await _wait_stopped(home, out)
    return ExitCode.DONE


async def _wait_stopped(home: Home, out: Output) -> None:
    if not await wait_gone(home.tracker.lock):
        raise unreachable(
            "The tracker is still running",
            "It agreed to stop but has not ended yet.",
            f"Look into its log: {home.tracker.log}",
        )
    out.result({"stopped": True}, "The tracker has stopped.")


async def start_tracker_here(home: Home) -> str:
    """The join link of the home's tracker, which is started when none runs; it stays running.

    Raises the `P2PError` that its start ended with.
    """
    api = await RemoteTracker.connect(home.tracker.control)
    if api is None:
        await start_engine(["tracker", "--headless"], home.tracker.log)
        api = await RemoteTracker.connect(home.tracker.control)
    if api is None:
        hint = f"Its log may tell why: {home.tracker.log}"
        raise unreachable("The tracker does not answer", "It was started, and is gone.", hint)
    try:
        return (await api.status()).link
    finally:
        await api.close()


async def run_tracker_shell(home: Home, args: Parsed) -> int:
    """`p2ptui tracker --shell`; the exit code."""
    front: Front[RemoteTracker] = Front(
        side="tracker",
        what="tracker",
        place=home.tracker,
        remote=RemoteTracker,
        arguments=engine_arguments(args),
        handlers=HANDLERS,
        prepare=prepare,
        telling=_telling,
        completer=completer,
        begin=begin_with(args),
        welcome=_welcome,
    )
    return await run_shell(front, as_json=args.flag("json"))


def engine_arguments(args: Parsed) -> list[str]:
    """The command line that starts a tracker."""
    return ["tracker", "--headless", *_server_arguments(args)]


def _server_arguments(args: Parsed) -> list[str]:
    words: list[str] = []
    for option in TRACKER_PROGRAM.options:
        if option.setting.startswith("tracker.") and args.text(option.key):
            words += [option.name, args.text(option.key)]
        elif option.name in {"--invite-only", "--new-swarm"} and args.flag(option.key):
            words.append(option.name)
    return words


def begin_with(args: Parsed) -> Callable[[Context[TrackerApi], bool], Awaitable[None]]:
    """Tells which flags do not count for a tracker that runs already."""

    async def begin(context: Context[TrackerApi], was_running: bool) -> None:
        words = _server_arguments(args)
        if was_running and words:
            names = ", ".join(word for word in words if word.startswith("--"))
            context.out.say(f"The tracker runs already: {names} counts from its next start.")

    return begin


async def prepare(_context: Context[TrackerApi], _command: Command, _args: Parsed) -> None:
    """A tracker needs nobody to be there first."""


async def _welcome(api: RemoteTracker) -> str:
    status = await api.status()
    joining = "from this network without an invite" if status.open else "by invite only"
    return "\n".join(
        [
            f"p2ptui {__version__}: tracker of {display(status.name)} on {display(status.listen)}",
            f"Join link:   {display(status.link)}",
            f"Fingerprint: {status.pin}",
            f"Hosts join {joining}; {status.hosts} are online, {status.known} known.",
            "Type: hosts, discover HOST, ping HOST, invite, stats, help, exit",
        ]
    )


def _telling(api: RemoteTracker) -> Telling:
    return Telling(
        feed=lambda: api.feed((), STATUS_S), sentence=tracker_sentence, status=lambda _item: None
    )


def completer(api: TrackerApi) -> Completer:
    """Completion by what a tracker knows."""

    async def hosts(text: str) -> list[str]:
        page = await api.hosts(Page(filter=text, limit=CANDIDATES))
        return [row.nick or row.peer_id for row in page.rows]

    return LineCompleter("tracker", {"host": hosts})
