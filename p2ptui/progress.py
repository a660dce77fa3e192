"""One line of progress on a terminal: bar, figures, rate, time left. In a pipe there is none.

The arithmetic is pure; `ProgressLine` writes.
"""

from typing import NamedTuple, Protocol, TextIO

from p2ptui.base.text import cell_width, display, elide_middle, format_bytes, format_duration
from p2ptui.base.text import format_rate as rate_text

BAR_CELLS = 24
NARROW = 60
LONGEST_S = 100 * 86400.0


class Progress(NamedTuple):
    """How far something is. `rate_bps` 0: it stands still."""

    title: str
    done: int
    total: int
    rate_bps: float
    note: str = ""
    """A word in place of the rate: a state."""


class ProgressSink(Protocol):
    """Where progress is shown."""

    def show(self, progress: Progress) -> None:
        """Show this in place of what was shown before."""
        ...

    def clear(self) -> None:
        """Show nothing any more."""
        ...


class NoProgress:
    """Shows nothing: a pipe, or a prompt that shows progress elsewhere."""

    def show(self, progress: Progress) -> None:
        """Do nothing."""

    def clear(self) -> None:
        """Do nothing."""


class ProgressLine:
    """The last line of a terminal, written over again and again."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream = stream
        self._width = width
        self._shown = 0
        self._unicode = "utf" in (stream.encoding or "").lower()

    def show(self, progress: Progress) -> None:
        """Write the line over the one before."""
        line = format_progress(progress, self._width - 1, fancy=self._unicode)
        width = cell_width(line)
        self._stream.write("\r" + line + " " * max(self._shown - width, 0))
        self._stream.flush()
        self._shown = width

    def clear(self) -> None:
        """Wipe the line, so that a message may stand in its place."""
        if self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
            self._shown = 0


def format_progress(progress: Progress, width: int, *, fancy: bool = True) -> str:
    """`name  ━━━━╸──── 43 %  1.2 of 2.9 GB  17.2 MB/s  38 s left`, at most `width` columns."""
    share = min(progress.done / progress.total, 1.0) if progress.total else 1.0
    figures = [
        f"{share * 100:3.0f} %",
        f"{format_bytes(progress.done)} of {format_bytes(progress.total)}",
    ]
    if progress.note:
        figures.append(progress.note)
    elif progress.rate_bps > 0:
        figures.append(rate_text(progress.rate_bps))
        left_s = max(progress.total - progress.done, 0) / progress.rate_bps
        figures.append(f"{_time_left(left_s)} left")
    text = "  ".join(figures)
    bar = f"{format_bar(share, BAR_CELLS, fancy=fancy)} " if width >= NARROW else ""
    room = width - cell_width(text) - len(bar) - 2
    title = elide_middle(display(progress.title), max(room, 0))
    return elide_middle(f"{title}  {bar}{text}" if title else f"{bar}{text}", width)


def _time_left(seconds: float) -> str:
    whole = max(round(min(seconds, LONGEST_S)), 1)
    return f"{whole} s" if whole < 60 else format_duration(whole)


def format_bar(share: float, cells: int, *, fancy: bool = True) -> str:
    """A bar of ━ with ╸ half steps, or of = in ASCII, `cells` wide."""
    halves = round(min(max(share, 0.0), 1.0) * cells * 2)
    full, half = divmod(halves, 2)
    if not fancy:
        return "=" * full + "-" * (cells - full)
    return "━" * full + "╸" * half + "─" * (cells - full - half)
