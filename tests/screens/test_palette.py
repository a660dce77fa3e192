"""The palette: all keys of the focused pane and all commands, found by letters and carried out."""

import pytest
from textual.widgets import Input, OptionList

from p2ptui.commands import commands, find_command
from p2ptui.screens.keys import KEYS
from p2ptui.screens.palette import Palette, needs_words
from p2ptui.screens.peer import PeerScreen
from p2ptui.widgets.command_line import CommandLine
from tests.support.screen_rig import Rig


def lines(rig: Rig) -> list[str]:
    options = rig.app.screen.query(OptionList)
    return [str(option.prompt) for option in options.first().options] if options else []


async def find(rig: Rig, text: str) -> None:
    """Open the palette and type; wait for what it finds."""
    await rig.press("ctrl+p")
    await rig.until_on(Palette)
    await rig.until(lambda: len(lines(rig)) > 30, "all lines")
    rig.widget(Input).value = text
    await rig.until(lambda: 0 < len(lines(rig)) < 30, "the lines found")


async def test_it_lists_the_keys_of_the_pane_and_all_commands(rig: Rig) -> None:
    await rig.press("3", "ctrl+p")
    await rig.until(lambda: lines(rig))
    shown = "\n".join(lines(rig))
    for key in KEYS:
        if "transfers" in key.panes and key.id not in {"palette", "command", "back"}:
            assert key.help in shown or "pane" in key.id
    assert "fetch the chosen rows" not in shown  # a key of other panes
    for command in commands("peer", "screen"):
        assert command.help in shown


async def test_a_key_that_is_chosen_is_pressed_in_the_pane_that_had_the_focus(rig: Rig) -> None:
    await rig.press("3")
    await find(rig, "cancel a transfer")
    await rig.press("enter")
    await rig.until(lambda: rig.node.named("steer"))
    assert rig.node.named("steer")[0][2] == "cancel"


async def test_a_command_that_needs_words_is_put_on_the_command_line(rig: Rig) -> None:
    await find(rig, "publish LOCALNAME")
    await rig.press("enter")
    await rig.until_on(PeerScreen)
    line = rig.screen.query_one(CommandLine)
    await rig.until(lambda: line.text == "publish ")
    assert line.has_focus_within


async def test_a_command_that_needs_none_is_carried_out(rig: Rig) -> None:
    await find(rig, "look for changed files now")
    await rig.press("enter")
    await rig.until(lambda: rig.node.named("rescan"))


async def test_esc_closes_it_and_does_nothing(rig: Rig) -> None:
    await find(rig, "look for changed files now")
    await rig.press("escape")
    await rig.until_on(PeerScreen)
    assert rig.node.named("rescan") == []


async def test_brackets_of_usages_are_text_and_no_markup(rig: Rig) -> None:
    await find(rig, "publish LOCALNAME")
    assert any(line.startswith("publish LOCALNAME [FILENAME]") for line in lines(rig))


@pytest.mark.parametrize(("word", "needed"), [("fetch", True), ("peers", False), ("help", False)])
def test_which_commands_need_words(word: str, needed: bool) -> None:
    command = find_command(word, "peer", "screen")
    assert command is not None
    assert needs_words(command) is needed
