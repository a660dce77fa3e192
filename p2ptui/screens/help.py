"""Help: the keys of the focused pane, and all commands. Both come from their tables."""

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from p2ptui.screens.keys import Key, help_of
from p2ptui.widgets.columns import Column
from p2ptui.widgets.dialog import Dialog
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_rows import ListSource, RowData, Toned
from p2ptui.widgets.virtual_table import VirtualTable

COLUMNS = (Column("key", "Key", 8, sortable=False), Column("does", "Does", sortable=False))


class HelpDialog(Dialog[None]):
    """Two columns: what to press or type, and what it does."""

    AUTO_FOCUS = "VirtualTable"
    DEFAULT_CSS = """
    HelpDialog VirtualTable { height: auto; max-height: 18; min-height: 4; }
    """

    def __init__(
        self, heading: str, rows: Sequence[tuple[str, str]], glyphs: Glyphs = UNICODE
    ) -> None:
        super().__init__(heading)
        self._table = VirtualTable(COLUMNS, glyphs=glyphs)
        self._rows = rows

    def compose_body(self) -> Iterable[Widget]:
        """The table."""
        yield self._table

    def on_mount(self) -> None:
        """Fill it."""
        self._table.styles.height = min(len(self._rows) + 1, 18)
        self._table.set_source(
            ListSource([RowData(i, (Toned(k, "accent"), d)) for i, (k, d) in enumerate(self._rows)])
        )


def key_help(pane: str, keys: tuple[Key, ...], glyphs: Glyphs = UNICODE) -> HelpDialog:
    """The keys of a pane."""
    return HelpDialog(f"Keys of the {pane}", help_of(pane, keys), glyphs)
