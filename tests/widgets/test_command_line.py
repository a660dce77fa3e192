"""CommandLine: typing, history, completion, help; and its field."""

from collections.abc import Sequence

import pytest
from textual import events

from p2ptui.widgets.command_line import CommandLine, common_start
from p2ptui.widgets.field import Field
from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.line_history import MOST, LineHistory
from tests.widgets.stage import HOSTILE, Stage, shown

NAMES = ("debian-12.iso", "debian-13.iso", "fedora.iso")


async def complete(line: str) -> Sequence[str]:
    """Names behind `fetch `."""
    return [f"fetch {name}" for name in NAMES if f"fetch {name}".startswith(line)]


def helped(line: str) -> str:
    """Help on one command."""
    return "fetch NAME [IP PORT]" if line.startswith("fetch") else ""


def command_line() -> CommandLine:
    return CommandLine(placeholder="fetch debian.iso · help", completer=complete, helper=helped)


def text_of(line: CommandLine) -> str:
    """The row as it is on the screen."""
    return "".join(shown(child)[0] if child.size.width else "" for child in line.children).rstrip()


async def test_examples_are_shown_until_something_is_typed() -> None:
    line = command_line()
    async with Stage(line).run_test(size=(60, 3)) as pilot:
        assert text_of(line) == "❯ fetch debian.iso · help"
        line.open()
        await pilot.press("q")
        await pilot.pause()
        assert text_of(line) == "❯ q"


async def test_enter_submits_trimmed_and_empties_the_line() -> None:
    line = command_line()
    app = Stage(line)
    async with app.run_test(size=(60, 3)) as pilot:
        line.open("  fetch a  ")
        await pilot.press("b", "enter")
        assert [(said.text, said.control) for said in app.said(CommandLine.Submitted)] == [
            ("fetch a  b", line)
        ]
        assert (line.text, line.history.lines) == ("", ("fetch a  b",))
        assert app.said(CommandLine.Left) == []


async def test_escape_and_enter_on_nothing_leave() -> None:
    line = command_line()
    app = Stage(line)
    async with app.run_test(size=(60, 3)) as pilot:
        line.open("typed")
        await pilot.press("escape")
        assert line.text == ""
        await pilot.press("enter")
        assert [said.control for said in app.said(CommandLine.Left)] == [line, line]
        assert app.said(CommandLine.Submitted) == []


async def test_up_and_down_go_through_history_and_come_back_to_what_was_begun() -> None:
    line = CommandLine(history=("one", "two"))
    async with Stage(line).run_test(size=(60, 3)) as pilot:
        line.open("beg")
        seen = []
        for key in ("up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            seen.append(line.text)
        assert seen == ["two", "one", "one", "two", "beg", "beg"]


async def test_tab_completes_as_far_as_it_is_sure_then_goes_through_the_candidates() -> None:
    line = command_line()
    async with Stage(line).run_test(size=(70, 3)) as pilot:
        line.open("fetch d")
        await pilot.press("tab")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert line.text == "fetch debian-1"
        assert text_of(line).endswith("debian-12.iso  debian-13.iso")
        seen = []
        for key in ("tab", "tab", "tab", "shift+tab"):
            await pilot.press(key)
            seen.append(line.text.removeprefix("fetch "))
        assert seen == ["debian-12.iso", "debian-13.iso", "debian-12.iso", "debian-13.iso"]
        await pilot.press("x")  # typing ends it
        await pilot.pause()
        assert text_of(line).endswith("fetch NAME [IP PORT]")


async def test_one_candidate_is_put_at_once_and_none_changes_nothing() -> None:
    line = command_line()
    async with Stage(line).run_test(size=(70, 3)) as pilot:
        for typed, expected in (("fetch f", "fetch fedora.iso"), ("fetch z", "fetch z")):
            line.open(typed)
            await pilot.press("tab")
            await pilot.app.workers.wait_for_complete()
            assert line.text == expected


async def test_tab_without_a_completer_stays_in_the_line() -> None:
    line = CommandLine()
    app = Stage(Field(), line)
    async with app.run_test(size=(70, 3)) as pilot:
        line.open("a")
        await pilot.press("tab", "b")
        assert line.text == "ab"


async def test_an_answer_that_comes_after_more_was_typed_is_dropped() -> None:
    line = CommandLine()

    async def slow(_line: str) -> Sequence[str]:
        line.open("fetch other")
        return ["fetch late"]

    line.completer = slow
    async with Stage(line).run_test(size=(70, 3)) as pilot:
        line.open("fetch l")
        await pilot.press("tab")
        await pilot.app.workers.wait_for_complete()
        assert line.text == "fetch other"


async def test_help_on_the_command_stands_at_the_right_and_leaves_room_to_type() -> None:
    line = CommandLine(helper=lambda _line: "word " * 40)
    async with Stage(line).run_test(size=(50, 3)) as pilot:
        line.open("x")
        await pilot.pause()
        assert line.query_one(Field).size.width >= 15
        assert "…" in text_of(line)


async def test_the_ascii_set_has_its_prompt() -> None:
    line = command_line()
    async with Stage(line).run_test(size=(60, 3)) as pilot:
        line.set_glyphs(ASCII)
        await pilot.pause()
        assert text_of(line).startswith("> ")


@pytest.mark.parametrize("name", HOSTILE)
async def test_f42_f43_f44_a_pasted_name_does_not_reach_the_terminal_as_it_is(name: str) -> None:
    field = Field()
    app = Stage(field)
    async with app.run_test(size=(60, 3)) as pilot:
        field.focus()
        app.post_message(events.Paste(name))
        await pilot.pause()
        await pilot.pause()
        assert field.value == name.splitlines()[0]
        line = shown(field)[0]
        assert line.isprintable()
        assert not set(line) & {"\u202e", "\u2066", "\u2069", "\u200b", "\ufeff"}


def test_history_keeps_a_line_once_in_a_row_and_not_without_bound() -> None:
    history = LineHistory()
    for line in ("a", "a", "", "b", "a"):
        history.add(line)
    assert history.lines == ("a", "b", "a")
    for number in range(MOST + 10):
        history.add(str(number))
    assert len(history.lines) == MOST
    assert history.lines[-1] == str(MOST + 9)


def test_an_empty_history_leaves_the_line_alone() -> None:
    history = LineHistory()
    assert history.back("x") == "x"
    assert history.forward("x") == "x"


@pytest.mark.parametrize(
    ("lines", "start"),
    [((), ""), (("abc",), "abc"), (("abc", "abd"), "ab"), (("a", "b"), ""), (("ab", "abc"), "ab")],
)
def test_what_lines_begin_with(lines: tuple[str, ...], start: str) -> None:
    assert common_start(lines) == start
