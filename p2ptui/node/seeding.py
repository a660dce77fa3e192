"""Seeding: super-seeding of all contents that are taken now, and what the takers are told of it.

The rules are in `super_seeding`. A taker here is a connection: what it was shown is told there.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId
from p2ptui.node.super_seeding import MIN_CHUNKS, SuperSeeding


class Shown(Hashable, Protocol):
    """A connection that is told what it may see."""

    def show(self, content: ContentId, indexes: tuple[int, ...]) -> None:
        """These chunks may be asked for as well."""
        ...

    def follow(self, content: ContentId) -> None:
        """Ask what it has got elsewhere, and report that with `Seeding.has`."""
        ...


@dataclass(slots=True, eq=False)
class _Room:
    """The takers of one content."""

    rules: SuperSeeding[Shown]
    followed: set[Shown] = field(default_factory=set)


class Seeding:
    """Which taker sees what of the contents that are all here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[ContentId, _Room] = {}

    def join(self, taker: Shown, content: ContentId, chunks: int) -> bytes | None:
        """A taker wants to know what there is: the chunks that it may see; None: all."""
        room = self._rooms.get(content)
        if room is None:
            room = self._rooms[content] = _Room(SuperSeeding(chunks, self._now()))
        room.rules.join(taker, self._now())
        shown = room.rules.shown(taker).copy()
        told = room.rules.to_show()
        told.pop(taker, None)  # it is told with the answer
        self._tell(content, told)
        if chunks >= MIN_CHUNKS and len(room.rules.takers) > 1:
            for each in set(room.rules.takers) - room.followed:
                room.followed.add(each)
                each.follow(content)
        return None if shown.complete else shown.to_bytes()

    def leave(self, taker: Shown, content: ContentId) -> None:
        """A taker is gone or needs nothing more."""
        room = self._rooms.get(content)
        if room is not None:
            room.rules.leave(taker)
            room.followed.discard(taker)
            self._after(content, room)

    def asked(self, taker: Shown, content: ContentId, index: int) -> None:
        """A taker asks for a chunk."""
        room = self._rooms.get(content)
        if room is not None:
            room.rules.asked(taker, index, self._now())

    def answered(self, taker: Shown, content: ContentId, index: int, *, sent: bool) -> None:
        """The chunk went out to it, or will not."""
        room = self._rooms.get(content)
        if room is not None:
            room.rules.answered(taker, index, self._now(), sent=sent)
            self._after(content, room)

    def has(self, taker: Shown, content: ContentId, indexes: Iterable[int]) -> None:
        """A taker told us that it has these chunks."""
        room = self._rooms.get(content)
        if room is not None:
            room.rules.has(taker, indexes, self._now())
            self._after(content, room)

    def look(self) -> None:
        """Feed those that wait; to be called every second or so."""
        for content, room in list(self._rooms.items()):
            room.rules.look(self._now())
            self._after(content, room)

    def _after(self, content: ContentId, room: _Room) -> None:
        if not room.rules.takers:
            self._rooms.pop(content, None)
        self._tell(content, room.rules.to_show())

    def _tell(self, content: ContentId, shown: dict[Shown, list[int]]) -> None:
        for taker, indexes in shown.items():
            if indexes:
                taker.show(content, tuple(indexes))

    def _now(self) -> float:
        return self._clock.monotonic()
