"""Crew: the sources of one fetch: who is known, who is at work, who is laid off and why.

At most `MAX_SOURCES` are at work at a time. One that is silent loses its chunks to others, and so
does a slow one while somebody faster is there; one that has nothing for us gives its place to one
that waits for it (PROTOCOL.md 5).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from p2ptui.base.ids import PeerId, short_peer_id
from p2ptui.base.rates import RateMeter
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.source import SLOW_BPS, Source
from p2ptui.node.supply import Supply

if TYPE_CHECKING:
    from p2ptui.node.fetch import Fetch

MAX_SOURCES = 16
"""Sources in use by one fetch at a time."""
FRUITLESS_S = 10.0
"""How long a source may have nothing for us while others wait for its place."""
FRUITLESS_PAUSE_S = 60.0


class Crew:
    """The sources of one fetch, and the tasks that keep them busy."""

    def __init__(self, fetch: "Fetch") -> None:
        self.sources: dict[PeerId, Source] = {}
        self._fetch = fetch
        self._tools = fetch.tools
        self._employed: dict[PeerId, tuple[Supply, asyncio.Task[None]]] = {}

    @property
    def active(self) -> frozenset[PeerId]:
        """Sources that bring something now."""
        return frozenset(peer for peer, source in self.sources.items() if self._brings(source))

    # --- who there is -----------------------------------------------------------------------------

    def found(self, sources: Sequence[m.Source]) -> None:
        """These are online now, and no others."""
        named = {source.peer for source in sources}
        for peer, source in self.sources.items():
            source.offered = peer in named
        for found in sources:
            self.joined(found)

    def joined(self, source: m.Source) -> None:
        """A member offers the content; one that failed before is tried again soon."""
        if source.peer == self._tools.peers.own_id:
            return
        known = self.sources.get(source.peer)
        if known is None:
            self.add(source.peer, source.nick, source.endpoints, partial=source.partial)
            return
        known.offered = True
        known.partial = source.partial
        known.endpoints = source.endpoints
        if known.state == "failed":
            known.next_try = min(known.next_try, self._tools.clock.monotonic() + 1.0)

    def add(
        self, peer: PeerId, nick: str, endpoints: Sequence[m.Endpoint], *, partial: bool = False
    ) -> None:
        """A source that was not known before; `partial`: it is fetching the content itself."""
        meter = RateMeter(self._tools.clock.monotonic())
        self.sources[peer] = Source(peer, nick, endpoints, meter, partial=partial)

    def left(self, peer: PeerId) -> None:
        """A member no longer offers the content; a session that runs goes on while it can."""
        source = self.sources.get(peer)
        if source is not None:
            source.offered = False

    # --- who is at work ---------------------------------------------------------------------------

    def employ(self) -> None:
        """Put all to work whose time has come, as far as there is place."""
        now = self._tools.clock.monotonic()
        for source in self.sources.values():
            ready = source.state == "waiting" or (
                source.state in {"failed", "idle"} and now >= source.next_try
            )
            if not ready or not source.offered or source.peer in self._employed:
                continue
            if len(self._employed) >= MAX_SOURCES:
                self._make_place(now)
                return
            supply = Supply(self._fetch, source)
            name = f"fetch-{self._fetch.job.id}-{short_peer_id(source.peer)}"
            task = spawn(supply.run(), name=name)
            self._employed[source.peer] = supply, task
            task.add_done_callback(self._retirement(source.peer))

    def watch(self) -> None:
        """Dismiss those that are too slow or silent."""
        for supply, _ in self._employed.values():
            supply.count()
        now = self._tools.clock.monotonic()
        fair_bps = self._tools.fair_bps()
        working = [source for source in self.sources.values() if source.state == "active"]
        fast = {source.peer for source in working if source.meter.rate(now) >= SLOW_BPS}
        for source in working:
            if self._brings(source):
                source.fruitless_since = None
            elif source.fruitless_since is None:
                source.fruitless_since = now
            can_move = bool(fast - {source.peer})
            reason = source.watch_pace(now, can_move=can_move, fair_bps=fair_bps)
            if reason:
                source.fail(now, self._tools.clock.wall(), reason, self._fetch.random)
                if source.peer in self._employed:
                    self._employed[source.peer][0].end_if_silent()
                self.dismiss(source)

    def hurry(self) -> None:
        """Try those that wait for their time now."""
        now = self._tools.clock.monotonic()
        for source in self.sources.values():
            if source.state in {"failed", "idle"}:
                source.next_try = now
        self._fetch.look()

    def dismiss(self, source: Source) -> None:
        """A source was dropped or failed: end its work; others take over."""
        self._tools.on_source_lost(self._fetch, source)
        self._lay_off(source)

    def withdraw(self, peer: PeerId, index: int) -> None:
        """A source need not bring this chunk any more: another one was faster."""
        employed = self._employed.get(peer)
        if employed is not None:
            employed[0].withdraw(index)

    async def let_go(self) -> None:
        """End the work of all."""
        tasks = {task for _supply, task in self._employed.values()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _make_place(self, now: float) -> None:
        """Lay off a source that has nothing for us, for one that may have."""
        if any(self.sources[peer].state == "idle" for peer in self._employed):
            return  # one is leaving already
        for source in self.sources.values():
            since = source.fruitless_since
            if source.state == "active" and since is not None and now - since >= FRUITLESS_S:
                source.rest(now + FRUITLESS_PAUSE_S)
                self._lay_off(source)
                return

    def _lay_off(self, source: Source) -> None:
        employed = self._employed.get(source.peer)
        if employed is not None:
            employed[1].cancel()
        self._fetch.look()

    def _retirement(self, peer: PeerId) -> Callable[[asyncio.Task[None]], None]:
        def retire(_task: asyncio.Task[None]) -> None:
            self._employed.pop(peer, None)
            self._fetch.look()

        return retire

    def _brings(self, source: Source) -> bool:
        picker = self._fetch.picker
        if picker is None or source.state != "active":
            return False
        return bool(picker.in_flight(source.peer))
