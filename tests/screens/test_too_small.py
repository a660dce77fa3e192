"""A terminal that has no room for the panes."""

import pytest
from textual.geometry import Size

from p2ptui.screens.browse import BrowseScreen
from p2ptui.screens.targets import Target
from p2ptui.screens.too_small import TooSmall, fits
from tests.support import scene
from tests.support.screen_rig import Rig


@pytest.mark.parametrize(
    ("width", "height", "room"), [(40, 10, True), (39, 10, False), (40, 9, False), (20, 5, False)]
)
def test_how_much_is_needed(width: int, height: int, room: bool) -> None:
    assert fits(Size(width, height)) is room


async def test_f118_a_small_terminal_shows_one_sentence_until_it_is_larger(rig: Rig) -> None:
    await rig.pilot.resize_terminal(30, 5)
    await rig.until_on(TooSmall)
    assert "30 x 5" in rig.text
    assert "Library" not in rig.text
    await rig.pilot.resize_terminal(20, 5)
    await rig.until_seen("20 x 5")
    await rig.pilot.resize_terminal(80, 24)
    await rig.until(lambda: rig.app.screen is rig.screen)
    assert "Library" in rig.text


async def test_f118_a_storm_of_sizes_leaves_the_screen_as_it_was(rig: Rig) -> None:
    for width, height in [(20, 5), (200, 60), (1, 1), (39, 9), (120, 36)] * 3:
        await rig.pilot.resize_terminal(width, height)
    await rig.until(lambda: rig.app.screen is rig.screen)
    await rig.until_seen("3 Transfers")


async def test_f118_other_screens_are_covered_as_well(rig: Rig) -> None:
    target = Target(name="mira-nas", host=scene.peer_of("mira-nas"), nick="mira-nas")
    rig.app.push_screen(BrowseScreen(rig.node, target))
    await rig.until_on(BrowseScreen)
    await rig.pilot.resize_terminal(30, 5)
    await rig.until_on(TooSmall)
    await rig.pilot.resize_terminal(80, 24)
    await rig.until_on(BrowseScreen)
