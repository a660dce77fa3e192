"""Picker: which chunk is asked of which source next (PROTOCOL.md 5). Pure: no clock, no I/O.

Rules, in order:

1. One chunk is asked of one source at a time, so that blame is exact.
2. Rarest first: a chunk that fewer sources have goes before one that more have. Equally rare ones
   go in file order from a starting point of this fetch's own: takers of one publisher start at
   different places and have something to give to each other, and the disk still sees long runs.
3. End game: when nothing is left to ask for, what is still in flight is asked of a second source,
   one that has next to nothing in flight itself: of two quick ones neither does the other's work.
4. A chunk comes back (to the front) when its source fails, stalls or leaves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from p2ptui.base.ids import PeerId
from p2ptui.node.chunkmap import ChunkMap

_SORTS = 32
"""Changed rarities are sorted anew when one of so many missing chunks was picked since: at every
pick it would cost O(n) each, and never it would ask for what everybody has."""

MAX_SOURCES_PER_CHUNK = 2
END_GAME_BELOW = 2
"""Chunks in flight from which on a source is too busy to bring those of others as well."""


@dataclass(slots=True)
class _Source:
    has: ChunkMap | None
    """What it has; None: everything."""
    in_flight: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    """Chunks that it could not give though it said that it has them."""
    exhausted: bool = False
    """Nothing in the order is for it: not looked through again until something is."""


class Picker:
    """Distribution of the missing chunks of one content over its sources."""

    def __init__(self, have: ChunkMap, *, start: int = 0) -> None:
        """`have`: verified chunks, kept current by this class; `start`: first chunk to ask for."""
        self.have = have
        self._start = start % max(len(have), 1)
        self._sources: dict[PeerId, _Source] = {}
        self._askers: dict[int, set[PeerId]] = {}
        """Sources that a chunk in flight is asked of."""
        self._availability: dict[int, int] = {}
        """Partial sources that have a chunk; complete ones count for every chunk alike."""
        self._withheld: set[int] = set()
        """Missing chunks that may turn out to be here already: not asked for until then."""
        self._order: list[int] = []
        """Missing chunks, the next one to ask for last; may hold chunks that are in flight."""
        self._picks_left = 0
        self._rarity_changed = True

    @property
    def complete(self) -> bool:
        """Whether every chunk is verified."""
        return self.have.complete

    @property
    def sources(self) -> tuple[PeerId, ...]:
        """Sources that take part."""
        return tuple(self._sources)

    def in_flight(self, source: PeerId) -> frozenset[int]:
        """Chunks asked of a source and not yet settled."""
        found = self._sources.get(source)
        return frozenset(found.in_flight) if found else frozenset()

    def fraction(self, source: PeerId) -> float | None:
        """How much of the content a source has, from 0 to 1; None when it takes no part."""
        found = self._sources.get(source)
        if found is None:
            return None
        return 1.0 if found.has is None else found.has.count / max(len(found.has), 1)

    def add_source(self, source: PeerId, has: ChunkMap | None) -> None:
        """A source joins, or says anew what it has; `has` None: everything."""
        known = self._sources.get(source)
        if known is None:
            self._sources[source] = _Source(has)
        else:
            self._count(known.has, -1)
            known.has = has
            known.exhausted = False
        self._count(has, +1)

    def extend_source(self, source: PeerId, indexes: Iterable[int]) -> None:
        """A partial source has verified more chunks."""
        found = self._sources.get(source)
        if found is None or found.has is None:
            return
        for index in indexes:
            if 0 <= index < len(self.have) and not found.has.has(index):
                found.has.set(index)
                self._availability[index] = self._availability.get(index, 0) + 1
                found.refused.discard(index)
                found.exhausted = False
                self._rarity_changed = True

    def remove_source(self, source: PeerId) -> None:
        """A source leaves; what was asked of it goes to others."""
        found = self._sources.pop(source, None)
        if found is None:
            return
        self._count(found.has, -1)
        for index in found.in_flight:
            self._return(index, source)

    def pick(self, source: PeerId) -> int | None:
        """The chunk to ask of this source now, marked as in flight; None when there is none."""
        found = self._sources[source]
        index = self._pick_wanted(found)
        if index is None:
            index = self._pick_end_game(found)
        if index is None:
            return None
        found.in_flight.add(index)
        self._askers.setdefault(index, set()).add(source)
        return index

    def settle(self, source: PeerId, index: int) -> frozenset[PeerId]:
        """The chunk is verified and on disk; the other sources whose request is now moot."""
        found = self._sources.get(source)
        if found is not None:
            found.in_flight.discard(index)
        self.have.set(index)
        others = self._askers.pop(index, set()) - {source}
        for other in others:
            self._sources[other].in_flight.discard(index)
        return frozenset(others)

    def give_back(self, source: PeerId, index: int, *, refused: bool = False) -> None:
        """The source did not bring the chunk; `refused`: it cannot, never ask it for it again."""
        found = self._sources.get(source)
        if found is None or index not in found.in_flight:
            return
        found.in_flight.discard(index)
        if refused:
            found.refused.add(index)
        self._return(index, source)

    def withhold(self, indexes: Iterable[int]) -> None:
        """These may be on disk already and are being looked at: ask nobody for them yet."""
        self._withheld.update(indexes)

    def release(self, index: int, *, here: bool) -> None:
        """A withheld chunk was looked at: it is here, or must be asked for after all."""
        self._withheld.discard(index)
        if here:
            self.have.set(index)
        elif not self.have.has(index):
            self._put_back(index)

    def lose(self, index: int) -> None:
        """A chunk that was verified is no longer on disk."""
        if self.have.clear(index):
            self._put_back(index)

    def _return(self, index: int, source: PeerId) -> None:
        askers = self._askers.get(index)
        if askers is not None:
            askers.discard(source)
            if not askers:
                del self._askers[index]
        if index not in self._askers and not self.have.has(index):
            self._put_back(index)

    def _put_back(self, index: int) -> None:
        self._order.append(index)
        for source in self._sources.values():
            if source.exhausted and _can_give(source, index):
                source.exhausted = False

    def _count(self, has: ChunkMap | None, change: int) -> None:
        if has is None:
            return
        for index in has.present():
            self._availability[index] = self._availability.get(index, 0) + change
        self._picks_left = 0
        self._rarity_changed = True

    def _pick_wanted(self, source: _Source) -> int | None:
        # A source that waits for others to verify something would look through all of it each time.
        if source.exhausted:
            return None
        if self._rarity_changed and self._picks_left <= 0:
            self._rebuild()
        self._picks_left -= 1
        order = self._order
        # Chunks that are settled or in flight are dropped from the end on the way.
        while order and not self._wanted(order[-1]):
            order.pop()
        for position in range(len(order) - 1, -1, -1):
            index = order[position]
            if self._wanted(index) and _can_give(source, index):
                del order[position]
                return index
        source.exhausted = True
        return None

    def _wanted(self, index: int) -> bool:
        return (
            index not in self._askers and index not in self._withheld and not self.have.has(index)
        )

    def _pick_end_game(self, source: _Source) -> int | None:
        # Only when all that is missing is in flight, or a slow chunk would be doubled early.
        if len(source.in_flight) >= END_GAME_BELOW or self._something_unasked():
            return None
        for index, askers in self._askers.items():
            if (
                len(askers) < MAX_SOURCES_PER_CHUNK
                and index not in source.in_flight
                and _can_give(source, index)
            ):
                return index
        return None

    def _something_unasked(self) -> bool:
        return len(self.have) - self.have.count > len(self._askers) + len(self._withheld)

    def _rebuild(self) -> None:
        self._rarity_changed = False
        size = len(self.have)

        def urgency(index: int) -> tuple[int, int]:
            return self._availability.get(index, 0), (index - self._start) % size

        missing = [index for index in self.have.missing() if self._wanted(index)]
        missing.sort(key=urgency, reverse=True)
        self._order = missing
        self._picks_left = len(missing) // _SORTS


def _can_give(source: _Source, index: int) -> bool:
    if index in source.refused:
        return False
    return source.has is None or source.has.has(index)
