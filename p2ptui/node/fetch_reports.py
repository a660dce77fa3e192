"""Fetch reports: what the tracker is told of downloads: the finished ones, and claims that failed.

What is finished while the tracker is away is kept in memory and told when it is back; what is still
kept when the node ends is lost. A claim that failed is told at once or not at all: it is news of
now. A tracker that does not know these messages is told nothing, and none hears of members of
another swarm: a download that ran in several is not told.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.base.names import check_wire_path
from p2ptui.net.wire import messages as m
from p2ptui.node.history import parts_of
from p2ptui.node.store_values import TransferRecord

MAX_KEPT = 10_000
"""Downloads that wait to be told; of more, those that ended first are forgotten."""
PACE_S = 0.5
"""Before a message that is not full: what ends meanwhile goes with it."""
RETRY_S = 30.0
FLUSH_S = 2.0
"""How long the node's end waits for the last reports to arrive."""
UNTOLD_NAME = "file"
"""For a name that may not go over the wire."""

Ask = Callable[[Callable[[int], object], type[m.Noted]], Awaitable[m.Noted]]
log = logging.getLogger(__name__)


class FetchReports:
    """What one tracker has yet to hear."""

    def __init__(self) -> None:
        self._kept: dict[int, m.Fetched] = {}
        self._numbers = itertools.count()
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()
        self._leaving = asyncio.Event()
        self._post: Callable[[object], None] | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, record: TransferRecord) -> None:
        """A download is over. One that did not finish, or had nothing of members, is not told."""
        fetched = fetched_of(record)
        if fetched is None:
            return
        if len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[next(self._numbers)] = fetched
        self._none.clear()
        self._some.set()

    def claim_failed(self, content: ContentId, peer: PeerId) -> None:
        """A source says that it has not what it was named for."""
        if self._post is not None:
            self._post(m.ClaimFailed(content, peer))

    async def tell(self, ask: Ask, post: Callable[[object], None]) -> None:
        """Tell a tracker that takes reports; runs until cancelled."""
        self._post = post
        try:
            while True:
                await self._some.wait()
                if len(self._kept) < m.MAX_REPORTS:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(PACE_S):
                            await self._leaving.wait()
                await self._tell_some(ask)
        finally:
            self._post = None

    async def flush(self) -> None:
        """Have the tracker hear what is kept, if it can be reached and is quick."""
        self._leaving.set()
        if self._post is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._none.wait()

    async def _tell_some(self, ask: Ask) -> None:
        batch = dict(itertools.islice(self._kept.items(), m.MAX_REPORTS))
        try:
            await ask(lambda number: m.Report(number, tuple(batch.values())), m.Noted)
        except P2PError as error:
            log.warning("the tracker is not told of %d downloads yet: %s", len(self._kept), error)
            await asyncio.sleep(RETRY_S)
            return
        for number in batch:
            self._kept.pop(number, None)
        if not self._kept:
            self._some.clear()
            self._none.set()


class _Outcomes(Protocol):
    over: Callable[[Sequence[TransferRecord]], None]


class _Tracker(Protocol):
    @property
    def reports(self) -> FetchReports: ...


class _Swarms(Protocol):
    @property
    def pin(self) -> str: ...

    def tracker(self) -> _Tracker | None: ...


class _Wishes(Protocol):
    tell_history: bool


def tell_fetches(outcomes: _Outcomes, swarms: _Swarms, wishes: _Wishes) -> None:
    """Have the tracker of the moment hear of its downloads that are over, as the user wishes."""
    hear = outcomes.over

    def over(records: Sequence[TransferRecord]) -> None:
        hear(records)
        told = swarms.tracker()
        if told is not None and wishes.tell_history:
            for record in records:
                if record.swarm == swarms.pin:
                    told.reports.add(record)

    outcomes.over = over


def fetched_of(record: TransferRecord) -> m.Fetched | None:
    """What is told of a download; None: nothing."""
    givers = [m.Giver(part.peer_id, part.bytes) for part in parts_of(record.peers) if part.bytes]
    if record.direction != "down" or record.state != "finished" or not givers:
        return None
    path = (record.name,)
    return m.Fetched(
        content=record.content,
        path=(UNTOLD_NAME,) if check_wire_path(path) else path,
        size=record.size,
        seconds=round(max(record.seconds, 0.0), 3),
        finished=int(record.finished or 0),
        givers=tuple(givers[: m.MAX_GIVERS]),
    )
