"""The line of progress: its arithmetic, its width, and what stands on the terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.text import cell_width
from p2ptui.progress import Progress, ProgressLine, format_bar, format_progress


def test_a_line() -> None:
    line = format_progress(Progress("song.flac", 430, 1000, 100.0), 100)
    bar = "━" * 10 + "╸" + "─" * 13
    assert line == f"song.flac  {bar}  43 %  430 B of 1.0 KB  100 B/s  6 s left"


@pytest.mark.parametrize(
    ("share", "bar"),
    [(0.0, "────"), (0.125, "╸───"), (0.5, "━━──"), (0.99, "━━━━"), (1.0, "━━━━"), (7.0, "━━━━")],
)
def test_bars_in_half_steps(share: float, bar: str) -> None:
    assert format_bar(share, 4) == bar


def test_a_terminal_of_few_letters() -> None:
    assert format_bar(0.5, 4, fancy=False) == "==--"
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    ProgressLine(stream, 80).show(Progress("x", 1, 2, 1.0))


def test_a_state_stands_in_place_of_the_rate() -> None:
    assert "stalled" in format_progress(Progress("x", 1, 2, 5.0, "stalled"), 80)


def test_an_empty_file_is_whole() -> None:
    assert "100 %" in format_progress(Progress("x", 0, 0, 0.0), 80)


@given(
    st.text(max_size=300),
    st.integers(0, 2**63),
    st.integers(0, 2**63),
    st.floats(0, 1e12),
    st.integers(1, 200),
)
def test_it_never_wraps(title: str, done: int, total: int, rate: float, width: int) -> None:
    line = format_progress(Progress(title, done, total, rate), width)
    assert cell_width(line) <= width
    assert line.isprintable()


def test_a_shorter_line_covers_a_longer_one_and_clearing_leaves_nothing() -> None:
    stream = io.StringIO()
    line = ProgressLine(stream, 80)
    line.show(Progress("a long title", 1, 2, 1000.0))
    line.show(Progress("b", 2, 2, 0.0))
    line.clear()
    line.clear()
    screen = ""
    for part in stream.getvalue().split("\r"):
        screen = part + screen[len(part) :]
    assert screen.strip() == ""
    assert stream.getvalue().endswith("\r")
