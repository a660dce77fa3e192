"""RateGraph: one figure over the last minutes; name and newest value, columns of blocks below."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from p2ptui.base.text import cell_width
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_rows import Tone
from p2ptui.widgets.tones import tone_classes, tone_css, tone_style
from p2ptui.widgets.traffic_graph import EIGHTHS, SHADES, columns_of, heights_of

LEAST_SCALE = 1.0
"""Below this value a graph does not fill its height: one a second is no peak."""


class RateGraph(Widget):
    """A line of words, then columns; the newest at the right."""

    COMPONENT_CLASSES: ClassVar[set[str]] = tone_classes()
    DEFAULT_CSS = """
    RateGraph { height: 4; padding: 0 1; }
    """ + tone_css("RateGraph")

    def __init__(
        self,
        name: str,
        tone: Tone,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._words = name
        self._tone: Tone = tone
        self._glyphs = glyphs
        self._value = glyphs.nothing
        self._samples: tuple[float, ...] = ()
        self._total = 0
        self._capacity = 1

    def show(self, value: str, samples: Sequence[float], *, total: int, capacity: int) -> None:
        """The newest value in words; samples, of so many since the beginning.

        `capacity`: how many of them the width stands for.
        """
        shown = (value, tuple(samples), total, max(capacity, 1))
        if shown != (self._value, self._samples, self._total, self._capacity):
            self._value, self._samples, self._total, self._capacity = shown
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The words, or one row of the columns."""
        width, height = self.content_size
        ground = self.visual_style
        if y == 0:
            return self._heading(width, ground)
        rows = height - 1
        columns = columns_of(self._samples, self._total, self._capacity, width)
        heights = heights_of(columns, rows, LEAST_SCALE)
        colour = tone_style(self, self._tone).foreground
        segments = []
        below = (rows - y) * EIGHTHS
        for cells in heights:
            shade = SHADES[min(cells * len(SHADES) // (rows * EIGHTHS + 1), len(SHADES) - 1)]
            block = self._glyphs.blocks[max(0, min(cells - below, EIGHTHS))]
            style = ground
            if colour is not None:
                style += Style(foreground=colour.multiply_alpha(shade))
            segments.append(Segment(block, style.rich_style))
        return Strip(segments, width).simplify()

    def _heading(self, width: int, ground: Style) -> Strip:
        name = ground + tone_style(self, self._tone)
        bold = ground + tone_style(self, "bold")
        pieces = [
            Segment(self._words, name.rich_style),
            Segment(f" {self._value}", bold.rich_style),
        ]
        if cell_width(self._words) + 1 + cell_width(self._value) + 3 <= width:
            pieces.append(Segment(" /s", (ground + tone_style(self, "dim")).rich_style))
        return Strip(pieces).adjust_cell_length(width, ground.rich_style)
