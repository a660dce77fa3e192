"""Dialog: the look of everything modal. At most 60 columns, the safe answer first, Esc closes."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, ScreenResultType
from textual.widget import Widget
from textual.widgets import Static

from p2ptui.base.text import display
from p2ptui.widgets.answers import Answer, Answers
from p2ptui.widgets.table_rows import Tone, Toned

FRAME = 4
"""Rows of a dialog that are not its body: borders, a blank one, the answers."""
CLOSE = Answer("close", "Close")


class Dialog(ModalScreen[ScreenResultType]):
    """A frame with a title, a body, and a row of answers; fill `compose_body`."""

    AUTO_FOCUS = "Answers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, id="dialog.close"),
    ]
    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
        & > .dialog--box {
            width: 100%;
            max-width: 60;
            height: auto;
            max-height: 100%;
            border: round $primary;
            border-title-color: $primary;
            border-title-style: bold;
            background: $background;
            padding: 0 1;
        }
        & > .dialog--box.-warn { border: round $warn; border-title-color: $warn; }
        & > .dialog--box.-bad { border: round $bad; border-title-color: $bad; }
        & .dialog--body { width: 1fr; height: auto; scrollbar-size-vertical: 1; }
        & Answers { margin: 1 0 0 0; }
    }
    """

    def __init__(
        self,
        heading: str,
        answers: Sequence[Answer] = (CLOSE,),
        *,
        tone: Tone = "accent",
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`tone`: `warn` or `bad` colours the frame."""
        super().__init__(id=id, classes=classes)
        self._heading = heading
        self._answers = tuple(answers)
        self._tone = tone

    def compose(self) -> ComposeResult:
        """The frame, the body, the answers."""
        box = Vertical(classes=f"dialog--box -{self._tone}")
        box.border_title = Text(display(self._heading))  # never markup
        with box:
            with VerticalScroll(classes="dialog--body", can_focus=False):
                yield from self.compose_body()
            yield Answers(self._answers)

    def on_resize(self, event: events.Resize) -> None:
        """A long body scrolls; the answers stay in view."""
        for body in self.query(".dialog--body"):
            body.styles.max_height = max(event.size.height - FRAME, 1)

    def compose_body(self) -> Iterable[Widget]:
        """What stands above the answers."""
        return ()

    @on(Answers.Given)
    def _given(self, event: Answers.Given) -> None:
        event.stop()
        self.give(event.answer)

    def give(self, answer: Answer) -> None:  # noqa: ARG002  (for those that have several)
        """An answer was given; closes without a result unless overridden."""
        self.dismiss(None)

    def action_close(self) -> None:
        """Close without a result: nothing is done."""
        self.dismiss(None)


class Question(Dialog[str]):
    """A few lines of text; the result is the key of the answer, None when it was closed."""

    def __init__(
        self,
        heading: str,
        lines: Sequence[str | Toned],
        answers: Sequence[Answer] = (CLOSE,),
        *,
        tone: Tone = "accent",
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`lines`: paragraphs, shown as literal text."""
        super().__init__(heading, answers, tone=tone, id=id, classes=classes)
        self._lines = tuple(lines)

    def compose_body(self) -> Iterable[Widget]:
        """One text a paragraph."""
        for line in self._lines:
            toned = line if isinstance(line, Toned) else Toned(line, "normal")
            yield paragraph(toned)

    def give(self, answer: Answer) -> None:
        """Close with the answer's key."""
        self.dismiss(answer.key)


class Paragraph(Static):
    """A literal text that wraps, in a tone."""

    DEFAULT_CSS = """
    Paragraph {
        height: auto;
        &.-dim { color: $foreground 55%; }
        &.-bold { text-style: bold; }
        &.-accent { color: $primary; }
        &.-good { color: $good; }
        &.-warn { color: $warn; }
        &.-bad { color: $bad; }
        &.-down { color: $down; }
        &.-up { color: $up; }
    }
    """


def paragraph(toned: Toned) -> Paragraph:
    """A paragraph of a dialog."""
    return Paragraph(Content(display(toned.text)), classes=f"-{toned.tone}")
