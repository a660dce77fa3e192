"""Upload slots: how many members take from us at a time, and who waits for a place. Pure.

A member holds one slot, however many files it takes over however many connections. Who comes when
all are taken waits in the order of coming and is told its place. A slot is for a while: when others
wait, who had it for `TURN_S` goes to the end of the queue, so that a slow member holds nobody up.
Who asks no more loses its slot, and its place when it is not seen again in time.

Time is an argument, in monotonic seconds.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

TakerT = TypeVar("TakerT", bound=Hashable)

TURN_S = 120.0
"""How long a slot is held while others wait."""
HOLD_S = 10.0
"""How long a slot waits for its holder to ask again."""
PLACE_S = 60.0
"""How long a place is kept for one that does not ask again."""
MAX_QUEUE = 1000


@dataclass(slots=True)
class _Holder:
    since: float
    last: float
    busy: int = 0
    """Requests that are being answered or wait for that."""


class Slots(Generic[TakerT]):
    """Who may take from us now, and who is next."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._holders: dict[TakerT, _Holder] = {}
        self._queue: dict[TakerT, float] = {}
        """Those that wait, the next one first, with when they last asked."""
        self._called: list[TakerT] = []
        """Those that have a slot and do not know yet."""

    @property
    def free(self) -> int:
        """Slots that nobody holds."""
        return max(0, self._count - len(self._holders))

    @property
    def waiting(self) -> int:
        """How many are in the queue."""
        return len(self._queue)

    def set_count(self, count: int) -> None:
        """Have more or fewer slots; nobody loses one before its turn is over."""
        self._count = count

    def place(self, taker: TakerT) -> int:
        """Its place in the queue, from 1; 0 when it is not in the queue."""
        for place, waiting in enumerate(self._queue, start=1):
            if waiting == taker:
                return place
        return 0

    def ask(self, taker: TakerT, now: float) -> int:
        """A taker wants something: 0 when it has a slot, else its place in the queue.

        A place behind `MAX_QUEUE` is not kept.
        """
        holder = self._holders.get(taker)
        if holder is not None:
            holder.last = now
            if not self._queue or now - holder.since < TURN_S:
                return 0
            del self._holders[taker]
            self._queue[taker] = now
        elif taker in self._queue or len(self._queue) < MAX_QUEUE:
            self._queue[taker] = now
        else:
            return MAX_QUEUE + 1
        self._call(now)
        if taker in self._holders:
            self._called.remove(taker)  # it hears of it now
            return 0
        return self.place(taker)

    def begin(self, taker: TakerT) -> None:
        """A request of it is taken; `end` it."""
        holder = self._holders.get(taker)
        if holder is not None:
            holder.busy += 1

    def end(self, taker: TakerT, now: float) -> None:
        """A request of it was answered or dropped."""
        holder = self._holders.get(taker)
        if holder is not None:
            # One that lost its slot in between and got another one began nothing with this one.
            holder.busy = max(0, holder.busy - 1)
            holder.last = now

    def leave(self, taker: TakerT) -> None:
        """It is gone."""
        self._holders.pop(taker, None)
        self._queue.pop(taker, None)
        if taker in self._called:
            self._called.remove(taker)

    def look(self, now: float) -> list[TakerT]:
        """Take slots and places from those that ask no more; who got a slot and must be told."""
        for taker, holder in list(self._holders.items()):
            if not holder.busy and now - holder.last >= HOLD_S:
                self.leave(taker)
        for taker, last in list(self._queue.items()):
            if now - last >= PLACE_S:
                self.leave(taker)
        self._call(now)
        called, self._called = self._called, []
        return called

    def _call(self, now: float) -> None:
        while self._queue and len(self._holders) < self._count:
            taker = next(iter(self._queue))
            del self._queue[taker]
            self._holders[taker] = _Holder(since=now, last=now)
            self._called.append(taker)
