"""The peer's screen: what it shows of its node, its command line, leaving, and nodes that go."""

from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import P2PError, unreachable
from p2ptui.node.api import NodeApi
from p2ptui.node.api_values import Reachability
from p2ptui.node.events import Connected, FetchFinished, Resync, ShareScanned, TrackerNotice
from p2ptui.screens.dialogs import KEEP, STAY, STOP
from p2ptui.screens.panes.log import found_lines
from p2ptui.screens.peer import PeerScreen
from p2ptui.screens.session import Attached, Looks
from p2ptui.screens.too_small import TooSmall
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.dialog import Question
from p2ptui.widgets.glyphs import ASCII
from tests.support import scene
from tests.support.fake_node import finished
from tests.support.screen_node import LOST, ScreenNode
from tests.support.screen_rig import NARROW, WIDE, Rig, Ways, opened, peer_app


async def command(rig: Rig, line: str) -> None:
    """Type a line on the command line and enter it."""
    await rig.press("colon")
    assert rig.widget(CommandLine).has_focus_within
    rig.widget(CommandLine).open(line)
    await rig.press("enter")


# --- what is seen ---------------------------------------------------------------------------------


async def test_all_panes_show_what_the_node_has(rig: Rig) -> None:
    for text in ("1 Library", "2 Search", "3 Transfers", "4 Log", "Network", "leo-x1"):
        assert text in rig.text
    assert "debian-13" in rig.text
    assert rig.screen.active == "search"
    assert rig.table("search").has_focus


@pytest.mark.parametrize("digit", ["1", "2", "3", "4", "5"])
async def test_a_small_terminal_shows_one_pane(digit: str, tmp_path: Path) -> None:
    async with opened(Ways(ScreenNode()), tmp_path, NARROW) as rig:
        await rig.press(digit)
        frames = [line for line in rig.text.splitlines() if line.startswith("╭")]
        assert len(frames) == 1
        assert frames[0].startswith(f"╭─ {digit} {rig.screen.active.capitalize()} ")


async def test_hosts_stand_in_the_place_of_the_search_until_esc(rig: Rig) -> None:
    await rig.press("5")
    assert "5 Hosts" in rig.text
    assert "2 Search" not in rig.text
    await rig.press("escape")
    assert "2 Search" in rig.text
    assert rig.screen.active == "search"


async def test_the_header_tells_a_lost_tracker_in_words(rig: Rig) -> None:
    assert "lab.example connected" in rig.text
    rig.node.tracker = LOST
    await rig.told()
    assert "not connected, again in 12 s" in rig.text.splitlines()[0]


async def test_events_become_lines_of_the_log_in_their_order(rig: Rig) -> None:
    for number in range(3):
        rig.node.emit(TrackerNotice(time=scene.TIME, level="info", text=f"notice {number}"))
    await rig.until_seen("notice 2")
    lines = [line for line in rig.text.splitlines() if "notice" in line]
    assert [line.split("notice ")[1][0] for line in lines] == ["0", "1", "2"]


async def test_a_fetch_that_finishes_is_told_and_the_library_looks_again(rig: Rig) -> None:
    rig.node.calls.clear()
    row = rig.node.rows[0]
    rig.node.emit(
        FetchFinished(
            time=scene.TIME, id=row.id, name=row.name, content_id=row.content_id,
            path="/srv/share/x", bytes=row.size, seconds=2.0, sources=3,
        )
    )  # fmt: skip
    await rig.until_seen(f"fetched {row.name}")
    await rig.until(lambda: rig.node.named("folder"), "the library")


async def test_missed_events_bring_the_pages_anew(rig: Rig) -> None:
    rig.node.calls.clear()
    for queue in rig.node._followers:
        queue.put_nowait(Resync(7))
    await rig.until(lambda: rig.node.named("folder") and rig.node.named("transfers"), "the pages")
    assert "(7 events were not shown)" in rig.text


async def test_a_second_front_end_shows_the_same(rig: Rig, tmp_path: Path) -> None:
    async with opened(Ways(rig.node), tmp_path, NARROW) as other:
        rig.node.emit(finished())
        await rig.until_seen("fetched song.flac")
        await other.press("4")
        await other.until_seen("fetched song.flac")


async def test_ascii_draws_no_other_sign(tmp_path: Path) -> None:
    looks = Looks(ticking=False, glyphs=ASCII)
    async with opened(Ways(ScreenNode()), tmp_path, looks=looks) as rig:
        assert set(filter(lambda sign: not sign.isascii(), rig.text)) == set()


async def test_f118_a_small_terminal_says_so_and_a_resize_storm_changes_nothing(rig: Rig) -> None:
    await rig.pilot.resize_terminal(20, 5)
    await rig.until_on(TooSmall)
    await rig.pilot.resize_terminal(*WIDE)
    await rig.until_on(PeerScreen)
    for size in ((100, 30), (99, 30), (100, 29), (40, 10), (10, 3), (200, 60), WIDE):
        await rig.pilot.resize_terminal(*size)
    await rig.until_on(PeerScreen)
    await rig.until_seen("3 Transfers")


# --- the command line -----------------------------------------------------------------------------


async def test_the_command_line_takes_the_commands_of_the_shell(rig: Rig) -> None:
    await command(rig, "limit up 2M")
    assert rig.node.named("limit") == [("limit", "up", 2_000_000)]
    await rig.until_seen("uploads: at most 2.0 MB/s")
    assert rig.table("search").has_focus, "back where it was"


async def test_a_wrong_command_is_told_with_the_one_that_was_meant(rig: Rig) -> None:
    await command(rig, "limt up")
    await rig.until_seen("Did you mean limit?")
    assert "Unknown command" in rig.notices[-1]


async def test_search_on_the_command_line_fills_the_search(rig: Rig) -> None:
    await rig.press("1")
    await command(rig, "/search debian")
    await rig.until(lambda: rig.node.named("search")[-1][1] == "debian", "the query")
    assert rig.screen.active == "search"


@pytest.mark.parametrize("answer_first", [True, False])
async def test_a_tracker_that_was_joined_is_told_once(rig: Rig, answer_first: bool) -> None:
    sentence = "connected to lab.example at 10.0.4.2:7070"
    event = Connected(
        time=scene.TIME, tracker="lab.example", peer_id=scene.peer_of("leo-x1"),
        address="10.0.4.2:7070", motd="Be nice.",
    )  # fmt: skip
    if not answer_first:
        rig.node.emit(event)
        await rig.settle()
    await command(rig, "join 10.0.4.2:7070")
    await rig.until_seen(sentence)
    if answer_first:
        rig.node.emit(event)
    await rig.until_seen("Be nice.")
    assert rig.text.count(sentence) == 1
    rig.screen.log_pane.write(["what comes later is told"])
    await rig.until_seen("what comes later is told")


async def test_long_answers_bring_the_log_up_where_it_is_hidden(tmp_path: Path) -> None:
    async with opened(Ways(ScreenNode()), tmp_path, NARROW) as rig:
        await command(rig, "rescan")
        await rig.until(lambda: rig.notices, "a notice for one line")
        assert rig.screen.active == "search"
        await command(rig, "help")
        await rig.until(lambda: rig.screen.active == "log", "the log")
        await rig.until_seen("these commands")


async def test_the_command_line_completes_with_what_the_node_knows(rig: Rig) -> None:
    await rig.press("colon")
    rig.widget(CommandLine).open("browse mira")
    await rig.press("tab")
    await rig.until(lambda: rig.widget(CommandLine).text == "browse mira-nas", "the nick")


@pytest.mark.parametrize("word", ["exit", "stop", "/quit"])
async def test_exit_and_stop_end_the_node(word: str, rig: Rig) -> None:
    await command(rig, word)
    assert rig.node.named("stop") == [("stop",)]
    assert rig.app.return_value == 0


async def test_detach_leaves_the_node_running(rig: Rig) -> None:
    await command(rig, "detach")
    assert rig.node.named("stop") == []
    assert rig.app.return_value == 0


# --- leaving --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "stops", "leaves"),
    [(KEEP, False, True), (STOP, True, True), (STAY, False, False)],
)
@pytest.mark.parametrize("pressed", ["q", "ctrl+c", "ctrl+q"])
async def test_leaving_asks_while_something_runs(
    pressed: str, answer: str, stops: bool, leaves: bool, rig: Rig
) -> None:
    await rig.press(pressed)
    dialog = await rig.until_on(Question)
    dialog.dismiss(answer)
    await rig.rest()
    assert bool(rig.node.named("stop")) == stops
    assert (rig.app.return_value is not None) == leaves


@pytest.mark.parametrize("started", [True, False])
async def test_leaving_does_not_ask_when_nothing_runs(started: bool, tmp_path: Path) -> None:
    node = ScreenNode(empty=True)
    async with opened(Ways(node, started=started), tmp_path) as rig:
        await rig.press("q")
        assert rig.app.return_value == 0
        assert bool(node.named("stop")) == started


async def test_leaving_does_not_ask_when_somebody_else_is_attached(rig: Rig) -> None:
    rig.node.front_ends = 2
    await rig.press("q")
    assert rig.app.return_value == 0
    assert rig.node.named("stop") == []


# --- nodes that go --------------------------------------------------------------------------------


async def test_a_node_that_is_gone_can_be_started_again(tmp_path: Path) -> None:
    ways = Ways(ScreenNode())
    async with opened(ways, tmp_path) as rig:
        before = rig.screen
        await rig.press("question_mark")  # a dialog lies over the panes
        ways.nodes[0].end("stopped by another front-end")
        await rig.until_on(Question)
        assert "The node is gone" in rig.text
        ways.node = rig.node = ScreenNode()
        await rig.press("enter")
        await rig.until(lambda: rig.screen is not before, "the new screen")
        assert ways.closed == 1
        assert ways.nodes[-1] is rig.node
        await rig.until_seen("lab.example connected")


async def test_a_node_that_is_gone_can_be_left(rig: Rig) -> None:
    rig.node.end()
    await rig.until_on(Question)
    await rig.press("escape")
    assert rig.app.return_value == 0


async def test_a_node_that_cannot_be_started_ends_the_program_with_its_error(
    tmp_path: Path,
) -> None:
    error = unreachable("The node does not answer", "It was started.", "Look into the log.")

    class NoWay(Ways):
        async def attach(self) -> Attached[NodeApi]:
            raise error

    app = peer_app(NoWay(ScreenNode()), tmp_path)
    async with app.run_test():
        await app.workers.wait_for_complete()
    assert app.failure is error


def test_an_unknown_theme_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(P2PError, match="No such theme") as caught:
        peer_app(Ways(ScreenNode()), tmp_path, Looks(theme="p2ptui-lite"))
    assert caught.value.hint == "Did you mean p2ptui-light?"


async def test_a_bug_becomes_a_dialog_and_a_line_of_the_log_file(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.node.trouble["rescan"] = ZeroDivisionError("nobody thought of that")
    await rig.press("1", "R")
    await rig.until_on(Question)
    assert "ZeroDivisionError: nobody thought of that" in rig.text
    assert "Traceback" in caplog.text
    await rig.press("escape")
    rig.node.trouble["undo"] = ZeroDivisionError("nor of this")
    await rig.press("u")
    await rig.until_on(Question)
    assert "nor of this" in rig.text


async def test_keys_for_what_runs_say_so_of_what_is_over(rig: Rig) -> None:
    rig.node.rows = [row for row in rig.node.rows if row.state == "finished"]
    await rig.told()
    await rig.press("3")
    for pressed in ("s", "c", "plus", "J"):
        await rig.press(pressed)
        assert rig.notices[-1] == "nothing to do here: it is over"
    assert rig.node.named("steer") == []


async def test_what_a_priority_became_is_told(rig: Rig) -> None:
    await rig.press("3", "plus")
    assert rig.notices[-1].startswith("priority of debian-13.2-amd64-DVD-1.iso: ")


@pytest.mark.parametrize(
    ("reachability", "word"),
    [("reachable", "● reachable"), ("unreachable", "● not reachable"), ("unknown", "● checking")],
)
async def test_the_header_tells_whether_others_can_dial_us(
    rig: Rig, reachability: Reachability, word: str
) -> None:
    rig.node.tracker = msgspec.structs.replace(rig.node.tracker, reachability=reachability)
    await rig.told()
    await rig.until_seen(word)
    rig.node.tracker = LOST
    await rig.told()
    assert word not in rig.text


async def test_local_files_that_were_skipped_before_the_screen_was_there_are_told_once(
    tmp_path: Path,
) -> None:
    node = ScreenNode()
    node.skipped = 5
    async with opened(Ways(node), tmp_path) as rig:
        await rig.told()
        assert rig.text.count("5 files cannot be shared; the log file says which") == 1


async def test_a_scan_that_the_screen_hears_of_is_not_told_twice() -> None:
    status = msgspec.structs.replace(await ScreenNode().status(), skipped=2)
    scanned = ShareScanned(time=0, path="/srv", files=1, bytes=1, skipped=2, changes=1)
    assert list(found_lines(status, [scanned])) == []
    assert [text for _, text in found_lines(status, [])] == [
        "2 files cannot be shared; the log file says which"
    ]
