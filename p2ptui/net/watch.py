"""Watch: one timer that looks after the deadlines of a connection.

It is set for the earliest deadline and left alone when that moves on: a busy connection arms no
timer per frame, it is looked at when the old deadline would have come.
"""

import asyncio
from collections.abc import Callable

from p2ptui.base.clock import Clock
from p2ptui.net.deadlines import Deadline, Deadlines


class Watch:
    """Calls `on_due` with the deadline that has passed; `refresh` is called before each look."""

    def __init__(
        self,
        deadlines: Deadlines,
        clock: Clock,
        *,
        refresh: Callable[[], None],
        on_due: Callable[[Deadline], None],
    ) -> None:
        self._deadlines = deadlines
        self._clock = clock
        self._refresh = refresh
        self._on_due = on_due
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def arm(self) -> None:
        """Look at the deadlines when the first of them is due, if not earlier."""
        now = self._clock.monotonic()
        at = self._deadlines.next(now).at
        if self._timer is not None and self._timer_at <= at:
            return
        self.stop()
        self._timer_at = at
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, at - now), self._look)

    def stop(self) -> None:
        """Look no more, until armed again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        self._refresh()
        now = self._clock.monotonic()
        due = self._deadlines.next(now)
        if due.at > now:
            self.arm()
        else:
            self._on_due(due)
