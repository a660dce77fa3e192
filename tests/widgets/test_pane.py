"""Pane: its frame, title and summary."""

import pytest

from p2ptui.widgets.field import Field
from p2ptui.widgets.pane import Pane
from tests.widgets.stage import HOSTILE, Stage, colours, shown


async def test_a_pane_shows_its_digit_title_and_summary() -> None:
    pane = Pane("Library", digit="1")
    async with Stage(pane).run_test(size=(40, 5)):
        pane.summary = "12 408 files · 318 GB"
        top, *_, bottom = shown(pane)
        assert top.startswith("╭─ 1 Library ─")
        assert bottom.endswith("─ 12 408 files · 318 GB ─╯")
        pane.heading = "Files of mira-nas"
        assert "─ 1 Files of mira-nas ─" in shown(pane)[0]


async def test_the_frame_has_the_accent_only_with_the_focus_inside() -> None:
    first, second = Pane("One", Field()), Pane("Two", Field())
    app = Stage(first, second)
    async with app.run_test(size=(40, 10)) as pilot:
        for quiet, loud in ((second, first), (first, second)):
            loud.query_one(Field).focus()
            await pilot.pause()
            accent = app.theme_variables["primary"].lower()
            assert colours(loud, 0)[0][1].lower() == accent
            assert colours(quiet, 0)[0][1].lower() != accent


@pytest.mark.parametrize(("name", "literal"), list(HOSTILE.items()))
async def test_f42_f43_f44_a_hostile_title_or_summary_is_literal(name: str, literal: str) -> None:
    pane = Pane("Files")
    async with Stage(pane).run_test(size=(80, 5)):
        pane.heading = name
        pane.summary = name
        top, *_, bottom = shown(pane)
        assert f"─ {literal} ─" in top
        assert f"─ {literal} ─" in bottom


@pytest.mark.parametrize(("name", "literal"), list(HOSTILE.items()))
async def test_a_remark_stands_behind_the_title_and_is_literal(name: str, literal: str) -> None:
    pane = Pane("Transfers", digit="3")
    async with Stage(pane).run_test(size=(100, 5)):
        pane.remark = name
        assert f"─ 3 Transfers: {literal} ─" in shown(pane)[0]
        pane.remark = ""
        assert "─ 3 Transfers ─" in shown(pane)[0]


async def test_a_remark_that_is_too_long_is_cut_off_at_its_end() -> None:
    pane = Pane("Transfers", digit="3")
    async with Stage(pane).run_test(size=(40, 5)):
        pane.remark = "next try in 12 s: the tracker is away and no source is known"
        assert shown(pane)[0].startswith("╭─ 3 Transfers: next try in 12 s:")
        assert "… ─╮" in shown(pane)[0]
