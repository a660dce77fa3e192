"""ChunkBar: which chunks of a content are there, as blocks that fill in eighths."""

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_rows import Tone
from p2ptui.widgets.tones import component_style, tone_classes, tone_css, tone_style

EIGHTHS = 8


def chunk_levels(bitmap: bytes, count: int, cells: int) -> list[int]:
    """How full each cell is, in eighths; pure.

    Bit 7 of byte 0 is chunk 0 (PROTOCOL.md 5). Nothing is 0 and everything is 8; what is between is
    never drawn as either.
    """
    if count < 1 or cells < 1:
        return [0] * max(cells, 0)
    size = len(bitmap) * 8
    bits = int.from_bytes(bitmap, "big")
    levels = []
    for cell in range(cells):
        first = cell * count // cells
        last = max((cell + 1) * count // cells, first + 1)
        mask = (1 << (last - first)) - 1
        have = ((bits >> (size - last)) & mask if last <= size else 0).bit_count()
        level = have * EIGHTHS // (last - first)
        levels.append(max(level, int(have > 0)))
    return levels


class ChunkBar(Widget):
    """The chunk map over all its rows, read like text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*tone_classes(), "chunk-bar--ground"}
    DEFAULT_CSS = """
    ChunkBar {
        height: 1;
        & > .chunk-bar--ground { background: $track; }
    }
    """ + tone_css("ChunkBar")

    def __init__(
        self,
        bitmap: bytes = b"",
        count: int = 0,
        *,
        tone: Tone = "down",
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._bitmap = bitmap
        self._count = count
        self._tone: Tone = tone
        self._glyphs = glyphs

    def show_map(self, bitmap: bytes, count: int, tone: Tone = "down") -> None:
        """Show another map of `count` chunks."""
        if (bitmap, count, tone) != (self._bitmap, self._count, self._tone):
            self._bitmap, self._count, self._tone = bitmap, count, tone
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the map."""
        width, height = self.content_size
        style = self.visual_style + component_style(self, "chunk-bar--ground")
        levels = chunk_levels(self._bitmap, self._count, width * height)
        blocks = "".join(
            self._glyphs.blocks[level] for level in levels[y * width : y * width + width]
        )
        return Strip([Segment(blocks, (style + tone_style(self, self._tone)).rich_style)], width)
