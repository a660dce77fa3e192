"""Belief: what is handed out of claims that are in doubt (F62): later, or not at all."""

from collections.abc import Sequence

import msgspec

from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.wire import messages as m
from tracker.doubts import Doubts
from tracker.registry import Member, Registry


class Belief:
    """Looks at the doubts before members are told of owners."""

    def __init__(self, doubts: Doubts, registry: Registry, clock: Clock) -> None:
        self._doubts = doubts
        self._registry = registry
        self._clock = clock

    def hides(self, owner: PeerId, content: ContentId) -> bool:
        """Whether an owner is not named for a content."""
        return owner in self._doubts.withheld(content)

    def order(
        self, asker: Member, content: ContentId, owners: Sequence[PeerId]
    ) -> tuple[list[PeerId], list[PeerId]]:
        """Owners to name first, and those to name last."""
        low = self._low(asker, content)
        withheld = self._doubts.withheld(content)
        first = [owner for owner in owners if owner not in low | withheld]
        return first, [owner for owner in owners if owner in low - withheld]

    def counts(
        self, asker: Member, contents: Sequence[ContentId], counts: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Owners online of each content, the asker left out, without those that are not named."""
        if not len(self._doubts):
            return counts
        return tuple(
            max(0, count - self._online(self._doubts.withheld(content) - {asker.peer}))
            for content, count in zip(contents, counts, strict=True)
        )

    def hits(self, asker: Member, hits: tuple[m.Hit, ...]) -> tuple[m.Hit, ...]:
        """Search results without the owners that are not named."""
        if not len(self._doubts):
            return hits
        return tuple(self._hit(asker, hit) for hit in hits)

    def announced(self, owner: PeerId, contents: set[ContentId]) -> None:
        """An owner announces or removes contents: what was said of it is over."""
        self._doubts.announced(owner, contents)

    def emptied(self, owner: PeerId) -> None:
        """An owner begins its list anew."""
        self._doubts.emptied(owner)

    def _hit(self, asker: Member, hit: m.Hit) -> m.Hit:
        withheld = self._doubts.withheld(hit.content)
        doubted = self._low(asker, hit.content) | withheld
        if not doubted:
            return hit
        nicks = {owner.nick for who in doubted if (owner := self._registry.get(who)) is not None}
        return msgspec.structs.replace(
            hit,
            owners=max(0, hit.owners - self._online(withheld)),
            known=max(0, hit.known - len(withheld)),
            best="" if hit.best in nicks else hit.best,
        )

    def _low(self, asker: Member, content: ContentId) -> frozenset[PeerId]:
        return self._doubts.low(content, asker.peer, self._clock.monotonic())

    def _online(self, peers: frozenset[PeerId]) -> int:
        return sum(self._registry.get(peer) is not None for peer in peers)
