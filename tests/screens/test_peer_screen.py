"""The peer's screen: keys, panes, command line, and what it shows of its node."""

import pytest

from p2ptui.base.errors import unreachable
from p2ptui.node.events import FetchFinished, Resync, TrackerNotice
from p2ptui.screens.dialogs import KEEP, STAY, STOP
from p2ptui.screens.peer import PeerScreen
from p2ptui.screens.too_small import TooSmall
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.dialog import Question
from tests.support import scene
from tests.support.fake_node import HOSTILE, finished
from tests.support.peer_screen import NARROW, WIDE, Stage, peer_screen
from tests.support.screen_node import LOST, ScreenNode


async def test_all_panes_show_what_the_node_has() -> None:
    async with peer_screen() as stage:
        text = stage.text()
        for word in ("1 Library", "2 Search", "3 Transfers", "4 Log", "Network", "leo-x1"):
            assert word in text
        assert stage.node.rows[0].name[:8] in text
        assert stage.screen.active == "search"


@pytest.mark.parametrize(
    ("key", "pane"),
    [("1", "library"), ("2", "search"), ("3", "transfers"), ("4", "log"), ("5", "hosts")],
)
async def test_a_digit_goes_to_its_pane(key: str, pane: str) -> None:
    async with peer_screen(size=NARROW) as stage:
        await stage.press(key)
        assert stage.screen.active == pane
        shown = [line for line in stage.text().splitlines() if line.startswith("╭")]
        assert len(shown) == 1
        assert shown[0].startswith(f"╭─ {key} {pane.capitalize()} ")


async def test_tab_goes_round_the_panes_that_are_seen() -> None:
    async with peer_screen() as stage:
        seen = []
        for _ in range(4):
            await stage.press("tab")
            seen.append(stage.screen.active)
        assert seen == ["transfers", "log", "library", "search"]
        await stage.press("shift+tab")
        assert stage.screen.active == "library"


async def test_hosts_stand_in_the_place_of_the_search_until_esc() -> None:
    async with peer_screen() as stage:
        await stage.press("5")
        assert "5 Hosts" in stage.text()
        assert "2 Search" not in stage.text()
        await stage.press("escape")
        assert "2 Search" in stage.text()
        assert stage.screen.active == "search"


async def test_the_footer_has_the_keys_of_the_focused_pane_and_fits_80_columns() -> None:
    async with peer_screen(size=NARROW) as stage:
        for digit, word in (("1", "Remove"), ("2", "Fetch"), ("3", "Pause"), ("5", "Browse")):
            await stage.press(digit)
            footer = stage.text().splitlines()[-1]
            assert word in footer
            assert "? Help" in footer
            assert footer.endswith("^p palette")


async def test_a_key_of_another_pane_does_nothing() -> None:
    async with peer_screen() as stage:
        await stage.press("1", "f", "c", "s")
        assert stage.node.named("fetch", "steer") == []


async def test_the_header_tells_a_lost_tracker_in_words() -> None:
    async with peer_screen() as stage:
        assert "lab.example connected" in stage.text()
        stage.node.tracker = LOST
        await stage.settle()
        assert "not connected, again in 12 s" in stage.text().splitlines()[0]


async def test_events_become_lines_of_the_log_in_one_batch() -> None:
    async with peer_screen() as stage:
        for number in range(3):
            stage.node.emit(TrackerNotice(time=scene.TIME, level="info", text=f"notice {number}"))
        await stage.settle()
        lines = [line for line in stage.text().splitlines() if "notice" in line]
        assert [line.split("notice ")[1][0] for line in lines] == ["0", "1", "2"]


async def test_f42_to_f44_a_hostile_name_reaches_no_pane_log_or_notice_unescaped() -> None:
    node = ScreenNode()
    node.files = [scene.library()[0].__class__(
        name=HOSTILE, size=5, content_id="", state="listed", path="/x"
    )]  # fmt: skip
    async with peer_screen(node) as stage:
        stage.node.emit(TrackerNotice(time=scene.TIME, level="info", text=HOSTILE))
        await stage.settle()
        text = stage.text()
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]" in text


async def test_the_command_line_takes_the_commands_of_the_shell() -> None:
    async with peer_screen() as stage:
        await stage.press(":")
        assert isinstance(stage.app.focused and stage.app.focused.parent, CommandLine)
        await stage.type("limit up 2M")
        await stage.press("enter")
        await stage.until(lambda: stage.node.named("limit"))
        assert stage.node.named("limit") == [("limit", "up", 2_000_000)]
        await stage.until(lambda: "uploads: at most 2.0 MB/s" in stage.text())
        assert stage.screen.active == "search"


async def test_what_is_wrong_with_a_command_is_told_in_the_log() -> None:
    async with peer_screen() as stage:
        await stage.press(":")
        await stage.type("limt up")
        await stage.press("enter")
        await stage.until(lambda: "Did you mean limit?" in stage.text())


async def test_search_on_the_command_line_fills_the_search() -> None:
    async with peer_screen() as stage:
        await stage.press("1", ":")
        await stage.type("search debian")
        await stage.press("enter")
        await stage.until(lambda: stage.node.named("search")[-1][1] == "debian")
        assert stage.screen.active == "search"


async def test_help_on_the_command_line_brings_the_log_up_where_it_is_hidden() -> None:
    async with peer_screen(size=NARROW) as stage:
        await stage.press(":")
        await stage.type("help")
        await stage.press("enter")
        await stage.until(lambda: stage.screen.active == "log")
        assert "help COMMAND" in stage.text() or "these commands" in stage.text()


@pytest.mark.parametrize("word", ["exit", "stop", "quit"])
async def test_exit_and_stop_end_the_node(word: str) -> None:
    async with peer_screen() as stage:
        await stage.press(":")
        await stage.type(word)
        await stage.pilot.press("enter")
        await stage.until(lambda: stage.app.return_value is not None)
        assert stage.node.named("stop") == [("stop",)]


async def leave(stage: Stage, answer: str) -> None:
    await stage.press("q")
    await stage.until(lambda: isinstance(stage.app.screen, Question))
    stage.app.screen.dismiss(answer)
    await stage.settle()


@pytest.mark.parametrize(("answer", "stops", "leaves"), [
    (KEEP, False, True), (STOP, True, True), (STAY, False, False),
])  # fmt: skip
async def test_leaving_asks_while_something_runs(answer: str, stops: bool, leaves: bool) -> None:
    async with peer_screen() as stage:
        await leave(stage, answer)
        assert bool(stage.node.named("stop")) == stops
        assert (stage.app.return_value is not None) == leaves


@pytest.mark.parametrize("started", [True, False])
async def test_leaving_does_not_ask_when_nothing_runs(started: bool) -> None:
    async with peer_screen(ScreenNode(empty=True), started=started) as stage:
        await stage.press("q")
        await stage.until(lambda: stage.app.return_value is not None)
        assert bool(stage.node.named("stop")) == started


async def test_leaving_does_not_ask_when_somebody_else_is_attached() -> None:
    node = ScreenNode()
    node.front_ends = 2
    async with peer_screen(node, started=True) as stage:
        await stage.press("q")
        await stage.until(lambda: stage.app.return_value is not None)
        assert stage.node.named("stop") == []


async def test_a_node_that_is_gone_can_be_started_again() -> None:
    async with peer_screen() as stage:
        before = stage.screen
        await stage.press("?")  # a dialog that lies over the panes
        stage.node.end("stopped by another front-end")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        assert "The node is gone" in stage.text()
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, PeerScreen))
        assert stage.screen is not before
        assert stage.closed == [stage.node]
        await stage.until(lambda: "lab.example connected" in stage.text())


async def test_a_node_that_cannot_be_started_ends_the_program_with_its_error() -> None:
    error = unreachable("The node does not answer", "It was started.", "Look into the log.")
    async with peer_screen(failure=error) as stage:
        for _ in range(20):
            await stage.pilot.pause()
        assert stage.app.failure is error


async def test_missed_events_bring_the_pages_anew() -> None:
    async with peer_screen() as stage:
        stage.node.calls.clear()
        for queue in stage.node._followers:
            queue.put_nowait(Resync(7))
        await stage.until(lambda: stage.node.named("folder") and stage.node.named("transfers"))


async def test_a_second_front_end_shows_the_same() -> None:
    node = ScreenNode()
    async with peer_screen(node) as one, peer_screen(node, NARROW) as other:
        node.emit(finished())
        await one.settle()
        await other.settle()
        assert "fetched song.flac" in one.text()
        await other.press("4")
        assert "fetched song.flac" in other.text()


async def test_f118_a_terminal_that_is_too_small_says_so_and_recovers() -> None:
    async with peer_screen() as stage:
        await stage.pilot.resize_terminal(20, 5)
        await stage.until(lambda: isinstance(stage.app.screen, TooSmall))
        await stage.pilot.resize_terminal(*WIDE)
        await stage.until(lambda: isinstance(stage.app.screen, PeerScreen))
        for size in ((100, 30), (99, 30), (100, 29), (80, 24), (40, 10), (200, 60)):
            await stage.pilot.resize_terminal(*size)
            await stage.settle()
            assert "Search" in stage.text()


@pytest.mark.parametrize(
    ("key", "call"),
    [
        ("right_parenthesis", ("limit", "up", 2_000_000)),
        ("left_parenthesis", ("limit", "up", 500_000)),
        ("right_curly_bracket", ("limit", "down", None)),
        ("left_curly_bracket", ("limit", "down", 50_000_000)),
    ],
)
async def test_limit_keys_go_through_the_steps(key: str, call: tuple[object, ...]) -> None:
    node = ScreenNode()
    node.limits = {"up": 1_000_000, "down": 100_000_000}
    async with peer_screen(node) as stage:
        await stage.press(key)
        await stage.until(lambda: stage.node.named("limit"))
        assert stage.node.named("limit") == [call]


async def test_slow_mode_and_undo() -> None:
    async with peer_screen() as stage:
        await stage.press("t")
        await stage.until(lambda: stage.node.named("slow"))
        assert stage.node.named("slow") == [("slow", True)]
        await stage.press("u")
        await stage.until(lambda: stage.node.named("undo"))


async def test_a_fetch_that_finishes_is_in_the_library_and_told() -> None:
    async with peer_screen() as stage:
        stage.node.calls.clear()
        row = stage.node.rows[0]
        stage.node.emit(
            FetchFinished(
                time=scene.TIME, id=row.id, name=row.name, content_id=row.content_id,
                path="/srv/share/x", bytes=row.size, seconds=2.0, sources=3,
            )
        )  # fmt: skip
        await stage.until(lambda: f"fetched {row.name}" in stage.text())
        await stage.until(lambda: stage.node.named("folder"))
