"""Follows an engine's feed for a screen: newest sections and all events, handed over at each tick.

A screen draws at most four times a second, however much happens: what comes in between waits here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

from p2ptui.base.errors import P2PError

INTERVAL_S = 0.25
WAITING_EVENTS = 2_000
"""Events that wait for a tick; of more only the newest are told."""


class Feed:
    """What came from an engine since the last tick. `gone` is set at the end of the feed."""

    def __init__(
        self, begin: Callable[[], AsyncIterator[Any]], section: type[Any], resync: type[Any]
    ) -> None:
        """`section` and `resync`: the types of the items that are not events."""
        self._begin = begin
        self._section = section
        self._resync = resync
        self.sections: dict[str, object] = {}
        """The newest value of each section, whether taken or not."""
        self._fresh: set[str] = set()
        self._events: list[Any] = []
        self.missed = False
        """Whether events were lost: then pages are to be brought anew."""
        self.gone = asyncio.Event()
        self.reason = ""
        """Why the feed ended, when the node said so."""

    async def follow(self) -> None:
        """Read until the engine is gone."""
        try:
            async with aclosing(cast("Any", self._begin())) as items:
                async for item in items:
                    self._take(item)
        except P2PError as error:
            self.reason = error.message or error.title
        self.gone.set()

    def take_sections(self) -> dict[str, object]:
        """Sections that changed since the last call."""
        fresh = {name: self.sections[name] for name in self.sections if name in self._fresh}
        self._fresh.clear()
        return fresh

    def take_events(self) -> list[Any]:
        """Events since the last call, in their order."""
        events, self._events = self._events, []
        return events

    def take_missed(self) -> bool:
        """Whether events were lost since the last call."""
        missed, self.missed = self.missed, False
        return missed

    def _take(self, item: Any) -> None:
        if isinstance(item, self._section):
            self.sections[item.name] = item.value
            self._fresh.add(item.name)
            return
        if self.is_resync(item):
            self.missed = True
        self._events.append(item)
        if len(self._events) > WAITING_EVENTS:
            dropped = len(self._events) - WAITING_EVENTS // 2
            del self._events[:dropped]
            self._events.insert(0, self._resync(dropped))
            self.missed = True

    def is_resync(self, item: object) -> bool:
        """Whether it stands for events that were lost."""
        return isinstance(item, self._resync)
