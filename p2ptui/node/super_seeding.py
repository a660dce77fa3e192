"""Super-seeding: what an owner lets each of several takers of one content see. Pure.

One slow uplink fills a room when every chunk leaves it about once and the takers pass it on. Rules:

1. A taker that is alone sees everything; so does every taker of a content of a few chunks.
2. Of several, each sees a few chunks that nobody else was shown. When one of these went out to it,
   or came to it from elsewhere, it sees the next one: the quick ones are given more.
3. When every chunk was shown, the takers have it from each other. One that waits, asks nothing and
   gets less from the others than its share here would be is hungry: it sees more, the chunks that
   fewest takers have first, twice as many each time. So nobody starves, whatever the others do.
4. What a taker was shown is never taken back; whoever leaves leaves its chunks to the others.

Time is an argument, in monotonic seconds.
"""

import heapq
import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from p2ptui.node.chunkmap import ChunkMap

TakerT = TypeVar("TakerT", bound=Hashable)

MIN_CHUNKS = 16
"""A smaller content is shown to everybody: sending it again costs less than waiting for others."""
MIN_WINDOW = 2
MAX_WINDOW = 8
"""Chunks that a taker sees, has not got and nobody else was shown."""
HUNGRY_S = 1.0
"""How long a taker waits before it is looked at whether it is hungry."""
IDLE_S = 15.0
"""A taker that neither asks nor gets anything for so long has stopped."""


@dataclass(slots=True, eq=False)
class _Taker:
    shown: ChunkMap
    has: ChunkMap
    """What it is known to have."""
    last: float
    """When it last asked for something or got something."""
    looked: float
    """When it was last looked at whether it is hungry."""
    open: set[int] = field(default_factory=set)
    """Chunks that it was shown and has not got."""
    asked: set[int] = field(default_factory=set)
    """Chunks that it waits for, from us."""
    window: int = MIN_WINDOW
    had: int = 0
    """How many chunks it had when it was looked at."""
    helping: int = 1
    """How many chunks it is shown at least when it is hungry."""


class SuperSeeding(Generic[TakerT]):
    """The takers of one content of which this node has everything.

    What is to be shown is collected in `to_show`; whoever tells it takes it from there.
    """

    def __init__(self, chunks: int, now: float) -> None:
        self._size = chunks
        self._takers: dict[TakerT, _Taker] = {}
        self._sent = ChunkMap(chunks)
        """Chunks that went out at least once."""
        self._shown_to = [0] * chunks
        """Takers that were shown a chunk and have not got it."""
        self._held_by = [0] * chunks
        """Takers that are known to have a chunk."""
        self._next = 0
        """No chunk below it is fresh, but those of `_returned`."""
        self._returned: list[int] = []
        self._began = now
        self._shown: dict[TakerT, list[int]] = {}

    @property
    def takers(self) -> tuple[TakerT, ...]:
        """Those that take part."""
        return tuple(self._takers)

    def shown(self, taker: TakerT) -> ChunkMap:
        """What a taker may see now."""
        return self._takers[taker].shown

    def to_show(self) -> dict[TakerT, list[int]]:
        """What each taker sees from now on and did not before; given out once."""
        shown, self._shown = self._shown, {}
        return shown

    # --- what happens -----------------------------------------------------------------------------

    def join(self, taker: TakerT, now: float) -> None:
        """A taker wants to know what there is."""
        if taker in self._takers:
            return
        if not self._takers:
            self._began = now
        self._takers[taker] = _Taker(
            ChunkMap(self._size), ChunkMap(self._size), last=now, looked=now
        )
        if len(self._takers) == 1 or self._size < MIN_CHUNKS:
            self._show_all(taker)
        else:
            self._top_up(taker)

    def leave(self, taker: TakerT) -> None:
        """A taker is gone, or needs nothing more."""
        gone = self._takers.pop(taker, None)
        if gone is None:
            return
        self._shown.pop(taker, None)
        for index in gone.has.present():
            self._held_by[index] -= 1
        for index in gone.open:
            self._shown_to[index] -= 1
            if not self._shown_to[index] and index < self._next and not self._sent.has(index):
                heapq.heappush(self._returned, index)
        if len(self._takers) == 1:
            self._show_all(next(iter(self._takers)))
        else:
            for other in self._takers:
                self._top_up(other)

    def asked(self, taker: TakerT, index: int, now: float) -> None:
        """A taker asks for a chunk, whether it was shown or not."""
        known = self._takers.get(taker)
        if known is not None and 0 <= index < self._size:
            known.asked.add(index)
            known.last = now

    def answered(self, taker: TakerT, index: int, now: float, *, sent: bool) -> None:
        """The chunk went out to it, or will not."""
        if not 0 <= index < self._size:
            return
        if sent:
            self._sent.set(index)
        known = self._takers.get(taker)
        if known is None:
            return
        known.asked.discard(index)
        if sent:
            if not known.asked and known.window < MAX_WINDOW:
                known.window += 1  # it could have taken more
            self.has(taker, (index,), now)

    def has(self, taker: TakerT, indexes: Iterable[int], now: float) -> None:
        """A taker has these chunks, from wherever; one that has all leaves."""
        known = self._takers.get(taker)
        if known is None:
            return
        for index in indexes:
            if 0 <= index < self._size and known.has.set(index):
                known.last = now
                self._held_by[index] += 1
                if index in known.open:
                    known.open.discard(index)
                    self._shown_to[index] -= 1
        if known.has.complete:
            self.leave(taker)
        else:
            self._top_up(taker)

    def look(self, now: float) -> None:
        """Feed the hungry, see off those that have stopped; to be called every second or so."""
        for taker, known in list(self._takers.items()):
            if not known.asked and now - known.last >= IDLE_S:
                self._show_all(taker)  # it may come back, and has nobody else then
                told = self._shown.get(taker)
                self.leave(taker)
                if told:
                    self._shown[taker] = told
            elif now - known.looked >= HUNGRY_S:
                self._feed(taker, known, now)
                known.looked, known.had = now, known.has.count

    # --- what is shown ----------------------------------------------------------------------------

    def _fair_share(self, known: _Taker, now: float) -> float:
        """The chunks that our uplink had for each taker since this one was looked at."""
        rate = self._sent.count / max(now - self._began, HUNGRY_S)
        return max(1.0, rate / len(self._takers) * (now - known.looked))

    def _feed(self, taker: TakerT, known: _Taker, now: float) -> None:
        """Show more to one that waits and gets less from others than its share here would be."""
        fair = self._fair_share(known, now)
        if known.asked or known.shown.complete or known.has.count - known.had >= fair:
            return
        count = max(known.helping, math.ceil(fair))
        known.helping = min(2 * count, self._size)
        hidden = (index for index in known.shown.missing() if not known.has.has(index))
        held_by, shown_to = self._held_by, self._shown_to
        self._show(
            taker, heapq.nsmallest(count, hidden, key=lambda i: (held_by[i], shown_to[i], i))
        )

    def _top_up(self, taker: TakerT) -> None:
        known = self._takers[taker]
        while not known.shown.complete and len(known.open) < known.window:
            index = self._take_fresh()
            if index is None:
                return
            self._show(taker, (index,))

    def _take_fresh(self) -> int | None:
        """A chunk that nobody was shown and nobody has; None when there is none left."""
        while self._returned:
            index = heapq.heappop(self._returned)
            if self._is_fresh(index):
                return index
        while self._next < self._size:
            index = self._next
            self._next += 1
            if self._is_fresh(index):
                return index
        return None

    def _is_fresh(self, index: int) -> bool:
        return not (self._sent.has(index) or self._shown_to[index] or self._held_by[index])

    def _show_all(self, taker: TakerT) -> None:
        # Not counted as shown: or others would see nothing fresh as long as it is there.
        known = self._takers[taker]
        told = self._shown.setdefault(taker, [])
        for index in list(known.shown.missing()):
            known.shown.set(index)
            told.append(index)

    def _show(self, taker: TakerT, indexes: Iterable[int]) -> None:
        known = self._takers[taker]
        told = self._shown.setdefault(taker, [])
        for index in indexes:
            if known.shown.set(index):
                told.append(index)
                if not known.has.has(index):
                    known.open.add(index)
                    self._shown_to[index] += 1
