"""A shell from its start to its end: attach to the engine or start one, talk, leave.

Who starts an engine ends it: at the end of the input, at a signal and at `exit`. A shell that found
one running leaves it running, but for `exit`, which stops it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.command_context import Context
from p2ptui.command_line import Parsed
from p2ptui.commands import Command, Side
from p2ptui.home_lock import in_use
from p2ptui.launch import Started, start_engine, wait_gone
from p2ptui.output import Output, standard_output
from p2ptui.running import Interrupted, interruptible
from p2ptui.shell import Handler, Shell, Telling
from p2ptui.shell_io import Completer, terminal

STOPPING_S = 1.8


class Remote(Protocol):
    """What the clients of both engines have in common."""

    @classmethod
    async def connect(cls, path: Path) -> Self | None:
        """The engine at that path, or None."""
        ...

    async def stop(self) -> None:
        """End the engine."""
        ...

    async def close(self) -> None:
        """Leave it."""
        ...


Api = TypeVar("Api", bound=Remote)


class Place(Protocol):
    """The parts of a home that a shell uses."""

    @property
    def folder(self) -> Path:
        """The home's folder."""
        ...

    @property
    def lock(self) -> Path:
        """Lock file."""
        ...

    @property
    def control(self) -> Path:
        """Control endpoint."""
        ...

    @property
    def log(self) -> Path:
        """Log file."""
        ...


@dataclass(frozen=True)
class Front(Generic[Api]):
    """What makes a shell that of a peer or of a tracker."""

    side: Side
    what: str
    place: Place
    remote: type[Api]
    arguments: Sequence[str]
    """Command line that starts the engine."""
    handlers: Mapping[str, Handler[Api]]
    prepare: Callable[[Context[Api], Command, Parsed], Awaitable[None]]
    telling: Callable[[Api], Telling]
    completer: Callable[[Api], Completer]
    begin: Callable[[Context[Api], bool], Awaitable[None]]
    """What is done first; the flag says whether the engine was running before."""
    welcome: Callable[[Api], Awaitable[str]]


async def attach(front: Front[Api]) -> tuple[Api, Started | None]:
    """The running engine of the home, or one started for it."""
    api = await front.remote.connect(front.place.control)
    if api is not None:
        return api, None
    started = await start_engine(front.arguments, front.place.log)
    api = await front.remote.connect(front.place.control)
    if api is None:
        started.terminate()
        raise unreachable(
            f"The {front.what} does not answer",
            "It was started, but its control endpoint cannot be reached.",
            f"Its log may tell why: {front.place.log}",
        )
    return api, started


async def run_shell(front: Front[Api], *, as_json: bool) -> int:
    """Run a shell to its end; the exit code."""
    out = standard_output(as_json=as_json)
    api, started = await attach(front)
    end = "end"
    try:
        with terminal(
            f"{front.side}> ", front.place.folder / f"{front.side}.history", front.completer(api)
        ) as io:
            context = Context(
                api=api,
                out=out,
                progress=io.progress,
                wait=not io.interactive,
                ask=io.confirm if io.interactive else None,
            )
            shell = Shell(
                front.side,
                front.handlers,
                context,
                io,
                prepare=front.prepare,
                telling=front.telling(api),
            )
            # On a terminal Ctrl-C belongs to the prompt and to the command that runs.
            signals = ("SIGTERM", "SIGHUP") if io.interactive else ("SIGINT", "SIGTERM", "SIGHUP")
            code, end = await interruptible(
                _converse(front, context, shell, started, interactive=io.interactive), signals
            )
    except Interrupted:
        return ExitCode.INTERRUPTED
    else:
        if end == "gone":
            out.say(f"The {front.what} has stopped.")
            return code or ExitCode.UNREACHABLE
        return code
    finally:
        await _leave(front, api, started, end, out)


async def _converse(
    front: Front[Api],
    context: Context[Api],
    shell: Shell[Api],
    started: Started | None,
    *,
    interactive: bool,
) -> tuple[int, str]:
    try:
        await front.begin(context, started is None)
    except P2PError as error:
        context.out.error(error)
        if not interactive:
            return error.exit_code, "end"
    if interactive:
        context.out.say(await front.welcome(context.api))
    return await shell.run()


async def _leave(
    front: Front[Api], api: Api, started: Started | None, end: str, out: Output
) -> None:
    """Stop the engine when it is ours or when that was asked for."""
    if end == "exit" or (end == "end" and started is not None):
        with suppress(P2PError, TimeoutError):
            async with asyncio.timeout(STOPPING_S):
                await api.stop()
        gone = await (started.ended() if started else wait_gone(front.place.lock))
        if not gone:
            out.error(in_use(front.place.lock, front.what))
    elif end == "detach":
        command = "p2ptui tracker stop" if front.side == "tracker" else "p2ptui stop"
        out.say(f"The {front.what} goes on running; `{command}` ends it.")
    await api.close()
