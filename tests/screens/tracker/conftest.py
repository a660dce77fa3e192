"""Fixtures: the console on a fake tracker, at one moment."""

import time
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import pytest

from p2ptui.screens import tracker_lists
from p2ptui.screens.tracker_panes import hosts
from tests.support.screen_tracker import TIME, ScreenTracker
from tests.support.tracker_console import TrackerRig, TrackerWays, tracker_opened


@pytest.fixture(autouse=True)
def _one_moment() -> Iterator[None]:
    still = SimpleNamespace(
        time=lambda: TIME, strftime=time.strftime, localtime=time.localtime
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for module in (hosts, tracker_lists):
            patch.setattr(module, "time", still)
        yield


@pytest.fixture
def tracker() -> ScreenTracker:
    return ScreenTracker()


@pytest.fixture
async def rig(tracker: ScreenTracker) -> AsyncIterator[TrackerRig]:
    """A small swarm on a wide terminal."""
    async with tracker_opened(TrackerWays(tracker)) as opened_rig:
        yield opened_rig
