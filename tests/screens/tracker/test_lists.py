"""Files, the index, and the lists with a screen of their own."""

import pytest

from p2ptui.screens.row_list import RowListScreen
from p2ptui.screens.tracker import TrackerScreen
from tests.support import scene
from tests.support.console_rig import NARROW
from tests.support.screen_tracker import ScreenTracker
from tests.support.tracker_console import TrackerRig, TrackerWays, tracker_opened
from tracker.api import HostFile, IndexRequest, KickRequest, Page

# --- files and the index --------------------------------------------------------------------------


async def test_a_million_files_are_paged(rig: TrackerRig) -> None:
    rig.tracker.file_rows = [
        HostFile(name=f"file-{number:07}", size=number, content_id="", changed=0)
        for number in range(1_000_000)
    ]
    await rig.press("d", "2")
    assert "1 000 000 files" in rig.text
    await rig.press("end")
    await rig.until_seen("file-0999999")
    pages = [call[1].page for call in rig.tracker.named("discover")]  # type: ignore[attr-defined]
    assert len(pages) < 6, "only what is seen"
    assert all(page.limit == 100 for page in pages)


async def test_files_are_filtered_and_sorted_by_the_host(rig: TrackerRig) -> None:
    await rig.press("d", "2", "slash")
    await rig.enter("talks")
    await rig.press("enter", "comma", "comma")
    request = rig.tracker.named("discover")[-1][1]
    assert request.page == Page(limit=100, filter="talks", sort="-name")  # type: ignore[attr-defined]
    assert "2 files · with talks" in rig.text
    await rig.press("escape", "escape")
    await rig.until_seen("9 files")


async def test_of_a_host_that_is_offline_the_index_is_shown(rig: TrackerRig) -> None:
    await rig.press("end", "d")
    assert "Files of old-laptop" in rig.text
    assert "offline, by the index" in rig.text


async def test_a_host_that_does_not_answer_is_told(rig: TrackerRig) -> None:
    rig.tracker.rows.clear()
    await rig.command("discover nobody")
    assert "No such host" in rig.notices[-1]


async def test_on_a_small_terminal_discover_goes_to_the_files(tracker: ScreenTracker) -> None:
    async with tracker_opened(TrackerWays(tracker), NARROW) as rig:
        await rig.press("enter")
        assert rig.screen.active == "files"
        assert "2 Files of mira-nas" in rig.text
        await rig.press("escape")
        assert rig.screen.active == "hosts"


async def test_the_index_of_all_and_back(rig: TrackerRig) -> None:
    await rig.press("d", "2", "f")
    assert "2 Index of all" in rig.text
    assert "Owners" in rig.text
    await rig.press("s")
    assert "Index: single owners" in rig.text
    assert rig.tracker.named("index")[-1][1] == IndexRequest(page=Page(limit=100), single=True)
    await rig.press("s", "slash")
    await rig.enter("talks")
    await rig.press("enter")
    assert rig.tracker.named("index")[-1][1] == IndexRequest(text="talks", page=Page(limit=100))
    await rig.press("f")
    assert "2 Files of mira-nas" in rig.text


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("search talks", IndexRequest(text="talks", page=Page(limit=100))),
        ("index --single", IndexRequest(page=Page(limit=100), single=True)),
    ],
)
async def test_commands_show_the_index(line: str, request_: IndexRequest, rig: TrackerRig) -> None:
    await rig.command(line)
    assert rig.tracker.named("index")[-1][1] == request_
    assert rig.screen.active == "files"


async def test_a_list_is_brought_again(rig: TrackerRig) -> None:
    await rig.press("d", "2")
    rig.tracker.file_rows.pop()
    await rig.press("R")
    await rig.until_seen("8 files")


@pytest.mark.parametrize("key", ["o", "enter"])
async def test_owners_of_a_content(key: str, rig: TrackerRig) -> None:
    await rig.press("d", "2", key)
    await rig.until_on(RowListScreen)
    content = rig.tracker.file_rows[0].content_id
    assert rig.tracker.named("owners")[-1][1] == content
    assert "Owners of debian-13.2" in rig.text
    assert "leo-x1" in rig.text
    await rig.press("j", "y")
    assert rig.app.clipboard == scene.peer_of("leo-x1")
    await rig.press("q")
    await rig.press("y")
    assert rig.app.clipboard == content


# --- bans, invites, audit -------------------------------------------------------------------------


async def test_a_ban_is_lifted(rig: TrackerRig) -> None:
    await rig.tracker.kick(KickRequest(host="zoe-mbp", why="noise", for_s=3_600))
    await rig.tracker.kick(KickRequest(host="10.9.0.0/16"))
    await rig.press("b")
    await rig.until_on(RowListScreen)
    assert "2027-01-15 09:00  noise" in rig.text
    assert "for good          no reason given" in rig.text
    await rig.press("u")
    assert rig.tracker.named("unban") == [("unban", scene.peer_of("zoe-mbp"))]
    await rig.until_seen("1 ban")
    await rig.press("u")
    assert rig.tracker.named("unban")[-1] == ("unban", "10.9.0.0/16")
    await rig.until_seen("Nobody is out.")
    await rig.press("u", "escape")
    assert len(rig.tracker.named("unban")) == 2
    assert isinstance(rig.app.screen, TrackerScreen)


async def test_bans_are_filtered(rig: TrackerRig) -> None:
    for name in ("zoe-mbp", "leo-x1"):
        await rig.tracker.kick(KickRequest(host=name))
    await rig.press("b", "slash")
    await rig.enter("leo")
    await rig.press("enter")
    await rig.until_seen("1 ban")
    await rig.press("escape")
    await rig.until_seen("2 bans")


async def test_an_invite_is_revoked(rig: TrackerRig) -> None:
    await rig.press("v")
    await rig.until_on(RowListScreen)
    assert "3 of 5" in rig.text
    await rig.press("r")
    assert rig.tracker.named("revoke") == [("revoke", "k7wq2mz4")]
    assert "nobody can join with invite k7wq2mz4 any more" in rig.notices
    await rig.until_seen("1 invite")


async def test_the_audit_log_is_paged_and_filtered(rig: TrackerRig) -> None:
    await rig.press("a")
    await rig.until_on(RowListScreen)
    assert "flooding" in rig.text
    assert "3 acts" in rig.text
    await rig.press("slash")
    await rig.enter("motd")
    await rig.press("enter")
    await rig.until_seen("1 act")
    assert rig.tracker.named("audit")[-1] == ("audit", Page(limit=100, filter="motd"))
    await rig.press("u", "r")
    assert rig.tracker.named("unban", "revoke") == [], "no key of this list"
