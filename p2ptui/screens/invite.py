"""A join link to give away: as text, and as a code for a camera where there is room."""

from collections.abc import Iterable, Sequence

from textual import events
from textual.containers import Center
from textual.widget import Widget

from p2ptui.base.text import cell_width, display
from p2ptui.screens.notices import tell
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.dialog import CLOSE, FRAME, Dialog, paragraph
from p2ptui.widgets.glyphs import ASCII, Glyphs
from p2ptui.widgets.qr_code import QrCode
from p2ptui.widgets.table_rows import Toned

COPY = "copy"
INSIDE = 56
"""Cells inside a dialog that has its full width."""


class LinkDialog(Dialog[None]):
    """The link, what it is good for, and the code."""

    DEFAULT_CSS = """
    LinkDialog Center { height: auto; margin: 1 0 0 0; }
    """

    def __init__(self, heading: str, link: str, said: Sequence[str], glyphs: Glyphs) -> None:
        super().__init__(heading, (CLOSE, Answer(COPY, "Copy link", "y")))
        self._link = link
        self._said = tuple(said)
        self._code = None if glyphs is ASCII else _code_of(link)
        self._place = Center(*([self._code] if self._code else ()))

    def compose_body(self) -> Iterable[Widget]:
        """Text first: it is there on every terminal."""
        yield paragraph(Toned(self._link, "accent"))
        for said in self._said:
            yield paragraph(Toned(said, "dim"))
        yield self._place

    def on_resize(self, event: events.Resize) -> None:
        """The code is shown whole or not at all."""
        texts = (self._link, *self._said)
        rows = sum(-(-cell_width(display(text)) // INSIDE) for text in texts) + FRAME + 1
        columns, height = self._code.cells if self._code else (0, 0)
        fits = columns + 4 <= event.size.width and rows + height <= event.size.height
        self._place.display = bool(self._code) and fits

    def give(self, answer: Answer) -> None:
        """Close, or send the link to the terminal's clipboard; whether it took it, none says."""
        if answer.key == COPY:
            self.app.copy_to_clipboard(self._link)
            tell(self.app, "the link was sent to the clipboard")
        else:
            self.dismiss(None)


def _code_of(link: str) -> QrCode | None:
    try:
        return QrCode(link)
    except ValueError:  # more than such a code can hold
        return None
