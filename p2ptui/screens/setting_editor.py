"""What stands under the settings: help on the one that is chosen, and the line that changes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from p2ptui.base.text import display
from p2ptui.node.api import SettingRow
from p2ptui.widgets.dialog import Paragraph
from p2ptui.widgets.field import Field
from p2ptui.widgets.table_rows import Tone


class SettingEditor(Vertical):
    """The line to type in, the help sentence, and what came of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False, id="setting.leave"),
        Binding("up", "choose(-1)", "Choice before", show=False, id="setting.before"),
        Binding("down", "choose(1)", "Next choice", show=False, id="setting.next"),
    ]
    DEFAULT_CSS = """
    SettingEditor {
        height: 5;
        padding: 0 1;
        border-top: solid $line;
        & > Field { display: none; }
        &.-editing > Field { display: block; }
        & > .setting--help { max-height: 2; }
        & > .setting--told { max-height: 2; }
    }
    """

    @dataclass
    class Given(Message):
        """Enter: another value."""

        text: str

    @dataclass
    class Tried(Message):
        """A choice is being looked at; not given yet."""

        text: str

    class Left(Message):
        """Escape: no other value."""

    def __init__(self) -> None:
        super().__init__()
        self._field = Field(id="setting-field")
        self._help = Paragraph(classes="setting--help")
        self._told = Paragraph(classes="setting--told")
        self._choices: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """From the top: what is typed, its help, what came of it."""
        yield self._field
        yield self._help
        yield self._told

    @property
    def editing(self) -> bool:
        """Whether a value is being typed."""
        return self.has_class("-editing")

    def describe(self, row: SettingRow | None) -> None:
        """Tell about the setting that is chosen."""
        if row is None:
            self._help.update("")
        else:
            own = f" Default: {row.default}." if row.default else ""
            self._help.update(Content(display(f"{row.help}{own}")))
        self.tell(row.note if row is not None else "", "dim")

    def edit(self, value: str, choices: Sequence[str]) -> None:
        """Begin to type."""
        self._choices = tuple(choices)
        self.add_class("-editing")
        with self.prevent(Input.Changed):
            self._field.value = value
        self._field.cursor_position = len(value)
        self._field.focus()
        if choices:
            self.tell("up and down go through the choices", "dim")

    def close(self) -> None:
        """End the typing."""
        self.remove_class("-editing")

    def tell(self, text: str, tone: Tone = "normal") -> None:
        """Say what came of it, in place."""
        for each in ("dim", "bad", "good", "warn"):
            self._told.set_class(each == tone, f"-{each}")
        self._told.update(Content(display(text)))

    def action_choose(self, step: int) -> None:
        """Go to another choice."""
        if not self._choices:
            return
        here = self._field.value
        place = self._choices.index(here) + step if here in self._choices else 0
        self._field.value = self._choices[place % len(self._choices)]
        self._field.cursor_position = len(self._field.value)

    def action_leave(self) -> None:
        """Change nothing."""
        self.post_message(self.Left())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.tell("")
        self.post_message(self.Tried(event.value.strip()))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Given(event.value.strip()))
