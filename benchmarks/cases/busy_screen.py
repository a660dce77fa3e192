"""`python -m benchmarks.cases.busy_screen`: the screen of a fake node with 60 live transfers.

Each of them changes four times a second. Measured from outside, at its terminal.
"""

import asyncio
import tempfile
from pathlib import Path

from p2ptui.screens.session import Looks
from tests.support import scene
from tests.support.screen_node import ScreenNode
from tests.support.screen_rig import Ways, peer_app

TRANSFERS = 60
INTERVAL_S = 0.25


async def _change(node: ScreenNode) -> None:
    tick = 0
    while True:
        await asyncio.sleep(INTERVAL_S)
        tick += 1
        for number, row in enumerate(node.rows):
            done = (row.done + row.size // 997) % row.size
            rate = 1_000_000 + (tick * 37 + number * 101) % 900_000
            node.rows[number] = scene.changed(row, done=done, rate_bps=rate, eta_s=tick % 90 + 1.0)
        await node.tell_sections()


async def main() -> None:
    """Until it is ended."""
    node = ScreenNode()
    node.rows = [
        scene.down(number + 1, f"payload-{number:02}.bin", scene.GB, number * scene.MB,
                   sources=3, known=5)
        for number in range(TRANSFERS)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as home:
        app = peer_app(Ways(node), Path(home), Looks())
        async with asyncio.TaskGroup() as group:
            changing = group.create_task(_change(node))
            await app.run_async()
            changing.cancel()


if __name__ == "__main__":
    asyncio.run(main())
