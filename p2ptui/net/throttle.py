"""Throttle: a rate limit that several connections share. The arithmetic is in `base.rates`.

"No limit" is an object of the same interface, not an `if` at each use. Time is the running loop's.
"""

import asyncio
from typing import Protocol

from p2ptui.base.rates import TokenBucket

MAX_GRAIN_BYTES = 256 * 1024
MIN_GRAIN_BYTES = 4 * 1024
_GRAINS_PER_SECOND = 8
_BURST_S = 0.25
_LOOK_AGAIN_S = 1.0
"""A sleeper looks again this often, so that a new rate is soon felt by all."""


class _Bucket(Protocol):
    def try_take(self, amount: float, now: float) -> bool: ...
    def take(self, amount: float, now: float) -> float: ...
    def wait_for(self, amount: float, now: float) -> float: ...


class _Bottomless:
    """The bucket of no limit."""

    def try_take(self, amount: float, now: float) -> bool:  # noqa: ARG002  (interface)
        return True

    def take(self, amount: float, now: float) -> float:  # noqa: ARG002  (interface)
        return 0.0

    def wait_for(self, amount: float, now: float) -> float:  # noqa: ARG002  (interface)
        return 0.0


class Throttle:
    """Lets `rate_bps` bytes a second through in all, in the order of asking; None is no limit."""

    def __init__(self, rate_bps: float | None = None) -> None:
        self._turn = asyncio.Lock()
        self.set_rate(rate_bps)

    @property
    def rate_bps(self) -> float | None:
        """Bytes per second; None is no limit."""
        return self._rate_bps

    @property
    def grain(self) -> int:
        """Bytes to move at a time, so that a slow flow is an even one."""
        return self._grain

    def set_rate(self, rate_bps: float | None) -> None:
        """Change the rate; felt within a second by those who wait already."""
        self._rate_bps = rate_bps
        if rate_bps is None:
            self._bucket: _Bucket = _Bottomless()
            self._grain = MAX_GRAIN_BYTES
            return
        self._bucket = TokenBucket(rate_bps, max(rate_bps * _BURST_S, MIN_GRAIN_BYTES), now=0.0)
        share = int(rate_bps / _GRAINS_PER_SECOND)
        self._grain = min(max(share, MIN_GRAIN_BYTES), MAX_GRAIN_BYTES)

    async def take(self, amount: int) -> None:
        """Wait until that many bytes may pass; first come, first served."""
        if not self._turn.locked() and self._bucket.try_take(amount, _now()):
            return
        async with self._turn:
            while (wait_s := self._bucket.wait_for(amount, _now())) > 0:  # noqa: ASYNC110  (time)
                await asyncio.sleep(min(wait_s, _LOOK_AGAIN_S))
            self._bucket.take(amount, _now())

    def charge(self, amount: int) -> float:
        """Count bytes that have passed already; seconds to hold the flow, then charge 0 again."""
        return min(self._bucket.take(amount, _now()), _LOOK_AGAIN_S)


def _now() -> float:
    return asyncio.get_running_loop().time()
