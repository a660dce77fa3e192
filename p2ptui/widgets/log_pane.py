"""LogPane: what happened, on Textual's line API. Follows the end until it is scrolled up."""

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from p2ptui.base.text import cell_width, display
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.log_lines import Level, LogLine, LogLines
from p2ptui.widgets.table_rows import Tone, Toned
from p2ptui.widgets.tones import tone_classes, tone_css, tone_style

SCROLLBACK = 10_000
MARGIN = 1


class LogPane(ScrollView, can_focus=True):
    """Time, a sign for the level, text. Give it lines in batches."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "Down", show=False, id="log.down"),
        Binding("up,k", "scroll_up", "Up", show=False, id="log.up"),
        Binding("left,less_than_sign", "pan(-8)", "Left", show=False, id="log.left"),
        Binding("right,greater_than_sign", "pan(8)", "Right", show=False, id="log.right"),
        Binding("home", "scroll_home", "Oldest", show=False, id="log.first"),
        Binding("end", "scroll_end", "Newest", show=False, id="log.last"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = tone_classes()
    DEFAULT_CSS = """
    LogPane {
        height: 1fr;
        color: $foreground;
        overflow-x: auto;
        overflow-y: auto;
        scrollbar-size-horizontal: 0;
        scrollbar-size-vertical: 1;
    }
    """ + tone_css("LogPane")

    least: reactive[Level] = reactive("info")
    """Least level that is shown."""
    pattern: reactive[str] = reactive("")
    """Text that shown lines contain."""

    def __init__(
        self,
        *,
        empty: str = "",
        scrollback: int = SCROLLBACK,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`empty`: the sentence that an empty log shows; `scrollback`: lines that are kept."""
        super().__init__(id=id, classes=classes)
        self.lines = LogLines(scrollback)
        self._empty = empty
        self._glyphs = glyphs
        self._width = 0
        self._follows = True
        self._refilter()

    def extend(self, lines: Iterable[LogLine]) -> None:
        """Add lines, all at once."""
        batch = list(lines)
        if not batch:
            return
        gone = self.lines.extend(batch)
        self._width = max(self._width, *map(self._cells, batch))
        self._lines_changed()
        if self._follows:
            self.scroll_end(animate=False, x_axis=False)
        elif gone:  # what is read stays where it is
            self.scroll_to(y=max(self.scroll_offset.y - gone, 0), animate=False, immediate=True)

    def clear(self) -> None:
        """Forget all lines."""
        self.lines.clear()
        self._width = 0
        self._follows = True
        self._lines_changed()

    def set_glyphs(self, glyphs: Glyphs) -> None:
        """Draw with another set of signs."""
        self._glyphs = glyphs
        self.refresh()

    def watch_least(self) -> None:
        """Show other levels."""
        self._refilter()

    def watch_pattern(self) -> None:
        """Show the lines with another text."""
        self._refilter()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end when it is seen."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y

    def action_pan(self, cells: int) -> None:
        """Move sideways, to read a long line to its end."""
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False)

    def render_line(self, y: int) -> Strip:
        """One line, or the sentence of an empty log."""
        scroll_x, scroll_y = self.scroll_offset
        width = self.scrollable_content_region.width
        index = scroll_y + y
        if index < len(self.lines):
            strip = self._strip(self.lines[index])
        elif not self.lines and y == 0:
            strip = self._joined([(" " * MARGIN, "normal"), (self._empty, "dim")])
        else:
            strip = Strip([])
        plain = self.rich_style
        cut = strip.cell_length - scroll_x > width > 1
        shown = strip.crop_extend(scroll_x, scroll_x + width - cut, plain)
        if not cut:
            return shown
        dim = (self.visual_style + tone_style(self, "dim")).rich_style
        return Strip.join([shown, Strip([Segment(self._glyphs.ellipsis, dim)])])

    def _strip(self, line: LogLine) -> Strip:
        sign = line.sign or self._sign(line.level)
        pieces: list[tuple[str, Tone]] = [
            (f"{' ' * MARGIN}{line.time} ", "dim"),
            (sign.text, sign.tone),
            (" ", "normal"),
        ]
        toned = (part if isinstance(part, Toned) else Toned(part, "normal") for part in line.parts)
        return self._joined([*pieces, *((part.text, part.tone) for part in toned)])

    def _joined(self, pieces: list[tuple[str, Tone]]) -> Strip:
        ground = self.visual_style
        return Strip(
            Segment(display(text), (ground + tone_style(self, tone)).rich_style)
            for text, tone in pieces
        )

    def _sign(self, level: Level) -> Toned:
        glyphs = self._glyphs
        match level:
            case "good":
                return Toned(glyphs.done, "good")
            case "warn":
                return Toned(glyphs.warning, "warn")
            case "error":
                return Toned(glyphs.failed, "bad")
            case _:
                return Toned(glyphs.separator, "dim")

    def _cells(self, line: LogLine) -> int:
        return MARGIN + cell_width(line.time) + 3 + cell_width(line.text)

    def _refilter(self) -> None:
        self.lines.filter(self.least, self.pattern)
        self._lines_changed()
        if self.is_attached:
            self._follows = True
            self.scroll_end(animate=False, x_axis=False)

    def _lines_changed(self) -> None:
        self.virtual_size = Size(self._width, len(self.lines))
        self.refresh()
