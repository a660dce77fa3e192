"""The screen while the tracker is away: whose word the lists are."""

import pytest

from p2ptui.base.errors import unreachable
from p2ptui.node.api import TrackerStatus
from p2ptui.screens.header_state import tracker_words
from tests.support.screen_rig import Rig


async def test_a_search_says_of_how_many_members_its_answer_is(rig: Rig) -> None:
    rig.node.reached = 3
    await rig.press("slash", *"debian", "enter")
    await rig.until(lambda: "3 members in reach, tracker away" in rig.text, "whose word it is")
    await rig.press("slash", *"zzz", "enter")
    await rig.until(lambda: "No member in reach has that" in rig.text, "that others may have it")


async def test_hosts_are_those_in_reach(rig: Rig) -> None:
    rig.node.reached = 1
    await rig.press("5")
    await rig.until(lambda: "1 member in reach, tracker away" in rig.text, "whose word it is")


async def test_that_nobody_answers_is_told_in_the_pane(rig: Rig) -> None:
    title = "The tracker is away, and no member can be reached"
    rig.node.trouble["search"] = unreachable(title, "refused; nobody answers", "Wait.")
    await rig.press("slash", *"debian", "enter")
    await rig.until(lambda: title in rig.text, "what happened")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (2, "away, 2 in reach, again in 5 s"),
        (0, "not connected, again in 5 s"),
        (None, "not connected, again in 5 s"),
    ],
)
def test_the_header_counts_the_members_in_reach(members: int | None, words: str) -> None:
    tracker = TrackerStatus(state="waiting", reason="refused", retry_s=5.0, in_reach=members)
    assert tracker_words(tracker) == ("bad", words)
