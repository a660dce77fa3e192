"""p2ptui itself: a tracker and two nodes, each a process, driven through control endpoints."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import msgspec

from benchmarks.payload import NAME
from benchmarks.processes import HOST, Broken, running, tail_of, wait_until
from benchmarks.race import Grounds
from p2ptui.base.errors import P2PError
from p2ptui.base.paths import HOME_VARIABLE, Home
from p2ptui.node.api import FetchRequest
from p2ptui.node.events import FetchFailed, FetchFinished
from p2ptui.node.remote import RemoteNode
from p2ptui.peer_waiting import closing

PATIENCE_S = 60.0
HASH_S = 300.0
ASK_AGAIN_S = 0.2
SECTION_S = 60.0
"""Snapshots are not looked at."""


class Ours:
    """A node that fetches from the seed."""

    name = "p2ptui"

    def __init__(self, node: RemoteNode, taker: int, seed: int) -> None:
        self._node = node
        self._taker = taker
        self._seed = seed

    async def take(self) -> Path:
        """Fetch into the node's repository: verified, synced and under its final name."""
        async with closing(self._node.feed(("status",), SECTION_S)) as items:
            await anext(items)  # we are subscribed now: no event is missed
            row = await self._node.fetch(FetchRequest(target=NAME, patience_s=PATIENCE_S))
            async for item in items:
                if isinstance(item, FetchFinished) and item.id == row.id:
                    return Path(item.path)
                if isinstance(item, FetchFailed) and item.id == row.id:
                    raise Broken(f"the fetch failed: {item.reason}")
        raise Broken("the node ended")

    async def clear(self, copy: Path) -> None:  # noqa: ARG002  (the node knows where it is)
        """Withdraw the file, which deletes it."""
        await self._node.remove(NAME)

    @property
    def peak_memory(self) -> tuple[int, int] | None:
        """Most bytes that taker and seed ever used; None where the system does not tell."""
        taker, seed = _peak_bytes(self._taker), _peak_bytes(self._seed)
        return None if taker is None or seed is None else (taker, seed)


@asynccontextmanager
async def open_ours(grounds: Grounds) -> AsyncIterator[Ours]:
    """A swarm of one seed, whose share is the payload's folder, and one taker."""
    async with AsyncExitStack() as stack:

        async def start(name: str, *words: str, until: str) -> tuple[int, Home]:
            folder = grounds.folder / name
            folder.mkdir(parents=True)
            log = folder / "events"
            command = [sys.executable, "-m", "p2ptui", *words]
            command += ["--headless", "--json", "--listen", f"{HOST}:0"]
            variables = {HOME_VARIABLE: os.fspath(folder)}
            process = await stack.enter_async_context(running(command, log, environment=variables))
            await wait_until(lambda: _happened(log, until), f"p2ptui, {name}: {tail_of(log)}")
            return process.pid, Home.under(folder)

        _, tracker = await start("tracker", "tracker", until="listening")
        link = _events(tracker.folder / "events")[0]["link"]
        joining = ("--tracker", str(link), "--nick")
        seed, _ = await start(
            "seed", *joining, "seed", "--share", str(grounds.payload.path.parent), until="connected"
        )
        taker, home = await start("taker", *joining, "taker", until="connected")
        node = await RemoteNode.connect(home.node.control)
        if node is None:
            raise Broken("the node does not answer")
        stack.push_async_callback(node.close)
        await _offered(node)
        yield Ours(node, taker, seed)


async def _offered(node: RemoteNode) -> None:
    """Wait until the seed has hashed and announced the payload."""
    try:
        async with asyncio.timeout(HASH_S):
            while True:
                with suppress(P2PError):  # nobody has it yet
                    if (await node.sources(NAME)).sources:
                        return
                await asyncio.sleep(ASK_AGAIN_S)
    except TimeoutError:
        raise Broken(f"the seed offers nothing within {HASH_S:g} s") from None


def _happened(log: Path, name: str) -> bool:
    return any(event["event"] == name for event in _events(log))


def _events(log: Path) -> list[dict[str, object]]:
    lines = log.read_bytes().split(b"\n")[:-1]
    return [msgspec.json.decode(line) for line in lines if line.startswith(b"{")]


def _peak_bytes(process: int) -> int | None:
    try:
        said = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except FileNotFoundError:  # only Linux tells
        return None
    values = dict(line.split(":", 1) for line in said.splitlines())
    return int(values["VmHWM"].split()[0]) * 1024
