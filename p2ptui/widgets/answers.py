"""Answers: the ways out of a dialog, one row; the safe one first and chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from p2ptui.base.text import cell_width
from p2ptui.widgets.table_rows import Tone
from p2ptui.widgets.tones import component_style, tone_classes, tone_css, tone_style

GAP = 2
BRACKETS = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """One way out."""

    key: str
    label: str
    hotkey: str = ""
    """A letter that gives this answer at once."""
    tone: Tone = "normal"
    """`bad` for an answer that loses something."""


class Answers(Widget, can_focus=True):
    """A row of answers; the chosen one stands in brackets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up,shift+tab", "move(-1)", "Before", show=False, id="answers.before"),
        Binding("right,down,tab", "move(1)", "Next", show=False, id="answers.next"),
        Binding("enter,space", "give", "Give", show=False, id="answers.give"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {*tone_classes(), "answers--chosen"}
    DEFAULT_CSS = """
    Answers {
        height: 1;
        color: $foreground;
        & > .answers--chosen { background: $cursor; text-style: bold; }
    }
    """ + tone_css("Answers")

    @dataclass
    class Given(Message):
        """An answer was given."""

        answers: "Answers"
        answer: Answer

        @property
        def control(self) -> "Answers":
            """The row, for `@on(…, "#id")`."""
            return self.answers

    chosen: reactive[int] = reactive(0)

    def __init__(
        self,
        answers: Sequence[Answer],
        *,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`answers`: the safe one first."""
        super().__init__(id=id, classes=classes)
        self.answers = tuple(answers)

    def validate_chosen(self, chosen: int) -> int:
        """Go round."""
        return chosen % max(len(self.answers), 1)

    def render(self) -> Content:
        """All answers."""
        pieces: list[Content] = []
        for number, answer in enumerate(self.answers):
            style = tone_style(self, answer.tone)
            if number:
                pieces.append(Content(" " * GAP))
            if number == self.chosen and self.has_focus:
                style += component_style(self, "answers--chosen")
                pieces.append(Content.styled(f"[ {answer.label} ]", style))
            else:
                pieces.append(Content.styled(f"  {answer.label}  ", style))
        return Content.assemble(*pieces)

    def action_move(self, answers: int) -> None:
        """Choose another one; past the ends, the next thing of the dialog gets the focus."""
        target = self.chosen + answers
        if not 0 <= target < len(self.answers) and len(self.screen.focus_chain) > 1:
            (self.screen.focus_next if answers > 0 else self.screen.focus_previous)()
        else:
            self.chosen = target

    def action_give(self) -> None:
        """Give the chosen answer."""
        if self.answers:
            self.post_message(self.Given(self, self.answers[self.chosen]))

    def on_key(self, event: events.Key) -> None:
        """Give the answer of a letter."""
        for answer in self.answers:
            if answer.hotkey and event.character == answer.hotkey:
                event.stop()
                self.post_message(self.Given(self, answer))

    def on_click(self, event: events.Click) -> None:
        """Give the answer under the pointer."""
        offset = event.get_content_offset(self)
        start = 0
        for answer in self.answers:
            end = start + cell_width(answer.label) + BRACKETS
            if offset is not None and start <= offset.x < end:
                self.post_message(self.Given(self, answer))
            start = end + GAP
