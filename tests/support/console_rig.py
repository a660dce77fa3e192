"""A full-screen program on a fake engine: the real app and screens, ticked by hand.

Waits are for conditions: each look gives the app a turn, until a deadline that says what did not
come.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from unittest.mock import patch

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from p2ptui.screens.console import ConsoleScreen
from p2ptui.screens.engine_app import EngineApp
from p2ptui.screens.session import Looks
from p2ptui.widgets.virtual_table import VirtualTable

DEADLINE_S = 10.0
LEAST_TURNS = 2
MOST_TURNS = 8
"""Turns of all message queues that are waited for at most."""
WIDE = (120, 36)
NARROW = (80, 24)
STILL = Looks(ticking=False)

S = TypeVar("S", bound=Screen[Any])
W = TypeVar("W", bound=Widget)


class ConsoleRig:
    """A running app, and what a test does with it."""

    def __init__(self, app: EngineApp[Any], pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def console(self) -> ConsoleScreen:
        """The screen with the panes."""
        return next(each for each in self.app.screen_stack if isinstance(each, ConsoleScreen))

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
        return self.console.query_one(f"#{pane}-table", VirtualTable)

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
        if any(isinstance(each, ConsoleScreen) for each in self.app.screen_stack):
            self.console.tick()
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


@asynccontextmanager
async def running(app: EngineApp[Any], size: tuple[int, int]) -> AsyncIterator[Pilot[int]]:
    """An app on a terminal of a size, once its panes are there."""
    with (
        patch("textual.app.wait_for_idle", _one_turn),
        patch("textual.pilot.wait_for_idle", _one_turn),
    ):
        async with app.run_test(size=size, notifications=True) as pilot:
            rig = ConsoleRig(app, pilot)
            await rig.until(
                lambda: any(isinstance(each, ConsoleScreen) for each in app.screen_stack),
                "the screen",
            )
            await rig.settle()  # the first tick has all panes ask
            await rig.settle()  # the second one shows what was answered
            yield pilot


async def _one_turn(_least: float = 0, _most: float = 1) -> None:
    """In place of Textual's wait for an idle processor: `Rig.rest` waits for what is due."""
    await asyncio.sleep(0)
