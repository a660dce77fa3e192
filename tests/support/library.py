"""A library on a folder of the test, with all that belongs to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from p2ptui.net.loop import Inline, Offload
from p2ptui.node.api import Page
from p2ptui.node.events import NodeEvent
from p2ptui.node.library import Library
from p2ptui.node.store import NodeStore
from tests.support.fake_time import FakeClock


class LibraryRun:
    """One run of a library, until it is closed."""

    def __init__(self, store: NodeStore, library: Library, events: list[NodeEvent]) -> None:
        self.store = store
        self.library = library
        self.events = events

    async def states(self) -> dict[str, str]:
        """State of every file by wire name."""
        page = await self.library.library(Page(limit=1000))
        return {row.name: row.state for row in page.rows}

    async def shared(self) -> set[str]:
        """Wire names of all that is announced."""
        entries, total = await self.library.entries("", 0, 1000)
        assert total == len(entries) == self.library.counts().files
        return {"/".join(entry.path) for entry in entries}

    async def settle(self) -> int:
        """Look at everything again and hash it; how many changes there were."""
        changes = await self.library.rescan()
        await self.library.wait_hashed()
        return changes


@asynccontextmanager
async def running_library(
    home: Path, *, offload: Offload | None = None, **options: Any
) -> AsyncIterator[LibraryRun]:
    """A library whose repository is `repo` in a folder; its first scan is done."""
    events: list[NodeEvent] = []
    store = await NodeStore.open(home / "node.db")
    library = Library(
        store, home / "repo", offload or Inline(), FakeClock(), events.append, **options
    )
    try:
        await library.start()
        async with asyncio.timeout(20):
            await library.wait_hashed()
        yield LibraryRun(store, library, events)
    finally:
        await library.close()
        await store.close()


def write_files(folder: Path, *places: str) -> None:
    """Files whose content is their name."""
    for place in places:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(place.encode())
