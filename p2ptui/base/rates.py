"""Arithmetic of rates: a token bucket and a meter. Pure: the time is an argument, in seconds."""

from collections import deque


class TokenBucket:
    """Lets `rate` units per second through, and up to `burst` at once after a quiet time.

    The bucket starts full. A clock that stands still or goes back gives nothing and takes nothing.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        if rate <= 0 or burst <= 0:
            raise ValueError("rate and burst are positive")
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    @property
    def rate(self) -> float:
        """Units per second."""
        return self._rate

    @property
    def burst(self) -> float:
        """Most units that are let through at once."""
        return self._burst

    def available(self, now: float) -> float:
        """Units that may pass at once; negative while a debt of `take` is paid off."""
        self._fill(now)
        return self._tokens

    def try_take(self, amount: float, now: float) -> bool:
        """Take an amount if all of it is there; False leaves the bucket as it is."""
        self._fill(now)
        if amount > self._tokens:
            return False
        self._tokens -= amount
        return True

    def take(self, amount: float, now: float) -> float:
        """Take an amount in any case; seconds that the caller waits before it uses it.

        An amount may be larger than the burst: those who come after wait the longer.
        """
        self._fill(now)
        self._tokens -= amount
        return max(0.0, -self._tokens / self._rate)

    def wait_for(self, amount: float, now: float) -> float:
        """Seconds until `try_take` of this amount succeeds; 0 when it would now.

        More than the burst is waited for until the bucket is full.
        """
        self._fill(now)
        return max(0.0, (min(amount, self._burst) - self._tokens) / self._rate)

    def set_rate(self, rate: float, burst: float, now: float) -> None:
        """Change rate and burst from now on; what was saved up is cut down to the new burst."""
        if rate <= 0 or burst <= 0:
            raise ValueError("rate and burst are positive")
        self._fill(now)
        self._rate = rate
        self._burst = burst
        self._tokens = min(self._tokens, burst)

    def _fill(self, now: float) -> None:
        passed = now - self._at
        if passed > 0:
            self._tokens = min(self._burst, self._tokens + passed * self._rate)
            self._at = now


class RateMeter:
    """Units per second over the last few seconds, and their total.

    The window slides in `slots` steps; memory is constant however often `add` is called.
    """

    __slots__ = ("_counts", "_slot_s", "_slots", "_started", "total")

    def __init__(
        self, started: float | None = None, window_s: float = 5.0, slots: int = 10
    ) -> None:
        """`started` None: the time of the first amount."""
        self._slot_s = window_s / slots
        self._slots = slots
        self._started = started
        self._counts: deque[tuple[int, float]] = deque()
        self.total: float = 0
        """All that was ever added."""

    def add(self, now: float, amount: float) -> None:
        """Count an amount."""
        if self._started is None:
            self._started = now
        slot = self._slot(now)
        if self._counts and self._counts[-1][0] >= slot:
            last, count = self._counts[-1]
            self._counts[-1] = (last, count + amount)
        else:
            self._counts.append((slot, amount))
            self._drop_before(slot - self._slots)
        self.total += amount

    def rate(self, now: float) -> float:
        """Units per second over the window, or over the time since the start while that is less."""
        first = self._slot(now) - self._slots
        self._drop_before(first)
        # The oldest slot is wholly inside, the newest as far as it has come.
        covered = now - max(self._started or 0.0, first * self._slot_s)
        counted = sum(count for _slot, count in self._counts)
        # A slot at least: the first packet is no rate of gigabytes.
        return counted / max(covered, self._slot_s)

    def _slot(self, now: float) -> int:
        return int(now // self._slot_s)

    def _drop_before(self, first: int) -> None:
        while self._counts and self._counts[0][0] < first:
            self._counts.popleft()
