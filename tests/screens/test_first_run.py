"""First run: a link, a host with its fingerprint, a tracker here, or later."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError, security_stop, storage_error, unreachable
from p2ptui.node.api import TrackerFound, TrackerStatus
from p2ptui.screens.first_run import FirstRun, grouped
from p2ptui.screens.peer import PeerScreen
from p2ptui.widgets.answers import Answers
from p2ptui.widgets.field import Field
from tests.support.fake_node import PIN
from tests.support.screen_node import NOT_JOINED, ScreenNode
from tests.support.screen_rig import NARROW, Rig, Ways, opened

LINK = f"p2ptui://lab.example:7070/#{PIN}"


class Swarm(ScreenNode):
    """A node that asks about the fingerprint when it is given no link."""

    async def join(self, target: str, trust: str) -> TrackerStatus:
        self._called("join", target, trust)
        if "#" not in target and trust != PIN:
            raise security_stop(
                "First contact", f"Its fingerprint is {PIN}.", f"Compare it, then --trust {PIN}."
            )
        return self.tracker


class Asked:
    """The dialog on a rig, and what came of it."""

    def __init__(self, rig: Rig, start: Callable[[], Awaitable[str]] | None = None) -> None:
        self.rig = rig
        self.result: list[bool | None] = []
        rig.app.push_screen(FirstRun(rig.node, start), self.result.append)

    async def done(self) -> bool | None:
        await self.rig.until(lambda: self.result, "an end")
        return self.result[0]


@pytest.fixture
def node() -> ScreenNode:
    return Swarm()


async def test_a_link_is_joined_without_another_question(rig: Rig) -> None:
    asked = Asked(rig)
    await rig.until_on(FirstRun)
    rig.widget(Field).value = f"  {LINK} "
    await rig.press("enter")
    assert await asked.done() is True
    assert rig.node.named("join") == [("join", LINK, "")]


async def test_trackers_of_this_network_are_listed_and_joined_after_a_look(rig: Rig) -> None:
    rig.node.found = tuple(
        TrackerFound(swarm=name, pin=PIN, addresses=(f"192.168.1.{number}:7070",))
        for number, name in enumerate(("lab", "[/evil]\x1b[2J"), 1)
    )
    asked = Asked(rig)
    await rig.until_on(FirstRun)
    await rig.until_seen("lab at 192.168.1.1:7070")
    assert "[/evil]" in rig.text
    assert rig.widget(Field).has_focus
    await rig.press("up", "up", "enter")
    await rig.until_seen(grouped(PIN))
    assert "192.168.1.2" not in rig.text
    await rig.press("right", "enter")
    assert await asked.done() is True
    near = "192.168.1.1:7070"
    assert rig.node.named("join") == [("join", near, ""), ("join", near, PIN)]


async def test_a_host_shows_the_fingerprint_and_the_safe_answer_first(rig: Rig) -> None:
    asked = Asked(rig)
    await rig.until_on(FirstRun)
    await rig.enter("lab.example")
    await rig.press("enter")
    await rig.until_seen(grouped(PIN))
    assert "[ Not now ]" in rig.text
    assert rig.widget(Answers).has_focus
    await rig.press("right", "enter")
    assert await asked.done() is True
    assert rig.node.named("join") == [("join", "lab.example", ""), ("join", "lab.example", PIN)]


async def test_a_fingerprint_that_is_not_confirmed_joins_nothing(rig: Rig) -> None:
    asked = Asked(rig)
    await rig.until_on(FirstRun)
    await rig.enter("lab.example")
    await rig.press("enter")
    await rig.until_seen(grouped(PIN))
    await rig.press("enter")  # the safe answer
    await rig.until(lambda: rig.widget(Field).has_focus)
    assert rig.widget(Field).value == "lab.example"
    await rig.press("enter")
    await rig.until_seen(grouped(PIN))
    await rig.press("escape")
    await rig.until(lambda: rig.widget(Field).has_focus)
    assert all(call[2] == "" for call in rig.node.named("join"))
    assert asked.result == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "empty"), ("http://x", "does not begin with p2ptui://"), ("host:99999", "99999")],
)
async def test_what_is_no_link_is_told_in_place(rig: Rig, typed: str, told: str) -> None:
    Asked(rig)
    await rig.until_on(FirstRun)
    rig.widget(Field).value = typed
    await rig.press("enter")
    await rig.until_seen(told)
    assert rig.node.named("join") == []


@pytest.mark.parametrize(
    "error",
    [
        unreachable("The tracker does not answer", "lab.example refused.", "Check the address."),
        security_stop("The tracker's key has changed", "It was other before.", "p2ptui forget X"),
    ],
)
async def test_other_errors_are_told_and_can_be_tried_again(rig: Rig, error: P2PError) -> None:
    rig.node.trouble["join"] = error
    asked = Asked(rig)
    await rig.until_on(FirstRun)
    await rig.enter("lab.example")
    await rig.press("enter")
    await rig.until_seen(error.title)
    assert rig.widget(Field).has_focus
    del rig.node.trouble["join"]
    rig.widget(Field).value = LINK
    await rig.press("enter")
    assert await asked.done() is True


async def test_a_tracker_that_is_started_here_is_joined_by_its_link(rig: Rig) -> None:
    async def start() -> str:
        return LINK

    asked = Asked(rig, start)
    await rig.until_seen("Start a tracker here")
    await rig.press("tab", "right", "right", "enter")
    assert await asked.done() is True
    assert rig.node.named("join") == [("join", LINK, "")]


async def test_a_tracker_that_cannot_be_started_is_told(rig: Rig) -> None:
    async def start() -> str:
        raise storage_error("The tracker's folder cannot be written", "/srv: read-only")

    asked = Asked(rig, start)
    await rig.until_seen("Start a tracker here")
    await rig.press("tab", "right", "right", "enter")
    await rig.until_seen("cannot be written")
    assert asked.result == []


async def test_without_a_way_to_start_one_it_is_not_offered(rig: Rig) -> None:
    Asked(rig)
    await rig.until_on(FirstRun)
    assert "Start a tracker here" not in rig.text


async def test_later_leaves_the_screen_usable(tmp_path: Path) -> None:
    node = Swarm(empty=True)
    node.tracker = NOT_JOINED
    async with opened(Ways(node), tmp_path, NARROW) as rig:
        await rig.until_on(FirstRun)
        await rig.press("escape")
        await rig.until_on(PeerScreen)
        await rig.press("1")
        await rig.until_seen("Nothing is shared yet")
