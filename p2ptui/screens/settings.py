"""The settings screen: the settings file, row by row. Esc goes back to the panes."""

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from p2ptui.node.api import NodeApi
from p2ptui.screens.panes.settings import SettingsPane
from p2ptui.screens.session import Looks
from p2ptui.screens.too_small import guard_size
from p2ptui.widgets.key_footer import KeyFooter, KeyHint

HINTS = (
    KeyHint("enter", "Change", "change"),
    KeyHint("d", "Default", "default"),
    KeyHint("/", "Filter", "filter"),
)


class SettingsScreen(Screen[None]):
    """All settings."""

    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="settings.back"),
        Binding("q", "leave", "Back", show=False, id="settings.leave"),
        Binding("d", "default", "Default", show=False, id="settings.default"),
        Binding("slash", "filter", "Filter", show=False, id="settings.filter"),
    ]
    DEFAULT_CSS = "SettingsScreen { background: $background; layout: vertical; }"

    def __init__(self, api: NodeApi, looks: Looks) -> None:
        super().__init__()
        self._pane = SettingsPane(api, looks)

    def compose(self) -> ComposeResult:
        """One pane and its keys."""
        yield self._pane
        yield KeyFooter(HINTS, last=KeyHint("esc", "back", "back"))

    def on_resize(self, event: events.Resize) -> None:
        """Say so when the terminal is too small."""
        guard_size(self.app, event.size)

    def on_mount(self) -> None:
        """Bring the settings."""
        self._pane.attempt(self._pane.load(), group="load", exclusive=True)

    def action_change(self) -> None:
        """Change the row: for a click on the footer, as Enter does."""
        self._pane.table.action_select()

    def action_default(self) -> None:
        """Take the row back to its default."""
        self._pane.attempt(self._pane.do_default(), group="change", exclusive=True)

    def action_filter(self) -> None:
        """Type a filter."""
        self._pane.open_box()

    def action_back(self) -> None:
        """One step back: out of the line, the filter, the screen."""
        if not (self._pane.end_editing() or self._pane.back()):
            self.dismiss()

    def action_leave(self) -> None:
        """Back to the panes."""
        self.dismiss()

    @on(KeyFooter.Chosen)
    async def _click_key(self, message: KeyFooter.Chosen) -> None:
        await self.run_action(message.hint.action)
