"""Make the pictures of the documents from the program: `python docs/pictures/make_pictures.py`.

The screens are the real ones; the node behind them is the fake one of the tests, so that a picture
shows much at once and is the same on every machine.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from p2ptui.screens.tracker_panes import hosts  # noqa: E402
from tests.support import scene  # noqa: E402  (found by the line above)
from tests.support.screen_node import ScreenNode  # noqa: E402
from tests.support.screen_rig import NARROW, Ways, opened  # noqa: E402
from tests.support.screen_tracker import ScreenTracker, happened  # noqa: E402
from tests.support.tracker_console import TrackerWays, tracker_opened  # noqa: E402

LARGE = (136, 38)


async def make(name: str, size: tuple[int, int], *keys: str) -> None:
    """One picture: a busy minute, then keys."""
    node = ScreenNode()
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Ways(node), Path(folder), size) as rig:
            for event in scene.log():
                node.emit(event)
            await rig.press("1", "j", "j", "right", "2", "slash")
            await rig.enter("debian 13")
            await rig.press("enter", "j", *keys)
            await rig.same_minute()
            drawn = rig.app.export_screenshot(title="p2ptui", simplify=True)
    write(name, drawn)


async def make_tracker(name: str, size: tuple[int, int]) -> None:
    """The tracker's console: a small swarm, the files of one host, a silent one below."""
    tracker = ScreenTracker()
    hosts.time = SimpleNamespace(time=lambda: scene.TIME)  # type: ignore[assignment]
    async with tracker_opened(TrackerWays(tracker), size) as rig:
        for event in happened():
            tracker.emit(event)
        await rig.press("d", "j", "j")
        drawn = rig.app.export_screenshot(title="p2ptui tracker", simplify=True)
    write(name, drawn)


def write(name: str, drawn: str) -> None:
    """One picture, the same at every making."""
    drawn = re.sub(r"terminal-\d+-", "terminal-", drawn)
    (HERE / name).write_text(drawn, encoding="utf-8")
    print(f"{HERE / name}: {len(drawn):,} bytes")  # noqa: T201  (a program of its own)


async def main() -> None:
    """All pictures."""
    await make("peer.svg", LARGE, "3")
    await make("peer-narrow.svg", NARROW, "3")
    await make_tracker("tracker.svg", LARGE)


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(main())
