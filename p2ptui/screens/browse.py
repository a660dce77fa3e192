"""Browsing a host: the screen round its list. Esc goes back to the panes."""

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from p2ptui.node.api import NodeApi
from p2ptui.screens.detail import DetailDialog
from p2ptui.screens.notices import tell
from p2ptui.screens.panes.browse import BrowsePane
from p2ptui.screens.targets import Target
from p2ptui.screens.too_small import guard_size
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.key_footer import KeyFooter, KeyHint

HINTS = (
    KeyHint("f", "Fetch", "fetch"),
    KeyHint("spc", "Mark"),
    KeyHint("/", "Filter", "filter"),
    KeyHint("o", "Owners", "owners"),
    KeyHint("y", "Copy id", "copy"),
    KeyHint("R", "Again", "reload"),
)


class BrowseScreen(Screen[None]):
    """What one member shares."""

    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="browse.back"),
        Binding("q", "leave", "Back", show=False, id="browse.leave"),
        Binding("f", "fetch", "Fetch", show=False, id="browse.fetch"),
        Binding("slash", "filter", "Filter", show=False, id="browse.filter"),
        Binding("o", "owners", "Owners", show=False, id="browse.owners"),
        Binding("y", "copy", "Copy id", show=False, id="browse.copy"),
        Binding("R", "reload", "Again", show=False, id="browse.reload"),
    ]
    DEFAULT_CSS = "BrowseScreen { background: $background; layout: vertical; }"

    def __init__(self, api: NodeApi, target: Target, glyphs: Glyphs = UNICODE) -> None:
        """`target`: a host, or a row that one offers."""
        super().__init__()
        self._api = api
        self._glyphs = glyphs
        self._pane = BrowsePane(api, target, glyphs)

    def compose(self) -> ComposeResult:
        """One pane and its keys."""
        yield self._pane
        yield KeyFooter(HINTS, last=KeyHint("esc", "back", "back"))

    def on_resize(self, event: events.Resize) -> None:
        """Say so when the terminal is too small."""
        guard_size(self.app, event.size)

    def on_mount(self) -> None:
        """Ask for the list; keys that come meanwhile are for its rows."""
        self._pane.attempt(self._pane.load(), group="load", exclusive=True, keys_wait=True)

    def action_reload(self) -> None:
        """Bring everything anew; what is open stays open."""
        self._pane.attempt(self._pane.load(), group="load", exclusive=True)

    def action_fetch(self) -> None:
        """Fetch the marked files and folders, else the row."""
        self._pane.attempt(self._pane.do_fetch(), group="fetch")

    def action_filter(self) -> None:
        """Type a filter."""
        self._pane.open_box()

    def action_owners(self) -> None:
        """Who else has the file."""
        target = self._pane.current
        if target is not None and target.content_id:
            self.app.push_screen(DetailDialog(self._api, target, self._glyphs))

    def action_copy(self) -> None:
        """Send the content id to the terminal's clipboard."""
        target = self._pane.current
        if target is not None and target.content_id:
            self.app.copy_to_clipboard(target.content_id)
            tell(self.app, f"sent to the clipboard: {target.content_id}")

    def action_back(self) -> None:
        """One step back: out of the filter, the marks, the screen."""
        if not self._pane.back():
            self.dismiss()

    def action_leave(self) -> None:
        """Back to the panes."""
        self.dismiss()

    @on(KeyFooter.Chosen)
    async def _click_key(self, message: KeyFooter.Chosen) -> None:
        if message.hint.action:
            await self.run_action(message.hint.action)
