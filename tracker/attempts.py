"""How often an address may fail to prove an invite: five times a minute, then a pause. Pure.

PROTOCOL.md 1, *Join link*. Callers are counted by IPv4 address or IPv6 /64.
"""

from collections import OrderedDict

from p2ptui.base.addresses import counting_key

MAX_FAILURES = 5
WINDOW_S = 60.0
PAUSE_S = 60.0
MAX_ADDRESSES = 10_000


class Attempts:
    """Failures of each address. Times are monotonic seconds, given by the caller."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def pause_left(self, address: str, now: float) -> float:
        """Seconds that this address must wait before it may try again; 0 when it may now."""
        times = self._failures.get(counting_key(address), [])
        if len(times) < MAX_FAILURES:
            return 0.0
        return max(0.0, times[-1] + PAUSE_S - now)

    def failed(self, address: str, now: float) -> None:
        """Count a failure."""
        key = counting_key(address)
        times = [at for at in self._failures.pop(key, []) if now - at < WINDOW_S]
        times.append(now)
        self._failures[key] = times[-MAX_FAILURES:]
        while len(self._failures) > MAX_ADDRESSES:
            # Somebody has a great many addresses; the 80 bits of an invite still stand.
            self._failures.popitem(last=False)
