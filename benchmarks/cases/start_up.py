"""T12: how soon the command line answers, and how soon there is a screen."""

import sys
import time

from benchmarks.cases.case import Findings, Wishes
from benchmarks.cases.screen import first_paint
from benchmarks.processes import finished
from benchmarks.table import Limit

TRIES_A_ROUND = 4
MAX_MS = 80.0


async def start_up(wishes: Wishes, findings: Findings) -> None:
    """Both."""
    await help_time(wishes, findings)
    await first_paint(wishes, findings)


async def help_time(wishes: Wishes, findings: Findings) -> None:
    """`p2ptui --help`, from start to end of its process."""
    folder = wishes.folder / "T12"
    folder.mkdir()
    command = [sys.executable, "-m", "p2ptui", "--help"]
    times_ms = []
    for number in range(wishes.rounds * TRIES_A_ROUND + 1):
        begin = time.perf_counter()
        await finished(command, folder / "help")
        if number:  # the first one reads the files from the disk
            times_ms.append((time.perf_counter() - begin) * 1000)
    wishes.tell(f"T12 --help: {len(times_ms)} times")
    findings.lines.append(Limit("T12", "p2ptui --help", tuple(times_ms), MAX_MS, "milliseconds"))
