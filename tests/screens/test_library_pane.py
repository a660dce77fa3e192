"""The library's pane: who else has a file, asked for behind the first look."""

from pathlib import Path

import msgspec

from p2ptui.screens.panes.file_rows import short_count
from p2ptui.screens.panes.library import HASHING_TICKS, OWNERS_TICKS
from tests.support.screen_node import ScreenNode
from tests.support.screen_rig import Rig, Ways, opened

ROOMY = (160, 40)


def owners_told(node: ScreenNode, owners: int | None) -> None:
    """What the node says of all shared files from now on."""
    node.files = [
        msgspec.structs.replace(row, owners=owners if row.content_id else None)
        for row in node.files
    ]


def line_of(rig: Rig, name: str) -> str:
    """What the pane, which is the first one, has in the line of a file."""
    return next(line for line in rig.text.splitlines() if name in line).split("│")[1]


async def ticks(rig: Rig, count: int) -> None:
    for _ in range(count):
        rig.screen.tick()
    await rig.settle()


async def test_who_else_has_a_file_comes_behind_the_first_look(tmp_path: Path) -> None:
    node = ScreenNode()
    owners_told(node, None)
    async with opened(Ways(node), tmp_path, size=ROOMY) as rig:
        assert "Others" in rig.text
        assert line_of(rig, "welcome.txt").split()[-1] == "–"
        owners_told(node, 12)
        await ticks(rig, HASHING_TICKS)
        await rig.until(lambda: line_of(rig, "welcome.txt").split()[-1] == "12", "the owners")
        owners_told(node, 3)
        await ticks(rig, OWNERS_TICKS // 2)
        assert line_of(rig, "welcome.txt").split()[-1] == "12"
        await ticks(rig, OWNERS_TICKS // 2)
        await rig.until(lambda: line_of(rig, "welcome.txt").split()[-1] == "3", "the owners")


async def test_a_tracker_that_does_not_tell_is_asked_ever_less_often(tmp_path: Path) -> None:
    node = ScreenNode()
    owners_told(node, None)
    async with opened(Ways(node), tmp_path, size=ROOMY) as rig:
        node.calls.clear()
        await ticks(rig, HASHING_TICKS)
        for _ in range(OWNERS_TICKS):
            await ticks(rig, 1)
        assert 2 <= len(node.named("folder")) <= 6


async def test_what_a_filter_shows_is_brought_anew_in_its_place(tmp_path: Path) -> None:
    node = ScreenNode()
    async with opened(Ways(node), tmp_path, size=ROOMY) as rig:
        await rig.press("1", "slash", "t", "r", "a", "c", "k", "enter", "down", "down", "space")
        # Marking goes on to the next row.
        assert "track-04" in str(rig.table("library").cursor_key)
        owners_told(node, 7)
        await ticks(rig, OWNERS_TICKS)
        await rig.until(lambda: "  7" in line_of(rig, "-01.flac"), "the owners")
        assert "track-04" in str(rig.table("library").cursor_key)
        assert len(rig.table("library").marked) == 1


async def test_who_else_has_a_file_is_seen_beside_the_other_panes(rig: Rig) -> None:
    header = rig.text.split("\n")[2]
    assert "Others" in header
    assert line_of(rig, "welcome.txt").split()[-1] == "15"
    assert " Src " in rig.text


def test_a_folder_s_number_of_files_fits_its_column() -> None:
    told = [short_count(count) for count in (0, 9_999, 10_000, 999_999, 3_200_000)]
    assert told == ["0", "9999", "10k", "999k", "3M"]
