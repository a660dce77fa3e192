"""The full-screen tracker on a fake tracker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from p2ptui.command_line import Parsed
from p2ptui.screens.session import Attached, Language, Looks
from p2ptui.screens.tracker import TrackerScreen
from p2ptui.screens.tracker_console import TrackerConsole
from p2ptui.screens.tracker_keys import TRACKER_KEYS
from p2ptui.tracker_commands import HANDLERS
from p2ptui.tracker_program import begin_with, completer, prepare
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from tests.support.console_rig import WIDE, ConsoleRig, running
from tests.support.screen_tracker import ScreenTracker
from tracker.api import TrackerApi


class TrackerRig(ConsoleRig):
    """A running console, and what a test does with it."""

    def __init__(self, app: TrackerConsole, pilot: Pilot[int], tracker: ScreenTracker) -> None:
        super().__init__(app, pilot)
        self.tracker = tracker

    @property
    def screen(self) -> TrackerScreen:
        """The screen with the panes."""
        screen = self.console
        assert isinstance(screen, TrackerScreen)
        return screen

    async def command(self, line: str) -> None:
        """Type a line on the command line and enter it."""
        await self.press("colon")
        await self.enter(line)
        await self.press("enter")


class TrackerWays:
    """How an app gets to its tracker, and what came of it."""

    def __init__(self, tracker: ScreenTracker, *, started: bool = True) -> None:
        self.tracker = tracker
        self.closed = 0
        self._started = started

    async def attach(self) -> Attached[TrackerApi]:
        """Attach to the tracker as it is now."""

        async def close() -> None:
            self.closed += 1

        async def ended() -> bool:
            return True

        return Attached(self.tracker, close, ended, started=self._started)


def still(glyphs: Glyphs = UNICODE) -> Looks:
    """Looks that do not tick by themselves."""
    return Looks(ticking=False, glyphs=glyphs, keys=TRACKER_KEYS)


@asynccontextmanager
async def tracker_opened(
    ways: TrackerWays, size: tuple[int, int] = WIDE, looks: Looks | None = None
) -> AsyncIterator[TrackerRig]:
    """A console on a terminal of a size, with its tracker's first section shown."""
    language = Language(HANDLERS, prepare, completer, begin_with(Parsed()))
    app = TrackerConsole(ways.attach, language, looks or still())
    async with running(app, size) as pilot:
        yield TrackerRig(app, pilot, ways.tracker)
