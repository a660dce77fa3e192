"""Figures: names and values in two columns, the values right-aligned so that nothing jumps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from p2ptui.base.text import cell_width
from p2ptui.widgets.strips import fit
from p2ptui.widgets.table_rows import Tone
from p2ptui.widgets.tones import tone_classes, tone_css, tone_style

GAP = 2
"""Cells between both columns."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A name and its value."""

    name: str
    value: str
    tone: Tone = "bold"


class Figures(Widget, can_focus=True):
    """As many as there are rows for, two a row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = tone_classes()
    DEFAULT_CSS = """
    Figures { height: 3; padding: 0 1; color: $foreground; }
    """ + tone_css("Figures")

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._figures: tuple[Figure, ...] = ()

    def show(self, figures: Sequence[Figure]) -> None:
        """Show other values; nothing is drawn when they are the same."""
        if tuple(figures) != self._figures:
            self._figures = tuple(figures)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row: two figures."""
        width = self.content_size.width
        ground = self.rich_style
        left = (width - GAP) // 2
        segments: list[Segment] = []
        for place, cells in ((2 * y, left), (2 * y + 1, width - GAP - left)):
            if segments:
                segments.append(Segment(" " * GAP, ground))
            figure = self._figures[place] if place < len(self._figures) else Figure("", "")
            segments += self._cells(figure, cells)
        return Strip(segments).adjust_cell_length(width, ground)

    def _cells(self, figure: Figure, width: int) -> list[Segment]:
        value = figure.value
        name_cells = max(width - cell_width(value) - 1, 0)
        dim = (self.visual_style + tone_style(self, "dim")).rich_style
        style = (self.visual_style + tone_style(self, figure.tone)).rich_style
        shown = fit(value, width - name_cells, right=True) if width > 0 else ""
        return [Segment(fit(figure.name, name_cells, right=False), dim), Segment(shown, style)]
