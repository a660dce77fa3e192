"""LogPane: lines, filters, bound, and following the end."""

import pytest

from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.log_lines import Level, LogLine, LogLines
from p2ptui.widgets.log_pane import LogPane
from p2ptui.widgets.table_rows import Toned
from tests.widgets.stage import HOSTILE, Stage, colours, shown

SIZE = (50, 6)


def line(text: str, level: Level = "info") -> LogLine:
    return LogLine("14:02:11", level, (text,))


def numbered(*numbers: int) -> list[LogLine]:
    return [line(f"line {number}") for number in numbers]


def words(pane: LogPane) -> list[str]:
    """The shown lines without time and sign."""
    return [text[12:].rstrip() for text in shown(pane) if text.strip()]


async def test_a_line_has_its_time_the_sign_of_its_level_and_bold_names() -> None:
    pane = LogPane()
    app = Stage(pane)
    async with app.run_test(size=SIZE) as pilot:
        pane.extend([
            LogLine("14:02:11", "good", ("connected to ", Toned("lab.example", "bold"))),
            line("timed out", "warn"),
            line("failed", "error"),
            line("said", "info"),
            LogLine("14:02:12", "info", ("published",), Toned("↑", "up")),
        ])  # fmt: skip
        await pilot.pause()
        assert [text.rstrip() for text in shown(pane)[:5]] == [
            " 14:02:11 √ connected to lab.example",
            " 14:02:11 ! timed out",
            " 14:02:11 ✗ failed",
            " 14:02:11 · said",
            " 14:02:12 ↑ published",
        ]
        good = app.theme_variables["good"].lower()
        assert dict(colours(pane, 0))["√"].lower() == good
        pane.set_glyphs(ASCII)
        await pilot.pause()
        assert all(text.isascii() for text in shown(pane)[:4])


async def test_an_empty_log_says_so() -> None:
    pane = LogPane(empty="Nothing happened yet.")
    async with Stage(pane).run_test(size=SIZE) as pilot:
        assert shown(pane)[0].strip() == "Nothing happened yet."
        pane.extend(numbered(1))
        await pilot.pause()
        assert words(pane) == ["line 1"]
        pane.clear()
        await pilot.pause()
        assert shown(pane)[0].strip() == "Nothing happened yet."


async def test_levels_and_text_filter_what_is_shown() -> None:
    pane = LogPane()
    async with Stage(pane).run_test(size=SIZE) as pilot:
        pane.extend([line("Fine", "debug"), line("told"), line("good", "good")])
        pane.extend([line("late", "warn"), line("bad", "error")])
        await pilot.pause()
        assert words(pane) == ["told", "good", "late", "bad"]
        pane.least = "debug"
        await pilot.pause()
        assert words(pane) == ["Fine", "told", "good", "late", "bad"]
        pane.pattern = "FIN"
        await pilot.pause()
        assert words(pane) == ["Fine"]
        pane.pattern, pane.least = "", "error"
        await pilot.pause()
        assert words(pane) == ["bad"]
        pane.extend([line("told again"), line("worse", "error")])
        await pilot.pause()
        assert words(pane) == ["bad", "worse"]


async def test_it_follows_the_end_until_it_is_scrolled_up_and_again_at_the_end() -> None:
    pane = LogPane()
    async with Stage(pane).run_test(size=SIZE) as pilot:
        pane.extend(numbered(*range(100)))
        await pilot.pause()
        assert words(pane)[-1] == "line 99"
        await pilot.press("home")
        pane.extend(numbered(100))
        await pilot.pause()
        assert words(pane)[0] == "line 0"
        await pilot.press("end")
        await pilot.pause()
        pane.extend(numbered(101))
        await pilot.pause()
        assert words(pane)[-1] == "line 101"
        await pilot.press("k", "up")
        await pilot.pause()
        assert words(pane)[-1] == "line 99"


async def test_what_is_read_stays_while_old_lines_go() -> None:
    pane = LogPane(scrollback=50)
    async with Stage(pane).run_test(size=SIZE) as pilot:
        pane.extend(numbered(*range(50)))
        await pilot.pause()
        pane.scroll_to(y=20, animate=False)
        await pilot.pause()
        assert words(pane)[0] == "line 20"
        pane.extend(numbered(*range(50, 60)))
        await pilot.pause()
        assert words(pane)[0] == "line 20"
        assert len(pane.lines) == 50


async def test_a_long_line_is_cut_and_read_by_moving_sideways() -> None:
    pane = LogPane()
    async with Stage(pane).run_test(size=SIZE) as pilot:
        pane.extend([line("start " + "x" * 60 + " end"), line("short")])
        await pilot.pause()
        assert shown(pane)[0].endswith("…")
        assert len(shown(pane)[0]) == SIZE[0]
        await pilot.press(*["right"] * 10)
        await pilot.pause()
        assert shown(pane)[0].rstrip().endswith("x end")
        await pilot.press(*["left"] * 10)
        await pilot.pause()
        assert words(pane)[1] == "short"


@pytest.mark.parametrize(("name", "literal"), list(HOSTILE.items()))
async def test_f42_f43_f44_a_hostile_name_is_literal_text(name: str, literal: str) -> None:
    pane = LogPane()
    async with Stage(pane).run_test(size=(100, 4)) as pilot:
        pane.extend([LogLine("14:02:11", "info", (name, Toned(name, "bold")))])
        await pilot.pause()
        assert words(pane) == [literal * 2]


async def test_ten_thousand_lines_at_once_are_one_paint() -> None:
    pane = LogPane(scrollback=1000)
    async with Stage(pane).run_test(size=SIZE) as pilot:
        pane.extend(numbered(*range(10_000)))
        await pilot.pause()
        assert words(pane)[-1] == "line 9999"
        assert len(pane.lines) == 1000


def test_what_goes_at_the_front_is_counted_only_when_it_was_shown() -> None:
    lines = LogLines(3)
    lines.filter("warn", "")
    assert lines.extend([line("a"), line("b", "warn"), line("c")]) == 0
    assert lines.extend([line("d", "warn")]) == 0  # a was not shown
    assert lines.extend([line("e")]) == 1
    assert (len(lines), lines.total, lines[0].text) == (1, 3, "d")
