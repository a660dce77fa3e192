"""Every key does what its help says. A key without a row in `WORKS` fails."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual import events

from p2ptui.node.api import BrowseRequest, FetchRequest, Page
from p2ptui.screens.detail import DetailDialog
from p2ptui.screens.file_picker import FilePicker
from p2ptui.screens.help import HelpDialog
from p2ptui.screens.keys import KEYS, PANES, TABLE_KEYS, PaneName, help_of, keymap_of, remap
from p2ptui.screens.palette import Palette
from p2ptui.screens.panes.base import FilterBox
from p2ptui.screens.peer import PeerScreen
from p2ptui.screens.row_list import RowListScreen
from p2ptui.screens.session import Looks
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.dialog import Question
from p2ptui.widgets.key_footer import KeyFooter
from p2ptui.widgets.log_pane import LogPane
from tests.support import scene
from tests.support.screen_node import ScreenNode
from tests.support.screen_rig import NARROW, Rig, Ways, opened

Work = Callable[[Rig], Awaitable[None]]
WORKS: dict[str, Work] = {}


def key(key_id: str) -> Callable[[Work], Work]:
    """The test of a key."""

    def keep(work: Work) -> Work:
        assert key_id not in WORKS
        WORKS[key_id] = work
        return work

    return keep


@pytest.mark.parametrize("key_id", [key.id for key in (*KEYS, *TABLE_KEYS)])
async def test_a_key_does_what_its_help_says(key_id: str, rig: Rig) -> None:
    await WORKS[key_id](rig)


def test_no_test_is_left_of_a_key_that_is_gone() -> None:
    assert {key.id for key in (*KEYS, *TABLE_KEYS)} == WORKS.keys()


# --- moving about ---------------------------------------------------------------------------------


async def goes_to(rig: Rig, pressed: str, pane: PaneName) -> None:
    await rig.press(pressed)
    assert rig.screen.active == pane
    await rig.until_seen("Hosts ─" if pane == "hosts" else "Search ─")


for digit, name in zip("12345", ("library", "search", "transfers", "log", "hosts"), strict=True):

    @key(name)
    async def _digit(rig: Rig, digit: str = digit, name: PaneName = name) -> None:  # type: ignore[assignment]
        await rig.press("1" if name != "library" else "2")
        await goes_to(rig, digit, name)


@key("next-pane")
async def _next_pane(rig: Rig) -> None:
    seen = []
    for _ in range(4):
        await rig.press("tab")
        seen.append(rig.screen.active)
    assert seen == ["transfers", "log", "library", "search"]


@key("previous-pane")
async def _previous_pane(rig: Rig) -> None:
    await rig.press("shift+tab")
    places = [str(rig.screen.active)]
    await rig.press("shift+tab")
    places.append(str(rig.screen.active))
    assert places == ["library", "log"]


@key("find")
async def _find(rig: Rig) -> None:
    await rig.press("slash")
    await rig.enter("arm64 0041")
    await rig.press("enter")
    await rig.until_seen("debian-13.1-arm64-netinst-0041.iso")
    assert rig.node.named("search")[-1] == ("search", "arm64 0041", Page(limit=200))
    await rig.press("3", "slash")
    await rig.enter("iso")
    await rig.press("enter")
    await rig.until(lambda: rig.table("transfers").source.count == 5, "the filtered transfers")
    assert rig.table("transfers").has_focus


@key("command")
async def _command(rig: Rig) -> None:
    await rig.press("colon")
    assert rig.widget(CommandLine).has_focus_within


@key("back")
async def _back(rig: Rig) -> None:
    await rig.press("5", "escape")
    assert rig.screen.active == "search"
    await rig.press("space", "escape")
    assert rig.table("search").marked == set()


# --- acting on rows -------------------------------------------------------------------------------


def content_at(rig: Rig, pane: str = "search") -> str:
    return str(rig.table(pane).cursor_key)


@key("fetch")
async def _fetch(rig: Rig) -> None:
    wanted = content_at(rig)
    await rig.press("f")
    assert rig.node.named("fetch") == [("fetch", FetchRequest(target=wanted))]
    await rig.told()
    assert rig.table("transfers").source.index_of(15) == 0


@key("publish")
async def _publish(rig: Rig) -> None:
    await rig.press("p")
    await rig.until_on(FilePicker)


@key("remove")
async def _remove(rig: Rig) -> None:
    await rig.press("1", "end", "r")
    await rig.until(lambda: rig.node.named("remove"), "the call")
    assert rig.node.named("remove") == [("remove", "talk-slides.pdf")]
    await rig.told()
    assert "talk-slides.pdf" not in rig.text.split("Log")[0]
    assert "talk-slides.pdf" in rig.notices[0]


@key("pause")
async def _pause(rig: Rig) -> None:
    await rig.press("3", "s")
    await rig.told()
    await rig.press("s")
    assert rig.node.named("steer") == [("steer", 1, "pause"), ("steer", 1, "resume")]


@key("pause-all")
async def _pause_all(rig: Rig) -> None:
    await rig.press("3", "S")
    paused = {call[1] for call in rig.node.named("steer") if call[2] == "pause"}
    assert paused == {1, 2, 3, 7, 8, 9, 10, 11}, "not the paused one, no upload, nothing over"
    await rig.told()
    rig.node.calls.clear()
    await rig.press("S")
    assert {(call[1], call[2]) for call in rig.node.named("steer")} == {
        (number, "resume") for number in (1, 2, 3, 6, 7, 8, 9, 10, 11)
    }


@key("cancel")
async def _cancel(rig: Rig) -> None:
    await rig.press("3", "c")
    await rig.until(lambda: rig.node.named("steer"), "the call")
    assert rig.node.named("steer") == [("steer", 1, "cancel")]
    assert "u " in rig.notices[0]


async def steers(rig: Rig, pressed: str, act: str) -> None:
    await rig.press("3", "j", pressed)
    assert rig.node.named("steer") == [("steer", 2, act)]


@key("raise")
async def _raise(rig: Rig) -> None:
    await steers(rig, "plus", "raise")


@key("lower")
async def _lower(rig: Rig) -> None:
    await steers(rig, "minus", "lower")


@key("move-down")
async def _move_down(rig: Rig) -> None:
    await steers(rig, "J", "later")


@key("move-up")
async def _move_up(rig: Rig) -> None:
    await steers(rig, "K", "earlier")


@key("retry")
async def _retry(rig: Rig) -> None:
    await rig.press("3", "R")
    assert rig.node.named("steer") == [("steer", 13, "retry")], "what failed"
    await rig.press("1", "R")
    assert rig.node.named("rescan") == [("rescan",)]


@key("why")
async def _why(rig: Rig) -> None:
    told: tuple[tuple[str, str], ...] = (
        ("3", "next try in 24 s"),
        ("2", "57 of 57 owners are online"),
        ("5", "Its port can be dialled."),
    )
    for pane, sentence in told:
        await rig.press(pane)  # its rows come with the tick behind that
        await rig.press("w")
        await rig.until_on(Question)
        await rig.until_seen(sentence)
        await rig.press("escape")
    await rig.press("1", "end", "w")
    await rig.until_on(Question)
    await rig.until_seen("/srv/share/talk-slides.pdf")


@key("owners")
async def _owners(rig: Rig) -> None:
    await rig.press("3", "o")
    await rig.until_on(DetailDialog)
    await rig.until_seen("39 of 64 chunks")
    await rig.until_seen("attic-pi")
    await rig.press("escape", "2", "o")
    await rig.until_on(DetailDialog)
    await rig.until_seen("2 of 57 owners online")


@key("browse")
async def _browse(rig: Rig) -> None:
    await rig.press("5")
    await rig.press("b")
    await rig.until_seen("Films")
    request = rig.node.named("browse")[0][1]
    assert isinstance(request, BrowseRequest)
    assert request.host == scene.peer_of("mira-nas")


@key("copy")
async def _copy(rig: Rig) -> None:
    for pane, copied in (
        ("2", rig.node.hits[0].content_id),
        ("3", scene.content_of("debian-13.2-amd64-DVD-1.iso")),
        ("5", scene.peer_of("mira-nas")),
    ):
        await rig.press(pane)
        await rig.press("y")
        assert rig.app.clipboard == copied
        assert f"sent to the clipboard: {copied}" in rig.notices[-1], "never said to be there"


@key("sort")
async def _sort(rig: Rig) -> None:
    await rig.press("3", "comma")
    names = [row.name for row in rig.node.rows]
    ids = [row.id for row in sorted(rig.node.rows, key=lambda row: row.name)]
    assert [rig.table("transfers").source.row(at).key for at in range(len(names))] == ids  # type: ignore[union-attr]
    assert "Name ▲" in rig.text
    await rig.press("comma")
    assert rig.table("transfers").source.row(0).key == ids[-1]  # type: ignore[union-attr]
    assert "Name ▼" in rig.text
    await rig.press("4", "comma")
    assert rig.widget(LogPane).least != "debug"


# --- the node -------------------------------------------------------------------------------------


@key("up-less")
async def _up_less(rig: Rig) -> None:
    await rig.press("left_parenthesis", "left_parenthesis")
    assert rig.node.named("limit") == [("limit", "up", 100_000_000), ("limit", "up", 50_000_000)]
    await rig.told()
    assert "of 50.0 MB/s" in rig.text


@key("up-more")
async def _up_more(rig: Rig) -> None:
    rig.node.limits["up"] = 50_000
    await rig.press("right_parenthesis")
    assert rig.node.named("limit") == [("limit", "up", 100_000)]
    assert rig.notices[-1] == "uploads: at most 100.0 KB/s"


@key("down-less")
async def _down_less(rig: Rig) -> None:
    rig.node.limits["down"] = 50_000
    await rig.press("left_curly_bracket")
    assert rig.node.named("limit") == [], "never to nothing"
    rig.node.limits["down"] = 200_000
    await rig.press("left_curly_bracket")
    assert rig.node.named("limit") == [("limit", "down", 100_000)]


@key("down-more")
async def _down_more(rig: Rig) -> None:
    rig.node.limits["down"] = 100_000_000
    await rig.press("right_curly_bracket")
    assert rig.node.named("limit") == [("limit", "down", None)]
    assert rig.notices[-1] == "downloads: no limit"


@key("slow")
async def _slow(rig: Rig) -> None:
    await rig.press("t")
    await rig.told()
    assert "slow mode" in rig.text.splitlines()[0]
    await rig.press("t")
    assert rig.node.named("slow") == [("slow", True), ("slow", False)]


@key("undo")
async def _undo(rig: Rig) -> None:
    await rig.press("u")
    assert rig.node.named("undo") == [("undo",)]
    assert "song.flac is back" in rig.notices[-1]


# --- other screens --------------------------------------------------------------------------------


@key("history")
async def _history(rig: Rig) -> None:
    await rig.press("h")
    await rig.until_on(RowListScreen)
    assert rig.node.named("history")


@key("settings")
async def _settings(rig: Rig) -> None:
    await rig.press("e")
    await rig.until(lambda: rig.node.named("settings"), "the question")
    await rig.until(lambda: not isinstance(rig.app.screen, PeerScreen), "the settings")
    await rig.until_seen("nick")


@key("help")
async def _help(rig: Rig) -> None:
    for pane in PANES:
        rig.screen.focus_pane(pane)
        await rig.press("question_mark")
        dialog = await rig.until_on(HelpDialog)
        rows = dialog._table.source
        shown = [tuple(map(str, map(text_of, rows.row(at).cells))) for at in range(rows.count)]  # type: ignore[union-attr]
        assert shown == [*help_of(pane)]
        await rig.press("escape")


def text_of(cell: object) -> str:
    return str(getattr(cell, "text", cell))


@key("palette")
async def _palette(rig: Rig) -> None:
    await rig.press("ctrl+p")
    await rig.until_on(Palette)
    await rig.enter("rescan")
    await rig.until_seen("look for changed files now")


@key("quit")
async def _quit(rig: Rig) -> None:
    await rig.press("q")
    await rig.until_on(Question)
    assert "Still under way: 9 downloads, 2 uploads." in rig.text
    await rig.press("escape")
    assert isinstance(rig.app.screen, PeerScreen), "stay is a way out as well"
    assert rig.node.named("stop") == []


# --- keys of every table --------------------------------------------------------------------------


async def moves(rig: Rig, pressed: str, start: int, end: int) -> None:
    table = rig.table("search")
    table.cursor = start
    await rig.press(pressed)
    assert table.cursor == end


@key("table.down")
async def _down(rig: Rig) -> None:
    await moves(rig, "j", 0, 1)
    await moves(rig, "down", 2_999, 2_999)


@key("table.up")
async def _up(rig: Rig) -> None:
    await moves(rig, "k", 3, 2)
    await moves(rig, "up", 0, 0)


@key("table.page-down")
async def _page_down(rig: Rig) -> None:
    await moves(rig, "pagedown", 0, rig.table("search").size.height - 1)


@key("table.page-up")
async def _page_up(rig: Rig) -> None:
    await moves(rig, "pageup", 20, 21 - rig.table("search").size.height)


@key("table.first")
async def _first(rig: Rig) -> None:
    await moves(rig, "home", 40, 0)


@key("table.last")
async def _last(rig: Rig) -> None:
    await moves(rig, "end", 0, 2_999)
    await rig.until_seen("2999.iso")
    assert [call[2] for call in rig.node.named("search")] == [Page(limit=200), Page(offset=2800)]


@key("table.open")
async def _open(rig: Rig) -> None:
    await rig.press("1", "right")
    await rig.until_seen("notes-2026.md")
    assert ("folder", "Documents") in {call[:2] for call in rig.node.named("folder")}


@key("table.close")
async def _close(rig: Rig) -> None:
    await rig.press("1", "right")
    await rig.until_seen("notes-2026.md")
    await rig.press("j", "left", "left")
    await rig.until(lambda: "notes-2026.md" not in rig.text, "the closed folder")


@key("table.select")
async def _select(rig: Rig) -> None:
    wanted = content_at(rig)
    await rig.press("enter")
    assert rig.node.named("fetch") == [("fetch", FetchRequest(target=wanted))]


@key("table.mark")
async def _mark(rig: Rig) -> None:
    await rig.press("space", "space")
    wanted = {row.content_id for row in rig.node.hits[:2]}
    assert rig.table("search").marked == wanted
    assert rig.table("search").cursor == 2
    await rig.press("f")
    assert {call[1].target for call in rig.node.named("fetch")} == wanted  # type: ignore[attr-defined]
    assert rig.table("search").marked == set()


@key("table.mark-all")
async def _mark_all(rig: Rig) -> None:
    await rig.press("3", "A")
    assert rig.table("transfers").marked == {row.id for row in rig.node.rows}
    await rig.press("c")
    cancelled = {call[1] for call in rig.node.named("steer")}
    assert cancelled == {1, 2, 3, 6, 7, 8, 9, 10, 11}, "downloads that are not over"


@key("table.invert-marks")
async def _invert(rig: Rig) -> None:
    await rig.press("3", "space", "i")
    assert rig.table("transfers").marked == {row.id for row in rig.node.rows} - {1}


# --- bindings -------------------------------------------------------------------------------------


async def test_a_remapped_key_works_and_the_old_one_does_not(tmp_path: Path) -> None:
    changes = {"fetch": "g", "table.down": "n"}
    looks = Looks(ticking=False, keys=remap(changes), keymap=keymap_of(changes))
    node = ScreenNode()
    async with opened(Ways(node), tmp_path, looks=looks) as rig:
        await rig.press("f", "j")
        assert (node.named("fetch"), rig.table("search").cursor) == ([], 0)
        await rig.press("n", "g")
        assert node.named("fetch") == [("fetch", FetchRequest(target=node.hits[1].content_id))]
        assert "g Fetch" in rig.text.splitlines()[-1]


@pytest.mark.parametrize("pane", PANES)
async def test_keys_of_the_footer_fit_80_columns_and_work_by_mouse(
    pane: PaneName, tmp_path: Path
) -> None:
    async with opened(Ways(ScreenNode()), tmp_path, NARROW) as rig:
        rig.screen.focus_pane(pane)
        await rig.settle()
        footer = rig.text.splitlines()[-1]
        assert "^p palette" in footer
        assert footer.count("  ") >= 5, "six keys or more"
        await rig.pilot.click(KeyFooter, offset=(footer.index("Cmd"), 0))
        await rig.settle()
        assert rig.widget(CommandLine).has_focus_within


async def test_letters_typed_at_once_behind_a_slash_are_for_the_box(rig: Rig) -> None:
    await rig.press("3")
    driver = rig.app._driver
    assert driver is not None
    for typed in ("slash", "i", "s", "o", "enter", "comma"):  # as one packet of a slow link brings
        driver.send_message(events.Key(typed, typed if len(typed) == 1 else None))
    await rig.until(lambda: rig.table("transfers").sort == ("name", False), "the key behind")
    assert rig.screen.query_one("#transfers-box", FilterBox).value == "iso"
    assert rig.table("transfers").has_focus
    assert rig.node.named("steer") == []


@pytest.mark.parametrize("pane", PANES)
async def test_a_key_of_another_pane_does_nothing(pane: PaneName, rig: Rig) -> None:
    rig.screen.focus_pane(pane)
    await rig.settle()
    rig.node.calls.clear()
    others = [key for key in KEYS if pane not in key.panes]
    await rig.press(*(key.key for key in others))
    assert rig.node.named("fetch", "remove", "steer", "browse") == []
    assert isinstance(rig.app.screen, PeerScreen)
