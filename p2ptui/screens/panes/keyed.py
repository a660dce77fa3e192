"""A pane that keys go to: what a screen asks of each of its panes."""

from typing import ClassVar

from p2ptui.widgets.pane import Pane


class KeyedPane(Pane):
    """It has a digit, takes the focus, and knows one step back."""

    TITLE: ClassVar[str]
    DIGIT: ClassVar[str]

    def focus_table(self) -> None:
        """Put the keys to what is inside, at once: what is pressed next is for it."""
        raise NotImplementedError

    def back(self) -> bool:
        """Esc: one step back; False when there is none in here."""
        return False
