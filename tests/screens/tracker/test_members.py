"""Acts on hosts: each by its key, the two with a button by the mouse as well."""

import pytest
from msgspec import structs

from p2ptui.screens.form import Form
from p2ptui.screens.prompt import Prompt
from p2ptui.screens.tracker import TrackerScreen
from p2ptui.widgets.buttons import ButtonRow
from tests.support import scene
from tests.support.screen_tracker import ScreenTracker
from tests.support.tracker_console import TrackerRig, TrackerWays, tracker_opened
from tracker.api import KICK_S, KickRequest, Limits, MemberChange, Message

MIRA = scene.peer_of("mira-nas")
LEO = scene.peer_of("leo-x1")


async def click(rig: TrackerRig, words: str) -> None:
    """Click on a button."""
    buttons = rig.screen.query_one(ButtonRow)
    x = str(buttons.render()).index(words)
    await rig.pilot.click(ButtonRow, offset=(x + 1 + buttons.styles.padding.left, 0))
    await rig.settle()


# --- asking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["d", "enter", "button"])
async def test_discover_brings_the_files_of_the_host(way: str, rig: TrackerRig) -> None:
    await (click(rig, "d Discover") if way == "button" else rig.press(way))
    asked = rig.tracker.named("discover")[-1][1]
    assert asked.host == MIRA  # type: ignore[attr-defined]
    assert "2 Files of mira-nas" in rig.text
    assert "family-2025.tar.zst" in rig.text
    assert rig.table("hosts").has_focus, "one may go on to the next host"


@pytest.mark.parametrize("way", ["p", "button"])
async def test_ping_tells_how_long_it_took(way: str, rig: TrackerRig) -> None:
    await (click(rig, "p Ping") if way == "button" else rig.press(way))
    assert rig.tracker.named("ping") == [("ping", MIRA)]
    assert rig.notices == ["mira-nas answered in 0.8 ms"]


async def test_ping_of_a_silent_host_is_a_warning(rig: TrackerRig) -> None:
    await rig.press(*["j"] * 9, "p")
    assert rig.notices == ["kiosk-3 is silent: no answer within 5 s"]


async def test_ping_goes_to_the_marked_hosts(rig: TrackerRig) -> None:
    await rig.press("space", "space", "p")
    assert sorted(rig.tracker.named("ping")) == sorted([("ping", MIRA), ("ping", LEO)])
    assert rig.notices == ["2 of 2 answered"]
    assert not rig.table("hosts").marked, "what was done is not marked any more"


async def test_ping_all_names_the_silent(rig: TrackerRig) -> None:
    await rig.press("P")
    assert rig.tracker.named("ping") == [("ping", "all")]
    assert rig.notices == ["19 of 20 answered; silent: kiosk-3"]


async def test_marks_are_counted(rig: TrackerRig) -> None:
    await rig.press("space", "space")
    assert "2 marked" in rig.text
    await rig.press("escape")
    assert "marked" not in rig.text


# --- acts that hurt -------------------------------------------------------------------------------


async def test_kick_asks_for_a_reason(rig: TrackerRig) -> None:
    await rig.press("K")
    await rig.until_on(Prompt)
    assert rig.tracker.named("kick") == []
    await rig.enter("too loud")
    await rig.press("enter")
    request = KickRequest(host=MIRA, why="too loud", for_s=KICK_S)
    assert rig.tracker.named("kick") == [("kick", request)]
    assert rig.notices == ["kicked mira-nas"]
    await rig.until(lambda: "20 hosts" in rig.text, "the table without it")


@pytest.mark.parametrize("key", ["K", "B", "r", "l", "m"])
async def test_esc_leaves_every_question_and_nothing_is_done(key: str, rig: TrackerRig) -> None:
    await rig.press(key)
    assert not isinstance(rig.app.screen, TrackerScreen)
    await rig.press("escape")
    assert isinstance(rig.app.screen, TrackerScreen)
    assert rig.tracker.named("kick", "change", "message") == []


async def test_ban_asks_how_long_and_why(rig: TrackerRig) -> None:
    await rig.press("B")
    await rig.until_on(Form)
    await rig.press("tab", *["backspace"] * 2)
    await rig.enter("24h")
    await rig.press("enter")
    await rig.enter("flooding")
    await rig.press("enter")
    request = KickRequest(host=MIRA, why="flooding", for_s=86_400.0)
    assert rig.tracker.named("kick") == [("kick", request)]
    assert rig.notices == ["banned mira-nas for 24h: b lists bans"]


async def test_ban_of_marked_hosts_for_good(rig: TrackerRig) -> None:
    await rig.press("space", "space", "B")
    await rig.until_on(Form)
    assert "Whom" not in rig.text
    await rig.press(*["backspace"] * 2, "enter", "enter")
    hosts = {call[1].host: call[1].for_s for call in rig.tracker.named("kick")}  # type: ignore[attr-defined]
    assert hosts == {MIRA: None, LEO: None}
    assert rig.notices == ["banned 2 hosts for good: b lists bans"]


async def test_ban_takes_a_network(rig: TrackerRig) -> None:
    await rig.press("B")
    await rig.until_on(Form)
    await rig.press(*["backspace"] * len("mira-nas"))
    await rig.enter("10.1.0.0/16")
    await rig.press("enter", "enter", "enter")
    request = KickRequest(host="10.1.0.0/16", why="", for_s=7 * 86_400.0)
    assert rig.tracker.named("kick") == [("kick", request)]
    assert rig.notices == ["banned 10.1.0.0/16 until 2027-01-22 08:00"]


async def test_a_wrong_time_is_told_in_place(rig: TrackerRig) -> None:
    await rig.press("B")
    await rig.until_on(Form)
    await rig.press("tab")
    await rig.enter("x")
    await rig.press("enter", "enter")
    assert "For: Write it like 30s, 15m, 24h or 7d." in rig.text
    assert rig.tracker.named("kick") == []


async def test_a_member_becomes_an_operator_and_a_member_again(rig: TrackerRig) -> None:
    for role, now in (("operator", "an operator"), ("member", "a member")):
        await rig.press("r")
        await rig.until_on(Form)
        assert f"Make it {now}?" in rig.text
        await rig.press("enter")
        assert rig.tracker.named("change")[-1] == (
            "change", MemberChange(host=MIRA, role=role, why=""),  # type: ignore[arg-type]
        )  # fmt: skip
        assert rig.notices[-1] == f"mira-nas is {now} now"
        await rig.until(lambda role=role: rig.tracker.rows[0].role == role)  # type: ignore[misc]
        await rig.settle()


async def test_limits_of_a_host(rig: TrackerRig) -> None:
    row = rig.tracker.rows[0]
    rig.tracker.rows[0] = structs.replace(row, limits=Limits(max_entries=500))
    rig.screen.hosts.changed()
    await rig.settle()
    await rig.press("l")
    await rig.until_on(Form)
    assert "500" in rig.text
    await rig.enter("2.5")
    await rig.press("enter", "enter")
    await rig.enter("4")
    await rig.press("enter")
    await rig.enter("a test")
    await rig.press("enter")
    limits = Limits(searches_s=2.5, max_entries=500, connections=4)
    change = MemberChange(host=MIRA, limits=limits, why="a test")
    assert rig.tracker.named("change") == [("change", change)]


@pytest.mark.parametrize(
    ("keys", "said"),
    [("no", "Searches/s: A number"), ("-1", "Searches/s: Above 0"), ("nan", "Searches/s: A")],
)
async def test_limits_that_cannot_be(keys: str, said: str, rig: TrackerRig) -> None:
    await rig.press("l")
    await rig.until_on(Form)
    await rig.enter(keys)
    await rig.press("enter", "enter", "enter", "enter")
    assert said in rig.text
    assert rig.tracker.named("change") == []


async def test_a_message_to_a_host(rig: TrackerRig) -> None:
    await rig.press("m")
    await rig.until_on(Prompt)
    await rig.press("enter")
    assert "A sentence." in rig.text, "nothing is sent for nothing"
    await rig.enter("hello")
    await rig.press("enter")
    assert rig.tracker.named("message") == [("message", Message(host=MIRA, text="hello"))]
    assert rig.notices == ["told mira-nas"]


async def test_the_id_goes_to_the_clipboard(rig: TrackerRig) -> None:
    await rig.press("y")
    assert rig.app.clipboard == MIRA


async def test_acts_without_a_host_do_nothing() -> None:
    async with tracker_opened(TrackerWays(ScreenTracker([]))) as rig:
        await rig.press("d", "p", "K", "r", "l", "m", "y")
        assert isinstance(rig.app.screen, TrackerScreen)
        assert rig.tracker.named("discover", "ping", "kick", "change", "message") == []
