"""Deadlines of one connection (PROTOCOL.md 7). Pure: the time is an argument, in seconds.

Time in which we ourselves do not read (a rate limit, an engine that is behind) counts against
nobody: what is due moves on by as much.
"""

from dataclasses import dataclass

GREETING_S = 5.0
"""From the handshake to the other side's greeting."""
FRAME_S = 30.0
"""From the first to the last byte of a frame."""
STALL_S = 30.0
"""Without one byte leaving a send buffer that is over its high-water mark."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """What ends the connection at `at`: the code and the text of its end."""

    at: float
    code: str
    text: str


class Deadlines:
    """When a connection is over unless something happens.

    `idle_s` is the longest silence. Where `sending_counts`, a byte that leaves breaks the silence
    like one that comes.
    """

    def __init__(self, now: float, *, idle_s: float, sending_counts: bool) -> None:
        self.idle_s = idle_s
        self._sending_counts = sending_counts
        self._opened = now
        self._alive = now
        self._greeted = False
        self._frame: int | None = None
        self._frame_since = 0.0
        self._held_since: float | None = None
        self._held_s = 0.0
        self._held_s_at_frame = 0.0
        self._stall_since: float | None = None
        self._stall_bytes = 0

    def heard(self, now: float) -> None:
        """Bytes came in."""
        self._alive = now

    def greeted(self) -> None:
        """The other side's greeting came in."""
        self._greeted = True

    def frame(self, number: int | None, now: float) -> None:
        """The number of the frame that has begun and is not complete; None: there is none."""
        if number != self._frame:
            self._frame = number
            self._frame_since = now
            self._held_s_at_frame = self._held(now)

    def hold(self, now: float) -> None:
        """We stop reading."""
        if self._held_since is None:
            self._held_since = now

    def resume(self, now: float) -> None:
        """We read again."""
        if self._held_since is not None:
            self._held_s += now - self._held_since
            self._held_since = None
            self._alive = now

    def sent(self, now: float) -> None:
        """Bytes were taken by the transport without resistance, or its buffer has emptied."""
        self._stall_since = None
        if self._sending_counts:
            self._alive = now

    def stall(self, waiting_bytes: int, now: float) -> None:
        """The send buffer is over its mark, with that many bytes; fewer than before is progress."""
        if self._stall_since is None or waiting_bytes < self._stall_bytes:
            self.sent(now)
            self._stall_since = now
        self._stall_bytes = waiting_bytes

    def next(self, now: float) -> Deadline:
        """The deadline that comes first; it has passed when its `at` is not after `now`."""
        silence = f"nothing heard for {self.idle_s:g} s"
        # While we do not read, we cannot know whether it is silent.
        alive = now if self._held_since is not None else self._alive
        first = Deadline(alive + self.idle_s, "idle", silence)
        if not self._greeted:
            at = self._opened + GREETING_S + self._held(now)
            first = _earlier(first, Deadline(at, "idle", f"no greeting within {GREETING_S:g} s"))
        if self._frame is not None:
            at = self._frame_since + FRAME_S + self._held(now) - self._held_s_at_frame
            text = f"a piece of data was not complete within {FRAME_S:g} s"
            # Idle, and no violation: that a network is cut or slow is nobody's fault.
            first = _earlier(first, Deadline(at, "idle", text))
        if self._stall_since is not None:
            text = f"nothing was read by the other side for {STALL_S:g} s"
            first = _earlier(first, Deadline(self._stall_since + STALL_S, "stalled", text))
        return first

    def _held(self, now: float) -> float:
        running = 0.0 if self._held_since is None else now - self._held_since
        return self._held_s + running


def _earlier(one: Deadline, other: Deadline) -> Deadline:
    return other if other.at < one.at else one
