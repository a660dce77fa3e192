"""Search results: who answers fast, which may be ourselves."""

import msgspec

from p2ptui.node.api import HitRow
from p2ptui.screens.panes.hit_rows import COLUMNS, hit_data
from p2ptui.widgets.dialog import Paragraph, Question
from p2ptui.widgets.glyphs import UNICODE
from p2ptui.widgets.table_rows import Toned
from tests.support import scene
from tests.support.screen_rig import Rig

BEST = [column.key for column in COLUMNS].index("best")
OURS = msgspec.structs.replace(scene.hits(4)[3], best="leo-x1")


def best_of(row: HitRow) -> object:
    return hit_data(row, UNICODE, "leo-x1").cells[BEST]


def test_we_are_you_and_a_namesake_is_not() -> None:
    assert best_of(OURS) == Toned("you", "dim")
    assert best_of(msgspec.structs.replace(OURS, have="new")) == "leo-x1"
    assert best_of(msgspec.structs.replace(OURS, best="anna")) == "anna"
    assert best_of(msgspec.structs.replace(OURS, best="")) == UNICODE.nothing
    assert hit_data(OURS, UNICODE).cells[BEST] == "leo-x1"


async def test_the_pane_and_the_story_know_our_nick(rig: Rig) -> None:
    rig.node.hits = [OURS]
    await rig.press("2", "slash")
    await rig.enter("debian")
    await rig.press("enter")
    await rig.until_seen("1 result")
    line = next(each for each in rig.text.split("\n") if "-0003.iso" in each)
    assert "you" in line
    await rig.press("w")
    await rig.until_on(Question)
    told = [str(each.content) for each in rig.app.screen.query(Paragraph)]
    assert "56 of 59 owners are online, you among them." in told
