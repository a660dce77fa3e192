"""What one member may ask for, and how often (PROTOCOL.md 7). Pure: the time is an argument.

Searches above the limit are refused; announces are slowed down, for they must all arrive.
"""

from collections import OrderedDict, deque

from p2ptui.base.ids import PeerId
from p2ptui.base.rates import TokenBucket
from p2ptui.net.wire.messages import MAX_QUERY_BYTES

SEARCHES_S = 5.0
SEARCH_BURST_S = 4.0
"""A member may make the searches of so many seconds at once."""
COUNTS_S = 2.0
COUNT_BURST = 10.0
ENTRIES_S = 20_000.0
OFFERS_S = 10.0
OFFER_BURST = 128.0
CALLS_S = 1.0
CALL_BURST = 16.0
CALLED_S = 10.0
CALLED_BURST = 64.0
REPORTS_S = 200.0
REPORT_BURST = 10_000.0
COMPLAINTS_S = 1.0
COMPLAINT_BURST = 64.0
MAX_WORDS = 8
MAX_WATCHED = 10_000
"""Contents that one member may have located at a time."""
VIOLATIONS = 3
VIOLATION_WINDOW_S = 600.0
PENALTY_S = 600.0
MAX_OFFENDERS = 10_000


class MemberLimits:
    """The budgets of one connected member."""

    __slots__ = (
        "_called", "_calls", "_complaints", "_counts", "_entries", "_offers", "_reports",
        "_searches",
    )  # fmt: skip

    def __init__(self, now: float, searches_s: float = SEARCHES_S) -> None:
        self._calls = TokenBucket(rate=CALLS_S, burst=CALL_BURST, now=now)
        self._called = TokenBucket(rate=CALLED_S, burst=CALLED_BURST, now=now)
        self._searches = TokenBucket(rate=searches_s, burst=_burst(searches_s), now=now)
        self._counts = TokenBucket(rate=COUNTS_S, burst=COUNT_BURST, now=now)
        self._entries = TokenBucket(rate=ENTRIES_S, burst=ENTRIES_S, now=now)
        self._offers = TokenBucket(rate=OFFERS_S, burst=OFFER_BURST, now=now)
        self._reports = TokenBucket(rate=REPORTS_S, burst=REPORT_BURST, now=now)
        self._complaints = TokenBucket(rate=COMPLAINTS_S, burst=COMPLAINT_BURST, now=now)

    def may_call(self, now: float) -> bool:
        """Whether it may ask for one more member to be called now; counts it."""
        return self._calls.try_take(amount=1, now=now)

    def may_be_called(self, now: float) -> bool:
        """Whether others may have it dial or open a relayed connection once more; counts it."""
        return self._called.try_take(amount=1, now=now)

    def may_report(self, fetches: int, now: float) -> bool:
        """Whether it may tell of so many finished downloads now; counts them."""
        return self._reports.try_take(amount=fetches, now=now)

    def may_complain(self, now: float) -> bool:
        """Whether it may say once more that a source has not what it offers; counts it."""
        return self._complaints.try_take(amount=1, now=now)

    def may_search(self, now: float) -> bool:
        """Whether one more question may be answered now; counts it."""
        return self._searches.try_take(amount=1, now=now)

    def set_search_rate(self, searches_s: float, now: float) -> None:
        """So many searches a second from now on."""
        if searches_s != self._searches.rate:
            self._searches.set_rate(searches_s, _burst(searches_s), now)

    def may_count(self, now: float) -> bool:
        """Whether owners of one more batch of contents may be counted now; counts it."""
        return self._counts.try_take(amount=1, now=now)

    def announce_delay(self, entries: int, now: float) -> float:
        """Seconds to wait before so many entries are taken; counts them."""
        return self._entries.take(amount=entries, now=now)

    def offer_delay(self, changes: int, now: float) -> float:
        """Seconds to wait before others are told of so many offers and withdrawals; counts them."""
        return self._offers.take(amount=changes, now=now)


def _burst(searches_s: float) -> float:
    return max(1.0, searches_s * SEARCH_BURST_S)


def check_query(text: str) -> str:
    """Why this is no query; empty when it is one: at most 256 bytes and 8 words."""
    if len(text.encode("utf-8")) > MAX_QUERY_BYTES:
        return f"a query has at most {MAX_QUERY_BYTES} bytes"
    if len(text.split()) > MAX_WORDS:
        return f"a query has at most {MAX_WORDS} words"
    return ""


class Penalties:
    """Who broke the protocol three times in ten minutes waits ten."""

    def __init__(self) -> None:
        self._times: OrderedDict[PeerId, deque[float]] = OrderedDict()

    def violated(self, peer: PeerId, now: float) -> None:
        """Count a violation."""
        times = self._times.setdefault(peer, deque(maxlen=VIOLATIONS))
        times.append(now)
        self._times.move_to_end(peer)
        if len(self._times) > MAX_OFFENDERS:
            self._times.popitem(last=False)

    def wait(self, peer: PeerId, now: float) -> float:
        """Seconds that this id waits until it may connect; 0 when it may now."""
        times = self._times.get(peer)
        if times is None or len(times) < VIOLATIONS or times[-1] - times[0] > VIOLATION_WINDOW_S:
            return 0.0
        return max(0.0, times[-1] + PENALTY_S - now)
