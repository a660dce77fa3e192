"""ButtonRow: what a mouse finds at once; each button does what its key does."""

from collections.abc import Iterable
from typing import ClassVar

from textual.content import Content

from p2ptui.widgets.key_footer import KeyFooter, KeyHint, fit_hints
from p2ptui.widgets.tones import component_style, tone_classes, tone_css, tone_style


class ButtonRow(KeyFooter):
    """One row of buttons: a word and its key, on a ground of its own; a click tells `Chosen`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*tone_classes(), "buttons--button"}
    DEFAULT_CSS = """
    ButtonRow {
        height: 1; background: $background; padding: 0 1;
        & > .buttons--button { background: $band; }
    }
    """ + tone_css("ButtonRow")

    def __init__(self, hints: Iterable[KeyHint]) -> None:
        padded = [KeyHint(f" {hint.key}", f"{hint.label} ", hint.action) for hint in hints]
        super().__init__(padded, last=None)

    def render(self) -> Content:
        """The buttons that fit."""
        ground = component_style(self, "buttons--button")
        key_style = ground + tone_style(self, "accent") + tone_style(self, "bold")
        pieces: list[Content] = []
        at = 0
        for start, hint in fit_hints(self.hints, None, self.content_size.width):
            pieces += [
                Content(" " * (start - at)),
                Content.styled(hint.key, key_style),
                Content.styled(f" {hint.label}", ground),
            ]
            at = start + hint.cells
        return Content.assemble(*pieces)
