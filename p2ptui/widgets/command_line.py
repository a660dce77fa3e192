"""CommandLine: one row for commands, with history, completion, and help on what is being typed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from p2ptui.base.text import display, elide_middle
from p2ptui.widgets.field import Field
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.line_history import LineHistory

Completer = Callable[[str], Awaitable[Sequence[str]]]
"""Whole lines that the typed one may become."""
Helper = Callable[[str], str]
"""A few words about the command that a line begins with; empty when there is nothing to say."""


def common_start(lines: Sequence[str]) -> str:
    """What all the lines begin with; pure."""
    first, last = min(lines, default=""), max(lines, default="")
    for place, character in enumerate(first):
        if last[place : place + 1] != character:
            return first[:place]
    return first


class CommandLine(Horizontal):
    """A prompt, a field, and at the right a dim word of help."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "back", "Line before", show=False, id="command-line.back"),
        Binding("down", "forward", "Line after", show=False, id="command-line.forward"),
        Binding("tab", "complete(1)", "Complete", show=False, id="command-line.complete"),
        Binding("shift+tab", "complete(-1)", show=False, id="command-line.complete-back"),
        Binding("escape", "leave", "Leave", show=False, id="command-line.leave"),
    ]
    DEFAULT_CSS = """
    CommandLine {
        height: 1;
        background: $foot;
        padding: 0 1;
        & > .command-line--prompt { width: 2; color: $primary; text-style: bold; }
        & > Field.-textual-compact { width: 1fr; background: $foot; padding: 0; }
        & > .command-line--help {
            width: auto; max-width: 60%; color: $foreground 55%; text-wrap: nowrap;
            text-overflow: ellipsis;
        }
    }
    """

    @dataclass
    class Submitted(Message):
        """Enter: a line that is not empty."""

        command_line: "CommandLine"
        text: str

        @property
        def control(self) -> "CommandLine":
            """The command line, for `@on(…, "#id")`."""
            return self.command_line

    @dataclass
    class Left(Message):
        """Escape, or Enter on an empty line: back to where the focus was."""

        command_line: "CommandLine"

        @property
        def control(self) -> "CommandLine":
            """The command line, for `@on(…, "#id")`."""
            return self.command_line

    def __init__(
        self,
        *,
        placeholder: str = "",
        completer: Completer | None = None,
        helper: Helper | None = None,
        history: Sequence[str] = (),
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`placeholder`: examples, dim, while nothing is typed."""
        super().__init__(id=id, classes=classes)
        self.history = LineHistory(history)
        self.completer = completer
        self.helper = helper
        self._glyphs = glyphs
        self._field = Field(placeholder=placeholder)
        self._help = Static(classes="command-line--help")
        self._prompt = Static(Content(glyphs.prompt), classes="command-line--prompt")
        self._candidates: tuple[str, ...] = ()
        self._candidate = -1

    def compose(self) -> ComposeResult:
        """Prompt, field, help."""
        yield self._prompt
        yield self._field
        yield self._help

    @property
    def text(self) -> str:
        """What is typed."""
        return self._field.value

    def open(self, text: str = "") -> None:
        """Take the focus; `text` is typed already."""
        self._put(text)
        self._field.focus()

    def set_glyphs(self, glyphs: Glyphs) -> None:
        """Draw with another set of signs."""
        self._glyphs = glyphs
        self._prompt.update(Content(glyphs.prompt))

    def action_back(self) -> None:
        """Show the line before."""
        self._put(self.history.back(self.text))

    def action_forward(self) -> None:
        """Show the line after."""
        self._put(self.history.forward(self.text))

    def action_leave(self) -> None:
        """Forget what is typed and go back."""
        self.history.leave()
        self._put("")
        self.post_message(self.Left(self))

    def action_complete(self, step: int) -> None:
        """Complete; when there are several ways, go through them."""
        if self._candidates:
            self._candidate = (self._candidate + step) % len(self._candidates)
            self._put(self._candidates[self._candidate], keep_candidates=True)
            self._show_candidates()
        elif self.completer is not None:
            self.run_worker(self._complete(self.text, self.completer), exclusive=True)

    async def _complete(self, line: str, completer: Completer) -> None:
        found = tuple(await completer(line))
        if not found or self.text != line:  # more was typed meanwhile
            return
        common = common_start(found)
        if len(found) == 1 or (len(common) > len(line) and common.startswith(line)):
            self._put(common)
        if len(found) > 1:
            self._candidates = found
            self._candidate = -1
            self._show_candidates()

    def _show_candidates(self) -> None:
        start = common_start(self._candidates).rpartition(" ")[0]
        cut = len(start) + 1 if start else 0
        after = (self._candidates[self._candidate + 1 :] + self._candidates)[
            : len(self._candidates)
        ]
        self._say("  ".join(display(line[cut:]).strip() for line in after))

    def _put(self, text: str, *, keep_candidates: bool = False) -> None:
        if not keep_candidates:
            self._forget_candidates()
        with self.prevent(Input.Changed):
            self._field.value = text
        self._field.cursor_position = len(text)
        if not keep_candidates:
            self._tell_help()

    def _forget_candidates(self) -> None:
        self._candidates = ()
        self._candidate = -1

    def _tell_help(self) -> None:
        line = self.text
        self._say(self.helper(line) if self.helper is not None and line.strip() else "")

    def _say(self, text: str) -> None:
        room = max(self.size.width * 3 // 5, 10)
        self._help.update(
            Content(elide_middle(f"  {display(text)}", room, self._glyphs.ellipsis) if text else "")
        )

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._forget_candidates()
        self._tell_help()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        line = event.value.strip()
        self.history.add(line)
        self._put("")
        self.post_message(self.Submitted(self, line) if line else self.Left(self))
