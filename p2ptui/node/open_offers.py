"""Open offers: the contents that one connection takes, kept open between its requests."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from p2ptui.base.ids import ContentId
from p2ptui.net.loop import Offload
from p2ptui.node.uploads import Offer, Offers

MAX_OPEN = 16
"""Files that one connection keeps open between its requests."""


@dataclass(slots=True, eq=False)
class _Opened:
    offer: Offer
    users: int = 0


class OpenOffers:
    """The contents that one connection takes, kept open; those not used for longest are closed."""

    def __init__(self, offers: Offers, offload: Offload) -> None:
        self._offers = offers
        self._offload = offload
        self._opened: OrderedDict[ContentId, _Opened] = OrderedDict()
        self._closed = False

    def __len__(self) -> int:
        return len(self._opened)

    @asynccontextmanager
    async def use(self, content: ContentId) -> AsyncIterator[Offer | None]:
        """The opened content, not closed meanwhile; None when it is not offered.

        Raises `ContentChanged`, `OSError`, `P2PError`.
        """
        opened = await self._find(content)
        if opened is None:
            yield None
            return
        opened.users += 1
        try:
            await self._close_oldest()
            yield opened.offer
        finally:
            opened.users -= 1

    async def drop(self, content: ContentId) -> None:
        """Open the content anew when it is asked for again; whoever uses it ends first."""
        opened = self._opened.pop(content, None)
        if opened is not None:
            await self._offload(opened.offer.close)

    async def close(self) -> None:
        """Close all."""
        self._closed = True
        for content in list(self._opened):
            await self.drop(content)

    async def _find(self, content: ContentId) -> _Opened | None:
        opened = self._opened.get(content)
        if opened is not None:
            self._opened.move_to_end(content)
            return opened
        offer = await self._offers.open(content)
        if offer is None:
            return None
        if self._closed or content in self._opened:
            # Two asked for it at the same time, or the connection ended meanwhile.
            await self._offload(offer.close)
            return None if self._closed else await self._find(content)
        opened = self._opened[content] = _Opened(offer)
        return opened

    async def _close_oldest(self) -> None:
        idle = [content for content, each in self._opened.items() if not each.users]
        for content in idle[: max(0, len(self._opened) - MAX_OPEN)]:
            await self.drop(content)
