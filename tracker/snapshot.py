"""Figures of a running tracker: how much is asked, how fast it is answered, what it costs."""

import asyncio
import importlib
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.base.rates import RateMeter
from tracker.api_values import Series
from tracker.series import Counts, History

REMEMBERED_SEARCHES = 1_000
LAG_STEP_S = 0.25
LAG_WINDOW = 40
"""The lag shown is the worst of so many steps: ten seconds."""


class Figures:
    """Counts in place; read by whoever makes a snapshot. Times in monotonic seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        now = clock.monotonic()
        self.started = now
        self.dropped = 0
        """Connections closed for a fault of theirs."""
        self.messages = 0
        """Messages of members since the start."""
        self._history = History(now)
        self._searches = RateMeter(now)
        self._announced = RateMeter(now)
        self._durations: deque[float] = deque(maxlen=REMEMBERED_SEARCHES)
        self._lags: deque[float] = deque(maxlen=LAG_WINDOW)

    def searched(self, seconds: float) -> None:
        """A search was answered."""
        self._searches.add(now=self._clock.monotonic(), amount=1)
        self._durations.append(seconds)

    def announced(self, entries: int) -> None:
        """Entries were added or removed."""
        self._announced.add(now=self._clock.monotonic(), amount=entries)

    def heard(self) -> None:
        """A member said something."""
        self.messages += 1

    @property
    def searches(self) -> int:
        """Searches since the start."""
        return int(self._searches.total)

    @property
    def searches_s(self) -> float:
        """Searches per second, lately."""
        return round(self._searches.rate(self._clock.monotonic()), 1)

    @property
    def announces_s(self) -> float:
        """Changed entries per second, lately."""
        return round(self._announced.rate(self._clock.monotonic()), 1)

    @property
    def announced_entries(self) -> int:
        """Changed entries since the start."""
        return int(self._announced.total)

    @property
    def uptime_s(self) -> float:
        """Whole seconds since the start."""
        return float(int(self._clock.monotonic() - self.started))

    @property
    def loop_lag_ms(self) -> float:
        """The worst delay of the event loop in the last ten seconds."""
        return round(max(self._lags, default=0.0) * 1000, 1)

    def search_ms(self, quantile: float) -> float:
        """Time that searches take, of the last thousand; `quantile` from 0 to 1."""
        if not self._durations:
            return 0.0
        ordered = sorted(self._durations)
        return round(ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] * 1000, 1)

    def series(self) -> Series:
        """Figures of the last minutes."""
        return self._history.series()

    async def watch(self, hosts: Callable[[], int]) -> None:
        """Measure the loop's lag and write the history until cancelled; `hosts`: online now."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(LAG_STEP_S)
            lag_s = max(0.0, loop.time() - before - LAG_STEP_S)
            self._lags.append(lag_s)
            self._history.lagged(lag_s)
            counts = Counts(self.searches, self.announced_entries, self.messages, hosts())
            self._history.note(self._clock.monotonic(), counts)


def memory_bytes() -> int:
    """Memory that the process holds now; where the system does not tell, the most it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * importlib.import_module("resource").getpagesize()  # type: ignore[no-any-return]
    except (OSError, ImportError, ValueError, IndexError):
        pass
    try:
        resource = importlib.import_module("resource")
    except ImportError:
        return 0
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024
