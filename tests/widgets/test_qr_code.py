"""QrCode: two modules to a cell, dark on light."""

import pytest
import segno

from p2ptui.widgets.qr_code import MARGIN, QrCode, qr_lines
from tests.widgets.stage import Stage

LINK = f"p2ptui://192.168.1.20:7070/#{'k' * 52}.{'e' * 16}"


def modules_of(lines: tuple[str, ...]) -> list[list[bool]]:
    """What a camera sees: rows of dark modules."""
    upper, lower = {"▀", "█"}, {"▄", "█"}
    return [[sign in half for sign in line] for line in lines for half in (upper, lower)]


def test_the_lines_are_the_code() -> None:
    code = segno.make_qr(LINK, error="l", boost_error=False)
    rows = [[bool(module) for module in row] for row in code.matrix_iter(border=MARGIN)]
    assert modules_of(qr_lines(LINK))[: len(rows)] == rows


def test_a_link_with_an_invite_fits_a_dialog() -> None:
    lines = qr_lines(LINK)
    assert len(lines[0]) <= 56
    assert len(lines) <= 21


def test_what_no_code_can_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="data"):
        qr_lines("x" * 3_000)


async def test_it_is_black_on_white_in_every_theme() -> None:
    code = QrCode(LINK)
    async with Stage(code).run_test(size=(60, 30)):
        assert code.cells == (len(code.lines[0]), len(code.lines))
        assert code.styles.background.hex == "#FFFFFF"
        assert code.styles.color.hex == "#000000"
        assert code.styles.padding.width == 0
