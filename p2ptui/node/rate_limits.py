"""Rate limits: the throttles of both directions, with slow mode.

There are two sets of rates, the usual ones and those of slow mode; one of them is in force, and it
is the one that `set` changes. Each member may have limits of its own within these.
"""

import math

from p2ptui.base.settings import PeerSettings
from p2ptui.net.throttle import Throttle
from p2ptui.node.api import Direction
from p2ptui.node.member_limits import MemberLimits


class RateLimits:
    """What may pass in each direction; None is no limit."""

    def __init__(self, settings: PeerSettings) -> None:
        self.up = Throttle(settings.up_limit)
        self.down = Throttle(settings.down_limit)
        self.slow = False
        self._usual: dict[Direction, int | None] = {
            "up": settings.up_limit,
            "down": settings.down_limit,
        }
        self._slow: dict[Direction, int | None] = {
            "up": settings.slow_up_limit,
            "down": settings.slow_down_limit,
        }
        self.members = MemberLimits(
            {"up": settings.member_up_limit, "down": settings.member_down_limit},
            settings.member_limits,
        )

    def rate(self, direction: Direction) -> int | None:
        """The limit in force, in bytes per second."""
        rate_bps = self._throttle(direction).rate_bps
        return None if rate_bps is None else round(rate_bps)

    def fair_bps(self, sources: int) -> float:
        """What one of so many sources may bring at most under our own limit."""
        limit_bps = self.rate("down")
        return math.inf if limit_bps is None else limit_bps / max(1, sources)

    def set(self, direction: Direction, rate_bps: int | None) -> None:
        """Change the limit in force: in slow mode, that of slow mode."""
        self.change(direction, rate_bps, slow=self.slow)

    def change(self, direction: Direction, rate_bps: int | None, *, slow: bool) -> None:
        """Change one of the two limits of a direction; felt now when it is the one in force."""
        (self._slow if slow else self._usual)[direction] = rate_bps
        if slow == self.slow:
            self._throttle(direction).set_rate(rate_bps)

    def switch(self, *, slow: bool) -> None:
        """Slow mode on or off. What is slower already stays as slow as it is."""
        self.slow = slow
        for direction, usual in self._usual.items():
            rate = _lower(usual, self._slow[direction]) if slow else usual
            self._throttle(direction).set_rate(rate)

    def _throttle(self, direction: Direction) -> Throttle:
        return self.up if direction == "up" else self.down


def _lower(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
