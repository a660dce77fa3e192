"""What members choose is text, wherever the console shows it (F42 to F44)."""

import unicodedata

import pytest
from msgspec import structs

from p2ptui.screens.form import Form
from p2ptui.screens.prompt import Prompt
from p2ptui.screens.row_list import RowListScreen
from p2ptui.screens.tracker import TrackerScreen
from p2ptui.widgets.command_line import CommandLine
from tests.support.screen_tracker import TIME, ScreenTracker, few
from tests.support.tracker_console import TrackerRig, TrackerWays, tracker_opened
from tests.widgets.stage import HOSTILE
from tracker.api import AuditRow, KickRow
from tracker.events import HostLeft

SIZE = (220, 50)


def tracker_of(name: str) -> ScreenTracker:
    """All that members may choose is that name."""
    tracker = ScreenTracker([structs.replace(few()[0], nick=name, software=f"v {name}")])
    tracker.file_rows = [structs.replace(tracker.file_rows[0], name=f"file {name}")]
    tracker.out = [KickRow(peer_id=tracker.rows[0].peer_id, nick=name, why=name, until=None)]
    tracker.acts = [AuditRow(time=TIME, by=name, act="kick", target=name, detail=name, why=name)]
    tracker.state["index_notice"] = name
    return tracker


def assert_harmless(rig: TrackerRig) -> None:
    for character in rig.text.replace("\n", ""):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}, repr(character)
    assert rig.app.is_running


@pytest.mark.parametrize("name", HOSTILE)
async def test_f42_f43_f44_names_in_the_panes(name: str) -> None:
    shown = HOSTILE[name]
    async with tracker_opened(TrackerWays(tracker_of(name)), SIZE) as rig:
        await rig.press("d")
        rig.tracker.emit(
            HostLeft(time=TIME, peer_id=rig.tracker.rows[0].peer_id, nick=name, address="x",
                     reason=name)
        )  # fmt: skip
        await rig.until_seen("left: ")
        assert f"●  {shown[:20]}" in rig.text
        assert f"Files of {shown}"[:30] in rig.text
        assert f"file {shown[:8]}" in rig.text
        assert_harmless(rig)
        await rig.press("slash")
        rig.screen.hosts.box.value = name
        await rig.press("enter")
        assert_harmless(rig)


@pytest.mark.parametrize("name", HOSTILE)
async def test_f42_f43_f44_names_in_dialogs_lists_and_notices(name: str) -> None:
    async with tracker_opened(TrackerWays(tracker_of(name)), SIZE) as rig:
        for key, kind in (("K", Prompt), ("B", Form), ("r", Form), ("l", Form), ("m", Prompt)):
            await rig.press(key)
            await rig.until_on(kind)
            assert_harmless(rig)
            await rig.press("escape")
        for key in ("b", "a"):
            await rig.press(key)
            await rig.until_on(RowListScreen)
            await rig.until_seen("for good" if key == "b" else "kick")
            assert_harmless(rig)
            await rig.press("escape")
        await rig.press("p")
        assert HOSTILE[name] in rig.notices[-1]
        await rig.press("d", "2", "o")
        await rig.until_on(RowListScreen)
        assert_harmless(rig)
        await rig.press("q", "colon")
        await rig.enter("ping ")
        await rig.press("tab")
        await rig.until(lambda: len(rig.widget(CommandLine).text) > 5, "the completed name")
        assert_harmless(rig)
        await rig.press("escape")
        assert isinstance(rig.app.screen, TrackerScreen)
        assert rig.tracker.named("stop", "kick") == []
