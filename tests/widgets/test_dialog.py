"""Dialogs: their look, and the ways out of them."""

from collections.abc import Iterable

import pytest
from textual.widget import Widget

from p2ptui.widgets.answers import Answer, Answers
from p2ptui.widgets.dialog import Dialog, Paragraph, Question
from p2ptui.widgets.field import Field
from p2ptui.widgets.table_rows import Toned
from tests.widgets.stage import HOSTILE, Stage, shown

ANSWERS = (
    Answer("keep", "Keep running", "k"),
    Answer("stop", "Stop", "s", "bad"),
    Answer("stay", "Stay"),
)


def question(*lines: str | Toned) -> Question:
    return Question("Leave?", lines or ("3 transfers run.",), ANSWERS, tone="warn")


async def asked(*keys: str) -> str | None:
    """The result of a question that is answered by keys."""
    results: list[str | None] = []
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(question(), results.append)
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
    (result,) = results
    return result


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        (["enter"], "keep"),
        (["space"], "keep"),
        (["right", "enter"], "stop"),
        (["tab", "tab", "enter"], "stay"),
        (["left", "enter"], "stay"),
        (["tab", "tab", "tab", "enter"], "keep"),
        (["right", "shift+tab", "enter"], "keep"),
        (["s"], "stop"),
        (["x", "k"], "keep"),
        (["escape"], None),
        (["right", "escape"], None),
    ],
)
async def test_keys_give_answers_the_safe_one_first_and_escape_none(
    keys: list[str], result: str | None
) -> None:
    assert await asked(*keys) == result


async def test_a_click_gives_an_answer() -> None:
    results: list[str | None] = []
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(question(), results.append)
        await pilot.pause()
        await pilot.click(Answers, offset=(17, 0))  # between two
        assert results == []
        await pilot.click(Answers, offset=(22, 0))
        await pilot.pause()
    assert results == ["stop"]


@pytest.mark.parametrize("width", [200, 80, 30])
async def test_a_dialog_has_at_most_60_columns_and_stands_in_brackets(width: int) -> None:
    app = Stage()
    async with app.run_test(size=(width, 24)) as pilot:
        app.push_screen(question("word " * 60))
        await pilot.pause()
        (box,) = app.screen.query(".dialog--box")
        assert box.outer_size.width == min(width, 60)
        assert "─ Leave? ─" in shown(box)[0]
        answers = app.screen.query_one(Answers)
        assert shown(answers)[0].startswith("[ Keep running ]    Stop")
        assert answers.region.bottom == box.region.bottom - 1
        assert box.region.bottom <= 24


async def test_a_long_text_scrolls_and_the_answers_stay_in_view() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.push_screen(question(*(f"line {number}" for number in range(50))))
        await pilot.pause()
        answers = app.screen.query_one(Answers)
        assert answers.region.bottom <= 10
        assert answers.region.height == 1


@pytest.mark.parametrize(("name", "literal"), list(HOSTILE.items()))
async def test_f42_f43_f44_a_hostile_name_in_a_dialog_is_literal(name: str, literal: str) -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Question(name, [name, Toned(name, "bad")]))
        await pilot.pause()
        (box,) = app.screen.query(".dialog--box")
        assert f"─ {literal} ─" in shown(box)[0]
        for paragraph in app.screen.query(Paragraph):
            assert shown(paragraph)[0].strip() == literal


async def test_fields_and_answers_of_a_dialog_are_reached_in_turn() -> None:
    class Form(Dialog[str]):
        AUTO_FOCUS = "Field"

        def compose_body(self) -> Iterable[Widget]:
            yield Field(id="host")

        def give(self, answer: Answer) -> None:
            self.dismiss(f"{answer.key} {self.query_one(Field).value}")

    results: list[str | None] = []
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Form("Tracker", ANSWERS), results.append)
        await pilot.pause()
        # Letters are typed, and not taken for answers; past the last answer the field comes again.
        await pilot.press("s", "k", "tab", "tab", "tab", "tab", "z", "shift+tab", "enter")
        await pilot.pause()
    assert results == ["stay skz"]
