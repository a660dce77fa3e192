"""QrCode: a text as a code for cameras, two modules of it to a cell."""

import segno
from textual.content import Content
from textual.widgets import Static

MARGIN = 2
"""Light modules round the code."""


def qr_lines(text: str) -> tuple[str, ...]:
    """The code as lines of half blocks, dark on light; pure. Raises `ValueError`: too long a text.

    Its lowest level of error correction: a screen is clean, and a small code fits more of them.
    """
    code = segno.make_qr(text, error="l", boost_error=False)
    rows = [[bool(module) for module in row] for row in code.matrix_iter(border=MARGIN)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    return tuple(
        "".join(_BLOCKS[upper, lower] for upper, lower in zip(above, below, strict=True))
        for above, below in zip(rows[::2], rows[1::2], strict=True)
    )


_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


class QrCode(Static):
    """Black on white whatever the theme: cameras want it so."""

    DEFAULT_CSS = """
    QrCode { width: auto; height: auto; color: black; background: white; }
    """

    def __init__(self, text: str) -> None:
        self.lines = qr_lines(text)
        super().__init__(Content("\n".join(self.lines)))

    @property
    def cells(self) -> tuple[int, int]:
        """Columns and rows that it takes."""
        return len(self.lines[0]), len(self.lines)
