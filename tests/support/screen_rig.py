"""The full-screen peer on a fake node."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from p2ptui.app import PeerApp
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.command_context import Context
from p2ptui.command_line import Parsed
from p2ptui.commands import Command
from p2ptui.node.api import NodeApi
from p2ptui.peer_shell import completer, typed_handlers
from p2ptui.screens.panes.network import NetworkPane
from p2ptui.screens.peer import PeerScreen
from p2ptui.screens.session import Attached, Language, Looks
from tests.support.console_rig import NARROW, STILL, WIDE, ConsoleRig, running
from tests.support.screen_node import ScreenNode

__all__ = ["NARROW", "WIDE", "Rig", "Ways", "opened", "peer_app"]

MINUTE_S = 60


class Rig(ConsoleRig):
    """A running peer, and what a test does with it."""

    def __init__(self, app: PeerApp, pilot: Pilot[int], node: ScreenNode) -> None:
        super().__init__(app, pilot)
        self.node = node

    @property
    def screen(self) -> PeerScreen:
        """The screen with the panes."""
        screen = self.console
        assert isinstance(screen, PeerScreen)
        return screen

    async def same_minute(self) -> None:
        """Let the graph show a whole minute of traffic."""
        network = self.screen.query_one(NetworkPane)
        for second in range(MINUTE_S):
            height = second / MINUTE_S * (0.8 + 0.2 * (second % 3))
            network._graph.add(190_000_000 * height, 40_000_000 * (1 - height))
        network.summary = "last 60 s"
        await self.rest()

    async def told(self) -> None:
        """The node tells its sections, and the screen shows them."""
        await self.node.tell_sections()
        await self.settle()


class Ways:
    """How an app gets to its node, and what came of it."""

    def __init__(self, node: ScreenNode, *, started: bool = True) -> None:
        self.node = node
        self.nodes: list[ScreenNode] = []
        """Those that were attached to, in order."""
        self.closed = 0
        self._started = started

    async def attach(self) -> Attached[NodeApi]:
        """Attach to the node as it is now."""
        self.nodes.append(self.node)

        async def close() -> None:
            self.closed += 1

        async def ended() -> bool:
            return True

        return Attached(self.node, close, ended, started=self._started)


def peer_app(ways: Ways, home: Path, looks: Looks = STILL) -> PeerApp:
    """The app with the real commands on a fake node."""

    async def prepare(_context: Context[NodeApi], _command: Command, _args: Parsed) -> None:
        return

    async def begin(_context: Context[NodeApi], _was_running: bool) -> None:
        return

    handlers = typed_handlers(Home.under(home), Settings())
    return PeerApp(ways.attach, Language(handlers, prepare, completer, begin), looks)


@asynccontextmanager
async def opened(
    ways: Ways, home: Path, size: tuple[int, int] = WIDE, looks: Looks = STILL
) -> AsyncIterator[Rig]:
    """An app on a terminal of a size, with its node's first sections shown."""
    app = peer_app(ways, home, looks)
    async with running(app, size) as pilot:
        rig = Rig(app, pilot, ways.node)
        await rig.same_minute()
        yield rig
