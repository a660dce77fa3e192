"""The tracker as the members of a simulated swarm see it: who has the content, told as it changes.

Owners and partial sources, pushes that take their time, and times at which it is away. The real one
has tests of its own; what counts here is what members make of what they are told.
"""

import asyncio
from collections.abc import Callable

from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.node.fetch_reports import FetchReports
from p2ptui.node.offering import Offering
from p2ptui.node.tracker_link import SourceWatcher

PUSH_S = 0.02


class SimulatedTracker:
    """Knows one content's sources."""

    def __init__(self) -> None:
        self.away = False
        self._owners: dict[PeerId, m.Source] = {}
        self._partial: dict[PeerId, m.Source] = {}
        self._locators: list[Locator] = []

    def connect(self, locator: "Locator") -> None:
        """A member is online."""
        self._locators.append(locator)

    def disconnect(self, locator: "Locator") -> None:
        """A member is gone, and all that it offered."""
        if locator in self._locators:
            self._locators.remove(locator)
        peer = locator.source.peer
        if self._owners.pop(peer, None) or self._partial.pop(peer, None):
            self._push(lambda watcher: watcher.source_left(peer), peer)

    def announce(self, source: m.Source) -> None:
        """A member has all of it."""
        self._partial.pop(source.peer, None)
        self._owners[source.peer] = source
        self._push(lambda watcher: watcher.source_joined(source), source.peer)

    def withdraw(self, peer: PeerId) -> None:
        """A member has it no longer."""
        if self._owners.pop(peer, None):
            self._push(lambda watcher: watcher.source_left(peer), peer)

    def offer(self, source: m.Source, *, offered: bool) -> None:
        """A member gives what it has so far, or does so no longer."""
        peer = source.peer
        if peer in self._owners:
            return
        if offered:
            told = m.Source(peer, source.nick, source.endpoints, True)
            self._partial[peer] = told
            self._push(lambda watcher: watcher.source_joined(told), peer)
        elif self._partial.pop(peer, None):
            self._push(lambda watcher: watcher.source_left(peer), peer)

    def found(self, but: PeerId) -> tuple[list[m.Source], int]:
        """All sources online for a member, and how many owners."""
        named = [*self._owners.values(), *self._partial.values()]
        return [each for each in named if each.peer != but], len(self._owners)

    def go_away(self) -> None:
        """It is stopped: nobody is told of anything."""
        self.away = True
        for locator in self._locators:
            locator.up.clear()

    def come_back(self) -> None:
        """It is there again: all who are connected are told anew."""
        self.away = False
        for locator in self._locators:
            locator.up.set()
            locator.locate()

    def _push(self, tell: Callable[[SourceWatcher], None], but: PeerId) -> None:
        if self.away:
            return
        for locator in self._locators:
            if locator.source.peer != but:
                locator.push(tell)


class Locator:
    """One member's link to the tracker, as far as a fetch uses it."""

    def __init__(self, tracker: SimulatedTracker, source: m.Source, content: ContentId) -> None:
        self.source = source
        self.offering = Offering()
        self.reports = FetchReports()
        self.up = asyncio.Event()
        self._content = content
        self._tracker = tracker
        self._watchers: list[SourceWatcher] = []
        self._tasks = TaskSet()
        if not tracker.away:
            self.up.set()
        tracker.connect(self)
        self._tasks.spawn(self.offering.tell(self._tell), name="offering")

    def watch(self, content: ContentId, watcher: SourceWatcher) -> None:
        """Tell who has it."""
        assert content == self._content
        self._watchers.append(watcher)
        self.locate()

    def unwatch(self, _content: ContentId, watcher: SourceWatcher) -> None:
        """Tell it no longer."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def locate(self) -> None:
        """Tell all who watch who has it now."""
        if self.up.is_set():
            self.push(lambda watcher: watcher.sources_found(*self._tracker.found(self.source.peer)))

    def push(self, tell: Callable[[SourceWatcher], None]) -> None:
        """Tell all who watch something, a moment later."""

        def arrive() -> None:
            for watcher in tuple(self._watchers):
                tell(watcher)

        asyncio.get_running_loop().call_later(PUSH_S, arrive)

    async def close(self) -> None:
        """The member goes."""
        self._tracker.disconnect(self)
        await self._tasks.cancel_all()

    def _tell(self, message: object) -> None:
        assert isinstance(message, m.Offering)
        self._tracker.offer(self.source, offered=self._content in message.contents)
