"""What the keys do that no pane does by itself: coroutines `do_<key id>` of one screen.

Each runs in a worker of the screen; a `P2PError` becomes a notice.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from p2ptui.base.text import display, format_bytes, format_rate
from p2ptui.headless import files_and_bytes
from p2ptui.node.api import Direction, NodeApi
from p2ptui.screens.browse import BrowseScreen
from p2ptui.screens.console_actions import ConsoleActions
from p2ptui.screens.detail import DetailDialog
from p2ptui.screens.file_picker import FilePicker
from p2ptui.screens.history import history_screen
from p2ptui.screens.notices import tell
from p2ptui.screens.settings import SettingsScreen
from p2ptui.screens.targets import Target
from p2ptui.screens.why import transfer_story

if TYPE_CHECKING:
    from p2ptui.screens.peer import PeerScreen

STEPS_BPS = (
    50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000,
    50_000_000, 100_000_000,
)  # fmt: skip
"""Rates that the limit keys go through; above the last there is no limit."""


class ScreenActions(ConsoleActions):
    """The actions of a screen."""

    def __init__(self, screen: "PeerScreen") -> None:
        super().__init__(screen)
        self._screen = screen

    @property
    def _api(self) -> NodeApi:
        return self._screen.api

    @property
    def _current(self) -> Target | None:
        pane = self._screen.focused_pane
        return None if pane is None else pane.current

    # --- moving about -----------------------------------------------------------------------------

    async def do_library(self) -> None:
        """Go to the library."""
        self._screen.focus_pane("library")

    async def do_search(self) -> None:
        """Go to the search."""
        self._screen.focus_pane("search")

    async def do_transfers(self) -> None:
        """Go to the transfers."""
        self._screen.focus_pane("transfers")

    # --- limits -----------------------------------------------------------------------------------

    async def do_up_less(self) -> None:
        """A lower upload limit."""
        await self._limit("up", -1)

    async def do_up_more(self) -> None:
        """A higher upload limit."""
        await self._limit("up", 1)

    async def do_down_less(self) -> None:
        """A lower download limit."""
        await self._limit("down", -1)

    async def do_down_more(self) -> None:
        """A higher download limit."""
        await self._limit("down", 1)

    async def _limit(self, direction: Direction, step: int) -> None:
        status = await self._api.status()
        now = status.up_limit_bps if direction == "up" else status.down_limit_bps
        rate = next_rate(now, step)
        if rate != now:
            await self._api.limit(direction, rate)
        what = "uploads" if direction == "up" else "downloads"
        said = "no limit" if rate is None else f"at most {format_rate(rate)}"
        tell(self._screen.app, f"{what}: {said}")

    async def do_slow(self) -> None:
        """Slow mode on and off."""
        status = await self._api.slow(not (await self._api.status()).slow)
        tell(self._screen.app, f"slow mode {'on' if status.slow else 'off'}")

    async def do_undo(self) -> None:
        """Take the last removal or cancel back."""
        tell(self._screen.app, (await self._api.undo()).text)

    # --- help ---
    # --- leaving ----------------------------------------------------------------------------------

    # --- the row ----------------------------------------------------------------------------------

    async def do_why(self) -> None:
        """The story of a transfer; of other rows their pane tells it."""
        target = self._current
        if target is not None and target.transfer is not None:
            detail = await self._api.transfer(target.transfer)
            tracker = (await self._api.status()).tracker
            self._screen.app.push_screen(transfer_story(detail, tracker))

    async def do_owners(self) -> None:
        """Owners of a content, or the sources of a transfer and its chunk map."""
        target, screen = self._current, self._screen
        if target is None or target.folder or not (target.content_id or target.transfer):
            return
        looks = screen.looks
        screen.app.push_screen(DetailDialog(self._api, target, looks.glyphs, ticking=looks.ticking))

    async def do_browse(self) -> None:
        """What the host of the row shares."""
        target = self._current
        if target is not None and target.host is not None:
            glyphs = self._screen.looks.glyphs
            self._screen.app.push_screen(BrowseScreen(self._api, target, glyphs))

    async def do_history(self) -> None:
        """What is over, on a screen of its own."""
        self.show_history("")

    def show_history(self, text: str) -> None:
        """What is over and fits a filter."""
        screen = self._screen
        screen.app.push_screen(history_screen(self._api, screen.looks.glyphs, text))

    async def do_settings(self) -> None:
        """The settings file, row by row."""
        self._screen.app.push_screen(SettingsScreen(self._api, self._screen.looks))

    async def do_publish(self) -> None:
        """Pick a file to publish, or a folder to share."""
        app = self._screen.app
        picked = await app.push_screen_wait(FilePicker(Path.home(), self._screen.looks.glyphs))
        if picked is None:
            return
        if picked.kind == "folder":
            row = await self._api.share(picked.path, on=True)
            tell(app, f"sharing {row.path}: {files_and_bytes(row.files, row.bytes)}")
        else:
            tell(app, f"hashing {picked.name}")
            file = await self._api.publish(picked.path, picked.name)
            tell(app, f"published {file.name}, {format_bytes(file.size)}")

    async def do_copy(self) -> None:
        """Send the id to the terminal's clipboard; whether it took it, no terminal says."""
        target = self._current
        if target is not None:
            self._screen.app.copy_to_clipboard(target.copied)
            tell(self._screen.app, f"sent to the clipboard: {display(target.copied)}")


def next_rate(now: int | None, step: int) -> int | None:
    """The next limit below or above; None: no limit."""
    if step > 0:
        return next((rate for rate in STEPS_BPS if now is not None and rate > now), None)
    below = [rate for rate in STEPS_BPS if now is None or rate < now]
    return below[-1] if below else now
