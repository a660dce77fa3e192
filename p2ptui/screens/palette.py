"""The palette: every key of the focused pane and every command, found by a few letters.

A key is pressed by choosing it. A command that needs words is put on the command line, where its
help stands; one that needs none is carried out.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from rich.text import Text
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider, SearchIcon

from p2ptui.commands import Command, commands
from p2ptui.screens.keys import TRACKER, keys_of
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.glyphs import UNICODE, Glyphs

if TYPE_CHECKING:
    from p2ptui.screens.console import ConsoleScreen

KEY_CELLS = 9
USAGE_CELLS = 30
_UNLISTED = frozenset({"palette", "command", "back", "next-pane", "previous-pane"})
"""Keys that make no sense from here."""


class Entry(NamedTuple):
    """One line of the palette."""

    head: str
    """What to press or type."""
    help: str
    run: Callable[[], object]

    @property
    def text(self) -> str:
        """What is searched in."""
        return f"{self.head} {self.help}"

    @property
    def line(self) -> Text:
        """What is shown; never markup."""
        return Text.assemble(self.head, (self.help, "dim"))


class KeysAndCommands(Provider):
    """The keys of the focused pane, then all commands."""

    async def discover(self) -> Hits:
        """All of them, in the order of their tables."""
        for entry in self._entries():
            yield DiscoveryHit(entry.line, entry.run, entry.text)

    async def search(self, query: str) -> Hits:
        """Those that hold the letters of the query, the best first."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score = matcher.match(entry.text)
            if score > 0:
                yield Hit(score, entry.line, entry.run, entry.text)

    def _entries(self) -> Iterator[Entry]:
        screen = cast("ConsoleScreen", self.screen)
        for key in keys_of(screen.active, screen.looks.keys):
            if key.id.removeprefix(TRACKER) not in _UNLISTED:
                head = f"{key.shown:<{KEY_CELLS}}"
                yield Entry(head, key.help, partial(screen.run_action, key.action))
        for command in commands(screen.SIDE, "screen"):
            usage = " ".join([command.name, *(param.usage for param in command.params)])
            head = f"{usage:<{USAGE_CELLS}}"
            yield Entry(head, command.help, partial(_begin, screen, command))


def needs_words(command: Command) -> bool:
    """Whether a command does nothing without arguments."""
    return any(param.takes in {"one", "many"} for param in command.params)


def _begin(screen: "ConsoleScreen", command: Command) -> None:
    """Carry it out, or put it on the command line."""
    if needs_words(command):
        screen.query_one(CommandLine).open(f"{command.name} ")
    else:
        screen.attempt(screen.commanding.carry_out(command.name), group="command")


class Palette(CommandPalette):
    """Textual's palette in our looks: no picture, no spinner."""

    DEFAULT_CSS = """
    Palette {
        & > Vertical {
            margin-top: 2; max-width: 76; height: auto; background: $background;
        }
        & #--input { height: 3; border: round $primary; background: $background; }
        & #--input.--list-visible { border: round $primary; }
        & #--input SearchIcon { margin: 0 0 0 1; color: $primary; text-style: bold; }
        & CommandInput, & CommandInput:focus { border: none; height: 1; padding: 0; }
        & #--results { height: auto; }
        & CommandList {
            border: round $line; background: $background; max-height: 70vh;
            scrollbar-size-vertical: 1; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & CommandList > .option-list--option { padding: 0 1; text-style: none; }
        & CommandList > .option-list--option-highlighted {
            background: $cursor; color: $foreground; text-style: bold;
        }
        & LoadingIndicator, & LoadingIndicator.--visible { display: none; }
    }
    """

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(providers=(KeysAndCommands,), placeholder="a key or a command")
        self._glyphs = glyphs

    def on_mount(self) -> None:
        """Show our prompt in the place of the picture."""
        self.query_one(SearchIcon).icon = self._glyphs.prompt
