"""Offering: contents that this node gives while it fetches them, as its tracker is told.

The tracker names us as a partial source of these, so that takers of one content find each other.
"""

import asyncio
import itertools
from collections.abc import Callable

from p2ptui.base.ids import ContentId
from p2ptui.net.wire import messages as m

PACE_S = 0.5
"""Between two messages: what changes meanwhile goes with the next one."""


class Offering:
    """What is offered now; of too many, those that were offered first."""

    def __init__(self) -> None:
        self._contents: dict[ContentId, None] = {}
        self._changed = asyncio.Event()

    def add(self, content: ContentId) -> None:
        """Some of it is verified: it can be given to others."""
        if content not in self._contents:
            self._contents[content] = None
            self._changed.set()

    def remove(self, content: ContentId) -> None:
        """It is fetched no longer."""
        if content in self._contents:
            del self._contents[content]
            self._changed.set()

    async def tell(self, post: Callable[[object], None]) -> None:
        """Tell a tracker that knows nothing yet, and whatever changes; runs until cancelled."""
        told: tuple[ContentId, ...] = ()
        while True:
            self._changed.clear()
            offered = tuple(itertools.islice(self._contents, m.MAX_OFFERING))
            if offered != told:
                post(m.Offering(offered))
                told = offered
                await asyncio.sleep(PACE_S)
            await self._changed.wait()
