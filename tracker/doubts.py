"""Doubts: claims of owners that others found to be wrong (F62). Pure: the time is an argument.

A *claim* is that a member has a content. When one member says that a claim failed, the owner is
named last to that member alone. When three different ones said so within an hour it is named last
to all for an hour, and must be asked. Only its own word takes a claim out of what is handed out,
until it announces the content again: three members together cannot silence a fourth.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from p2ptui.base.ids import ContentId, PeerId

NEEDED = 3
"""Different members whose word makes the owner be asked."""
MEMORY_S = 3600.0
"""How long a failure counts, and how long a claim in doubt is named last."""
MAX_CLAIMS = 20_000
"""Claims that are remembered; those that were spoken of longest ago are forgotten."""


@dataclass(slots=True)
class _Claim:
    """What is known against one claim."""

    said: dict[PeerId, float] = field(default_factory=dict)
    """Who said that it failed, and when last; those heard of since the owner was asked."""
    low_until: float = 0.0
    withheld: bool = False

    def is_low(self, asker: PeerId, now: float) -> bool:
        when = self.said.get(asker)
        return now < self.low_until or (when is not None and now - when < MEMORY_S)


class Doubts:
    """The claims in doubt of one tracker."""

    def __init__(self) -> None:
        self._claims: OrderedDict[tuple[ContentId, PeerId], _Claim] = OrderedDict()
        self._owners: dict[ContentId, set[PeerId]] = {}
        self._contents: dict[PeerId, set[ContentId]] = {}

    def __len__(self) -> int:
        return len(self._claims)

    def failed(self, content: ContentId, owner: PeerId, reporter: PeerId, now: float) -> bool:
        """A member says that a claim failed; whether the owner must be asked now."""
        claim = self._claims.get((content, owner))
        if claim is None:
            claim = self._remember(content, owner)
        self._claims.move_to_end((content, owner))
        if claim.withheld:
            return False
        claim.said[reporter] = now
        claim.said = {who: when for who, when in claim.said.items() if now - when < MEMORY_S}
        if len(claim.said) < NEEDED:
            return False
        claim.said.clear()
        claim.low_until = now + MEMORY_S
        return True

    def withhold(self, content: ContentId, owner: PeerId) -> bool:
        """The owner itself says that it has it no longer; False when it announced it meanwhile."""
        claim = self._claims.get((content, owner))
        if claim is None:
            return False
        claim.withheld = True
        return True

    def announced(self, owner: PeerId, contents: Iterable[ContentId]) -> None:
        """A member announces or removes contents: what was said against these claims is over."""
        doubted = self._contents.get(owner)
        if doubted:
            for content in doubted.intersection(contents):
                self._forget(content, owner)

    def emptied(self, owner: PeerId) -> None:
        """A member begins its list anew: it claims nothing that it does not announce again."""
        for content in tuple(self._contents.get(owner, ())):
            self._forget(content, owner)

    def withheld(self, content: ContentId) -> frozenset[PeerId]:
        """Owners of a content whose claim is not handed out."""
        owners = self._owners.get(content)
        if not owners:
            return frozenset()
        return frozenset(who for who in owners if self._claims[content, who].withheld)

    def low(self, content: ContentId, asker: PeerId, now: float) -> frozenset[PeerId]:
        """Owners of a content that this member is to hear of last."""
        owners = self._owners.get(content)
        if not owners:
            return frozenset()
        return frozenset(who for who in owners if self._claims[content, who].is_low(asker, now))

    def _remember(self, content: ContentId, owner: PeerId) -> _Claim:
        if len(self._claims) >= MAX_CLAIMS:
            self._forget(*next(iter(self._claims)))
        claim = self._claims[content, owner] = _Claim()
        self._owners.setdefault(content, set()).add(owner)
        self._contents.setdefault(owner, set()).add(content)
        return claim

    def _forget(self, content: ContentId, owner: PeerId) -> None:
        del self._claims[content, owner]
        owners, contents = self._owners[content], self._contents[owner]
        owners.discard(owner)
        contents.discard(content)
        if not owners:
            del self._owners[content]
        if not contents:
            del self._contents[owner]
