"""The tracker's log pane: who came and went, and what went wrong."""

import time
from typing import Any

from p2ptui.base.text import local_clock
from p2ptui.screens.panes.event_log import EventLogPane
from p2ptui.tracker_commands import tracker_sentence
from p2ptui.widgets.log_lines import Level, LogLine
from p2ptui.widgets.table_rows import Toned
from tracker import events


class TrackerLogPane(EventLogPane):
    """Sentences of a tracker's events."""

    DIGIT = "3"

    def line_of(self, event: Any) -> LogLine | None:
        """A sentence with its level and sign."""
        text = tracker_sentence(event)
        if not text:
            return None
        moment = getattr(event, "time", None) or time.time()
        return LogLine(local_clock(moment), level_of(event), (text,), sign_of(event))


def level_of(event: object) -> Level:
    """How much an event matters."""
    match event:
        case events.TrackerNotice(level="error") | events.Stopped():
            return "error"
        case events.TrackerNotice(level="warning") | events.HostKicked() | events.Refused():
            return "warn"
        case events.Resync():
            return "warn"
        case events.Listening() | events.MemberJoined():
            return "good"
        case events.HostPublished():
            return "debug"
        case _:
            return "info"


def sign_of(event: object) -> Toned | None:
    """A sign of its own for who comes and goes; None: the level's."""
    match event:
        case events.HostJoined() | events.MemberJoined():
            return Toned("+", "good")
        case events.HostLeft():
            return Toned("-", "dim")
        case _:
            return None
