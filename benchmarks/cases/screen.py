"""T11 and T12: how soon the screen answers a key, and how soon there is one.

Both at a terminal: the program runs in a pty of its own, and what counts is the time until what it
draws has been written there.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

from benchmarks.cases.case import Findings, Wishes
from benchmarks.processes import Broken, finished
from benchmarks.rivals.terminal import Terminal, at_terminal
from benchmarks.table import Limit

KEYS_A_ROUND = 40
MAX_KEY_MS = 50.0
MAX_PAINT_MS = 700.0
PATIENCE_S = 20.0
GAP_S = 0.11
"""Between two keys; no multiple of the quarter second in which the screen ticks."""
MARKS = (b"payload-00.bin", b"payload-59.bin")


class Watch:
    """What a program writes to its terminal, and when."""

    def __init__(self) -> None:
        self.seen = b""
        self._came = asyncio.Event()

    def hear(self, written: bytes) -> None:
        """The program wrote something."""
        self.seen += written
        self._came.set()

    async def until(self, condition: Callable[[bytes], bool], what: str) -> float:
        """When it held, on the monotonic clock. Raises `Broken` when it does not."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition(self.seen):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise Broken(f"{what} did not come: {self.seen[-500:]!r}") from None
        return time.perf_counter()


async def key_to_screen(wishes: Wishes, findings: Findings) -> None:
    """T11: first row, last row, and back, while 60 transfers change."""
    folder = wishes.folder / "T11"
    folder.mkdir()
    watch = Watch()
    command = [sys.executable, "-m", "benchmarks.cases.busy_screen"]
    times_ms: list[float] = []
    async with at_terminal(command, folder / "log", hear=watch.hear) as terminal:
        await watch.until(lambda seen: MARKS[0] in seen, "the first row")
        terminal.press("3")
        for number in range(wishes.rounds * KEYS_A_ROUND + 2):
            await asyncio.sleep(GAP_S)
            key, mark = (("\x1b[F", MARKS[1]), ("\x1b[H", MARKS[0]))[number % 2]
            took_ms = await _press(terminal, watch, key, mark)
            if number >= 2:
                times_ms.append(took_ms)
    p95 = quantiles(times_ms, n=20)[-1]
    wishes.tell(f"T11 key to screen: {len(times_ms)} keys, the slowest {max(times_ms):.0f} ms")
    what = f"key to screen, 60 live transfers, p95 of {len(times_ms)} keys"
    findings.lines.append(Limit("T11", what, (p95,), MAX_KEY_MS, "milliseconds"))


async def _press(terminal: Terminal, watch: Watch, key: str, mark: bytes) -> float:
    watch.seen = b""
    begin = time.perf_counter()
    terminal.press(key)
    # The row under the cursor is bold: its name and the ground of the row come in one piece.
    return (await watch.until(lambda seen: mark in seen, repr(mark)) - begin) * 1000


async def first_paint(wishes: Wishes, findings: Findings) -> None:
    """T12: from the start of the process to the first screen, its node running already."""
    folder = wishes.folder / "T12-screen"
    folder.mkdir()
    environment = {**os.environ, "P2PTUI_HOME": str(folder / "home"), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "p2ptui", "peer", "--listen", "127.0.0.1:0"]
    times_ms = []
    for number in range(wishes.rounds + 1):
        watch = Watch()
        begin = time.perf_counter()
        async with at_terminal(
            command, folder / "log", hear=watch.hear, environment=environment
        ) as terminal:
            painted = await watch.until(lambda seen: b"p2ptui" in seen, "the first paint")
            await watch.until(lambda seen: b"Library" in seen, "the panes")
            terminal.press(":")
            await asyncio.sleep(GAP_S)
            terminal.press("detach\r")
        if number:  # the first one reads the files from the disk, and starts the node
            times_ms.append((painted - begin) * 1000)
    await _stop(folder, environment)
    wishes.tell(f"T12 first paint: {len(times_ms)} times")
    findings.lines.append(
        Limit("T12", "first paint of the screen", tuple(times_ms), MAX_PAINT_MS, "milliseconds")
    )


async def _stop(folder: Path, environment: dict[str, str]) -> None:
    await finished(
        [sys.executable, "-m", "p2ptui", "stop"], folder / "stop", environment=environment
    )
