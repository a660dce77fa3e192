"""A real tracker and real nodes in this process, on the loopback, in folders of the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from p2ptui.base.clock import SystemClock
from p2ptui.base.paths import NodeHome, TrackerHome
from p2ptui.base.settings import load_settings
from p2ptui.node.api import NodeStatus
from p2ptui.node.node import Node
from p2ptui.node.opening import open_node
from tracker.opening import open_tracker
from tracker.server import TrackerServer

PATIENCE_S = 30.0


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Ask again and again until the answer is yes."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110  (nobody tells us)
            await asyncio.sleep(0.02)


class NodeSwarm:
    """Its members, by name; `node` starts one."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._address = ""
        self._server: TrackerServer | None = None

    async def tracker(self) -> str:
        """The tracker of those that are started from now on; its link. Once more: it moves."""
        if self._server is not None:
            await self._server.close()
        home = TrackerHome.under(self.folder / "tracker")
        flags = {"tracker.listen": "127.0.0.1:0", "tracker.name": "lab"}
        server = open_tracker(home, load_settings(home.settings, {}, flags), SystemClock())
        await server.start()
        self._stack.push_async_callback(server.close)
        self._server = server
        status = await server.status()
        self._address = status.listen
        return status.link

    def home(self, name: str) -> NodeHome:
        return NodeHome.under(self.folder / name)

    async def open(self, name: str) -> Node:
        """A node that is started, and closed by the test."""
        home = self.home(name)
        flags = {
            "peer.listen": "127.0.0.1:0",
            "peer.nick": None if home.settings.exists() else name,
            "peer.tracker": self._address,
        }
        home.folder.mkdir(exist_ok=True)
        node = await open_node(home, load_settings(home.settings, {}, flags), clock=SystemClock())
        await node.start()
        return node

    async def node_at(self, name: str, link: str) -> Node:
        """A node that is told where its tracker is by a link."""
        self._address = link
        return await self.node(name)

    async def node(self, name: str) -> Node:
        """A node that is closed in the end; connected, when there is a tracker."""
        node = await self.open(name)
        self._stack.push_async_callback(node.close)
        if self._address:
            await until(lambda: _is_connected(node))
        return node

    def repository(self, name: str) -> Path:
        """The repository folder of a node."""
        return self.home(name).repository


async def _is_connected(node: Node) -> bool:
    status: NodeStatus = await node.status()
    return status.tracker.state == "connected"


@asynccontextmanager
async def node_swarm(folder: Path) -> AsyncIterator[NodeSwarm]:
    """A swarm that is closed in the end."""
    async with AsyncExitStack() as stack:
        yield NodeSwarm(folder, stack)
