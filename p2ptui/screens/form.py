"""Dialogs that ask for lines, and say in place why they do not take one."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ScreenResultType
from textual.widget import Widget
from textual.widgets import Input

from p2ptui.base.text import display
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.dialog import Dialog, Paragraph, paragraph
from p2ptui.widgets.field import Field
from p2ptui.widgets.table_rows import Tone, Toned

Check = Callable[[str], str]
"""Why a line is not taken; empty when it is."""
CANCEL = "cancel"


def anything(_line: str) -> str:
    """A check that takes every line."""
    return ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line to type."""

    key: str
    label: str = ""
    value: str = ""
    placeholder: str = ""
    check: Check = anything


class Asking(Dialog[ScreenResultType]):
    """Lines to type: Enter goes to the next, and on the last one takes them all."""

    AUTO_FOCUS = "Field"

    def __init__(
        self,
        heading: str,
        said: Sequence[str | Toned],
        lines: Sequence[Line],
        *,
        give: str = "OK",
        tone: Tone = "accent",
    ) -> None:
        """`give`: the answer that takes the lines."""
        bad: Tone = "bad" if tone == "warn" else "normal"
        answers = (Answer(CANCEL, "Cancel"), Answer("give", give, tone=bad))
        super().__init__(heading, answers, tone=tone)
        self._said = tuple(said)
        self.lines = tuple(lines)
        self.fields = [Field(line.value, placeholder=line.placeholder) for line in lines]
        self._trouble = Paragraph(classes="-bad")

    def compose_body(self) -> Iterable[Widget]:
        """What is said, the lines, and why one was not taken."""
        for said in self._said:
            yield paragraph(said if isinstance(said, Toned) else Toned(said, "normal"))
        yield from self.compose_lines()
        yield self._trouble

    @abstractmethod
    def compose_lines(self) -> Iterable[Widget]:
        """The lines."""

    @abstractmethod
    def result(self) -> ScreenResultType:
        """What was typed, once all checks passed."""

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        place = next(n for n, field in enumerate(self.fields) if field is event.input)
        if place + 1 < len(self.fields):
            self.fields[place + 1].focus()
        else:
            self._take()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._trouble.update("")

    def give(self, answer: Answer) -> None:
        """Take the lines, or close."""
        if answer.key == CANCEL:
            self.dismiss(None)
        else:
            self._take()

    def _take(self) -> None:
        for line, field in zip(self.lines, self.fields, strict=True):
            trouble = line.check(field.value)
            if trouble:
                where = f"{line.label}: " if line.label else ""
                self._trouble.update(Content(display(where + trouble)))
                field.focus()
                return
        self.dismiss(self.result())


class Form(Asking[Mapping[str, str]]):
    """Lines with labels; the result has a text for each key, None when it was closed."""

    DEFAULT_CSS = """
    Form {
        & .form--line { height: 1; margin: 1 0 0 0; }
        & .form--label { width: 14; color: $foreground 70%; }
        & .form--line Field { width: 1fr; }
    }
    """

    def compose_lines(self) -> Iterable[Widget]:
        """A label and a field each."""
        for line, field in zip(self.lines, self.fields, strict=True):
            label = Paragraph(Content(line.label), classes="form--label")
            yield Horizontal(label, field, classes="form--line")

    def result(self) -> Mapping[str, str]:
        """A text for each key."""
        pairs = zip(self.lines, self.fields, strict=True)
        return {line.key: field.value.strip() for line, field in pairs}
