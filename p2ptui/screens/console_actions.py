"""What keys do in both programs: moving about, help, leaving. Coroutines `do_<key>`."""

from p2ptui.screens.console import ConsoleScreen
from p2ptui.screens.help import key_help
from p2ptui.screens.palette import Palette
from p2ptui.widgets.command_line import CommandLine


class ConsoleActions:
    """The actions that every console has."""

    def __init__(self, console: ConsoleScreen) -> None:
        self._console = console

    async def do_hosts(self) -> None:
        """Go to the hosts."""
        self._console.focus_pane("hosts")

    async def do_log(self) -> None:
        """Go to the log."""
        self._console.focus_pane("log")

    async def do_next_pane(self) -> None:
        """Go to the next pane."""
        self._console.step_pane(1)

    async def do_previous_pane(self) -> None:
        """Go to the pane before."""
        self._console.step_pane(-1)

    async def do_find(self) -> None:
        """Open the box of the pane."""
        self._console.open_box()

    async def do_back(self) -> None:
        """One step back."""
        self._console.back()

    async def do_command(self) -> None:
        """Open the command line."""
        self._console.query_one(CommandLine).open()

    async def do_help(self) -> None:
        """The keys of the pane."""
        console, looks = self._console, self._console.looks
        console.app.push_screen(key_help(console.active, looks.keys, looks.glyphs))

    async def do_palette(self) -> None:
        """All keys and commands."""
        self._console.app.push_screen(Palette(self._console.looks.glyphs))

    async def do_quit(self) -> None:
        """Leave, after a question when something runs that nobody else looks after."""
        await self._console.leaving.ask()
