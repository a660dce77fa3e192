"""What a terminal shows that has no room for the panes: one sentence, until it is larger."""

from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

MIN_COLUMNS = 40
MIN_ROWS = 10


def fits(size: Size) -> bool:
    """Whether the panes have room."""
    return size.width >= MIN_COLUMNS and size.height >= MIN_ROWS


def guard_size(app: App[Any], size: Size) -> None:
    """Cover the screen when the terminal is too small; to be called at each change of its size."""
    if not fits(size) and not isinstance(app.screen, TooSmall):
        app.push_screen(TooSmall())


class TooSmall(ModalScreen[None]):
    """Lies over everything, and goes by itself once there is room."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    TooSmall {
        align: center middle;
        background: $background;
        & > Static { width: auto; max-width: 100%; height: auto; text-align: center; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._going = False

    def compose(self) -> ComposeResult:
        """The sentence."""
        yield Static()

    def on_resize(self, event: events.Resize) -> None:
        """Tell how much is missing, or go."""
        if fits(event.size):
            if not self._going:  # a terminal tells one change more than once
                self._going = True
                self.dismiss()
            return
        self.query_one(Static).update(
            Content(
                f"p2ptui needs {MIN_COLUMNS} x {MIN_ROWS} cells; "
                f"this terminal has {event.size.width} x {event.size.height}."
            )
        )
