"""EngineApp: attaches to an engine and shows its screen. It owns no domain logic.

What the two programs have in common; `p2ptui.app` and `p2ptui.screens.tracker_console` are it for a
peer and for a tracker.
"""

import logging
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.scrollbar import ScrollBar, ScrollBarRender

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.settings_file import nearest
from p2ptui.screens.console import ConsoleScreen
from p2ptui.screens.dialogs import START, gone_dialog
from p2ptui.screens.key_queue import TypedApp
from p2ptui.screens.messages import EngineGone
from p2ptui.screens.session import Attach, Attached, Language, Looks
from p2ptui.screens.starting import StartingScreen
from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.theme import DARK

Api = TypeVar("Api")
log = logging.getLogger(__name__)


class WholeCells(ScrollBarRender):
    """Scrollbars that end at whole cells, and so need no sign but a space."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class EngineApp(TypedApp[int], Generic[Api]):
    """Attaches to an engine and shows it. `failure` is the error that it ended with, if any."""

    TITLE = "p2ptui"
    WHAT: ClassVar[str]
    """What the engine is called: node, tracker."""
    COMFORT: ClassVar[str]
    """What is said of an engine that has gone."""
    CSS = """
    .-ascii Pane { border: ascii $line; &:focus-within { border: ascii $primary; } }
    .-ascii .dialog--box {
        border: ascii $primary;
        &.-warn { border: ascii $warn; }
        &.-bad { border: ascii $bad; }
    }
    """

    def __init__(self, attach: Attach[Api], language: Language[Api], looks: Looks) -> None:
        super().__init__()
        self._connect = attach
        self._language = language
        self._looks = looks
        self._attached: Attached[Api] | None = None
        self.failure: P2PError | None = None
        if looks.theme and looks.theme not in self.available_themes:
            raise _unknown_theme(looks.theme, sorted(self.available_themes))
        self.theme = looks.theme or DARK
        self.set_keymap(dict(looks.keymap))
        self.set_class(looks.glyphs is ASCII, "-ascii")
        ScrollBar.renderer = WholeCells if looks.glyphs is ASCII else ScrollBarRender

    def make_screen(
        self, attached: Attached[Api], language: Language[Api], looks: Looks
    ) -> ConsoleScreen:
        """The screen of an engine that was attached to."""
        raise NotImplementedError

    def get_default_screen(self) -> StartingScreen:
        """What is seen until the engine answers."""
        return StartingScreen(self._looks.glyphs, self.WHAT, self.TITLE)

    def on_mount(self) -> None:
        """Attach; the first paint does not wait for it."""
        self.run_worker(self._begin(), name="attach")

    async def _begin(self) -> None:
        try:
            self._attached = await self._connect()
        except P2PError as error:
            self.failure = error
            self.exit(int(error.exit_code))
            return
        screen = self.make_screen(self._attached, self._language, self._looks)
        if isinstance(self.screen, ConsoleScreen):
            await self.switch_screen(screen)
        else:
            await self.push_screen(screen)

    @on(EngineGone)
    def _engine_gone(self, message: EngineGone) -> None:
        self.run_worker(self._offer_start(message.reason), name="engine gone")

    async def _offer_start(self, reason: str) -> None:
        while not isinstance(self.screen, ConsoleScreen):
            await self.pop_screen()  # dialogs about an engine that is no more
        self.clear_notifications()  # each question left unanswered: the dialog says it once
        answer = await self.push_screen_wait(gone_dialog(self.WHAT, reason, self.COMFORT))
        if answer != START:
            self.exit(0)
            return
        await self.detach()
        await self._begin()

    async def detach(self) -> None:
        """Leave the engine; it runs on."""
        attached, self._attached = self._attached, None
        if attached is not None:
            await attached.close()

    def action_help_quit(self) -> None:
        """Ctrl+C leaves as well: who presses it wants out."""
        self.call_later(self.action_quit)

    async def action_quit(self) -> None:
        """Ctrl+Q and whatever else quits: the same questions as `q`."""
        if isinstance(self.screen, ConsoleScreen):
            self.screen.attempt(self.screen.leaving.ask())
        elif self._attached is None:
            self.exit(0)


def _unknown_theme(name: str, themes: list[str]) -> P2PError:
    closest = nearest(name, themes)
    hint = f"Did you mean {closest}?" if closest else f"There are: {', '.join(themes)}."
    return usage_error("No such theme", repr(name[:40]), hint)
