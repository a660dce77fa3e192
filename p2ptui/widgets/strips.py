"""Cells as segments: text cut or padded to its width, bars as lines. Knows Rich, no widget."""

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style

from p2ptui.base.text import cell_width, display, elide_middle
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_rows import Bar, Cell, Tone, Toned

Styles = Callable[[Tone], Style]
"""The style of a tone, on the row's own background."""


def fit(text: str, width: int, *, right: bool, ellipsis: str = UNICODE.ellipsis) -> str:
    """A text made safe to show, and exactly so many cells wide."""
    shown = elide_middle(display(text), width, ellipsis)
    padding = " " * max(0, width - cell_width(shown))
    return padding + shown if right else shown + padding


def cell_segments(
    cell: Cell, width: int, *, right: bool, tone: Tone, styles: Styles, glyphs: Glyphs
) -> list[Segment]:
    """One cell, exactly so many cells wide."""
    if isinstance(cell, Bar):
        return bar_segments(cell, width, styles=styles, glyphs=glyphs)
    if isinstance(cell, Toned):
        return [
            Segment(fit(cell.text, width, right=right, ellipsis=glyphs.ellipsis), styles(cell.tone))
        ]
    return [Segment(fit(cell, width, right=right, ellipsis=glyphs.ellipsis), styles(tone))]


def bar_segments(bar: Bar, width: int, *, styles: Styles, glyphs: Glyphs) -> list[Segment]:
    """A progress line with half steps; what is left is a quiet track."""
    halves = round(max(0.0, min(bar.fraction, 1.0)) * width * 2)
    full, half = divmod(halves, 2)
    done = glyphs.bar * full + (glyphs.bar_half if half else "")
    rest = glyphs.bar_rest * (width - len(done))
    segments = [Segment(done, styles(bar.tone))] if done else []
    if rest:
        segments.append(Segment(rest, styles("track")))
    return segments
