"""A dialog that asks for one line, and says in place why it does not take it."""

from collections.abc import Callable, Iterable, Sequence

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from p2ptui.base.text import display
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.dialog import Dialog, Paragraph, paragraph
from p2ptui.widgets.field import Field
from p2ptui.widgets.table_rows import Toned

Check = Callable[[str], str]
"""Why a line is not taken; empty when it is."""
CANCEL = "cancel"


class Prompt(Dialog[str]):
    """A line to type; the result is the line, None when it was closed."""

    AUTO_FOCUS = "Field"
    DEFAULT_CSS = """
    Prompt Field { margin: 1 0 0 0; }
    """

    def __init__(
        self,
        heading: str,
        lines: Sequence[str | Toned],
        *,
        value: str = "",
        placeholder: str = "",
        give: str = "OK",
        check: Check = lambda _line: "",
    ) -> None:
        """`give`: the answer that takes the line, which Enter gives as well."""
        super().__init__(heading, (Answer(CANCEL, "Cancel"), Answer("give", give)))
        self._lines = tuple(lines)
        self._field = Field(value, placeholder=placeholder)
        self._check = check
        self._trouble = Paragraph(classes="-bad")

    def compose_body(self) -> Iterable[Widget]:
        """The lines, the field, and why it was not taken."""
        for line in self._lines:
            yield paragraph(line if isinstance(line, Toned) else Toned(line, "normal"))
        yield self._field
        yield self._trouble

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._take()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._trouble.update("")

    def give(self, answer: Answer) -> None:
        """Take the line, or close."""
        if answer.key == CANCEL:
            self.dismiss(None)
        else:
            self._take()

    def _take(self) -> None:
        trouble = self._check(self._field.value)
        if trouble:
            self._trouble.update(Content(display(trouble)))
            self._field.focus()
        else:
            self.dismiss(self._field.value)
