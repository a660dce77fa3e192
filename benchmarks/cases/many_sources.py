"""T3: one file from three sources over the loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.cases.case import Findings, Wishes
from benchmarks.cases.one_source import Rival, compete
from benchmarks.payload import make_payload
from benchmarks.race import Grounds
from benchmarks.rivals.aria2 import Aria, open_aria
from benchmarks.rivals.members import Node, open_members
from benchmarks.rivals.torrent import Torrent, open_torrent

SOURCES = 3


class Swarming:
    """A node that fetches from several seeds."""

    name = "p2ptui"

    def __init__(self, node: Node) -> None:
        self._node = node

    async def take(self) -> Path:
        """Fetch into the node's repository."""
        return (await self._node.fetch()).path

    async def clear(self, copy: Path) -> None:
        """Withdraw the file, which deletes it."""
        await self._node.remote.remove(copy.name)


async def three_sources(wishes: Wishes, findings: Findings) -> None:
    """T3."""
    folder = wishes.folder / "T3"
    payload = make_payload(folder / "offered", wishes.size)
    grounds = Grounds(folder, payload, wishes.rounds, lambda text: wishes.tell(f"T3 {text}"))
    rivals = (Rival("aria2c", _open_aria, 1.2), Rival("libtorrent", _open_torrent, 2.0))
    async with open_members(folder / "p2ptui") as members:
        for number in range(SOURCES):
            await members.node(f"seed{number}", share=payload.path.parent)
        taker = await members.node("taker")
        await taker.offered(SOURCES)
        await compete("T3", Swarming(taker), rivals, grounds, findings, f"{SOURCES} sources")


@asynccontextmanager
async def _open_aria(grounds: Grounds) -> AsyncIterator[Aria]:
    async with open_aria(replace(grounds), SOURCES) as aria:
        yield aria


@asynccontextmanager
async def _open_torrent(grounds: Grounds) -> AsyncIterator[Torrent]:
    async with open_torrent(grounds, seeds=SOURCES) as torrent:
        yield torrent
