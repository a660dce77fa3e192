"""Browsing a host: tree, paging, filter, fetching files and folders, hostile names."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from p2ptui.base.errors import unreachable
from p2ptui.node.api import RemoteFile
from p2ptui.screens import remote_list
from p2ptui.screens.browse import BrowseScreen
from p2ptui.screens.detail import DetailDialog
from p2ptui.screens.panes.browse import BrowsePane
from p2ptui.screens.targets import Target
from p2ptui.widgets.virtual_table import VirtualTable
from tests.support import scene
from tests.support.fake_node import CONTENT, HOSTILE
from tests.support.screen_rig import Rig

HOST = Target(name="mira-nas", host=scene.peer_of("mira-nas"), nick="mira-nas")
Open = Callable[[], Awaitable[None]]


@pytest.fixture
def browse(rig: Rig) -> Open:
    async def open_screen() -> None:
        rig.app.push_screen(BrowseScreen(rig.node, HOST))
        await rig.until_on(BrowseScreen)
        await rig.until(lambda: names(rig), "the list")

    return open_screen


def names(rig: Rig) -> list[str]:
    if not rig.app.screen.query(VirtualTable):
        return []
    table = rig.widget(VirtualTable)
    rows = [table.source.row(index) for index in range(table.source.count)]
    return [str(row.cells[0]) for row in rows if row is not None]


def offers(*wanted: str) -> list[RemoteFile]:
    return [RemoteFile(name=name, size=1_000, content_id=CONTENT) for name in wanted]


async def test_b_on_a_host_shows_its_list_as_a_tree(rig: Rig) -> None:
    await rig.press("5")
    await rig.until(lambda: rig.table("hosts").source.count)
    await rig.press("home", "b")
    await rig.until_on(BrowseScreen)
    await rig.until(lambda: names(rig) == ["Books", "Films", "readme.txt"])
    assert "Files of mira-nas" in rig.text
    assert "4 files · 2.1 GB" in rig.text


async def test_folders_unfold_and_the_cursor_stays(rig: Rig, browse: Open) -> None:
    await browse()
    await rig.press("down", "right")
    assert names(rig) == ["Books", "Films", "holiday-2025.mkv", "short.mkv", "readme.txt"]
    assert rig.widget(VirtualTable).cursor == 1
    await rig.press("left")
    assert names(rig) == ["Books", "Films", "readme.txt"]


async def test_enter_and_f_fetch_a_file(rig: Rig, browse: Open) -> None:
    await browse()
    await rig.press("end", "f")
    await rig.until_seen("coming")
    assert [call[1].target for call in rig.node.named("fetch")] == [  # type: ignore[attr-defined]
        scene.content_of("readme.txt")
    ]
    assert "fetching readme.txt" in " ".join(rig.notices)


async def test_f_on_a_folder_fetches_the_subtree(rig: Rig, browse: Open) -> None:
    await browse()
    await rig.press("down", "f")
    await rig.until(lambda: rig.node.named("fetch_folder"))
    assert rig.node.named("fetch_folder") == [("fetch_folder", str(HOST.host), "Films", "")]


async def test_f_takes_all_that_is_marked(rig: Rig, browse: Open) -> None:
    await browse()
    await rig.press("space", "end", "space", "f")
    await rig.until(lambda: rig.node.named("fetch_folder"))
    assert len(rig.node.named("fetch")) == 1
    assert rig.node.named("fetch_folder") == [("fetch_folder", str(HOST.host), "Books", "")]
    await rig.until(lambda: not rig.widget(VirtualTable).marked)


async def test_the_filter_asks_the_node_and_esc_brings_the_tree_back(
    rig: Rig, browse: Open
) -> None:
    await browse()
    await rig.press("slash")
    await rig.enter("short")
    await rig.press("enter")
    await rig.until(lambda: names(rig) == ["Films/short.mkv"])
    await rig.press("f")
    await rig.until(lambda: rig.node.named("fetch"))
    await rig.press("escape")
    await rig.until(lambda: names(rig) == ["Books", "Films", "readme.txt"])
    assert isinstance(rig.app.screen, BrowseScreen)
    await rig.press("escape")
    assert not isinstance(rig.app.screen, BrowseScreen)


async def test_f119_a_long_list_is_brought_page_by_page(
    rig: Rig, browse: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_list, "PAGE", 10)
    rig.node.remote = offers(*(f"{n // 10:02}/{n:03}.txt" for n in range(95)))
    await browse()
    await rig.until(lambda: len(names(rig)) == 10)
    asked = [call[1].page.offset for call in rig.node.named("browse")]  # type: ignore[attr-defined]
    assert asked == list(range(0, 95, 10))


async def test_f119_of_too_many_files_the_rest_is_told(
    rig: Rig, browse: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_list, "PAGE", 10)
    monkeypatch.setattr(remote_list, "MOST", 20)
    rig.node.remote = offers(*(f"{n:03}.txt" for n in range(95)))
    await browse()
    await rig.until_seen("75 more: / filters")
    assert len(rig.node.named("browse")) == 2


async def test_f42_f43_f44_names_of_others_are_shown_and_never_obeyed(
    rig: Rig, browse: Open
) -> None:
    rig.node.remote = offers(HOSTILE, f"{HOSTILE}/x")
    await browse()
    assert r"\x1b[2J\u202egpj.exe\n[red]" in rig.text
    await rig.press("f")
    await rig.until(lambda: rig.node.named("fetch_folder"))
    assert "\x1b" not in "".join(rig.notices)


async def test_a_host_that_cannot_be_asked_is_told(rig: Rig) -> None:
    rig.node.trouble["browse"] = unreachable("Not connected to the tracker", "It is away.")
    rig.app.push_screen(BrowseScreen(rig.node, HOST))
    await rig.until(lambda: rig.notices)
    assert "Not connected to the tracker" in rig.notices[0]
    del rig.node.trouble["browse"]
    await rig.press("R")
    await rig.until(lambda: names(rig))


async def test_o_shows_the_owners_of_a_file(rig: Rig, browse: Open) -> None:
    await browse()
    await rig.press("home", "o")
    assert isinstance(rig.app.screen, BrowseScreen)  # a folder has none
    await rig.press("end", "o")
    await rig.until_on(DetailDialog)


async def test_a_host_without_files_says_so(rig: Rig) -> None:
    rig.node.remote = []
    rig.app.push_screen(BrowseScreen(rig.node, HOST))
    await rig.until_seen("This host shares nothing.")


async def test_what_is_here_is_marked(rig: Rig, browse: Open) -> None:
    rig.node.remote = [msgspec.structs.replace(offers("a.txt")[0], have="have")]
    await browse()
    assert "√ here" in rig.text


async def test_a_page_of_an_older_filter_is_not_shown(rig: Rig, browse: Open) -> None:
    rig.node.remote = offers(*(f"one-{n:03}" for n in range(300)), "two")
    await browse()
    pane = rig.app.screen.query_one(BrowsePane)
    await rig.press("slash")
    await rig.enter("one")
    await rig.press("enter", "end")
    await rig.until(lambda: "one-299" in rig.text)
    older = pane._found
    assert older is not None
    pane.box.value = "two"
    await rig.until(lambda: names(rig) == ["two"])
    await pane._bring(older, 0)
    assert names(rig) == ["two"]
