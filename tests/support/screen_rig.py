"""The full-screen peer on a fake node: the real app and screens, ticked by hand.

Waits are for conditions: each look gives the app a turn, until a deadline that says what did not
come.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

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
from p2ptui.widgets.virtual_table import VirtualTable
from tests.support.screen_node import ScreenNode

DEADLINE_S = 10.0
MINUTE_S = 60
LEAST_TURNS = 2
MOST_TURNS = 8
"""Turns of all message queues that are waited for at most."""
WIDE = (120, 36)
NARROW = (80, 24)
STILL = Looks(ticking=False)

S = TypeVar("S", bound=Screen[Any])
W = TypeVar("W", bound=Widget)


class Rig:
    """A running app, and what a test does with it."""

    def __init__(self, app: PeerApp, pilot: Pilot[int], node: ScreenNode) -> None:
        self.app = app
        self.pilot = pilot
        self.node = node

    @property
    def screen(self) -> PeerScreen:
        """The screen with the panes."""
        return next(each for each in self.app.screen_stack if isinstance(each, PeerScreen))

    @property
    def text(self) -> str:
        """All that the terminal shows, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def notices(self) -> list[str]:
        """What was said at the edge of the screen."""
        return [
            " ".join(part for part in (notice.title, notice.message) if part)
            for notice in self.app._notifications
        ]

    def table(self, pane: str) -> VirtualTable:
        """The table of a pane."""
        return self.screen.query_one(f"#{pane}-table", VirtualTable)

    def widget(self, kind: type[W]) -> W:
        """The only widget of a kind on the screen that is on top."""
        return self.app.screen.query_one(kind)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, each when all is at rest, then show what came of it."""
        for pressed in keys:
            await self.pilot.press(pressed)
            await self.rest()
        await self.settle()

    async def enter(self, text: str) -> None:
        """Type a text, key by key."""
        for letter in text:
            await self.pilot.press("space" if letter == " " else letter)
        await self.rest()

    async def rest(self) -> None:
        """Let messages be handled and workers end, but for those that wait for something."""
        deadline = time.monotonic() + DEADLINE_S
        while self.app.typed.busy and self.app.is_running:
            await self.pilot._wait_for_screen()
            assert time.monotonic() < deadline, "a key is never obeyed"
        for turn in range(MOST_TURNS):
            await self.pilot._wait_for_screen()
            running = [worker for worker in self.app.workers if worker.is_running]
            if turn >= LEAST_TURNS and not [each for each in running if each.name != "feed"]:
                break
        self.app.screen._on_timer_update()

    async def settle(self) -> None:
        """Rest, with what a quarter of a second brings."""
        await self.rest()
        if any(isinstance(each, PeerScreen) for each in self.app.screen_stack):
            self.screen.tick()
            await self.rest()

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Give the app turns until something holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"{what or 'it'} did not come:\n{self.text}"
            await self.settle()

    async def until_seen(self, text: str) -> None:
        """Wait for a text on the terminal."""
        await self.until(lambda: text in self.text, repr(text))

    async def until_on(self, kind: type[S]) -> S:
        """Wait for a screen or dialog to be on top, with all that is in it."""
        await self.until(lambda: isinstance(self.app.screen, kind), kind.__name__)
        await self.settle()
        screen = self.app.screen
        assert isinstance(screen, kind)
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

    async def attach(self) -> Attached:
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
    with (
        patch("textual.app.wait_for_idle", _one_turn),
        patch("textual.pilot.wait_for_idle", _one_turn),
    ):
        async with app.run_test(size=size, notifications=True) as pilot:
            rig = Rig(app, pilot, ways.node)
            await rig.until(
                lambda: any(isinstance(each, PeerScreen) for each in app.screen_stack), "the screen"
            )
            await rig.settle()  # the first tick has all panes ask
            await rig.settle()  # the second one shows what was answered
            await rig.same_minute()
            yield rig


async def _one_turn(_least: float = 0, _most: float = 1) -> None:
    """In place of Textual's wait for an idle processor: `Rig.rest` waits for what is due."""
    await asyncio.sleep(0)
