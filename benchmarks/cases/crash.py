"""T14: a node that is killed at random moments of a fetch, again and again."""

import asyncio
import os
import random
import signal
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from benchmarks.cases.case import Findings, Wishes
from benchmarks.payload import NAME, Payload, WrongCopy, make_payload
from benchmarks.rivals.members import Members, Node, open_members
from benchmarks.table import Limit
from p2ptui.base.ids import ContentId, parse_content_id
from p2ptui.base.text import format_bytes
from p2ptui.node.api import FetchRequest
from p2ptui.node.at_risk import AGAIN_BYTES
from p2ptui.node.disk import PosixDisk
from p2ptui.node.journal import read_journal
from p2ptui.node.manifest import chunk_count, chunk_size_log2
from p2ptui.node.partial import PARTIALS

KILLS = 200
MAX_LIFE_S = 1.5
"""A fetch is killed up to so long after it began: before, during and behind all that it does."""
SIZE = 256 << 20
SETTLE_S = 0.5


async def killed_again_and_again(wishes: Wishes, findings: Findings) -> None:
    """Kill, start again, count what was lost; whatever lies under a final name must be right."""
    chance = random.Random(14)
    folder = wishes.folder / "T14"
    payload = make_payload(folder / "offered", min(wishes.size, SIZE))
    lost: list[int] = []
    wrong = finished = claimed = 0
    async with open_members(folder / "p2ptui") as members:
        seed = await members.node("seed", share=payload.path.parent)
        sent = 0
        while len(lost) < KILLS:
            repository, content = await _live(
                members, f"taker{finished}", chance.uniform(0, MAX_LIFE_S)
            )
            before, sent = sent, await _sent(seed)
            now = await asyncio.to_thread(_claimed, repository, content, payload.size)
            copies = [each for each in repository.iterdir() if each.is_file()]
            for copy in copies:
                wrong += await asyncio.to_thread(_is_wrong, payload, copy)
                copy.unlink()
                now = payload.size
            finished += bool(copies)
            lost.append(max(0, claimed + sent - before - now))
            claimed = 0 if now == payload.size else now
            if len(lost) % 20 == 0:
                wishes.tell(
                    f"T14: {len(lost)} kills, {finished} files finished, {wrong} wrong,"
                    f" at most {format_bytes(max(lost))} lost"
                )
    what = f"{KILLS} kills, {finished} files finished"
    findings.lines.append(Limit("T14", f"{what}: wrong ones", (wrong * payload.size,), 0, "bytes"))
    # The worst of all, and no median.
    findings.lines.append(
        Limit("T14", f"{what}: most that was fetched again", (max(lost),), AGAIN_BYTES, "bytes")
    )


async def _live(members: Members, name: str, life_s: float) -> tuple[Path, ContentId]:
    """One life of a taker, from its start to its death; where it fetches what.

    One that has finished is followed by another with a home of its own.
    """
    async with AsyncExitStack() as stack:
        taker = await members.node(name, stack=stack)
        await taker.offered()
        row = await taker.remote.fetch(FetchRequest(target=NAME))
        await asyncio.sleep(life_s)
        os.kill(taker.process, signal.SIGKILL)
        content = parse_content_id(row.content_id)
        assert content is not None
        return taker.home.node.repository, content


async def _sent(seed: Node) -> int:
    """Bytes that it sent; an upload that ends is for a moment neither under way nor noted."""
    known = -1
    while (now := await seed.sent()) != known:
        known = now
        await asyncio.sleep(SETTLE_S)
    return known


def _claimed(repository: Path, content: ContentId, size: int) -> int:
    """Bytes that the journal of a dead fetch claims, of those that are in its part."""
    disk = PosixDisk()
    parts = list((repository / PARTIALS).glob("*.part"))
    if not parts:
        return 0
    with suppress(FileNotFoundError):
        journal = parts[0].with_suffix(".journal").read_bytes()
        folder = disk.open_folder(repository / PARTIALS)
        part = disk.open_file(folder, parts[0].name, create=False)
        try:
            claims = read_journal(content, chunk_count(size), journal, disk.stat(part))
        finally:
            disk.close(part)
            disk.close(folder)
        return min(claims.chunks.count << chunk_size_log2(size), size)
    return 0


def _is_wrong(payload: Payload, copy: Path) -> bool:
    try:
        payload.check(copy)
    except WrongCopy:
        return True
    return False
