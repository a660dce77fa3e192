"""Members: a tracker and any number of nodes, each a process, for cases with more than two."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.payload import NAME
from benchmarks.processes import HOST, Broken, running, tail_of, wait_until
from p2ptui.base.errors import P2PError
from p2ptui.base.paths import HOME_VARIABLE, Home
from p2ptui.node.api import FetchRequest, Page, TransferRow
from p2ptui.node.events import FetchFailed, FetchFinished, FetchStarted
from p2ptui.node.remote import RemoteNode
from p2ptui.peer_waiting import closing

PATIENCE_S = 60.0
HASH_S = 300.0
ASK_AGAIN_S = 0.2
SECTION_S = 60.0
"""Snapshots are not looked at."""
UP_LIMIT = "P2PTUI_PEER_UP_LIMIT"


@dataclass(frozen=True, slots=True)
class Fetched:
    """How a fetch ended."""

    path: Path
    resumed: int
    """Bytes that were there when it began."""


class Node:
    """One running node."""

    def __init__(self, remote: RemoteNode, process: int, home: Home) -> None:
        self.remote = remote
        self.process = process
        self.home = home

    async def fetch(self) -> Fetched:
        """Bring the payload: verified, synced and under its final name. Raises `Broken`."""
        request = FetchRequest(target=NAME, patience_s=PATIENCE_S)
        return await self._to_its_end(lambda: self.remote.fetch(request))

    async def fetch_folder(self, host: str, folder: str) -> Fetched:
        """Bring a folder of another member whole. Raises `Broken`."""
        return await self._to_its_end(lambda: self.remote.fetch_folder(host, folder, ""))

    async def _to_its_end(self, begin: Callable[[], Awaitable[TransferRow]]) -> Fetched:
        async with closing(self.remote.feed(("status",), SECTION_S)) as items:
            await anext(items)  # we are subscribed now: no event is missed
            row = await begin()
            resumed = 0
            async for item in items:
                if isinstance(item, FetchStarted) and item.id == row.id:
                    resumed = item.resumed
                if isinstance(item, FetchFinished) and item.id == row.id:
                    return Fetched(Path(item.path), resumed)
                if isinstance(item, FetchFailed) and item.id == row.id:
                    raise Broken(f"the fetch failed: {item.reason}")
        raise Broken("the node ended")

    async def sent(self) -> int:
        """Bytes that went out of it so far."""
        page = await self.remote.transfers(Page(limit=1000))
        # One that ends just now may stand there twice: as under way and as over.
        uploads = {(row.peer, row.started): row.done for row in page.rows if row.direction == "up"}
        return sum(uploads.values())

    async def published(self, files: int) -> None:
        """Wait until so many files of ours are hashed. Raises `Broken`."""
        try:
            async with asyncio.timeout(HASH_S):
                while True:
                    status = await self.remote.status()
                    if status.files >= files and not status.hashing:
                        return
                    await asyncio.sleep(ASK_AGAIN_S)
        except TimeoutError:
            raise Broken(f"{files} files are not hashed within {HASH_S:g} s") from None

    async def offered(self, owners: int = 1) -> None:
        """Wait until so many others have the payload. Raises `Broken`."""
        try:
            async with asyncio.timeout(HASH_S):
                while True:
                    with suppress(P2PError):  # nobody has it yet
                        found = await self.remote.sources(NAME)
                        if sum(not source.partial for source in found.sources) >= owners:
                            return
                    await asyncio.sleep(ASK_AGAIN_S)
        except TimeoutError:
            raise Broken(f"the payload is not offered within {HASH_S:g} s") from None


class Members:
    """Starts nodes that are ended with the block that `open_members` is used in."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._link = ""

    async def open_tracker(self) -> None:
        """The tracker of all that are started afterwards."""
        await self._start(self._stack, "tracker", "tracker", until="listening")
        self._link = str(_events(self.folder / "tracker" / "events")[0]["link"])

    async def node(
        self,
        name: str,
        *,
        share: Path | None = None,
        settings: Mapping[str, str] | None = None,
        stack: AsyncExitStack | None = None,
    ) -> Node:
        """A node that is connected; `stack`: where its end is noted, instead of that of all."""
        stack = stack or self._stack
        words = ["peer", "--tracker", self._link, "--nick", name]
        if share is not None:
            words += ["--share", str(share)]
        process = await self._start(stack, name, *words, until="connected", settings=settings)
        home = Home.under(self.folder / name)
        remote = await self._connect(home, name)
        stack.push_async_callback(remote.close)
        return Node(remote, process, home)

    async def _connect(self, home: Home, name: str) -> RemoteNode:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    remote = await RemoteNode.connect(home.node.control)
                    if remote is not None:
                        return remote
                    await asyncio.sleep(ASK_AGAIN_S)
        raise Broken(f"{name} does not answer")

    async def _start(
        self,
        stack: AsyncExitStack,
        name: str,
        *words: str,
        until: str,
        settings: Mapping[str, str] | None = None,
    ) -> int:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "events"
        command = [sys.executable, "-m", "p2ptui", *words]
        command += ["--headless", "--json", "--listen", f"{HOST}:0"]
        variables = {HOME_VARIABLE: os.fspath(folder), **(settings or {})}
        process = await stack.enter_async_context(running(command, log, environment=variables))
        await wait_until(lambda: _happened(log, until), f"p2ptui, {name}: {tail_of(log)}")
        return process.pid


@asynccontextmanager
async def open_members(folder: Path) -> AsyncIterator[Members]:
    """A tracker, and nodes as they are asked for."""
    async with AsyncExitStack() as stack:
        members = Members(folder, stack)
        await members.open_tracker()
        yield members


def _happened(log: Path, name: str) -> bool:
    return any(event.get("event") == name for event in _events(log))


def _events(log: Path) -> list[dict[str, object]]:
    lines = log.read_bytes().split(b"\n")[:-1]
    return [msgspec.json.decode(line) for line in lines if line.startswith(b"{")]
