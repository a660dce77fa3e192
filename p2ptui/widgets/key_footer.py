"""KeyFooter: the keys of the focused pane, one row; a click does what the key does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from p2ptui.base.text import cell_width
from p2ptui.widgets.tones import tone_classes, tone_css, tone_style

GAP = 2


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key and what it does, in a word or two."""

    key: str
    """As it is shown: `f`, `spc`, `^p`."""
    label: str
    action: str = ""
    """What a click asks for, as in a binding."""

    @property
    def cells(self) -> int:
        """Its width."""
        return cell_width(self.key) + 1 + cell_width(self.label)


PALETTE = KeyHint("^p", "palette", "app.command_palette")


def fit_hints(
    hints: Sequence[KeyHint], last: KeyHint | None, width: int
) -> list[tuple[int, KeyHint]]:
    """The hints that fit, with the cell that each begins at; `last` stands at the right. Pure."""
    end = width if last is None else width - last.cells - GAP
    placed: list[tuple[int, KeyHint]] = []
    start = 0
    for hint in hints:
        if start + hint.cells > end:
            break
        placed.append((start, hint))
        start += hint.cells + GAP
    if last is not None and last.cells <= width:
        placed.append((width - last.cells, last))
    return placed


class KeyFooter(Widget):
    """The last row of the screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = tone_classes()
    DEFAULT_CSS = """
    KeyFooter { height: 1; background: $foot; color: $foreground; padding: 0 1; }
    """ + tone_css("KeyFooter")

    @dataclass
    class Chosen(Message):
        """A hint was clicked."""

        footer: "KeyFooter"
        hint: KeyHint

        @property
        def control(self) -> "KeyFooter":
            """The footer, for `@on(…, "#id")`."""
            return self.footer

    hints: reactive[tuple[KeyHint, ...]] = reactive(())
    """Most important first: what does not fit is left out at the end."""

    def __init__(
        self,
        hints: Iterable[KeyHint] = (),
        *,
        last: KeyHint | None = PALETTE,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        """`last` always stands at the right."""
        super().__init__(id=id, classes=classes)
        self.last = last
        self.hints = tuple(hints)

    def render(self) -> Content:
        """The hints that fit."""
        key_style = tone_style(self, "accent") + tone_style(self, "bold")
        pieces: list[Content] = []
        at = 0
        for start, hint in fit_hints(self.hints, self.last, self.content_size.width):
            pieces += [
                Content(" " * (start - at)),
                Content.styled(hint.key, key_style),
                Content(f" {hint.label}"),
            ]
            at = start + hint.cells
        return Content.assemble(*pieces)

    def on_click(self, event: events.Click) -> None:
        """Tell which hint was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for start, hint in fit_hints(self.hints, self.last, self.content_size.width):
            if start <= offset.x < start + hint.cells:
                self.post_message(self.Chosen(self, hint))
                return
