"""A dialog that asks for one line, and says in place why it does not take it."""

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from p2ptui.screens.form import Asking, Check, Line, anything
from p2ptui.widgets.table_rows import Toned


class Prompt(Asking[str]):
    """A line to type; the result is the line, None when it was closed."""

    DEFAULT_CSS = """
    Prompt Field { margin: 1 0 0 0; }
    """

    def __init__(
        self,
        heading: str,
        said: Sequence[str | Toned],
        *,
        value: str = "",
        placeholder: str = "",
        give: str = "OK",
        check: Check = anything,
    ) -> None:
        """`give`: the answer that takes the line, which Enter gives as well."""
        line = Line("line", value=value, placeholder=placeholder, check=check)
        super().__init__(heading, said, [line], give=give)

    def compose_lines(self) -> Iterable[Widget]:
        """The field."""
        yield from self.fields

    def result(self) -> str:
        """The line as it was typed."""
        return self.fields[0].value
