"""Strips: cells of exact width, from any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from p2ptui.base.text import cell_width
from p2ptui.widgets.glyphs import ASCII, UNICODE, Glyphs
from p2ptui.widgets.strips import bar_segments, cell_segments, fit
from p2ptui.widgets.table_painter import signed_title
from p2ptui.widgets.table_rows import Bar, Tone, Toned
from tests.widgets.stage import HOSTILE


def styles(tone: Tone) -> Style:
    """A style that tells its tone."""
    return Style(meta={"tone": tone})


def texts(segments: list[Segment]) -> list[str]:
    return [segment.text for segment in segments]


def tones(segments: list[Segment]) -> list[str]:
    return [segment.style.meta["tone"] for segment in segments if segment.style is not None]


def test_a_text_is_padded_on_the_side_that_it_does_not_stand_on() -> None:
    assert fit("680 MB", 8, right=True) == "  680 MB"
    assert fit("debian", 8, right=False) == "debian  "


def test_a_long_text_loses_its_middle() -> None:
    assert fit("debian-13.2-amd64-netinst.iso", 15, right=False) == "debian-…nst.iso"


def test_a_wide_letter_that_does_not_fit_leaves_a_blank() -> None:
    shown = fit("漢字漢字", 4, right=False)
    assert cell_width(shown) == 4


@given(st.text(max_size=40), st.integers(0, 30), st.booleans())
def test_any_text_takes_exactly_its_width(text: str, width: int, right: bool) -> None:
    assert cell_width(fit(text, width, right=right)) == width


@pytest.mark.parametrize(("name", "literal"), list(HOSTILE.items()))
def test_f42_f43_f44_a_hostile_name_is_literal_text(name: str, literal: str) -> None:
    shown = fit(name, 60, right=False)
    assert shown.rstrip() == literal
    assert shown.isprintable()
    assert cell_len(shown) == 60


def test_a_toned_cell_has_its_own_tone_and_a_plain_one_the_rows() -> None:
    plain = cell_segments("a", 3, right=False, tone="dim", styles=styles, glyphs=UNICODE)
    toned = cell_segments(
        Toned("b", "bad"), 3, right=True, tone="dim", styles=styles, glyphs=UNICODE
    )
    assert (texts(plain), tones(plain)) == (["a  "], ["dim"])
    assert (texts(toned), tones(toned)) == (["  b"], ["bad"])


@pytest.mark.parametrize(
    ("fraction", "line"),
    [
        (0.0, "━━━━━━━━"),
        (0.5, "━━━━" + "━━━━"),
        (0.55, "━━━━╸" + "━━━"),
        (1.0, "━━━━━━━━"),
        (-3.0, "━━━━━━━━"),
        (7.0, "━━━━━━━━"),
    ],
)
def test_a_bar_has_half_steps_and_its_exact_width(fraction: float, line: str) -> None:
    segments = bar_segments(Bar(fraction, "down"), 8, styles=styles, glyphs=UNICODE)
    assert "".join(texts(segments)) == line


def test_a_bar_tells_done_from_to_do_by_tone_and_in_ascii_by_its_signs() -> None:
    segments = bar_segments(Bar(0.5, "good"), 8, styles=styles, glyphs=UNICODE)
    assert tones(segments) == ["good", "track"]
    assert texts(bar_segments(Bar(0.5, "good"), 8, styles=styles, glyphs=ASCII)) == ["====", "...."]


@pytest.mark.parametrize(
    ("title", "width", "shown"),
    [
        ("Speed", 10, "Speed ▲"),
        ("Speed", 6, "Speed▲"),
        ("Src", 3, "S…▲"),
        ("Src", 1, "▲"),
        ("", 0, ""),
    ],
)
def test_the_sign_of_the_sorted_column_is_always_seen(title: str, width: int, shown: str) -> None:
    assert signed_title(title, "▲", width) == shown


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_glyph_is_one_cell_wide(glyphs: Glyphs) -> None:
    for name in Glyphs.__dataclass_fields__:
        sign = getattr(glyphs, name)
        assert cell_len(sign) == cell_width(sign) == (9 if name == "blocks" else 1), name


def test_the_ascii_set_is_ascii() -> None:
    for name in Glyphs.__dataclass_fields__:
        assert getattr(ASCII, name).isascii(), name
