"""Names that would drive a terminal or a markup parser are text, wherever the panes show them."""

import unicodedata
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.ids import TransferId
from p2ptui.node import events
from p2ptui.screens.peer import PeerScreen
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.dialog import Question
from tests.support import scene
from tests.support.screen_node import ScreenNode
from tests.support.screen_rig import Rig, Ways, opened
from tests.widgets.stage import HOSTILE

SIZE = (200, 50)
NAMES = {name.replace("/", "|"): shown.replace("/", "|") for name, shown in HOSTILE.items()}
"""As parts of paths, which have no slash."""


def node_of(name: str) -> ScreenNode:
    """All that others may choose is that name."""
    node = ScreenNode(empty=True)
    node.files = [scene.file(f"folder {name}/file", 5), scene.file(f"top {name}", 6)]
    node.hits = [
        msgspec.structs.replace(hit, name=f"hit {name}", names=(f"hit {name}", name), best=name)
        for hit in scene.hits(1)
    ]
    node.rows = [
        scene.down(1, f"down {name}", 100, 50, "stalled", reason=f"why {name}"),
        scene.up(2, f"up {name}", 100, 50, rate_bps=1, peer=f"peer {name}"),
    ]
    node.members = [msgspec.structs.replace(scene.members()[0], nick=f"nick {name}")]
    node.tracker = msgspec.structs.replace(node.tracker, swarm=f"swarm {name}")
    return node


def assert_harmless(rig: Rig) -> None:
    for character in rig.text.replace("\n", ""):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}, repr(character)
    assert rig.app.is_running


@pytest.mark.parametrize("name", NAMES)
async def test_f42_f43_f44_names_in_the_panes(name: str, tmp_path: Path) -> None:
    shown = NAMES[name]
    async with opened(Ways(node_of(name)), tmp_path, SIZE) as rig:
        for place in ("top", "hit", "down", "up", "swarm"):
            assert f"{place} {shown[:5]}" in rig.text, place
        assert f"hit {shown}" in rig.text
        assert_harmless(rig)
        rig.node.emit(
            events.FetchFailed(
                time=scene.TIME, id=TransferId(1), name=f"log {name}",
                content_id=scene.content_of("x"), reason=name,
            )
        )  # fmt: skip
        await rig.press("5")
        await rig.until_seen("1 host ")
        assert f"log {shown}" in rig.text
        assert f"nick {shown[:5]}" in rig.text
        assert_harmless(rig)


@pytest.mark.parametrize("name", NAMES)
async def test_f42_f43_f44_names_in_stories_notices_and_completion(
    name: str, tmp_path: Path
) -> None:
    shown = NAMES[name]
    async with opened(Ways(node_of(name)), tmp_path, SIZE) as rig:
        for pane in ("2", "3"):
            await rig.press(pane)
            await rig.press("w")
            await rig.until_on(Question)
            assert f"Why: {'hit' if pane == '2' else 'down'} {shown}"[:50] in rig.text
            assert_harmless(rig)
            await rig.press("escape")
        await rig.press("3", "c")
        assert f"cancelled down {shown}: u undoes" in rig.notices[-1]
        await rig.press("1", "end", "r")
        assert f"removed top {shown}" in rig.notices[-1]
        await rig.press("colon")
        await rig.enter("fetch hit")
        await rig.press("tab")
        await rig.until(lambda: "hit " in rig.widget(CommandLine).text, "the completed name")
        assert_harmless(rig)
        await rig.press("escape")
        assert isinstance(rig.app.screen, PeerScreen)
        assert rig.node.named("stop") == []
