"""What is seen until the engine answers: one calm line."""

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

    def __init__(self, glyphs: Glyphs, what: str = "node", brand: str = "p2ptui") -> None:
        super().__init__()
        self._glyphs = glyphs
        self._what = what
        self._brand = brand

    def compose(self) -> ComposeResult:
        """The header's place is the one that it keeps."""
        header = HeaderBar(self._brand, glyphs=self._glyphs)
        header.state = HeaderState(tracker_word="starting")
        yield header
        yield Static(Content(f"The {self._what} of this home is being started."))
