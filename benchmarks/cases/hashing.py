"""T7: hashing a share of mixed files, against b3sum."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.cases.case import Findings, Wishes
from benchmarks.processes import Broken
from benchmarks.rivals.b3sum import open_b3sum
from benchmarks.rivals.members import SECTION_S, Members, open_members
from benchmarks.table import Ratio
from benchmarks.trees import Tree, make_tree
from p2ptui.base.text import format_bytes
from p2ptui.node.events import HashingFinished
from p2ptui.peer_waiting import closing

SHARES = 4
"""The tree is so many times as large as a transfer."""
AT_LEAST = 0.8
TURN_S = 300.0
REST_S = 0.5
_MIB = 1 << 20
_PARTS = ((0.4, 1 << 30), (0.3, 64 * _MIB), (0.25, 4 * _MIB), (0.05, 100 << 10))
"""Which part of the bytes lies in files of which size."""


async def hashing(wishes: Wishes, findings: Findings) -> None:
    """T7: from offering a folder until all its files are shared. Each round is a new node."""
    folder = wishes.folder / "T7"
    total = SHARES * wishes.size
    tree = await asyncio.to_thread(make_tree, folder / "offered", _sizes(total), digest=False)
    rival = open_b3sum(folder)
    ours: list[float] = []
    theirs: list[float] = []
    async with AsyncExitStack() as stack:
        members = await stack.enter_async_context(open_members(folder / "p2ptui"))
        for number in range(wishes.rounds + 1):
            begin = time.perf_counter()
            await rival.hash(tree.root)
            fast = tree.size / (time.perf_counter() - begin)
            await asyncio.sleep(REST_S)
            own = tree.size / await _ours(members, tree, f"node{number}")
            which = f"round {number} of {wishes.rounds}" if number else "warm-up"
            wishes.tell(f"T7 {which}: p2ptui {own / 1e9:.2f} GB/s, b3sum {fast / 1e9:.2f}")
            if number:
                ours.append(own)
                theirs.append(fast)
    what = f"hashing {format_bytes(tree.size)} in {tree.files} files"
    findings.lines.append(Ratio("T7", what, rival.name, tuple(ours), tuple(theirs), AT_LEAST))


async def _ours(members: Members, tree: Tree, name: str) -> float:
    """Seconds until a node that is offered the tree has hashed all of it."""
    async with AsyncExitStack() as stack:
        node = await members.node(name, stack=stack)
        async with closing(node.remote.feed(("status",), SECTION_S)) as items:
            await anext(items)  # we are subscribed now: no event is missed
            begin, hashed = time.perf_counter(), 0
            await node.remote.share(str(Path(tree.root)), on=True)
            try:
                async with asyncio.timeout(TURN_S):
                    async for item in items:
                        # What is listed last may come when the first ones are done already.
                        hashed += item.files if isinstance(item, HashingFinished) else 0
                        if hashed >= tree.files:
                            return time.perf_counter() - begin
            except TimeoutError:
                raise Broken(f"it hashed for longer than {TURN_S:g} s") from None
    raise Broken("the node ended")


def _sizes(total: int) -> Iterator[int]:
    for part, size in _PARTS:
        left = round(total * part)
        while left > 0:
            yield min(size, left)
            left -= size
