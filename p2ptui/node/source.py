"""Source: one member as a supplier of one download: its state, its tries, its lanes.

A source is dialled, asked for the manifest when there is none yet, asked what it has, and then
kept busy by a few lanes, each with one chunk on its way. What goes wrong is told in words and
tried again with back-off; wrong bytes end it for this content (PROTOCOL.md 5).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from p2ptui.base.ids import PeerId
from p2ptui.base.rates import RateMeter
from p2ptui.net.wire import messages as m

LANES = 6
"""Chunks asked of one source at a time, at most."""
MIN_LANES = 2
AHEAD_S = 1.0
"""How much of a source's work is asked of it ahead: what a slow one was asked, others wait for."""
MIN_BACKOFF_S = 1.0
MAX_BACKOFF_S = 60.0
_MAX_DOUBLINGS = 10
SILENT_S = 30.0
SLOW_BPS = 16 * 1024
SLOW_S = 10.0
READ_BYTES = 256 * 1024
"""Read at a time, at most: under our own rate limit a source seems silent until that is paid."""
PROVING_SHARE = 16
"""Whoever brings less than this part of what our own rate limit lets it bring is slow itself."""
_PROVING_BPS = PROVING_SHARE * SLOW_BPS
"""With less of our own rate limit for each source, a slow one is not told from a held one."""


@dataclass(slots=True, eq=False)
class Source:
    """What a download knows of one of its sources. Times are monotonic seconds."""

    peer: PeerId
    nick: str
    endpoints: Sequence[m.Endpoint]
    meter: RateMeter
    state: str = "waiting"
    """`waiting`, `dialling`, `active`, `idle`, `failed` or `dropped`."""
    reason: str = ""
    offered: bool = True
    """Whether the tracker still names it; a session that runs goes on without."""
    partial: bool = False
    """Whether it is fetching the content itself and gives what it has so far."""
    failures: int = 0
    next_try: float = 0.0
    done: int = 0
    """Bytes that came from it and were verified."""
    quiet_since: float | None = None
    """Since when it owes us bytes and has sent none."""
    slow_since: float | None = None
    owed: int = 0
    """Chunks that were asked of it and are not here yet."""
    lanes: int = 0
    """Lanes that have a chunk to bring."""
    fruitless_since: float | None = None
    """Since when it is active and has nothing that is missing."""
    place: int = 0
    """Place in its queue; 0 when it serves us, or was not asked yet."""
    tried: list[tuple[float, str]] = field(default_factory=list)
    """Its story: wall-clock time and what happened, at most the last 20."""

    def tell(self, wall: float, what: str) -> None:
        """Note something in its story."""
        self.tried.append((wall, what))
        del self.tried[:-20]

    def begin(self, wall: float) -> None:
        """It is connected and about to be asked."""
        self.state, self.reason = "active", ""
        self.quiet_since = self.slow_since = self.fruitless_since = None
        self.place = 0
        self.tell(wall, "connected")

    def queue(self, wall: float, place: int) -> None:
        """It has no slot for us yet."""
        if not self.place:
            self.tell(wall, f"all its slots are taken: place {place} in its queue")
        self.place = place

    def serve(self, wall: float) -> None:
        """It is our turn."""
        if self.place:
            self.tell(wall, "our turn")
        self.place = 0

    def rest(self, next_try: float) -> None:
        """It has nothing for us; it is asked again at that time."""
        self.state = "idle"
        self.next_try = next_try

    def fail(self, now: float, wall: float, reason: str, jitter: random.Random) -> None:
        """It could not be used this time; it is tried again later."""
        self.failures += 1
        self.state = "failed"
        self.reason = reason
        doublings = min(self.failures - 1, _MAX_DOUBLINGS)
        backoff_s = min(MIN_BACKOFF_S * 2.0**doublings, MAX_BACKOFF_S)
        self.next_try = now + backoff_s * jitter.uniform(0.5, 1.0)
        self.tell(wall, reason)

    def drop(self, wall: float, reason: str) -> None:
        """It will not be used again for this content."""
        self.state = "dropped"
        self.reason = reason
        self.tell(wall, reason)

    def window(self, now: float, chunk_bytes: int) -> int:
        """How many chunks to ask of it at a time, fitted to the rate at which it brings them."""
        return min(MIN_LANES + int(self.meter.rate(now) * AHEAD_S / chunk_bytes), LANES)

    def watch_pace(self, now: float, *, can_move: bool, fair_bps: float = math.inf) -> str:
        """Why it must lose its chunks to others now; empty when it need not.

        `can_move`: another source could bring them faster; a slow source is better than none.
        `fair_bps`: what one source may bring at most under our own rate limit: nobody is blamed
        for that.
        """
        rate_bps = self.meter.rate(now)
        if not self.owed:
            self.quiet_since = self.slow_since = None
            return ""
        if rate_bps > 0:
            self.quiet_since = None
        elif self.quiet_since is None:
            self.quiet_since = now
        if rate_bps >= SLOW_BPS:
            self.slow_since = None
        elif self.slow_since is None:
            self.slow_since = now
        silent_s = SILENT_S + 2 * READ_BYTES / fair_bps
        if self.quiet_since is not None and now - self.quiet_since >= silent_s:
            return f"silent for {silent_s:.0f} s"
        if not can_move or fair_bps < _PROVING_BPS:
            return ""
        if rate_bps > 0 and self.slow_since is not None and now - self.slow_since >= SLOW_S:
            return f"under {SLOW_BPS // 1024} KiB/s for {SLOW_S:.0f} s"
        return ""
