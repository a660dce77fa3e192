"""Fixtures: screens that look the same everywhere, a rig, and pictures of what is seen."""

import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from p2ptui.screens import history
from p2ptui.screens.panes import event_log, hosts, log
from tests.support import scene
from tests.support.console_rig import ConsoleRig
from tests.support.screen_node import ScreenNode
from tests.support.screen_rig import Rig, Ways, opened

COLOURFUL = ("NO_COLOR", "COLORTERM", "TEXTUAL", "COLUMNS", "LINES")


@pytest.fixture(autouse=True)
def _same_everywhere() -> Iterator[None]:
    """One terminal, one time zone, one moment."""
    still = SimpleNamespace(
        time=lambda: scene.TIME, strftime=time.strftime, localtime=time.localtime
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in COLOURFUL:
            patch.delenv(name, raising=False)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("TZ", "UTC")
        time.tzset()
        for module in (event_log, history, hosts, log):
            patch.setattr(module, "time", still)
        yield
    time.tzset()


@pytest.fixture
def node() -> ScreenNode:
    return ScreenNode()


@pytest.fixture
async def rig(node: ScreenNode, tmp_path: Path) -> AsyncIterator[Rig]:
    """The busy node on a wide terminal."""
    async with opened(Ways(node), tmp_path) as opened_rig:
        yield opened_rig


class _Svg(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "svg"


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> Callable[[ConsoleRig], None]:
    """Compare what is seen with the picture of this test; `--snapshot-update` takes a new one."""

    def compare(rig: ConsoleRig) -> None:
        drawn = rig.app.export_screenshot(title="p2ptui", simplify=True)
        assert re.sub(r"terminal-\d+-", "terminal-", drawn) == snapshot(extension_class=_Svg)

    return compare
