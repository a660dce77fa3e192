"""The peer's screen on a fake node, driven by hand: each tick of it is asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from textual.pilot import Pilot
from textual.widgets import Input

from p2ptui.app import PeerApp
from p2ptui.base.errors import P2PError
from p2ptui.command_context import Context
from p2ptui.node.api import NodeApi
from p2ptui.peer_commands import HANDLERS
from p2ptui.peer_program import prepare
from p2ptui.peer_shell import completer
from p2ptui.screens.peer import PeerScreen
from p2ptui.screens.session import Attached, Language, Looks
from tests.support.fake_node import FakeNode
from tests.support.screen_node import ScreenNode

WIDE = (120, 36)
NARROW = (80, 24)
TRIES = 200


@dataclass
class Stage:
    """A running app and its node."""

    node: ScreenNode
    app: PeerApp
    pilot: Pilot[int]
    closed: list[FakeNode] = field(default_factory=list)
    """Nodes that were left."""

    @property
    def screen(self) -> PeerScreen:
        """The peer's screen, whatever lies over it."""
        return next(screen for screen in self.app.screen_stack if isinstance(screen, PeerScreen))

    async def press(self, *keys: str) -> None:
        """Press keys and let everything that they start come to rest."""
        for key in keys:
            await self.pilot.press(key)
        await self.settle()

    async def type(self, text: str) -> None:
        """Put a text into the field that has the focus."""
        field = self.app.focused
        assert isinstance(field, Input)
        field.value = text
        await self.pilot.pause()

    async def settle(self) -> None:
        """Hand on what came over the feed, until nothing is left to be done."""
        for _ in range(2):
            await self.node.tell_sections()
            await self.pilot.pause()
            for screen in self.app.screen_stack:
                if isinstance(screen, PeerScreen):
                    screen.tick()
            await self.pilot.pause()

    async def until(self, condition: Callable[[], object]) -> None:
        """Settle until something holds."""
        for _ in range(TRIES):
            if condition():
                return
            await self.settle()
            await asyncio.sleep(0.01)
        raise AssertionError("it never came to that:\n" + self.text())

    def text(self) -> str:
        """What the terminal shows, line by line."""
        compositor = self.app.screen._compositor
        lines = ["".join(s.text for s in strip) for strip in compositor.render_strips()]
        return "\n".join(line.rstrip() for line in lines)


@asynccontextmanager
async def peer_screen(
    node: ScreenNode | None = None,
    size: tuple[int, int] = WIDE,
    *,
    looks: Looks | None = None,
    started: bool = False,
    failure: P2PError | None = None,
    begin: Callable[[Context[NodeApi], bool], object] | None = None,
) -> AsyncIterator[Stage]:
    """A running screen. `failure`: the error that attaching ends with."""
    node = node or ScreenNode()
    closed: list[FakeNode] = []

    async def attach() -> Attached:
        if failure is not None:
            raise failure

        async def close() -> None:
            closed.append(node)

        async def ended() -> bool:
            return True

        return Attached(node, close, ended, started)

    async def begin_with(context: Context[NodeApi], was_running: bool) -> None:
        if begin is not None:
            begin(context, was_running)

    language = Language(HANDLERS, prepare, completer, begin_with)
    looks = replace(looks or Looks(), ticking=False)
    app = PeerApp(attach, language, looks)
    async with app.run_test(size=size) as pilot:
        stage = Stage(node, app, pilot, closed)
        if failure is None:
            await stage.until(lambda: any(isinstance(s, PeerScreen) for s in app.screen_stack))
            await stage.settle()
        yield stage
