"""The line interpreter: reads commands, carries them out, tells what happens meanwhile.

In a pipe commands run one after the other and each is waited for. On a terminal a fetch goes on
while its user types, and its end is told. Knows neither side's api: it is given the handlers.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.command_context import Context
from p2ptui.command_line import HelpAskedFor, Parsed, command_help, parse_line, unknown_command
from p2ptui.commands import Command, Side, find_command, overview
from p2ptui.headless import Sentence
from p2ptui.net.tasks import spawn
from p2ptui.running import on_signals
from p2ptui.shell_io import ShellIO

Api = TypeVar("Api")
Handler = Callable[[Context[Api], Parsed], Awaitable[None]]
Feed = Callable[[], AsyncIterator[Any]]


@dataclass(frozen=True)
class Telling:
    """What is told between commands: events as sentences, sections as the status line."""

    feed: Feed
    sentence: Sentence
    status: Callable[[object], str | None]
    """The status line that follows from an item of the feed; None: it stays as it is."""


class Shell(Generic[Api]):
    """One session at a prompt, or one script from a pipe."""

    def __init__(
        self,
        side: Side,
        handlers: Mapping[str, Handler[Api]],
        context: Context[Api],
        io: ShellIO,
        *,
        prepare: Callable[[Context[Api], Command, Parsed], Awaitable[None]],
        telling: Telling,
    ) -> None:
        self._side = side
        self._handlers = handlers
        self._context = context
        self._io = io
        self._prepare = prepare
        self._telling = telling
        self._failed: int = ExitCode.DONE

    async def run(self) -> tuple[int, str]:
        """Exit code, and how it ended: `exit`, `detach`, `end` (of input) or `gone` (the engine).

        The code of a script is that of its first command that failed; a person saw what failed.
        """
        telling = spawn(self._tell(), name="shell events")
        try:
            while True:
                line = await self._next_line(telling)
                if line is None:
                    return self._failed, "gone" if telling.done() else "end"
                if (end := await self._carry_out(line)) is not None:
                    return self._failed, end
        finally:
            telling.cancel()
            await asyncio.wait({telling})

    async def _next_line(self, telling: asyncio.Task[None]) -> str | None:
        """The next line; None at the end of the input, or when the engine is gone."""
        reading = spawn(self._io.read(), name="shell input")
        try:
            await asyncio.wait({reading, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()  # a prompt puts the terminal back as it was
            await asyncio.wait({reading})
        return None if reading.cancelled() else reading.result()

    async def _carry_out(self, line: str) -> str | None:
        context = self._context
        try:
            parsed = parse_line(line, self._side)
            if parsed is None:
                return None
            command, args = parsed
            if args.flag("json"):
                context = replace(context, out=context.out.with_json(as_json=True))
            if command.name in {"exit", "detach"}:
                return command.name
            if command.name == "help":
                self._help(args.word(0))
            else:
                await self._interruptible(context, command, args)
        except HelpAskedFor as asked:
            context.out.result({"help": str(asked)}, str(asked).rstrip())
        except P2PError as error:
            context.out.error(error)
            if not self._io.interactive:
                self._failed = self._failed or error.exit_code
        return None

    async def _interruptible(self, context: Context[Api], command: Command, args: Parsed) -> None:
        """Run a command so that Ctrl-C ends it and not the shell."""
        task = asyncio.current_task()
        assert task is not None
        interrupted = False

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            task.cancel()

        names = ("SIGINT",) if self._io.interactive else ()
        with on_signals(interrupt, names):
            try:
                await self._prepare(context, command, args)
                await self._handlers[command.name](context, args)
            except asyncio.CancelledError:
                if not interrupted:
                    raise
                task.uncancel()
                context.out.say("interrupted")

    def _help(self, word: str) -> None:
        if not word:
            text = overview(self._side, "shell")
            text += "\n\nNames with spaces may be quoted. `help COMMAND` tells more about one."
        else:
            command = find_command(word.removeprefix("/"), self._side, "shell")
            if command is None:
                raise unknown_command(word, self._side, "shell")
            text = command_help(command, "shell")
        self._context.out.result({"help": text}, text)

    async def _tell(self) -> None:
        async with aclosing(cast("Any", self._telling.feed())) as items:
            async for item in items:
                status = self._telling.status(item)
                if status is not None:
                    self._io.status(status)
                elif self._io.interactive and (text := self._telling.sentence(item)):
                    self._context.out.say(text)
