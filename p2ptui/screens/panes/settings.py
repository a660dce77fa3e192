"""The pane of the settings: by section, each changed in its own row and checked by the node."""

from collections.abc import Hashable

from textual import on
from textual.app import ComposeResult

from p2ptui.base.errors import P2PError
from p2ptui.node.api import NodeApi, SettingRow
from p2ptui.screens.panes.base import PeerPane
from p2ptui.screens.session import Looks
from p2ptui.screens.setting_editor import SettingEditor
from p2ptui.screens.setting_rows import (
    COLUMNS,
    KEYS_SECTION,
    THEME,
    changed_keys,
    choices_of,
    clash_of,
    section_of,
    table_rows,
    with_keys,
)
from p2ptui.widgets.table_messages import RowHighlighted
from p2ptui.widgets.table_rows import ListSource
from p2ptui.widgets.theme import DARK, THEMES

RESTART = "Saved; it applies after a restart"
SAVED = "Saved; it applies at once"


class SettingsPane(PeerPane):
    """All settings of the node and of the screens."""

    NAME = "settings"
    TITLE = "Settings"
    DIGIT = ""
    COLUMNS = COLUMNS
    EMPTY = "No setting is called that."
    BOX_HINT = "filter by name"

    def __init__(self, api: NodeApi, looks: Looks) -> None:
        super().__init__(api, looks.glyphs)
        self._rows: list[SettingRow] = []
        self._editor = SettingEditor()
        self._edited: SettingRow | None = None
        self._theme = ""
        """The theme to go back to when none is chosen."""

    def compose(self) -> ComposeResult:
        """The table, and the line under it."""
        yield from super().compose()
        yield self._editor

    async def load(self) -> None:
        """Bring all settings."""
        self._rows = with_keys(await self.api.settings())
        self._show_rows()

    def filter_changed(self, text: str) -> None:  # noqa: ARG002  (read from `filter_text`)
        """Show only what has these words in its name, value or help."""
        self._show_rows()

    def _show_rows(self) -> None:
        rows = list(table_rows(self._rows, self.filter_text, self.glyphs))
        self.table.set_source(ListSource(rows))
        if self.table.cursor == 0 and len(rows) > 1:
            self.table.cursor = 1  # not on the title of a section
        changed = sum(row.origin != "default" for row in self._rows)
        self.summary = f"{changed} changed" if changed else "all at their defaults"

    def _setting(self, key: Hashable | None) -> SettingRow | None:
        return next((row for row in self._rows if row.key == key), None)

    # --- changing one -----------------------------------------------------------------------------

    @on(RowHighlighted)
    def _describe(self, message: RowHighlighted) -> None:
        message.stop()
        if not self._editor.editing:
            self._editor.describe(self._setting(message.key))

    async def opened(self, key: Hashable) -> None:
        """Enter begins to change the row."""
        row = self._setting(key)
        if row is None:
            return
        self._edited = row
        self._theme = self.app.theme
        ours = [theme.name for theme in THEMES]
        themes = [*ours, *sorted(set(self.app.available_themes) - set(ours))]
        self._editor.describe(row)
        self._editor.edit(row.value, choices_of(row, themes))

    async def do_default(self) -> None:
        """Take the row back to its default."""
        row = self._setting(self.table.cursor_key)
        if row is not None and row.value != row.default:
            await self._change(row, row.default)

    @on(SettingEditor.Tried)
    def _preview(self, message: SettingEditor.Tried) -> None:
        message.stop()
        if self._edited is None:
            return
        if self._edited.key == THEME:
            self._show_theme(message.text)
        elif section_of(self._edited) == KEYS_SECTION:
            self._editor.tell(self._clash_with(self._edited, message.text), "warn")

    @on(SettingEditor.Given)
    def _take(self, message: SettingEditor.Given) -> None:
        message.stop()
        if self._edited is not None:
            self.attempt(self._change(self._edited, message.text), group="change", exclusive=True)

    @on(SettingEditor.Left)
    def _leave(self, message: SettingEditor.Left) -> None:
        message.stop()
        self.end_editing()

    def end_editing(self) -> bool:
        """Leave the line, nothing changed; False when nothing was being typed."""
        if self._edited is None:
            return False
        if self._edited.key == THEME:
            self.app.theme = self._theme
        self._editor.describe(self._edited)
        self._close()
        return True

    async def _change(self, row: SettingRow, text: str) -> None:
        if section_of(row) == KEYS_SECTION and (clash := self._clash_with(row, text)):
            self._editor.tell(clash, "bad")
            return
        if row.key == THEME and text and text not in self.app.available_themes:
            self._editor.tell(f"There is no theme {text}.", "bad")
            return
        is_own = section_of(row) == KEYS_SECTION and text in {"", row.default}
        if text == row.value or (is_own and row.value == row.default):
            self.end_editing()
            return
        try:
            # A key that is its own again is not written down.
            changed = await self.api.configure(row.key, "" if is_own else text)
        except P2PError as error:
            parts = [error.message or error.title, error.hint]
            self._editor.tell(". ".join(part.rstrip(".") for part in parts if part) + ".", "bad")
            return
        if row.key == THEME:
            self._show_theme(text)
        await self.load()
        self._close()
        self._editor.describe(self._setting(row.key))
        said = SAVED if changed.applies == "now" or row.key == THEME else RESTART
        note = f"; {changed.note}" if changed.note else ""
        self._editor.tell(f"{said}{note}.", "good")

    def _close(self) -> None:
        self._edited = None
        self._editor.close()
        self.focus_table()

    def _clash_with(self, row: SettingRow, text: str) -> str:
        changes = changed_keys(self._rows)
        name = row.key.partition(".")[2]
        changes.pop(name, None)
        if text and text != row.default:
            changes[name] = text
        return clash_of(changes)

    def _show_theme(self, name: str) -> None:
        if name in self.app.available_themes or not name:
            self.app.theme = name or DARK
