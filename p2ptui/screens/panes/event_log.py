"""The log pane of both programs: what an engine tells, and what commands answer."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from p2ptui.base.text import local_clock
from p2ptui.screens.panes.keyed import KeyedPane
from p2ptui.screens.panes.table_pane import FilterBox
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.log_lines import LEVELS, Level, LogLine
from p2ptui.widgets.log_pane import LogPane
from p2ptui.widgets.table_rows import Toned

STAMP_CELLS = 13
"""Cells of a line before its text, and one behind it."""


class EventLogPane(KeyedPane):
    """Lines with time and level; `/` filters by text, `,` by level."""

    NAME = "log"
    TITLE = "Log"
    DIGIT = "4"

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.TITLE, digit=self.DIGIT, id="log-pane")
        self.glyphs = glyphs
        self.lines = LogPane(
            empty="Nothing has happened yet. : opens the command line.", glyphs=glyphs, id="log"
        )
        self._box = FilterBox(placeholder="filter", id="log-box")
        self._box.display = False
        self.summary = "info"
        self._waiting: list[LogLine] = []

    def compose(self) -> ComposeResult:
        """The filter's box and the lines."""
        yield self._box
        yield self.lines

    # --- what comes down --------------------------------------------------------------------------

    def hear(self, happened: Sequence[Any]) -> None:
        """Tell of a batch of events."""
        self._waiting += (line for event in happened if (line := self.line_of(event)))

    def tick(self) -> None:
        """Draw what waits, all at once."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self.lines.extend(waiting)

    def write(self, texts: Iterable[str], level: Level = "info") -> None:
        """Tell what a command answers, line by line."""
        now = local_clock(time.time())
        self._waiting += (
            LogLine(now, level, (text,)) for block in texts for text in block.split("\n")
        )

    def echo(self, command: str) -> None:
        """Tell which command was given."""
        sign = Toned(self.glyphs.prompt, "accent")
        line = LogLine(local_clock(time.time()), "info", (Toned(command, "bold"),), sign)
        self._waiting.append(line)

    @property
    def columns(self) -> int:
        """Cells for the text of a line."""
        return max(self.lines.size.width - STAMP_CELLS, 20)

    def line_of(self, event: Any) -> LogLine | None:
        """What is told of an event; None: nothing."""
        raise NotImplementedError

    # --- keys -------------------------------------------------------------------------------------

    def focus_table(self) -> None:
        """Put the keys to the lines."""
        self.screen.set_focus(self.lines, scroll_visible=False)

    def back(self) -> bool:
        """Esc: one step back; False when there is none in here."""
        if self._box.has_focus or self.lines.pattern:
            self._box.value = ""
            self._box.display = False
            self.focus_table()
            return True
        return False

    async def do_find(self) -> None:
        """`/`: filter by text."""
        self._box.display = True
        self._box.focus()

    async def do_sort(self) -> None:
        """`,`: the next level up; behind the last, all."""
        place = (LEVELS.index(self.lines.least) + 1) % len(LEVELS)
        self.lines.least = LEVELS[place]
        self.summary = LEVELS[place]

    @on(Input.Changed)
    def _filter(self, message: Input.Changed) -> None:
        message.stop()
        self.lines.pattern = message.value

    @on(Input.Submitted)
    def _filtered(self, message: Input.Submitted) -> None:
        message.stop()
        self._box.display = bool(message.value)
        self.focus_table()
