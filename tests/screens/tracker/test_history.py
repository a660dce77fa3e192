"""The swarm's history: who fetched what from whom, when, how fast."""

from collections.abc import AsyncIterator

import pytest
from msgspec import structs

from p2ptui.base.errors import storage_error
from p2ptui.screens.row_list import RowListScreen
from p2ptui.screens.tracker import TrackerScreen
from p2ptui.screens.tracker_history import FetchDetail
from tests.support import scene
from tests.support.console_rig import NARROW, WIDE
from tests.support.fake_node import HOSTILE
from tests.support.screen_tracker import TIME, ScreenTracker
from tests.support.tracker_console import TrackerRig, TrackerWays, tracker_opened
from tracker.api import FetchPage, Page


@pytest.fixture(params=[WIDE, NARROW], ids=["120x36", "80x24"])
async def past(request: pytest.FixtureRequest, tracker: ScreenTracker) -> AsyncIterator[TrackerRig]:
    """The history, opened by its key."""
    async with tracker_opened(TrackerWays(tracker), request.param) as rig:
        await rig.press("h")
        await rig.until_on(RowListScreen)
        await rig.until_seen("9 fetches")
        yield rig


def line_of(rig: TrackerRig, text: str) -> str:
    return next(line for line in rig.text.split("\n") if text in line)


async def test_it_tells_who_fetched_what_from_whom_when_and_how_fast(past: TrackerRig) -> None:
    line = line_of(past, "blender")
    for part in ("01-15 07:53", "leo-x1", "zoe-mbp +1", "988"):
        assert part in line


async def test_enter_shows_how_much_each_gave(past: TrackerRig) -> None:
    await past.press("j", "enter")
    await past.until_on(FetchDetail)
    leo, zoe = scene.peer_of("leo-x1"), scene.peer_of("zoe-mbp")
    for part in (
        f"leo-x1 ({leo[:8]})",
        "41 GB in 42 s, 988.0 MB/s.",
        "2027-01-15 07:53:20",
        "50%",
        zoe[:8],
    ):
        assert part in past.text
    await past.press("y")
    await past.until_on(RowListScreen)
    assert past.app.clipboard == past.tracker.fetches[1].content_id


async def test_it_is_filtered_and_sorted_by_the_tracker(past: TrackerRig) -> None:
    await past.press("slash")
    await past.enter("talks")
    await past.press("enter")
    await past.until_seen("2 fetches")
    await past.press("comma", "comma")
    await past.until(
        lambda: (
            past.tracker.named("history")[-1][1] == Page(limit=100, filter="talks", sort="-time")
        ),
        "the oldest first",
    )
    await past.press("escape")
    await past.until_seen("9 fetches")
    await past.press("escape")
    assert isinstance(past.app.screen, TrackerScreen)


async def test_one_is_no_plural_and_none_is_told(tracker: ScreenTracker) -> None:
    del tracker.fetches[1:]
    async with tracker_opened(TrackerWays(tracker)) as rig:
        await rig.press("h")
        await rig.until_seen("1 fetch")
        assert "1 fetches" not in rig.text
        tracker.fetches.clear()
        await rig.press("R")
        await rig.until_seen("No member has told of a fetch yet.")


async def test_the_command_opens_it_and_json_does_not(rig: TrackerRig) -> None:
    await rig.command("history talks")
    await rig.until_on(RowListScreen)
    await rig.until_seen("2 fetches")
    await rig.press("q")
    await rig.command("history --json")
    await rig.until_seen('{"time":"2027')
    assert isinstance(rig.app.screen, TrackerScreen)


async def test_a_history_that_cannot_be_read_is_told(
    rig: TrackerRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_page: Page) -> FetchPage:
        raise storage_error("The history cannot be used", "the disk is gone")

    monkeypatch.setattr(rig.tracker, "history", fail)
    await rig.press("h")
    await rig.until_seen("The history cannot be used: R asks again.")


async def test_f42_names_of_members_are_safe_to_look_at(tracker: ScreenTracker) -> None:
    first = tracker.fetches[0]
    giver = structs.replace(first.givers[0], nick=HOSTILE)
    tracker.fetches[0] = structs.replace(
        first, nick=HOSTILE, name=HOSTILE, givers=(giver,), time=TIME
    )
    async with tracker_opened(TrackerWays(tracker)) as rig:
        await rig.press("h", "enter")
        await rig.until_on(FetchDetail)
        assert rig.text.replace("\n", "").isprintable()
