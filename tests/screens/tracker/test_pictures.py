"""Pictures of the console: `--snapshot-update` takes new ones. What it does is tested on text."""

from collections.abc import Callable

import pytest

from tests.support.console_rig import NARROW, WIDE
from tests.support.screen_tracker import ScreenTracker, happened
from tests.support.tracker_console import TrackerRig, TrackerWays, tracker_opened

Compare = Callable[[TrackerRig], None]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x36", "80x24"])


@SIZES
async def test_busy(size: tuple[int, int], picture: Compare) -> None:
    async with tracker_opened(TrackerWays(ScreenTracker()), size) as rig:
        for event in happened():
            rig.tracker.emit(event)
        await rig.press("d", "1", "j")
        picture(rig)


@SIZES
async def test_empty(size: tuple[int, int], picture: Compare) -> None:
    async with tracker_opened(TrackerWays(ScreenTracker([])), size) as rig:
        picture(rig)


@SIZES
async def test_statistics(size: tuple[int, int], picture: Compare) -> None:
    async with tracker_opened(TrackerWays(ScreenTracker()), size) as rig:
        await rig.press("4")
        await rig.until_seen("searches 29")
        picture(rig)


@SIZES
async def test_the_history(size: tuple[int, int], picture: Compare) -> None:
    async with tracker_opened(TrackerWays(ScreenTracker()), size) as rig:
        await rig.press("h")
        await rig.until_seen("9 fetches")
        picture(rig)


@pytest.mark.parametrize("key", ["B", "I", "question_mark"])
async def test_a_dialog(key: str, picture: Compare) -> None:
    async with tracker_opened(TrackerWays(ScreenTracker())) as rig:
        await rig.press(key)
        picture(rig)


async def test_the_audit_log_on_a_small_terminal(picture: Compare) -> None:
    async with tracker_opened(TrackerWays(ScreenTracker()), NARROW) as rig:
        await rig.press("a")
        picture(rig)
