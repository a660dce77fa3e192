"""The file picker: walk through the folders of this machine, choose a file or share a folder."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from p2ptui.base.errors import P2PError
from p2ptui.base.names import BadName, check_name, wire_path
from p2ptui.base.text import display, elide_middle, format_bytes, format_count
from p2ptui.screens.local_files import (
    COLUMNS,
    PARENT,
    LocalEntry,
    LocalFolder,
    entry_data,
    matching,
    nearest_folder,
    read_folder,
)
from p2ptui.screens.prompt import Prompt
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.dialog import Dialog, Paragraph
from p2ptui.widgets.field import Field
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.table_messages import RowHighlighted, RowSelected
from p2ptui.widgets.table_rows import LazySource, Toned
from p2ptui.widgets.virtual_table import VirtualTable

CANCEL = Answer("cancel", "Cancel")
SHARE = Answer("share", "Share this folder")
EMPTY = "Nothing is in here."
NO_MATCH = "Nothing in here is called that."
NOT_UTF8 = "its path is not UTF-8: rename it first"
_KEYS = "/ filter   s share this folder   bksp folder above"


@dataclass(frozen=True, slots=True)
class Picked:
    """What was chosen: a file to publish, or a folder to share."""

    kind: Literal["file", "folder"]
    path: str
    """Absolute."""
    name: str = ""
    """The name under which a file is published; empty for a folder."""


class FilePicker(Dialog[Picked]):
    """The folders of this machine; the result is what was chosen, None when it was closed."""

    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", show=False, id="picker.filter"),
        Binding("s", "share", "Share this folder", show=False, id="picker.share"),
        Binding("backspace,left", "above", "Folder above", show=False, id="picker.above"),
        Binding("down", "to_table", "To the table", show=False, id="picker.to-table"),
    ]
    DEFAULT_CSS = """
    FilePicker {
        & > .dialog--box { height: 90%; max-height: 30; }
        & .dialog--body { height: 1fr; max-height: 100%; }
        & .picker--path { height: 1; text-style: bold; text-wrap: nowrap; }
        & .picker--keys { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & VirtualTable { height: 1fr; }
        & Answers { margin: 0; }
    }
    """

    def __init__(self, start: Path, glyphs: Glyphs = UNICODE) -> None:
        """`start`: the folder to begin in, or the nearest one above it that is there."""
        super().__init__("Publish a file, or share a folder", (CANCEL, SHARE))
        self._glyphs = glyphs
        self._start = start
        self._folder = LocalFolder(start, ())
        self._shown: Sequence[LocalEntry] = ()
        self._path = Paragraph(classes="picker--path")
        self._box = Field(placeholder="filter", id="picker-filter")
        self._table = VirtualTable(COLUMNS, glyphs=glyphs, id="picker-table")
        self._told = Paragraph(classes="picker--keys -dim")

    def compose_body(self) -> Iterable[Widget]:
        """Where we are, the filter, the folder, and the keys."""
        yield self._path
        yield self._box
        yield self._table
        yield self._told

    def on_mount(self) -> None:
        """Read the first folder."""
        self._go(self._start)

    # --- folders ----------------------------------------------------------------------------------

    def _go(self, folder: Path, came_from: str = "") -> None:
        self.run_worker(self._read(folder, came_from), group="read", exclusive=True)

    async def _read(self, path: Path, came_from: str) -> None:
        try:
            if path == self._start:
                path = await asyncio.to_thread(nearest_folder, path)
            self._folder = await asyncio.to_thread(read_folder, path)
        except P2PError as error:
            self._tell(error.message or error.title, "bad")
            return
        with self.prevent(Input.Changed):
            self._box.value = ""
        width = max(self._path.content_size.width, 20)
        self._path.update(Content(elide_middle(display(str(self._folder.path)), width)))
        self._show_entries(came_from)
        self._tell_keys()

    def _show_entries(self, at: str = "") -> None:
        text = self._box.value
        self._shown = shown = matching(self._folder, text)
        self._table.set_empty(NO_MATCH if text else EMPTY)
        self._table.set_source(
            LazySource(len(shown), lambda index: entry_data(index, shown[index], self._glyphs))
        )
        names = [entry.name for entry in shown]
        # The first one that is something, not the way up.
        self._table.cursor = names.index(at) if at in names else int(names[:1] == [PARENT])

    def action_above(self) -> None:
        """Go to the folder above."""
        path = self._folder.path
        if path != path.parent:
            self._go(path.parent, path.name)

    # --- choosing ---------------------------------------------------------------------------------

    @on(RowHighlighted)
    def _tell_trouble(self, message: RowHighlighted) -> None:
        message.stop()
        index = self._table.cursor
        trouble = self._shown[index].trouble if index < len(self._shown) else ""
        if trouble:
            self._tell(trouble, "bad")
        else:
            self._tell_keys()

    @on(RowSelected)
    def _open(self, message: RowSelected) -> None:
        message.stop()
        self._choose(self._shown[int(str(message.key))])

    def _choose(self, entry: LocalEntry) -> None:
        if entry.name == PARENT:
            self.action_above()
        elif entry.folder:
            self._go(self._folder.path / entry.name)
        elif entry.trouble and not check_name(entry.name):
            self._tell(f"{entry.name}: {entry.trouble}", "bad")
        elif not _is_utf8(path := self._folder.path / entry.name):
            self._tell(f"{entry.name}: {NOT_UTF8}", "bad")
        else:
            self.run_worker(self._ask_name(path, entry), group="name", exclusive=True)

    async def _ask_name(self, path: Path, entry: LocalEntry) -> None:
        prompt = Prompt(
            "Publish",
            (
                Toned(entry.name, "bold"),
                Toned(f"{format_bytes(entry.size)}; it stays where it lies.", "dim"),
                "Others find it under this name:",
            ),
            value="" if entry.trouble else entry.name,
            give="Publish",
            check=check_published_name,
        )
        name = await self.app.push_screen_wait(prompt)
        if name is not None:
            self.dismiss(Picked("file", str(path), name.strip()))

    def action_share(self) -> None:
        """Share the folder that is open."""
        if _is_utf8(self._folder.path):
            self.dismiss(Picked("folder", str(self._folder.path)))
        else:
            self._tell(NOT_UTF8, "bad")

    def give(self, answer: Answer) -> None:
        """Share the folder, or close."""
        if answer == SHARE:
            self.action_share()
        else:
            self.dismiss(None)

    # --- filter -----------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter."""
        self._box.focus()

    def action_to_table(self) -> None:
        """Leave the filter for what it found."""
        self._table.focus()

    def action_close(self) -> None:
        """One step back: out of the filter, then out of the dialog."""
        if self._box.has_focus or self._box.value:
            self._box.value = ""
            self._table.focus()
        else:
            self.dismiss(None)

    @on(Input.Changed, "#picker-filter")
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._show_entries()

    @on(Input.Submitted, "#picker-filter")
    def _open_first(self, event: Input.Submitted) -> None:
        event.stop()
        self._table.focus()
        self._table.action_select()

    def _tell_keys(self) -> None:
        more = f"   {format_count(self._folder.more)} more are not shown"
        self._tell(_KEYS + (more if self._folder.more else ""), "dim")

    def _tell(self, text: str, tone: Literal["dim", "bad"]) -> None:
        self._told.set_class(tone == "dim", "-dim")
        self._told.set_class(tone == "bad", "-bad")
        self._told.update(Content(display(text)))


def check_published_name(name: str) -> str:
    """Why a file cannot be published under a name; empty when it can."""
    try:
        wire_path(name.strip())
    except BadName as error:
        return f"Not a name that others can take: {error.reason}."
    return ""


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
