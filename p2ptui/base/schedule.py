"""Schedules: times of the week, as `mon-fri 08:00-18:00, sat 10:00-12:00`. Pure."""

import re
from datetime import datetime
from typing import NamedTuple

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.text import display, elide_middle

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_RULE = re.compile(
    r"(?:(?P<first>[a-z]{3,9})(?:\s*-\s*(?P<last>[a-z]{3,9}))?\s+)?"
    r"(?P<from>\d{1,2}:\d{2})\s*-\s*(?P<to>\d{1,2}:\d{2})"
)


class _Span(NamedTuple):
    """From a minute of some days to another; beyond midnight when the end is not behind it."""

    days: frozenset[int]
    begin: int
    end: int


class Schedule(NamedTuple):
    """Times of the week; empty: never."""

    spans: tuple[_Span, ...] = ()

    def covers(self, moment: datetime) -> bool:
        """Whether a moment, in the time of this machine, is one of these."""
        day, minute = moment.weekday(), moment.hour * 60 + moment.minute
        for span in self.spans:
            if span.begin < span.end:
                if day in span.days and span.begin <= minute < span.end:
                    return True
            elif (day in span.days and minute >= span.begin) or (
                (day - 1) % 7 in span.days and minute < span.end
            ):
                return True
        return False


def parse_schedule(text: str) -> Schedule:
    """The times that a text names; an empty one names none. Raises a usage error."""
    spans = []
    for part in re.split(r"[,;]", text.lower()):
        rule = part.strip()
        if not rule:
            continue
        found = _RULE.fullmatch(rule)
        if found is None:
            raise _bad(rule)
        first, last = found["first"], found["last"]
        days = range(7) if first in {None, "daily"} else _days(rule, first, last or first)
        spans.append(
            _Span(frozenset(days), _minute(rule, found["from"]), _minute(rule, found["to"]))
        )
    return Schedule(tuple(spans))


def _days(rule: str, first: str, last: str) -> list[int]:
    names = [first[:3], last[:3]]
    if not set(names) <= set(_DAYS):
        raise _bad(rule)
    begin, end = map(_DAYS.index, names)
    return [(begin + step) % 7 for step in range((end - begin) % 7 + 1)]


def _minute(rule: str, text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    if minutes >= 60 or hours * 60 + minutes > _DAY_MINUTES:
        raise _bad(rule)
    return hours * 60 + minutes


def _bad(rule: str) -> P2PError:
    return usage_error(
        "Not a schedule",
        repr(elide_middle(display(rule), 40)),
        "Write it as mon-fri 08:00-18:00, sat 10:00-12:00.",
    )
