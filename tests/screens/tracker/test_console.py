"""The console as a whole: panes, header, states, command line, leaving, trackers that go."""

import pytest

from p2ptui.screens.dialogs import KEEP, STAY, STOP
from p2ptui.screens.keys import TABLE_KEYS, help_of, remap
from p2ptui.screens.too_small import TooSmall
from p2ptui.screens.tracker import TrackerScreen
from p2ptui.screens.tracker_keys import PANES, TRACKER_KEYS
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.dialog import Question
from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.key_footer import KeyFooter, fit_hints
from tests.support.console_rig import NARROW, WIDE
from tests.support.screen_tracker import ScreenTracker, happened, host, offline
from tests.support.tracker_console import TrackerRig, TrackerWays, still, tracker_opened
from tracker.api import Page
from tracker.events import HostJoined, Resync

# --- what is seen ---------------------------------------------------------------------------------


async def test_all_panes_show_what_the_tracker_has(rig: TrackerRig) -> None:
    for text in ("1 Hosts", "4 Statistics", "2 Files", "3 Log", "mira-nas", "21 hosts", "searches"):
        assert text in rig.text
    assert rig.table("hosts").has_focus


async def test_the_header_counts_in_words(rig: TrackerRig) -> None:
    header = rig.text.splitlines()[0]
    for words in ("p2ptui tracker", "lab.example", "0.0.0.0:7070", "18 online", "1 slow",
                  "1 silent", "up 6 d 04:12"):  # fmt: skip
        assert words in header


async def test_a_state_is_told_without_colour(rig: TrackerRig) -> None:
    states = {line.split()[2]: line for line in rig.text.splitlines()[3:24]}
    assert "silent" in states["kiosk-3"]
    assert "240 ms" in states["cam-gw"]
    assert "offline" in states["old-laptop"]
    signs = {line.lstrip("│▌ ")[0] for line in states.values()}
    assert signs == {"●", "!", "✗", "–"}


async def test_columns_come_with_the_width(tracker: ScreenTracker) -> None:
    async with tracker_opened(TrackerWays(tracker), (200, 40)) as rig:
        await rig.until_seen("operator")
        for title in ("Id", "Reach", "Loss", "Role", "Version"):
            await rig.until_seen(f" {title} ")
        await rig.pilot.resize_terminal(46, 20)
        await rig.until(lambda: "Address" not in rig.text, "the end of the addresses")
        assert "mira-nas" in rig.text


@pytest.mark.parametrize("digit", ["1", "2", "3", "4"])
async def test_a_small_terminal_shows_one_pane(digit: str, tracker: ScreenTracker) -> None:
    async with tracker_opened(TrackerWays(tracker), NARROW) as rig:
        await rig.press(digit)
        frames = [line for line in rig.text.splitlines() if line.startswith("╭")]
        assert len(frames) == 1
        assert frames[0].startswith(f"╭─ {digit} {rig.screen.active.capitalize()}")


async def test_tab_goes_round(rig: TrackerRig) -> None:
    seen = []
    for _ in range(4):
        seen.append(rig.screen.active)
        await rig.press("tab")
    assert seen == ["hosts", "files", "log", "statistics"]
    await rig.press("1", "shift+tab")
    assert rig.screen.active == "statistics"


async def test_statistics_grow_in_the_place_of_the_files(rig: TrackerRig) -> None:
    assert "Loop lag" not in rig.text
    await rig.press("4")
    for words in ("Loop lag", "p50", "Announces/s", "Index", "Memory", "Known", "Consoles"):
        assert words in rig.text
    assert "2 Files" not in rig.text
    await rig.press("escape")
    assert "2 Files" in rig.text
    assert rig.screen.active == "hosts"


async def test_no_hosts_yet_says_what_to_do() -> None:
    async with tracker_opened(TrackerWays(ScreenTracker([]))) as rig:
        assert "No hosts yet. I makes an invite" in rig.text
        assert "p2ptui://10.0.4.2:7070/#cccccccccccccccccccccccccccccccc" in rig.text
        rig.tracker.rows.append(host(0, "first"))
        rig.tracker.emit(
            HostJoined(time=0.0, peer_id=rig.tracker.rows[0].peer_id, nick="first", address="x",
                       files=1)
        )  # fmt: skip
        await rig.until_seen("1 host ")


async def test_a_temporary_index_is_told(tracker: ScreenTracker) -> None:
    tracker.state["index_notice"] = "the index is temporary"
    async with tracker_opened(TrackerWays(tracker), (140, 36)) as rig:
        assert "! the index is temporary" in rig.text.splitlines()[0]


async def test_events_become_lines_of_the_log(rig: TrackerRig) -> None:
    for event in happened():
        rig.tracker.emit(event)
    await rig.until_seen("refused 203.0.113.9: no invite")
    assert "07:58:11 + mira-nas" in rig.text
    await rig.press("3", "comma")
    await rig.until(lambda: "mira-nas (" not in rig.text, "the level")
    assert "refused" in rig.text
    assert " warn ─╯" in rig.text
    await rig.press("comma", "comma", "comma", "slash")
    await rig.enter("kiosk")
    await rig.until(lambda: "refused" not in rig.text, "the filter")
    await rig.press("escape")
    await rig.until_seen("refused")


async def test_ascii_draws_no_other_sign(tracker: ScreenTracker) -> None:
    async with tracker_opened(TrackerWays(tracker), looks=still(ASCII)) as rig:
        await rig.press("d")
        assert {sign for sign in rig.text if not sign.isascii()} == set()


# --- ten thousand hosts ---------------------------------------------------------------------------


async def test_ten_thousand_hosts_are_brought_by_pages() -> None:
    tracker = ScreenTracker([host(number) for number in range(10_000)])
    async with tracker_opened(TrackerWays(tracker)) as rig:
        assert "10 000 hosts" in rig.text
        await rig.press("end")
        await rig.until(lambda: rig.screen.hosts.current is not None, "the last page")
        assert rig.screen.hosts.current == tracker.rows[-1]
        tracker.calls.clear()
        for _ in range(8):  # two seconds
            await rig.settle()
        asked = [call[1] for call in tracker.named("hosts")]
        assert asked, "what is seen is brought anew"
        assert all(page.offset >= 9_900 for page in asked), "and nothing else"  # type: ignore[attr-defined]


async def test_a_row_that_changes_is_drawn_anew_and_the_cursor_stays(rig: TrackerRig) -> None:
    await rig.press("j", "j")
    chosen = rig.table("hosts").cursor_key
    rig.tracker.rows.insert(0, offline(99, "newcomer"))
    await rig.until_seen("newcomer")
    assert rig.table("hosts").cursor_key == chosen


async def test_hosts_are_filtered_and_sorted_by_the_tracker(rig: TrackerRig) -> None:
    await rig.press("slash")
    await rig.enter("lab")
    await rig.press("enter", "comma", "comma")
    await rig.until_seen("filter lab")
    assert rig.tracker.named("hosts")[-1] == (
        "hosts", Page(limit=100, filter="lab", sort="-nick"),
    )  # fmt: skip
    assert "4 hosts · by name ▼ · filter lab" in rig.text
    await rig.press("escape")
    await rig.until_seen("21 hosts")


async def test_a_click_on_a_title_sorts(rig: TrackerRig) -> None:
    line = rig.text.splitlines()[2]
    await rig.pilot.click(offset=(line.index("Files"), 2))
    await rig.settle()
    assert rig.tracker.named("hosts")[-1][1].sort == "files"  # type: ignore[attr-defined]


async def test_missed_events_bring_the_rows_anew(rig: TrackerRig) -> None:
    rig.tracker.calls.clear()
    rig.tracker.emit(Resync(7))
    await rig.until(lambda: rig.tracker.named("hosts"), "the page")
    assert "(7 events were not shown)" in rig.text


# --- keys -----------------------------------------------------------------------------------------


async def test_every_key_is_carried_out_by_somebody(rig: TrackerRig) -> None:
    for pane in PANES:
        rig.screen.focus_pane(pane)
        await rig.settle()
        for key in TRACKER_KEYS:
            if pane in key.panes:
                assert any(hasattr(doer, key.method) for doer in rig.screen.doers), (pane, key)


@pytest.mark.parametrize("pane", PANES)
async def test_help_has_all_keys_of_the_pane_in_full(pane: str, rig: TrackerRig) -> None:
    rig.screen.focus_pane(pane)
    await rig.press("question_mark")
    table = rig.app.screen.query_one("VirtualTable")
    shown = [table.source.row(n).cells for n in range(table.source.count)]  # type: ignore[attr-defined]
    assert [(key.text, does) for key, does in shown] == help_of(pane, TRACKER_KEYS)
    assert all(len(key.help) <= 38 for key in TRACKER_KEYS), "they are not cut off"


@pytest.mark.parametrize("pane", PANES)
async def test_the_footer_fits_80_columns(pane: str, tracker: ScreenTracker) -> None:
    async with tracker_opened(TrackerWays(tracker), NARROW) as rig:
        rig.screen.focus_pane(pane)
        await rig.settle()
        footer = rig.screen.query_one(KeyFooter)
        placed = [hint.label for _, hint in fit_hints(footer.hints, footer.last, 78)]
        assert {"Help", "palette"} <= set(placed)
        assert len(placed) >= 5


def test_keys_are_remapped_and_clash_like_the_peers() -> None:
    keys = remap({"tracker.ping": "g", "fetch": "z", "table.down": "n"}, "it", TRACKER_KEYS)
    assert {key.id: key.key for key in keys}["tracker.ping"] == "g"
    for wrong in ({"tracker.ping": "K"}, {"tracker.pong": "g"}, {"tracker.log": "space"}):
        with pytest.raises(Exception, match="keys"):
            remap(wrong, "it", TRACKER_KEYS)
    remap({"tracker.anything": "f"})  # the peer leaves it to the tracker
    assert not {key.id for key in TRACKER_KEYS} & {key.id for key in TABLE_KEYS}


async def test_the_palette_has_keys_and_commands_of_the_tracker(rig: TrackerRig) -> None:
    await rig.press("ctrl+p")
    await rig.enter("audit")
    await rig.until_seen("what admins and operators did")
    await rig.press("escape")
    await rig.press("ctrl+p")
    await rig.enter("unban")
    await rig.until_seen("in again")


# --- the command line -----------------------------------------------------------------------------


async def test_the_command_line_takes_the_commands_of_the_shell(rig: TrackerRig) -> None:
    await rig.command("kick leo-x1 --why noise")
    assert rig.tracker.named("kick")[0][1].why == "noise"  # type: ignore[attr-defined]
    await rig.until_seen("kicked leo-x1")
    assert rig.table("hosts").has_focus


async def test_the_command_line_completes_and_helps(rig: TrackerRig) -> None:
    await rig.press("colon")
    await rig.enter("discover mi")
    assert "discover HOST" in rig.text
    await rig.press("tab")
    await rig.until(lambda: rig.widget(CommandLine).text == "discover mira-nas", "the nick")


async def test_a_wrong_command_is_told(rig: TrackerRig) -> None:
    await rig.command("pong all")
    assert "Unknown command" in rig.notices[-1]


# --- leaving --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "stops", "leaves"),
    [(KEEP, False, True), (STOP, True, True), (STAY, False, False)],
)
async def test_leaving_asks(answer: str, stops: bool, leaves: bool, rig: TrackerRig) -> None:
    await rig.press("q")
    dialog = await rig.until_on(Question)
    assert "20 hosts online." in rig.text
    dialog.dismiss(answer)
    await rig.rest()
    assert bool(rig.tracker.named("stop")) == stops
    assert (rig.app.return_value is not None) == leaves


async def test_leaving_does_not_ask_when_another_console_is_there(rig: TrackerRig) -> None:
    rig.tracker.state["front_ends"] = 2
    await rig.press("q")
    assert rig.app.return_value == 0
    assert rig.tracker.named("stop") == []


async def test_leaving_a_tracker_that_ran_before_and_serves_nobody() -> None:
    ways = TrackerWays(ScreenTracker([]), started=False)
    async with tracker_opened(ways) as rig:
        await rig.press("q")
        assert rig.app.return_value == 0
        assert rig.tracker.named("stop") == []


@pytest.mark.parametrize(("word", "stops"), [("exit", True), ("stop", True), ("detach", False)])
async def test_commands_that_leave(word: str, stops: bool, rig: TrackerRig) -> None:
    await rig.command(word)
    assert bool(rig.tracker.named("stop")) == stops
    assert rig.app.return_value == 0


async def test_a_tracker_that_is_gone_can_be_started_again(tracker: ScreenTracker) -> None:
    ways = TrackerWays(tracker)
    async with tracker_opened(ways) as rig:
        before = rig.screen
        await rig.press("a")  # a list lies over the panes
        tracker.end("stopped by another console")
        await rig.until_on(Question)
        assert "The tracker is gone" in rig.text
        ways.tracker = ScreenTracker([host(0, "again")])
        await rig.press("enter")
        await rig.until(lambda: rig.screen is not before, "the new screen")
        await rig.until_seen("again")
        assert ways.closed == 1


async def test_panes_do_not_ask_a_tracker_that_is_gone(tracker: ScreenTracker) -> None:
    async with tracker_opened(TrackerWays(tracker)) as rig:
        asked = len(tracker.named("hosts"))
        for event in happened():  # the list is to be brought anew
            tracker.emit(event)
        tracker.end("stopped by another console")
        await rig.until_on(Question)
        await rig.pilot.pause(0.5)
        assert len(tracker.named("hosts")) == asked


async def test_a_second_console_shows_the_same(rig: TrackerRig) -> None:
    async with tracker_opened(TrackerWays(rig.tracker), NARROW) as other:
        await rig.press("O")
        await other.settle()
        await other.pilot.resize_terminal(120, 36)
        await other.until_seen("invite only")


async def test_f118_a_small_terminal_says_so(rig: TrackerRig) -> None:
    await rig.pilot.resize_terminal(20, 5)
    await rig.until_on(TooSmall)
    await rig.pilot.resize_terminal(*WIDE)
    await rig.until_on(TrackerScreen)
    await rig.until_seen("4 Statistics")
