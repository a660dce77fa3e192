"""The history: who fetched what from whom, when, how fast; paging, filter, detail, again."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import storage_error
from p2ptui.node.api import FetchRequest, Page
from p2ptui.screens.history import history_screen
from p2ptui.screens.panes.history_rows import when_text
from p2ptui.screens.past_transfer import PastTransfer
from p2ptui.screens.row_list import RowListScreen
from p2ptui.widgets.virtual_table import VirtualTable
from tests.support import scene
from tests.support.fake_node import HOSTILE
from tests.support.screen_node import ScreenNode
from tests.support.screen_rig import NARROW, WIDE, Rig, Ways, opened


@pytest.fixture(params=[WIDE, NARROW], ids=["120x36", "80x24"])
async def past(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """The history, opened by its key."""
    node = ScreenNode()
    node.rows = [*scene.live(), *scene.over()]
    async with opened(Ways(node), tmp_path, request.param) as rig:
        await rig.press("h")
        await rig.until_on(RowListScreen)
        await rig.until_seen("44 transfers")
        yield rig


def names(rig: Rig) -> list[str]:
    table = rig.widget(VirtualTable)
    rows = [table.source.row(index) for index in range(table.source.count)]
    return ["" if row is None else str(row.cells[2]) for row in rows]


async def test_it_tells_who_what_when_and_how_fast(past: Rig) -> None:
    line = next(each for each in past.text.split("\n") if "fedora" in each)
    for part in ("01-15 07:59", "mira-nas +2", "2.3 GB", "109.5 MB/s"):
        assert part in line
    uploads = [each for each in past.text.split("\n") if "talk-00" in each]
    assert "kiosk-1" in uploads[0]
    assert "cancelled" in past.text
    assert "failed" in past.text
    assert "debian-13.2" not in past.text, "what is under way is not over"
    assert "jazz/" in past.text


async def test_a_filter_is_typed_in_it_and_esc_takes_it_back(past: Rig) -> None:
    await past.press("slash")
    await past.enter("kiosk")
    await past.press("enter")
    await past.until_seen("14 transfers")
    assert set(names(past)) == {f"talk-{n:02}.mp4" for n in range(0, 40, 3)}
    await past.press("escape")
    await past.until_seen("44 transfers")
    await past.press("escape")
    assert not isinstance(past.app.screen, RowListScreen)


async def test_a_filter_that_nothing_fits_is_told_as_such(past: Rig) -> None:
    await past.press("slash")
    await past.enter("zzz")
    await past.press("enter")
    await past.until_seen("No transfer that is over fits that.")


async def test_enter_shows_who_gave_how_much_and_where_it_lies(past: Rig) -> None:
    await past.press("enter")
    await past.until_on(PastTransfer)
    for part in (
        "2.3 GB came in 21 s",
        "/srv/share/fedora-workstation-44.iso",
        "mira-nas",
        "1.3 GB",
        "56%",
        "zoe-mbp",
        "Began 2027-01-15 07:59:00",
    ):
        assert part in past.text
    content = scene.content_of("fedora-workstation-44.iso")
    assert content[:20] in past.text
    past.node.rows = scene.live()  # the file is gone
    await past.press("f")
    await past.until(lambda: past.notices, "a word")
    assert past.notices == ["fetching fedora-workstation-44.iso again"]
    assert past.node.named("fetch") == [("fetch", FetchRequest(target=content))]


async def test_y_sends_the_content_id_to_the_clipboard(past: Rig) -> None:
    await past.press("y")
    assert past.app.clipboard == scene.content_of("fedora-workstation-44.iso")
    await past.press("o", "y")
    await past.until(lambda: isinstance(past.app.screen, RowListScreen))
    assert past.notices[-1].startswith("sent to the clipboard")


async def test_f_retries_what_failed_and_takes_marked_rows(past: Rig) -> None:
    await past.press("down", "space", "space", "f")
    await past.until(lambda: past.notices, "a word")
    assert past.notices == ["fetching 2 files again"]
    assert past.node.named("steer") == [("steer", 13, "retry"), ("steer", 14, "retry")]
    assert not past.widget(VirtualTable).marked


async def test_f_fetches_a_folder_again_into_the_same_place(past: Rig) -> None:
    past.node.rows = [
        msgspec.structs.replace(row, path="/mnt/disk/jazz") if row.files else row
        for row in past.node.rows
    ]
    await past.press("R", "down", "down", "down", "f")
    await past.until(lambda: past.node.named("fetch_folder"))
    assert past.node.named("fetch_folder") == [
        ("fetch_folder", scene.peer_of("mira-nas"), "music/jazz", "/mnt/disk")
    ]


async def test_what_is_here_is_not_fetched_again(past: Rig) -> None:
    await past.press("end", "f")
    await past.until(lambda: past.notices, "a word")
    assert past.notices == ["already here: talk-39.mp4"]


async def test_it_is_sorted_by_the_node(past: Rig) -> None:
    await past.press("comma", "comma", "comma")
    await past.until(lambda: names(past)[0] == "broken-archive.zip")
    asked = past.node.named("history")[-1][1]
    assert isinstance(asked, Page)
    assert asked.sort == "name"


async def test_f119_a_long_history_is_brought_by_pages(tmp_path: Path) -> None:
    node = ScreenNode()
    node.rows = scene.over(9_996)
    async with opened(Ways(node), tmp_path) as rig:
        await rig.press("h")
        await rig.until_seen("10 000 transfers")
        asked = [page.offset for _, page in node.named("history")]  # type: ignore[attr-defined]
        assert asked == [0]
        await rig.press("end")
        await rig.until(lambda: names(rig)[-1] == "talk-9995.mp4")
        assert len(node.named("history")) <= 4


async def test_the_command_opens_it_with_a_filter(rig: Rig) -> None:
    rig.node.rows = scene.over()
    await rig.press("colon")
    await rig.enter("history jazz")
    await rig.press("enter")
    await rig.until_on(RowListScreen)
    await rig.until_seen("1 transfer")
    assert names(rig) == ["jazz/"]
    await rig.press("escape")
    await rig.until_seen("44 transfers")


async def test_the_command_in_another_form_answers_in_the_log(rig: Rig) -> None:
    await rig.press("colon")
    await rig.enter("history --limit 1")
    await rig.press("enter")
    await rig.until_seen("--limit 0 shows all")
    assert not isinstance(rig.app.screen, RowListScreen)


async def test_an_empty_history_says_what_will_stand_there(tmp_path: Path) -> None:
    async with opened(Ways(ScreenNode(empty=True)), tmp_path) as rig:
        await rig.press("h")
        await rig.until_seen("0 transfers")
        assert "Nothing is over yet" in rig.text


async def test_a_history_that_cannot_be_read_does_not_say_that_it_is_empty(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_page: Page) -> None:
        raise storage_error("Cannot use the node's database", "disk I/O error")

    monkeypatch.setattr(rig.node, "history", broken)
    await rig.press("h")
    await rig.until_seen("Cannot use the node's database: R asks again.")
    assert "Nothing is over yet" not in rig.text


async def test_f43_hostile_names_are_shown_harmless(tmp_path: Path) -> None:
    node = ScreenNode()
    part = msgspec.structs.replace(scene.over()[0].peers[0], nick=HOSTILE)
    node.rows = [msgspec.structs.replace(scene.over()[0], name=HOSTILE, peers=(part,))]
    async with opened(Ways(node), tmp_path) as rig:
        rig.app.push_screen(history_screen(node, rig.screen.looks.glyphs))
        await rig.until_on(RowListScreen)
        await rig.until_seen("1 transfer")
        assert rig.text.replace("\n", "").isprintable()
        await rig.press("enter")
        await rig.until_on(PastTransfer)
        assert rig.text.replace("\n", "").isprintable()


def test_a_moment_of_another_year_is_told_with_it() -> None:
    assert when_text(scene.TIME - 60, scene.TIME) == "01-15 07:59"
    assert when_text(scene.TIME - 400 * 86_400, scene.TIME) == "2025-12-11"
    assert when_text(None, scene.TIME) == ""
