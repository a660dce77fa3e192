"""The peer's log pane: what the node tells."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from p2ptui.base.text import format_count, local_clock
from p2ptui.headless import node_sentence
from p2ptui.node import events
from p2ptui.node.api import NodeStatus
from p2ptui.screens.panes.event_log import EventLogPane
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.log_lines import Level, LogLine

__all__ = ["PeerLogPane", "level_of"]


AGAIN_S = 10.0
"""For so long a command's answer and the event of the same thing are one."""


class PeerLogPane(EventLogPane):
    """Sentences of a node's events; a lost tracker once, not at every try.

    That a tracker was joined is told once, though the command answers so and the event says so.
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs)
        self._lost = ""
        self._found: NodeStatus | None = None
        self._has_begun = False
        self._connected = ("", 0.0)
        """The last word of a connection, and when it was told."""

    def begin(self, status: NodeStatus) -> None:
        """Take the first state of the node: what happened before, no event tells any more."""
        if not self._has_begun:
            self._has_begun = True
            self._found = status

    def hear(self, happened: Sequence[Any]) -> None:
        """Tell of a batch of events; before the first one, how the node was found."""
        if self._found is not None:
            for level, text in found_lines(self._found, happened):
                self.write((text,), level)
            self._found = None
        super().hear(happened)

    def write(self, texts: Iterable[str], level: Level = "info") -> None:
        """Tell what a command answers, unless an event did just now."""
        super().write([text for text in texts if self._news_of(text)], level)

    def _news_of(self, text: str) -> str:
        """What is new of a sentence: nothing, when it is of a connection that was told just now."""
        if not text.startswith("connected to "):
            return text
        now = time.time()
        (said, moment), self._connected = self._connected, (text, now)
        if not said or now - moment > AGAIN_S:
            return text
        if text.startswith(said):
            return text.removeprefix(said).removeprefix(": ")  # the word of the tracker, if any
        return "" if said.startswith(text) else text

    def line_of(self, event: Any) -> LogLine | None:
        """A sentence with its level."""
        if isinstance(event, events.Disconnected):
            if event.reason == self._lost:  # once, not at every try
                return None
            self._lost = event.reason
            self._connected = ("", 0.0)
        elif isinstance(event, events.Connected):
            self._lost = ""
        text = self._news_of(node_sentence(event))
        if not text:
            return None
        moment = getattr(event, "time", None) or time.time()
        return LogLine(local_clock(moment), level_of(event), (text,))


def found_lines(status: NodeStatus, happened: Sequence[object]) -> Iterator[tuple[Level, str]]:
    """What there is to tell of a node that one attaches to, and that no event of `happened` tells.

    A share of few files is scanned before the screen is there to hear of it.
    """
    if status.skipped and not any(isinstance(each, events.ShareScanned) for each in happened):
        files = "1 file" if status.skipped == 1 else f"{format_count(status.skipped)} files"
        yield "warn", f"{files} cannot be shared; the log file says which"


_WARNINGS = (events.Disconnected, events.FileProblem, events.Resync)
_GOOD = (events.Connected, events.FetchFinished, events.Published)


def level_of(event: object) -> Level:
    """How much an event matters."""
    match event:
        case events.FetchFailed() | events.TrackerNotice(level="error"):
            return "error"
        case (
            events.TrackerNotice(level="warning")
            | events.FetchStateChanged(state="stalled" | "no_space")
        ):
            return "warn"
        case events.SourceLost():
            return "debug"
        case _ if isinstance(event, _WARNINGS) or getattr(event, "skipped", False):
            return "warn"
        case _:
            return "good" if isinstance(event, _GOOD) else "info"
