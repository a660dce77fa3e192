"""Who fetches what and gives what it has of it so far. Pure: no clock, no socket, no database.

Lives and dies with the connections: such a member is a source, but no owner, and is found by nobody
who searches.
"""

import random
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from p2ptui.base.ids import ContentId, PeerId

_NOTHING: frozenset[ContentId] = frozenset()


class PartialSources:
    """The offers of all members that are connected."""

    def __init__(self) -> None:
        self._offered: dict[PeerId, frozenset[ContentId]] = {}
        self._givers: dict[ContentId, dict[PeerId, None]] = {}

    def __len__(self) -> int:
        return len(self._givers)

    def offered(self, peer: PeerId) -> frozenset[ContentId]:
        """What a member offers."""
        return self._offered.get(peer, _NOTHING)

    def replace(self, peer: PeerId, contents: Iterable[ContentId]) -> frozenset[ContentId]:
        """A member offers these now, and nothing else; what has changed."""
        before, now = self.offered(peer), frozenset(contents)
        for content in before - now:
            givers = self._givers[content]
            del givers[peer]
            if not givers:
                del self._givers[content]
        for content in now - before:
            self._givers.setdefault(content, {})[peer] = None
        if now:
            self._offered[peer] = now
        else:
            self._offered.pop(peer, None)
        return before ^ now

    def givers(
        self, content: ContentId, limit: int, but: AbstractSet[PeerId]
    ) -> tuple[PeerId, ...]:
        """Who offers a content, without some; of more than the limit, any ones.

        Not always the same ones: a crowd that all asked the first few would wait for those.
        """
        found = [peer for peer in self._givers.get(content, ()) if peer not in but]
        if len(found) > limit:
            found = random.sample(found, limit)  # not a secret
        return tuple(found)
