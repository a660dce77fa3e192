"""Figures of the last minutes, a step a second: what the console's graphs are drawn from. Pure.

Times are monotonic seconds and are given. A loop that stood still leaves no hole: what happened
meanwhile is spread over the seconds that it took, and each of them shows the lag.
"""

from collections import deque
from typing import NamedTuple

from tracker.api_values import Series

STEP_S = 1.0
STEPS = 300
"""Five minutes."""


class Counts(NamedTuple):
    """What was counted since the start, and how many are here now."""

    searches: int
    announced: int
    """Entries that were added or removed."""
    messages: int
    """Messages of members."""
    hosts: int


class _Step(NamedTuple):
    searches_s: float
    announces_s: float
    messages_s: float
    hosts: int
    lag_ms: float


class History:
    """A ring of steps. Costs a few tens of kilobytes, however long the tracker runs."""

    def __init__(self, now: float) -> None:
        self._steps: deque[_Step] = deque(maxlen=STEPS)
        self._begun = now
        self._before = Counts(0, 0, 0, 0)
        self._lag_s = 0.0

    def lagged(self, seconds: float) -> None:
        """The loop was late by so much; the worst of a step is the step's."""
        self._lag_s = max(self._lag_s, seconds)

    def note(self, now: float, counts: Counts) -> None:
        """Look at the counters; ends the step when its time is over. Call it several times a step.

        A clock that stands still or goes back ends nothing.
        """
        passed = now - self._begun
        if passed < STEP_S:
            return
        before = self._before
        step = _Step(
            searches_s=_rate(before.searches, counts.searches, passed),
            announces_s=_rate(before.announced, counts.announced, passed),
            messages_s=_rate(before.messages, counts.messages, passed),
            hosts=counts.hosts,
            lag_ms=round(self._lag_s * 1000, 1),
        )
        self._steps.extend([step] * min(STEPS, int(passed / STEP_S)))
        self._begun, self._before, self._lag_s = now, counts, 0.0

    def series(self) -> Series:
        """All steps that are over, the oldest first."""
        steps = tuple(self._steps)
        return Series(
            step_s=STEP_S,
            searches_s=tuple(step.searches_s for step in steps),
            announces_s=tuple(step.announces_s for step in steps),
            messages_s=tuple(step.messages_s for step in steps),
            hosts=tuple(step.hosts for step in steps),
            lag_ms=tuple(step.lag_ms for step in steps),
        )


def _rate(before: int, now: int, seconds: float) -> float:
    return round(max(0, now - before) / seconds, 1)
