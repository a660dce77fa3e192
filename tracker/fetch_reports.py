"""Fetch reports: what a member tells of its downloads, made harmless, for the history.

A member tells of itself alone: the taker is whoever the connection proved. Numbers are clamped,
givers that nobody knows are left out, and a report without any giver left is none.
"""

from collections.abc import Iterable

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import PeerId
from p2ptui.base.names import join_path
from p2ptui.net.wire import messages as m
from tracker.history import FetchHistory
from tracker.registry import Member, Registry
from tracker.sqlite_history import FetchRecord, GiverPart
from tracker.store import Store

MAX_SIZE = 2**50
MAX_SECONDS = 10 * 366 * 86400.0
OLDEST_S = 30 * 86400.0
"""A download that is told of later than that counts as finished then."""
MAX_PATH_BYTES = 1024
"""Of a longer path the last components are kept."""
_CUT = "…"
MAX_LOOKED_UP = 64
"""Givers of one report that are looked up in the index; those online need not be."""


class FetchReports:
    """Takes the reports of all members."""

    def __init__(
        self, *, history: FetchHistory, registry: Registry, store: Store, clock: Clock
    ) -> None:
        self._history = history
        self._registry = registry
        self._store = store
        self._clock = clock

    async def note(self, member: Member, request: m.Report) -> m.Noted | m.Failure:
        """Keep what a member tells. Raises `StoreError`."""
        if not member.limits.may_report(len(request.fetches), self._clock.monotonic()):
            return m.Failure(request.id, "limit", "too many reports; wait a minute")
        nicks = await self._nicks(giver.peer for each in request.fetches for giver in each.givers)
        nicks.pop(member.peer, None)
        records = [self._record(member, fetched, nicks) for fetched in request.fetches]
        try:
            await self._history.add([record for record in records if record.givers])
        except P2PError as error:
            return m.Failure(request.id, "internal", str(error))
        return m.Noted(request.id)

    async def _nicks(self, peers: Iterable[PeerId]) -> dict[PeerId, str]:
        """The nicks of those that are members."""
        nicks: dict[PeerId, str] = {}
        looked_up = 0
        for peer in dict.fromkeys(peers):
            online = self._registry.get(peer)
            if online is not None:
                nicks[peer] = online.nick
            elif looked_up < MAX_LOOKED_UP:
                looked_up += 1
                found = await self._store.find(peer)
                nicks.update({each.peer: each.nick for each in found if each.peer == peer})
        return nicks

    def _record(self, member: Member, fetched: m.Fetched, nicks: dict[PeerId, str]) -> FetchRecord:
        now = int(self._clock.wall())
        left = size = min(fetched.size, MAX_SIZE)
        given: dict[PeerId, int] = {}
        for giver in fetched.givers:
            amount = min(giver.bytes, left)
            if amount and giver.peer in nicks:
                given[giver.peer] = given.get(giver.peer, 0) + amount
                left -= amount
        return FetchRecord(
            time=max(min(fetched.finished, now), now - int(OLDEST_S)),
            told=fetched.finished,
            taker=member.peer,
            nick=member.nick,
            content=fetched.content,
            name=_name(fetched.path),
            size=size,
            seconds=min(fetched.seconds, MAX_SECONDS),
            givers=tuple(GiverPart(peer, nicks[peer], count) for peer, count in given.items()),
        )


def _name(path: m.Path) -> str:
    """A path as it is kept: the file's own name in any case, and the folders next to it."""
    if len(join_path(path).encode()) <= MAX_PATH_BYTES:
        return join_path(path)
    kept = path[-1:]
    for folder in reversed(path[:-1]):
        longer = (folder, *kept)
        if len(join_path((_CUT, *longer)).encode()) > MAX_PATH_BYTES:
            break
        kept = longer
    return join_path((_CUT, *kept))
