"""Follows a node's feed for a screen: the newest sections and all events, handed over at each tick.

A screen draws at most four times a second, however much happens: what comes in between waits here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from p2ptui.base.errors import P2PError
from p2ptui.node.api import NodeApi, SectionName
from p2ptui.node.events import NodeEvent, Resync, Section

SECTIONS: tuple[SectionName, ...] = ("status", "transfers", "hashing")
INTERVAL_S = 0.25
WAITING_EVENTS = 2_000
"""Events that wait for a tick; of more only the newest are told."""


class Feed:
    """What came from a node since the last tick. `gone` is set at the end of the feed."""

    def __init__(self, api: NodeApi) -> None:
        self._api = api
        self.sections: dict[SectionName, object] = {}
        """The newest value of each section, whether taken or not."""
        self._fresh: set[SectionName] = set()
        self._events: list[NodeEvent | Resync] = []
        self.missed = False
        """Whether events were lost: then pages are to be brought anew."""
        self.gone = asyncio.Event()
        self.reason = ""
        """Why the feed ended, when the node said so."""

    async def follow(self) -> None:
        """Read until the node is gone."""
        try:
            items = cast("AsyncIterator[Any]", self._api.feed(SECTIONS, INTERVAL_S))
            async with aclosing(cast("Any", items)):
                async for item in items:
                    self._take(item)
        except P2PError as error:
            self.reason = error.message or error.title
        self.gone.set()

    def take_sections(self) -> dict[SectionName, object]:
        """Sections that changed since the last call."""
        fresh = {name: self.sections[name] for name in SECTIONS if name in self._fresh}
        self._fresh.clear()
        return fresh

    def take_events(self) -> list[NodeEvent | Resync]:
        """Events since the last call, in their order."""
        events, self._events = self._events, []
        return events

    def take_missed(self) -> bool:
        """Whether events were lost since the last call."""
        missed, self.missed = self.missed, False
        return missed

    def _take(self, item: Section | NodeEvent | Resync) -> None:
        if isinstance(item, Section):
            name = cast("SectionName", item.name)
            self.sections[name] = item.value
            self._fresh.add(name)
            return
        if isinstance(item, Resync):
            self.missed = True
        self._events.append(item)
        if len(self._events) > WAITING_EVENTS:
            dropped = len(self._events) - WAITING_EVENTS // 2
            del self._events[:dropped]
            self._events.insert(0, Resync(dropped))
            self.missed = True
