"""Pane: the frame round a part of a screen. Quiet when blurred, accent with the focus inside."""

from rich.text import Text
from textual.containers import Vertical
from textual.reactive import reactive
from textual.widget import Widget

from p2ptui.base.text import display


class Pane(Vertical):
    """A round frame: title with its digit top-left, live summary bottom-right."""

    DEFAULT_CSS = """
    Pane {
        width: 1fr;
        height: 1fr;
        border: round $line;
        border-title-color: $foreground 70%;
        border-title-style: bold;
        border-subtitle-color: $foreground 55%;
        background: $background;
        &:focus-within {
            border: round $primary;
            border-title-color: $primary;
            border-subtitle-color: $foreground 80%;
        }
    }
    """

    heading: reactive[str] = reactive("")
    """The title; shown as literal text."""
    summary: reactive[str] = reactive("")
    """One line about what is inside; shown as literal text."""
    remark: reactive[str] = reactive("")
    """What there is to say of the selected row, behind the title; shown as literal text."""

    def __init__(
        self,
        heading: str,
        *children: Widget,
        digit: str = "",
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`digit`: the key that brings the focus here."""
        super().__init__(*children, id=id, classes=classes)
        self.digit = digit
        self.heading = heading

    def watch_heading(self) -> None:
        """Show the title behind its digit, and the remark behind that."""
        # Text, never str: Textual takes a str for markup, and a host's name may be in it.
        title = Text(display(f"{self.digit} {self.heading}".strip()))
        if self.remark:
            title.append(f": {display(self.remark)}", "not bold")
        self.border_title = title

    def watch_remark(self) -> None:
        """Show another remark."""
        self.watch_heading()

    def watch_summary(self, summary: str) -> None:
        """Show the summary in the lower border."""
        self.border_subtitle = Text(display(summary))
