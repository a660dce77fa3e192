"""Acquaintances: members that were met, or that the tracker named, and where they were then.

They are for the time when the tracker is away: each is dialled where it was and believed when it
shows its certificate. Kept in the node's database from run to run.
"""

import logging
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import PeerId, Pin
from p2ptui.net.wire import messages as m
from p2ptui.node.store import NodeStore

log = logging.getLogger(__name__)

MAX_KEPT = 128
"""Members that are remembered; who was met last stays."""
MAX_PLACES = 4
"""Endpoints of one of them, the newest first."""


class Acquaintance(Struct, frozen=True, array_like=True):
    """One member. `seen` in seconds since 1970."""

    peer: PeerId
    nick: str
    endpoints: tuple[m.Endpoint, ...]
    seen: float
    files: int = 0
    """As the tracker told it last, as is `bytes`."""
    bytes: int = 0


class Acquaintances:
    """The members of one swarm that are remembered. `load` them, `save` them."""

    def __init__(self, store: NodeStore, pin: Pin, own: PeerId, clock: Clock) -> None:
        self._store = store
        self._key = key_of(pin)
        self._own = own
        self._clock = clock
        self._known: dict[PeerId, Acquaintance] = {}
        self._saved: tuple[Acquaintance, ...] = ()
        self.is_out: Callable[[PeerId], bool] = lambda _peer: False
        """Whether a member is kicked now: it is none, until it may come back."""

    @property
    def all(self) -> tuple[Acquaintance, ...]:
        """All of them; who was met last comes first."""
        return tuple(e for e in reversed(self._known.values()) if not self.is_out(e.peer))

    def get(self, peer: PeerId) -> Acquaintance | None:
        """One of them."""
        return self._known.get(peer)

    def met(self, peer: PeerId, nick: str, endpoint: m.Endpoint) -> None:
        """A member has proven itself at this place."""
        known = self._known.get(peer)
        files, size = (known.files, known.bytes) if known is not None else (0, 0)
        self._keep(peer, nick, (endpoint,), files, size)

    def heard_of(self, hosts: Iterable[m.HostInfo]) -> None:
        """The tracker names members; those that are there and can be dialled are remembered."""
        for host in hosts:
            if host.online and host.reachable is not False and host.endpoint is not None:
                self._keep(host.peer, host.nick, (host.endpoint,), host.files, host.bytes)

    async def load(self) -> None:
        """Remember what an earlier run knew. Raises `P2PError`."""
        saved = await self._store.setting(self._key)
        if saved is None:
            return
        try:
            found = msgspec.msgpack.decode(saved, type=tuple[Acquaintance, ...])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("the members met before are forgotten: %s", error)
            return
        self._known = {each.peer: each for each in found[-MAX_KEPT:]}
        self._saved = tuple(self._known.values())

    async def save(self) -> None:
        """Write them down when there is something new; a disk that is full is only logged."""
        now = tuple(self._known.values())
        if now == self._saved:
            return
        try:
            await self._store.set_setting(self._key, msgspec.msgpack.encode(now))
        except P2PError as error:
            log.warning("the members that were met are not written down: %s", error)
        else:
            self._saved = now

    def _keep(
        self, peer: PeerId, nick: str, places: tuple[m.Endpoint, ...], files: int, size: int
    ) -> None:
        if peer == self._own or self.is_out(peer):
            return
        before = self._known.pop(peer, None)
        if before is not None:
            places = tuple(dict.fromkeys((*places, *before.endpoints)))
        self._known[peer] = Acquaintance(
            peer, nick, places[:MAX_PLACES], self._clock.wall(), files, size
        )
        if len(self._known) > MAX_KEPT:
            out = (known for known in self._known if self.is_out(known))
            del self._known[next(out, next(iter(self._known)))]


def key_of(pin: Pin) -> str:
    """The key in the node's database under which a swarm's acquaintances lie."""
    return f"acquaintances {pin}"
