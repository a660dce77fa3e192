"""StatusLine: one row of short texts, left and right.

In a narrow terminal the less important ones vanish first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from p2ptui.base.text import cell_width, display
from p2ptui.widgets.table_rows import Tone
from p2ptui.widgets.tones import tone_classes, tone_css, tone_style


@dataclass(frozen=True, slots=True)
class Part:
    """A text of the line."""

    text: str
    tone: Tone = "normal"
    rank: int = 0
    """0: always there; of the others the highest vanish first."""
    gap: int = 1
    """Cells before it."""
    bold: bool = False


def fit_parts(
    left: Sequence[Part], right: Sequence[Part], width: int
) -> tuple[list[Part], list[Part]]:
    """The parts that fit, two cells between both sides; pure."""
    kept_left, kept_right = list(left), list(right)
    for rank in sorted({part.rank for part in (*left, *right) if part.rank}, reverse=True):
        if _cells(kept_left) + _cells(kept_right) + 2 <= width:
            break
        kept_left = [part for part in kept_left if part.rank != rank]
        kept_right = [part for part in kept_right if part.rank != rank]
    return kept_left, kept_right


def _cells(parts: Sequence[Part]) -> int:
    return sum(part.gap + cell_width(display(part.text)) for part in parts)


class StatusLine(Widget):
    """One row. Give it parts; it is not focused and not clicked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = tone_classes()
    DEFAULT_CSS = """
    StatusLine { height: 1; background: $band; color: $foreground; padding: 0 1; }
    """ + tone_css("StatusLine")

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()

    def show_parts(self, left: Sequence[Part], right: Sequence[Part]) -> None:
        """Show other texts; nothing is drawn when they are the same."""
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self.refresh()

    def render(self) -> Content:
        """The texts that fit."""
        width = self.content_size.width
        left, right = fit_parts(self._left, self._right, width)
        space = width - _cells(right)
        head = self._content(left)
        if head.cell_length > space:
            head = head.truncate(max(space, 0), ellipsis=True)
        padding = Content(" " * max(space - head.cell_length, 0))
        return Content.assemble(head, padding, self._content(right))

    def _content(self, parts: Sequence[Part]) -> Content:
        pieces: list[Content] = []
        for part in parts:
            style = tone_style(self, part.tone)
            if part.bold:
                style += tone_style(self, "bold")
            pieces += [Content(" " * part.gap), Content.styled(display(part.text), style)]
        return Content.assemble(*pieces)
