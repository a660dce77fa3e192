"""The settings screen: sections, changing a row in place, what is refused, themes, clashes."""

from collections.abc import Awaitable, Callable

import pytest

from p2ptui.base.errors import usage_error
from p2ptui.node.api import SettingRow
from p2ptui.screens.keys import KEYS, TABLE_KEYS
from p2ptui.screens.setting_rows import (
    changed_keys,
    choices_of,
    clash_of,
    table_rows,
    with_keys,
)
from p2ptui.screens.settings import SettingsScreen
from p2ptui.widgets.field import Field
from p2ptui.widgets.glyphs import UNICODE
from p2ptui.widgets.theme import DARK, LIGHT
from p2ptui.widgets.virtual_table import VirtualTable
from tests.support.fake_node import HOSTILE
from tests.support.screen_rig import Rig

Find = Callable[[str], Awaitable[None]]


def setting(key: str, value: str = "", default: str = "", **more: str) -> SettingRow:
    return SettingRow(
        key=key, value=value, default=default, help=more.get("help", "Help."), origin="default",
        applies="restart", note=more.get("note", ""),
    )  # fmt: skip


@pytest.fixture
def find(rig: Rig) -> Find:
    """Opens the screen with only the settings that hold a text, the cursor on the first."""
    rig.node.setting_rows |= {
        "look.theme": setting("look.theme", default=DARK),
        "look.ascii": setting("look.ascii", "false", "false"),
        "keys.fetch": setting("keys.fetch"),
    }

    async def open_screen(text: str) -> None:
        await rig.press("e")
        await rig.until_on(SettingsScreen)
        await rig.until(lambda: shown(rig))
        if text:
            await rig.press("slash")
            await rig.enter(text)
            await rig.press("enter")
            await rig.until(lambda: 0 < len(shown(rig)) < 6)

    return open_screen


def shown(rig: Rig) -> list[str]:
    tables = rig.app.screen.query(VirtualTable)
    if not tables:
        return []
    source = tables.first().source
    rows = [source.row(index) for index in range(source.count)]
    return [str(row.key) for row in rows if row is not None]


def typed(rig: Rig) -> Field:
    return rig.app.screen.query_one("#setting-field", Field)


async def test_e_shows_all_settings_by_section(rig: Rig, find: Find) -> None:
    await find("")
    keys = shown(rig)
    sections = [key for key in keys if key.startswith("section:")]
    assert sections == ["section:peer", "section:look", "section:keys"]
    assert rig.widget(VirtualTable).cursor_key == "peer.nick"
    assert "Name that others see." in rig.text
    assert "1 changed" in rig.text


async def test_enter_changes_a_value_and_tells_when_it_applies(rig: Rig, find: Find) -> None:
    await find("nick")
    await rig.press("enter")
    await rig.until(lambda: typed(rig).has_focus)
    assert typed(rig).value == "anna"
    typed(rig).value = "bella"
    await rig.press("enter")
    await rig.until_seen("Saved; it applies at once.")
    assert rig.node.named("configure") == [("configure", "peer.nick", "bella")]
    assert "bella" in rig.text
    assert rig.widget(VirtualTable).has_focus


async def test_what_needs_a_restart_says_so(rig: Rig, find: Find) -> None:
    await find("listen")
    await rig.press("enter")
    await rig.enter(":7099")
    await rig.press("enter")
    await rig.until_seen("Saved; it applies after a restart.")


async def test_what_the_node_refuses_is_told_in_place_and_stays_to_be_corrected(
    rig: Rig, find: Find
) -> None:
    rig.node.trouble["configure"] = usage_error("Not a rate", "'fast'", "Write it like 20M.")
    await find("up_limit")
    await rig.press("enter")
    typed(rig).value = "fast"
    await rig.press("enter")
    await rig.until_seen("'fast'. Write it like 20M.")
    assert typed(rig).value == "fast"
    assert typed(rig).has_focus


async def test_esc_goes_back_one_step_at_a_time(rig: Rig, find: Find) -> None:
    await find("nick")
    await rig.press("enter")
    await rig.enter("x")
    await rig.press("escape")
    assert rig.widget(VirtualTable).has_focus
    await rig.press("escape")
    await rig.until(lambda: len(shown(rig)) > 6)
    await rig.press("escape")
    await rig.until(lambda: rig.app.screen is rig.screen)
    assert rig.node.named("configure") == []


async def test_a_theme_is_seen_while_it_is_chosen_and_taken_back_by_esc(
    rig: Rig, find: Find
) -> None:
    await find("theme")
    await rig.press("enter", "down", "down")
    await rig.until(lambda: typed(rig).value == LIGHT)
    assert rig.app.theme == LIGHT
    await rig.press("escape")
    assert rig.app.theme == DARK
    await rig.press("enter", "down", "down", "enter")
    await rig.until_seen("Saved; it applies at once.")
    assert rig.app.theme == LIGHT
    assert rig.node.named("configure") == [("configure", "look.theme", LIGHT)]


async def test_a_theme_that_is_none_is_refused(rig: Rig, find: Find) -> None:
    await find("theme")
    await rig.press("enter")
    await rig.enter("neon")
    await rig.press("enter")
    await rig.until_seen("There is no theme neon.")
    assert rig.node.named("configure") == []
    assert rig.app.theme == DARK


async def test_a_clash_of_keys_is_told_while_typing_and_not_saved(rig: Rig, find: Find) -> None:
    await find("keys.fetch")
    await rig.press("enter")
    typed(rig).value = "p"
    await rig.until_seen("keys.fetch and keys.publish are both p.")
    await rig.press("enter")
    await rig.settle()
    assert rig.node.named("configure") == []
    typed(rig).value = "g"
    await rig.press("enter")
    await rig.until_seen("Saved")
    assert rig.node.named("configure") == [("configure", "keys.fetch", "g")]


async def test_d_takes_a_setting_back_to_its_default(rig: Rig, find: Find) -> None:
    await find("nick")
    await rig.press("d")
    await rig.until(lambda: rig.node.named("configure"))
    assert rig.node.named("configure") == [("configure", "peer.nick", "")]


async def test_a_key_that_is_its_own_again_is_not_written_down(rig: Rig, find: Find) -> None:
    rig.node.setting_rows["keys.fetch"] = setting("keys.fetch", "g")
    await find("keys.fetch")
    await rig.press("d")
    await rig.until(lambda: rig.node.named("configure"))
    assert rig.node.named("configure") == [("configure", "keys.fetch", "")]


async def test_a_key_that_is_its_own_and_emptied_asks_the_node_for_nothing(
    rig: Rig, find: Find
) -> None:
    await find("keys.publish")
    await rig.press("enter")
    typed(rig).value = ""
    await rig.press("enter")
    await rig.until(lambda: rig.widget(VirtualTable).has_focus)
    assert rig.node.named("configure") == []


async def test_f44_values_are_text_and_no_markup(rig: Rig, find: Find) -> None:
    rig.node.setting_rows["peer.nick"] = setting("peer.nick", "[red]x", note="[/red]\x1b[2J")
    await find("nick")
    assert "[red]x" in rig.text
    assert r"[/red]\x1b[2J" in rig.text


def test_every_key_of_the_screens_can_be_set() -> None:
    rows = with_keys([setting("peer.nick")])
    assert [row.key for row in rows[1:]] == [f"keys.{key.id}" for key in (*KEYS, *TABLE_KEYS)]


def test_keys_as_they_are_clash_with_nothing() -> None:
    rows = with_keys([setting("keys.find", "/"), setting("keys.sort", ",")])
    assert clash_of(changed_keys(rows)) == ""
    every = {row.key.removeprefix("keys."): row.default for row in rows}
    assert clash_of(every) == ""


def test_a_clash_in_the_file_is_told_above_the_keys() -> None:
    rows = with_keys([setting("keys.fetch", "p")])
    title = next(row for row in table_rows(rows, "", UNICODE) if row.key == "section:keys")
    assert "keys.fetch and keys.publish are both p" in str(title.cells[1])


def test_switches_and_themes_have_choices_and_limits_have_none() -> None:
    assert choices_of(setting("look.ascii", "true", "false"), ()) == ("true", "false")
    assert choices_of(setting("peer.up_limit", "off", "off"), ()) == ()
    assert choices_of(setting("peer.nick", HOSTILE), ()) == ()
    assert choices_of(setting("look.theme"), ("a", "b")) == ("a", "b")
