"""Themes: own ones and Textual's, and no colour by number anywhere else."""

import re
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

import p2ptui
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.chunk_bar import ChunkBar
from p2ptui.widgets.columns import Column
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.dialog import Question
from p2ptui.widgets.header import HeaderBar
from p2ptui.widgets.key_footer import KeyFooter
from p2ptui.widgets.log_pane import LogPane
from p2ptui.widgets.pane import Pane
from p2ptui.widgets.table_rows import ListSource, RowData, Toned
from p2ptui.widgets.tabs import TabStrip
from p2ptui.widgets.theme import DARK, LIGHT, THEMES
from p2ptui.widgets.tones import TONES
from p2ptui.widgets.traffic_graph import TrafficGraph
from p2ptui.widgets.virtual_table import VirtualTable
from tests.widgets.stage import Stage, colours

FOLDER = Path(p2ptui.__file__).parent


def everything() -> Stage:
    table = VirtualTable((Column("name", "Name"),))
    table.set_source(ListSource([RowData(tone, (Toned(tone, tone),)) for tone in TONES]))
    return Stage(
        HeaderBar(), TabStrip(), Pane("Files", table), TrafficGraph(), ChunkBar(b"\xf0", 8),
        LogPane(), CommandLine(), KeyFooter(),
    )  # fmt: skip


@pytest.mark.parametrize("theme", sorted({*BUILTIN_THEMES, DARK, LIGHT}))
async def test_every_theme_has_all_variables_and_the_selected_row_can_be_read(theme: str) -> None:
    app = everything()
    async with app.run_test(size=(80, 40)) as pilot:
        app.theme = theme
        app.query_one(VirtualTable).focus()
        app.push_screen(Question("Leave?", ["Really?"], [Answer("stay", "Stay")], tone="bad"))
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        strip = app.query_one(VirtualTable).render_line(1)
        text = next(segment for segment in strip if "dim" in segment.text)
        style = text.style
        assert style is not None
        assert style.bold  # known without its colour
        assert style.color is not None
        # A terminal's default colours are one name for two.
        assert style.color.is_default or style.color != style.bgcolor


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_our_themes_have_contrast(theme: object) -> None:
    for name in ("foreground", "primary", "secondary", "success", "warning", "error"):
        colour = Color.parse(getattr(theme, name))
        ground = Color.parse(getattr(theme, "background"))  # noqa: B009  (one of both themes)
        light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, name


def luminance(colour: Color) -> float:
    """Relative luminance (WCAG 2.1)."""
    channels = (channel / 255 for channel in colour.rgb)
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_no_color_leaves_text_and_takes_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = everything()
    async with app.run_test(size=(80, 40)):
        assert app.no_color
        for _text, colour in colours(app.query_one(VirtualTable), 1):
            red, green, blue = Color.parse(colour).rgb
            assert red == green == blue


def test_colours_by_number_are_in_the_theme_alone() -> None:
    sources = [
        path
        for folder in ("widgets", "screens")
        for path in (FOLDER / folder).rglob("*")
        if path.suffix in {".py", ".tcss"} and path.name != "theme.py"
    ]
    assert sources
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"#[0-9a-fA-F]{6}\b|\brgba?\(", text), path.name
