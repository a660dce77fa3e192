"""A stage for widgets: an app that shows some and keeps what they say."""

from collections.abc import Sequence
from typing import TypeVar

from textual import on
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

from p2ptui.widgets.theme import ThemedApp

M = TypeVar("M", bound=Message)

HOSTILE = {
    "\x1b[2J": "\\x1b[2J",  # F42: clears the screen
    "\x1b]52;c;cHduZWQ=\x07": "\\x1b]52;c;cHduZWQ=\\x07",  # sets the clipboard
    "\x1b]8;;https://example.org\x1b\\link": "\\x1b]8;;https://example.org\\x1b\\link",
    "\x1b]0;title\x07": "\\x1b]0;title\\x07",
    "\x1bPq#0\x1b\\": "\\x1bPq#0\\x1b\\",
    "\x9b2J": "\\x9b2J",
    "\u202egpj.exe": "\\u202egpj.exe",  # F43: bidi and invisible
    "\u2066a\u2069": "\\u2066a\\u2069",
    "a\u200bb\ufeffc": "a\\u200bb\\ufeffc",
    "[red]": "[red]",  # F44: markup
    "[/foo]": "[/foo]",
    "[@click=app.quit]x[/]": "[@click=app.quit]x[/]",
    "[link=https://example.org]y[/link]": "[link=https://example.org]y[/link]",
    "$primary": "$primary",
}
"""Remote names that a terminal or a markup parser would act upon, and how they are shown."""


class Stage(ThemedApp[None]):
    """Shows widgets one below the other."""

    def __init__(self, *widgets: Widget, css: str = "") -> None:
        super().__init__()
        self._shown = widgets
        self._said: list[Message] = []
        self.stylesheet.add_source(css, read_from=("stage", ""))

    def compose(self) -> ComposeResult:
        yield from self._shown

    @on(Message)
    def _keep(self, message: Message) -> None:
        self._said.append(message)

    def said(self, kind: type[M]) -> list[M]:
        """Messages of a kind that arrived since the last call."""
        found = [message for message in self._said if isinstance(message, kind)]
        self._said = [message for message in self._said if not isinstance(message, kind)]
        return found


def shown(widget: Widget) -> list[str]:
    """The lines of a widget as text, as they go to the terminal."""
    strips = widget.render_lines(Region(0, 0, *widget.outer_size))
    return [strip.text for strip in strips]


def colours(widget: Widget, line: int) -> Sequence[tuple[str, str]]:
    """Texts of a line with the colours that they are drawn in."""
    strip = widget.render_lines(Region(0, line, widget.outer_size.width, 1))[0]
    return [
        (text, style.color.name)
        for text, style, _ in strip
        if style is not None and style.color is not None
    ]
