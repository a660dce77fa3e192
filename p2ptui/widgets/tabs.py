"""TabStrip: the panes of a narrow screen, one row; a digit or a click chooses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from p2ptui.base.text import cell_width, display
from p2ptui.widgets.tones import tone_classes, tone_css, tone_style


@dataclass(frozen=True, slots=True)
class Tab:
    """A pane of the strip."""

    key: str
    title: str
    digit: str = ""

    @property
    def text(self) -> str:
        """What the strip shows."""
        return display(f"{self.digit} {self.title}".strip())


class TabStrip(Widget):
    """One row of titles; the active one in the accent colour and bold."""

    COMPONENT_CLASSES: ClassVar[set[str]] = tone_classes()
    DEFAULT_CSS = """
    TabStrip { height: 1; background: $foot; color: $foreground; padding: 0 1; }
    """ + tone_css("TabStrip")
    GAP = 3

    @dataclass
    class Chosen(Message):
        """A title was clicked."""

        strip: "TabStrip"
        key: str

        @property
        def control(self) -> "TabStrip":
            """The strip, for `@on(…, "#id")`."""
            return self.strip

    active: reactive[str] = reactive("")
    """Key of the active pane."""
    tabs: reactive[tuple[Tab, ...]] = reactive(())

    def __init__(
        self,
        tabs: Sequence[Tab] = (),
        *,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.tabs = tuple(tabs)
        self.active = tabs[0].key if tabs else ""

    def render(self) -> Content:
        """All titles."""
        pieces: list[Content] = []
        for number, tab in enumerate(self.tabs):
            if number:
                pieces.append(Content(" " * self.GAP))
            if tab.key == self.active:
                style = tone_style(self, "accent") + tone_style(self, "bold")
                pieces.append(Content.styled(tab.text, style))
            else:
                cut = len(tab.digit)
                pieces.append(Content.styled(tab.text[:cut], tone_style(self, "dim")))
                pieces.append(Content(tab.text[cut:]))
        return Content.assemble(*pieces).truncate(self.content_size.width, ellipsis=True)

    def on_click(self, event: events.Click) -> None:
        """Choose the title under the pointer."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        start = 0
        for tab in self.tabs:
            end = start + cell_width(tab.text)
            if start <= offset.x < end:
                self.post_message(self.Chosen(self, tab.key))
                return
            start = end + self.GAP
