"""The command line of a screen: every command of the shell, through the same handlers.

What a command says goes to the log pane. Where that is not seen, a single line becomes a notice,
and more than one line brings the log up.
"""

from typing import TYPE_CHECKING, Any

from p2ptui.base.errors import P2PError
from p2ptui.command_context import Context
from p2ptui.command_line import HelpAskedFor, Parsed, command_help, parse_line, unknown_command
from p2ptui.commands import Command, find_command, overview
from p2ptui.output import Output
from p2ptui.screens.notices import tell, tell_error
from p2ptui.shell_io import last_word
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.dialog import Question

if TYPE_CHECKING:
    from p2ptui.screens.console import ConsoleScreen
    from p2ptui.screens.session import Language


class Commanding:
    """Carries out typed lines for one screen."""

    def __init__(self, screen: "ConsoleScreen", language: "Language[Any]", api: object) -> None:
        self._screen = screen
        self._language = language
        self._api = api
        self._side = screen.SIDE
        self._complete = language.completer(api)
        self.start_tracker = language.start_tracker

    async def complete(self, line: str) -> list[str]:
        """Whole lines that a typed one may become."""
        typed = last_word(line)
        head = line[: len(line) - len(typed)]
        return [head + word for word in await self._complete(line)]

    def helper(self, line: str) -> str:
        """Usage of the command that a line begins with."""
        word = line.strip().removeprefix("/").partition(" ")[0]
        command = find_command(word, self._side, "shell")
        return "" if command is None else f"{command.usage()}: {command.help}"

    async def carry_out(self, line: str) -> None:
        """Run a line to its end. What goes wrong is told."""
        lines: list[str] = []
        try:
            parsed = parse_line(line, self._side)
            if parsed is None:
                return
            self._screen.log_pane.echo(line)
            await self._run(*parsed, lines)
        except HelpAskedFor as asked:
            self._write(lines, str(asked).rstrip())
        except P2PError as error:
            parts = (error.title, error.message, error.hint)
            text = ". ".join(part.rstrip(".") for part in parts if part)
            self._screen.log_pane.write([text], "error")
            tell_error(self._screen.app, error)
            return
        self._bring_up(lines)

    async def _run(self, command: Command, args: Parsed, lines: list[str]) -> None:
        screen = self._screen
        match command.name:
            case "exit":
                await screen.leaving.stop()
            case "detach":
                screen.leaving.detach()
            case "help":
                self._help(args.word(0), lines)
            case _ if await screen.shows(command, args):
                pass
            case _:
                context = self._context(lines, as_json=args.flag("json"))
                await self._language.prepare(context, command, args)
                await self._language.handlers[command.name](context, args)

    async def begin(self, *, was_running: bool) -> None:
        """Do what the program's flags ask for."""
        await self._language.begin(self._context([], as_json=False), was_running)

    def _context(self, lines: list[str], *, as_json: bool) -> Context[Any]:
        def write(text: str) -> None:
            self._write(lines, text)

        width = self._screen.log_pane.columns
        return Context(
            api=self._api,
            out=Output(as_json=as_json, out=write, err=write, width=width),
            wait=False,
            ask=self._ask,
        )

    def _help(self, word: str, lines: list[str]) -> None:
        if not word:
            self._write(lines, overview(self._side, "shell"))
            return
        command = find_command(word.removeprefix("/"), self._side, "shell")
        if command is None:
            raise unknown_command(word, self._side, "shell")
        self._write(lines, command_help(command, "shell"))

    def _write(self, lines: list[str], text: str) -> None:
        lines.append(text)
        self._screen.log_pane.write([text])

    def _bring_up(self, lines: list[str]) -> None:
        screen = self._screen
        if not lines or not screen.narrow or screen.active == "log":
            return
        if len(lines) == 1 and "\n" not in lines[0]:
            tell(screen.app, lines[0])
        else:
            screen.focus_pane("log")

    async def _ask(self, question: str) -> bool:
        answers = (Answer("no", "No", "n"), Answer("yes", "Yes", "y"))
        dialog = Question("A question", [question], answers, tone="warn")
        return await self._screen.app.push_screen_wait(dialog) == "yes"
