"""Pictures of the screens, compared as they are: `--snapshot-update` takes new ones.

Only what a picture tells better than a text; what keys and panes do is tested on text.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from p2ptui.base.text import local_clock
from p2ptui.screens.panes.network import NetworkPane
from p2ptui.screens.past_transfer import PastTransfer
from p2ptui.screens.session import Looks
from p2ptui.screens.too_small import TooSmall
from p2ptui.widgets.dialog import Question
from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.log_pane import LogPane
from p2ptui.widgets.theme import LIGHT
from tests.support import scene
from tests.support.screen_node import LOST, NOT_JOINED, ScreenNode
from tests.support.screen_rig import NARROW, WIDE, Rig, Ways, opened

Compare = Callable[[Rig], None]


@pytest.fixture(autouse=True)
def _still_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph keeps what it shows at first, however often a test waited for something."""
    monkeypatch.setattr(NetworkPane, "sample", lambda *_rates: None)


def happen(node: ScreenNode) -> None:
    """A few lines for the log."""
    for event in scene.log():
        node.emit(event)


@pytest.fixture(params=[WIDE, NARROW], ids=["120x36", "80x24"])
async def either(
    request: pytest.FixtureRequest, node: ScreenNode, tmp_path: Path
) -> AsyncIterator[Rig]:
    """The busy node on a wide and on a small terminal."""
    async with opened(Ways(node), tmp_path, request.param) as rig:
        yield rig


async def test_busy(either: Rig, picture: Compare) -> None:
    happen(either.node)
    await either.settle()
    picture(either)


async def test_empty(tmp_path: Path, picture: Compare) -> None:
    async with opened(Ways(ScreenNode(empty=True)), tmp_path) as rig:
        picture(rig)


@pytest.mark.parametrize("key", ["1", "3", "5"])
async def test_a_pane_on_a_small_terminal(key: str, tmp_path: Path, picture: Compare) -> None:
    async with opened(Ways(ScreenNode()), tmp_path, NARROW) as rig:
        await rig.press(key)
        picture(rig)


async def test_the_log_on_a_small_terminal(tmp_path: Path, picture: Compare) -> None:
    async with opened(Ways(ScreenNode()), tmp_path, NARROW) as rig:
        happen(rig.node)
        await rig.press("4")
        assert local_clock(scene.TIME - 114) in rig.text
        assert rig.widget(LogPane).has_focus
        picture(rig)


async def test_tracker_lost(either: Rig, picture: Compare) -> None:
    either.node.tracker = LOST
    await either.told()
    await either.until_seen("not connected")
    picture(either)


async def test_no_tracker_known(tmp_path: Path, picture: Compare) -> None:
    node = ScreenNode(empty=True)
    node.tracker = NOT_JOINED
    async with opened(Ways(node), tmp_path, NARROW) as rig:
        picture(rig)


async def test_the_leave_question(rig: Rig, picture: Compare) -> None:
    await rig.press("q")
    await rig.until_on(Question)
    picture(rig)


async def test_the_story_of_a_download(either: Rig, picture: Compare) -> None:
    await either.press("3")
    await either.press("w")
    await either.until_on(Question)
    picture(either)


async def test_sources_with_the_chunk_map(rig: Rig, picture: Compare) -> None:
    await rig.press("3", "o")
    await rig.until_seen("attic-pi")
    picture(rig)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x36", "80x24"])
async def test_the_history(size: tuple[int, int], tmp_path: Path, picture: Compare) -> None:
    node = ScreenNode()
    node.rows = scene.over()
    async with opened(Ways(node), tmp_path, size) as rig:
        await rig.press("h")
        await rig.until_seen("44 transfers")
        if size == NARROW:
            await rig.press("enter")
            await rig.until_on(PastTransfer)
        picture(rig)


async def test_the_keys_of_a_pane(rig: Rig, picture: Compare) -> None:
    await rig.press("question_mark")
    picture(rig)


async def test_the_command_line_helps(rig: Rig, picture: Compare) -> None:
    await rig.press("colon")
    await rig.enter("limit up 20M")
    picture(rig)


async def test_the_node_is_gone(rig: Rig, picture: Compare) -> None:
    rig.node.end("it was told to stop")
    await rig.until_on(Question)
    await rig.until_seen("Start it again")
    picture(rig)


async def test_f118_a_terminal_that_is_too_small(tmp_path: Path, picture: Compare) -> None:
    async with opened(Ways(ScreenNode()), tmp_path, (30, 8)) as rig:
        await rig.until_on(TooSmall)
        picture(rig)


@pytest.mark.parametrize(
    "looks",
    [Looks(ticking=False, theme=LIGHT), Looks(ticking=False, glyphs=ASCII)],
    ids=["light", "ascii"],
)
async def test_other_looks(looks: Looks, tmp_path: Path, picture: Compare) -> None:
    async with opened(Ways(ScreenNode()), tmp_path, looks=looks) as rig:
        await rig.press("3")
        if looks.glyphs is ASCII:
            foreign = {letter for letter in rig.text if not letter.isascii()}
            assert foreign <= set("╭─╮│╰╯▔▁▂▃▄▅▆▇█"), "frames are Textual's own"
        picture(rig)
