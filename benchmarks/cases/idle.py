"""T13: what a node costs that shares many files and has nothing to do; Linux only."""

import asyncio
import os
import sys
from pathlib import Path

from benchmarks.cases.case import Findings, Wishes
from benchmarks.rivals.members import open_members
from benchmarks.table import Fraction, Limit
from benchmarks.trees import make_tree

FILES = 100_000
FILE_BYTES = 100
SETTLE_S = 20.0
"""After the last file was hashed: until the tracker has the list and nothing is left to do."""
LOOK_S = 30.0
LOOKS = 3
MAX_MEMORY_BYTES = 90_000_000
MAX_CORE = 0.01


async def idle_node(wishes: Wishes, findings: Findings) -> None:
    """T13, but for what belongs to T1. The node is one that has hashed all in this run."""
    if sys.platform != "linux":
        findings.not_run.append("T13 (idle): only Linux tells what a process has")
        return
    folder = wishes.folder / "T13"
    tree = await asyncio.to_thread(
        make_tree, folder / "offered", [FILE_BYTES] * FILES, digest=False
    )
    memory: list[float] = []
    cores: list[float] = []
    async with open_members(folder / "p2ptui") as members:
        node = await members.node("seed", share=tree.root)
        await node.published(tree.files)
        await asyncio.sleep(SETTLE_S)
        for number in range(LOOKS):
            before = _cpu_s(node.process)
            await asyncio.sleep(LOOK_S)
            cores.append((_cpu_s(node.process) - before) / LOOK_S)
            memory.append(_memory_bytes(node.process))
            wishes.tell(
                f"T13 look {number + 1} of {LOOKS}: {memory[-1] / 1e6:.0f} MB,"
                f" {cores[-1] * 100:.2f} % of a core"
            )
    what = f"idle node with {FILES} shared files"
    findings.lines.append(Limit("T13", f"{what}: memory", tuple(memory), MAX_MEMORY_BYTES, "bytes"))
    findings.lines.append(
        Fraction("T13", f"{what}: CPU", tuple(cores), at_most=MAX_CORE, of="a core")
    )


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_bytes(process: int) -> int:
    said = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    values = dict(line.split(":", 1) for line in said.splitlines())
    return int(values["VmRSS"].split()[0]) * 1024
