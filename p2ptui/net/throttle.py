"""Throttle: a rate limit that several connections share. The arithmetic is in `base.rates`.

Who waits is let through fairly by bytes between flows (`base.fair_queue`): a flow is a member, not
a connection, so that several connections bring nobody more. "No limit" is an object of the same
interface, not an `if` at each use. Time is the running loop's.
"""

import asyncio
from collections.abc import Hashable
from typing import Protocol

from p2ptui.base.fair_queue import FairQueue
from p2ptui.base.rates import TokenBucket

MAX_GRAIN_BYTES = 256 * 1024
MIN_GRAIN_BYTES = 4 * 1024
_GRAINS_PER_SECOND = 8
_BURST_S = 0.25
_LOOK_AGAIN_S = 1.0
"""A sleeper looks again this often, so that a new rate is soon felt by all."""


class _Bucket(Protocol):
    def try_take(self, amount: float) -> bool: ...
    def take(self, amount: float) -> float: ...
    def wait_for(self, amount: float) -> float: ...


class _Bottomless:
    """The bucket of no limit: it is asked for each record that comes, and reads no clock."""

    def try_take(self, amount: float) -> bool:  # noqa: ARG002  (interface)
        return True

    def take(self, amount: float) -> float:  # noqa: ARG002  (interface)
        return 0.0

    def wait_for(self, amount: float) -> float:  # noqa: ARG002  (interface)
        return 0.0


class _Filling:
    """A bucket that fills with the loop's time."""

    def __init__(self, rate_bps: float) -> None:
        burst = max(rate_bps * _BURST_S, MIN_GRAIN_BYTES)
        self._tokens = TokenBucket(rate_bps, burst, now=0.0)

    def try_take(self, amount: float) -> bool:
        return self._tokens.try_take(amount, _now())

    def take(self, amount: float) -> float:
        return self._tokens.take(amount, _now())

    def wait_for(self, amount: float) -> float:
        return self._tokens.wait_for(amount, _now())


class Throttle:
    """Lets `rate_bps` bytes a second through in all, shared fairly by flows; None is no limit."""

    def __init__(self, rate_bps: float | None = None) -> None:
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()
        self._in_turn = False
        """Whether somebody waits for the bucket: one at a time."""
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
        self._bucket = _Filling(rate_bps)
        share = int(rate_bps / _GRAINS_PER_SECOND)
        self._grain = min(max(share, MIN_GRAIN_BYTES), MAX_GRAIN_BYTES)

    async def take(self, amount: int, flow: Hashable = None) -> None:
        """Wait until that many bytes of a flow may pass."""
        if not self._in_turn and self._bucket.try_take(amount):
            self._waiting.pass_by(flow, amount)
            return
        await self._wait_turn(amount, flow)
        try:
            while (wait_s := self._bucket.wait_for(amount)) > 0:  # noqa: ASYNC110  (time)
                await asyncio.sleep(min(wait_s, _LOOK_AGAIN_S))
            self._bucket.take(amount)
        finally:
            self._pass_turn_on()

    async def _wait_turn(self, amount: int, flow: Hashable) -> None:
        if not self._in_turn:
            self._waiting.pass_by(flow, amount)
            self._in_turn = True
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.push(flow, amount, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_turn_on()  # it was ours already
            raise

    def _pass_turn_on(self) -> None:
        while self._waiting:
            turn = self._waiting.pop()
            if not turn.done():
                turn.set_result(None)
                return
        self._in_turn = False

    def charge(self, amount: int) -> float:
        """Count bytes that have passed already; seconds to hold the flow, then charge 0 again."""
        return min(self._bucket.take(amount), _LOOK_AGAIN_S)


class Throttles(Protocol):
    """What a connection asks of its limit in one direction."""

    @property
    def grain(self) -> int:
        """Bytes to move at a time."""
        ...

    async def take(self, amount: int, flow: Hashable = None) -> None:
        """Wait until that many bytes of a flow may pass."""
        ...

    def charge(self, amount: int) -> float:
        """Count bytes that have passed already; seconds to hold the flow."""
        ...


class Narrowed:
    """The limit of one member within the limit of all."""

    def __init__(self, own: Throttles, common: Throttles) -> None:
        self._own = own
        self._common = common

    @property
    def grain(self) -> int:
        """Bytes to move at a time."""
        return min(self._own.grain, self._common.grain)

    async def take(self, amount: int, flow: Hashable = None) -> None:
        """Wait until that many bytes may pass here and there."""
        await self._own.take(amount, flow)
        await self._common.take(amount, flow)

    def charge(self, amount: int) -> float:
        """Count bytes that have passed already; seconds to hold the flow."""
        return max(self._own.charge(amount), self._common.charge(amount))


def _now() -> float:
    return asyncio.get_running_loop().time()
