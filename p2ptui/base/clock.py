"""The clock as an argument: engines are given one, so that tests can move time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Source of time. Inside a process only `monotonic` is compared (PROTOCOL.md 1)."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never jumps."""
        ...

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump, for certificates and display only."""
        ...


class SystemClock:
    """The clock of the machine."""

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()
