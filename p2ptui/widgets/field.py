"""Field: one row to type in, without a border."""

from rich.highlighter import Highlighter
from rich.text import Text
from textual.widgets import Input

from p2ptui.base.names import is_invisible


class _Visible(Highlighter):
    """Shows what cannot be printed as `?`, cell for cell, so that the cursor stays where it is.

    A pasted or completed name may hold an escape sequence, which Rich would pass on.
    """

    def highlight(self, text: Text) -> None:
        text.plain = "".join(
            character if character.isprintable() and not is_invisible(character) else "?"
            for character in text.plain
        )


class Field(Input):
    """Textual's input in our looks; the cursor does not blink."""

    DEFAULT_CSS = """
    Field.-textual-compact {
        background: $band;
        padding: 0 1;
        &:focus { background-tint: $foreground 0%; }
        & > .input--placeholder { color: $foreground 40%; }
    }
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder,
            _Visible(),
            password,
            id=id,
            classes=classes,
            compact=True,
            select_on_focus=False,
        )
        self.cursor_blink = False
