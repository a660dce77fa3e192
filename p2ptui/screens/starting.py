"""What is seen until the node answers: one calm line."""

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.header import HeaderBar, HeaderState


class StartingScreen(Screen[None]):
    """Header and a sentence."""

    DEFAULT_CSS = """
    StartingScreen { background: $background; }
    StartingScreen Static { color: $foreground 55%; padding: 1 2; }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """The header's place is the one that it keeps."""
        header = HeaderBar(glyphs=self._glyphs)
        header.state = HeaderState(tracker_word="starting")
        yield header
        yield Static(Content("The node of this home is being started."))
