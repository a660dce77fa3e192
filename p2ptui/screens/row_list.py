"""A list on a screen of its own, with what can be done to its rows. Esc goes back to the panes."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from p2ptui.screens.acting import ActingScreen
from p2ptui.screens.panes.paged_pane import PagedPane
from p2ptui.screens.too_small import guard_size
from p2ptui.widgets.key_footer import KeyFooter, KeyHint


class RowListScreen(ActingScreen):
    """One pane and its keys. What the pane does not do is no key of it."""

    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="list.back"),
        Binding("q", "leave", "Back", show=False, id="list.leave"),
        Binding("slash", "filter", "Filter", show=False, id="list.filter"),
        Binding("u", "act('unban')", "Let in", show=False, id="list.unban"),
        Binding("r", "act('revoke')", "Revoke", show=False, id="list.revoke"),
        Binding("o", "act('show')", "Show", show=False, id="list.show"),
        Binding("f", "act('fetch')", "Fetch", show=False, id="list.fetch"),
        Binding("y", "act('copy')", "Copy", show=False, id="list.copy"),
        Binding("R", "act('reload')", "Again", show=False, id="list.reload"),
        Binding("comma", "act('sort')", "Sort", show=False, id="list.sort"),
    ]
    DEFAULT_CSS = "RowListScreen { background: $background; layout: vertical; }"

    def __init__(self, pane: PagedPane[Any], hints: Sequence[KeyHint]) -> None:
        super().__init__()
        self.pane = pane
        self._hints = tuple(hints)

    def compose(self) -> ComposeResult:
        """One pane and its keys."""
        filters = KeyHint("/", "Filter", "filter")
        again = KeyHint("R", "Again", "act('reload')")
        last = KeyHint("esc", "back", "back")
        yield self.pane
        yield KeyFooter((*self._hints, filters, again), last=last)

    @property
    def doers(self) -> Sequence[object]:
        """The pane."""
        return (self.pane, self)

    def on_resize(self, event: events.Resize) -> None:
        """Say so when the terminal is too small."""
        guard_size(self.app, event.size)

    def on_mount(self) -> None:
        """Ask for the list; keys that come meanwhile are for its rows."""
        self.pane.attempt(self.do_reload(), group="load", exclusive=True, keys_wait=True)

    async def do_reload(self) -> None:
        """Bring the list anew."""
        await self.pane.load()

    def action_filter(self) -> None:
        """Type a filter."""
        self.pane.open_box()

    def action_back(self) -> None:
        """One step back: out of the filter, the marks, the screen."""
        if not self.pane.back():
            self.dismiss()

    def action_leave(self) -> None:
        """Back to the panes."""
        self.dismiss()
