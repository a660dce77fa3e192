"""T6: a folder of many small files as one job, against rsync from its daemon."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from benchmarks.cases.case import Findings, Wishes
from benchmarks.processes import Broken
from benchmarks.rivals.members import Members, Node, open_members
from benchmarks.rivals.rsync import open_rsync
from benchmarks.table import Ratio
from benchmarks.trees import Tree, make_tree
from p2ptui.base.text import format_bytes

FILES = 10_000
FILE_BYTES = 10 << 10
SEED = "seed"
FOLDER = "offered"
AT_LEAST = 0.5
TURN_S = 600.0
REST_S = 1.0


async def many_small_files(wishes: Wishes, findings: Findings) -> None:
    """T6. Each round is a new node, for one that has the files already fetches nothing."""
    folder = wishes.folder / "T6"
    tree = await asyncio.to_thread(make_tree, folder / FOLDER, [FILE_BYTES] * FILES)
    ours: list[float] = []
    theirs: list[float] = []
    async with AsyncExitStack() as stack:
        rsync = await stack.enter_async_context(open_rsync(folder / "rsync", tree.root))
        members = await stack.enter_async_context(open_members(folder / "p2ptui"))
        seed = await members.node(SEED, share=tree.root)
        await seed.published(tree.files)
        for number in range(wishes.rounds + 1):
            fast = await _turn(tree, partial(rsync.take, number))
            own = await _our_turn(members, tree, number)
            which = f"round {number} of {wishes.rounds}" if number else "warm-up"
            wishes.tell(f"T6 {which}: p2ptui {own:.0f} files/s, rsync {fast:.0f}")
            if number:
                ours.append(own)
                theirs.append(fast)
    what = f"{FILES} files of {format_bytes(FILE_BYTES)} as one folder"
    findings.lines.append(
        Ratio("T6", what, rsync.name, tuple(ours), tuple(theirs), AT_LEAST, unit="files")
    )


async def _our_turn(members: Members, tree: Tree, number: int) -> float:
    async with AsyncExitStack() as stack:
        taker = await members.node(f"taker{number}", stack=stack)
        return await _turn(tree, partial(_take, taker))


async def _take(taker: Node) -> Path:
    return (await taker.fetch_folder(SEED, FOLDER)).path


async def _turn(tree: Tree, take: Callable[[], Awaitable[Path]]) -> float:
    """Files a second, from asking until all of them lie under their names."""
    begin = time.perf_counter()
    try:
        async with asyncio.timeout(TURN_S):
            copy = await take()
    except TimeoutError:
        raise Broken(f"it took longer than {TURN_S:g} s") from None
    seconds = time.perf_counter() - begin
    # The copy stays: ext4 passes over inodes that were freed lately, one by one, which would slow
    # down whoever comes next.
    await asyncio.to_thread(tree.check, copy)
    await asyncio.sleep(REST_S)
    return tree.files / seconds
