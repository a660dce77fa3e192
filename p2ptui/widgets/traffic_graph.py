"""TrafficGraph: what came in and what went out in the last minute, as two graphs of blocks."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_rows import Tone
from p2ptui.widgets.tones import tone_classes, tone_css, tone_style

SAMPLES = 60
EIGHTHS = 8
LEAST_SCALE = 10_000
"""Below this many bytes a second a graph does not fill its height: a trickle is not a peak."""
SHADES = (0.6, 0.75, 0.9, 1.0)
"""Low columns are drawn fainter."""


def columns_of(samples: Sequence[float], total: int, capacity: int, width: int) -> list[float]:
    """Means of the samples for each cell, the newest at the right. Pure.

    Cells begin at fixed samples, counted from the first of `total`: a graph moves, and does not
    shimmer, while it is squeezed or stretched.
    """
    if not samples or width < 1:
        return [0.0] * max(width, 0)
    oldest = total - len(samples)
    stretched = capacity < width
    newest_cell = (
        -(-total * width // capacity) - 1 if stretched else (total - 1) * width // capacity
    )
    columns = []
    for cell in range(newest_cell - width + 1, newest_cell + 1):
        # Whole numbers: a rounding error would move a sample to another cell.
        if stretched:
            first = cell * capacity // width
            last = first + 1
        else:
            first, last = -(-cell * capacity // width), -(-(cell + 1) * capacity // width)
        inside = samples[max(first - oldest, 0) : max(last - oldest, 0)]
        columns.append(sum(inside) / len(inside) if inside else 0.0)
    return columns


def heights_of(columns: Sequence[float], rows: int, least: float = LEAST_SCALE) -> list[int]:
    """Heights in eighths of a row; something is never nothing. Pure.

    `least`: the value that fills the height while no column is higher.
    """
    scale = max(least, *columns) if columns else least
    full = rows * EIGHTHS
    return [max(round(value / scale * full), int(value > 0)) for value in columns]


class TrafficGraph(Widget):
    """Down above, up below; each fills its half by its own peak."""

    COMPONENT_CLASSES: ClassVar[set[str]] = tone_classes()
    DEFAULT_CSS = """
    TrafficGraph { height: 4; padding: 0 1; }
    """ + tone_css("TrafficGraph")

    def __init__(
        self,
        *,
        samples: int = SAMPLES,
        tones: tuple[Tone, Tone] = ("down", "up"),
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`samples`: how many of them the width stands for."""
        super().__init__(id=id, classes=classes)
        self._capacity = samples
        self._samples: deque[tuple[float, float]] = deque(maxlen=samples)
        self._total = 0
        self._tones = tones
        self._glyphs = glyphs

    @property
    def peaks(self) -> tuple[float, float]:
        """The highest samples, down and up."""
        downs, ups = zip(*self._samples, strict=True) if self._samples else ((0.0,), (0.0,))
        return max(downs), max(ups)

    def add(self, down: float, up: float) -> None:
        """One more sample, in bytes per second."""
        self.extend([(down, up)])

    def extend(self, samples: Iterable[tuple[float, float]]) -> None:
        """More samples, the newest last."""
        for sample in samples:
            self._samples.append(sample)
            self._total += 1
        self.refresh()

    def set_glyphs(self, glyphs: Glyphs) -> None:
        """Draw with another set of signs."""
        self._glyphs = glyphs
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of one of the graphs."""
        width, height = self.content_size
        upper = (height + 1) // 2
        which = 0 if y < upper else 1
        rows, row = (upper, y) if which == 0 else (height - upper, y - upper)
        ground = self.visual_style
        plain = ground.rich_style
        if row >= rows:
            return Strip.blank(width, plain)
        values = [sample[which] for sample in self._samples]
        heights = heights_of(columns_of(values, self._total, self._capacity, width), rows)
        styles = self._shades(self._tones[which], ground)
        segments = []
        below = (rows - 1 - row) * EIGHTHS
        for cells in heights:
            shade = min(cells * len(SHADES) // (rows * EIGHTHS + 1), len(SHADES) - 1)
            block = self._glyphs.blocks[max(0, min(cells - below, EIGHTHS))]
            segments.append(Segment(block, styles[shade].rich_style))
        return Strip(segments, width).simplify()

    def _shades(self, tone: Tone, ground: Style) -> list[Style]:
        colour = tone_style(self, tone).foreground
        if colour is None:
            return [ground] * len(SHADES)
        return [ground + Style(foreground=colour.multiply_alpha(alpha)) for alpha in SHADES]
