"""What a running tracker consists of, as those see it who answer its consoles."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from p2ptui.base.bus import Bus
from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError, not_found, usage_error
from p2ptui.base.ids import short_peer_id
from p2ptui.base.links import JoinLink, format_join_link
from p2ptui.net.loop import Offload
from tracker import events
from tracker.audit import AuditLog
from tracker.authority import Authority
from tracker.backup import Backups
from tracker.history import FetchHistory
from tracker.kept_settings import KeptSettings
from tracker.networks import BarredNetworks
from tracker.registry import Registry
from tracker.relay import Relay
from tracker.rules import Rules
from tracker.service import Service
from tracker.snapshot import Figures
from tracker.standings import Standings
from tracker.stats_door import StatsDoor
from tracker.store import HostRecord, QueryTooBroad, Store, StoreError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running tracker consists of."""

    authority: Authority
    store: Store
    registry: Registry
    service: Service
    figures: Figures
    rules: Rules
    standings: Standings
    networks: BarredNetworks
    kept: KeptSettings
    audit: AuditLog
    history: FetchHistory
    backups: Backups
    stats: StatsDoor
    bus: Bus[events.FeedItem]
    clock: Clock
    offload: Offload
    listen: tuple[str, int]
    """Where it is bound."""
    hosts: tuple[tuple[str, int], ...]
    """Where others reach it, for join links."""
    dropped: Callable[[], int]
    """Callers that the listener sent away."""
    index_notice: str = ""
    """What is wrong with the index; empty: nothing."""
    relay: Relay = field(default_factory=Relay)

    def link(self, invite: str = "") -> str:
        """The join link, with an invite or without."""
        return format_join_link(JoinLink(hosts=self.hosts, pin=self.authority.pin, invite=invite))

    async def find(self, text: str) -> HostRecord:
        """The one member that a person means. Raises `P2PError` when it is none or several."""
        found = await told(self.store.find(text)) if text.strip() else ()
        if not found:
            raise not_found(
                "No such host",
                f"nobody is known as {text!r}",
                "Name a host by its nick, its address, its id or the beginning of it: see hosts.",
            )
        online = [record for record in found if record.online]
        if len(found) == 1:
            return found[0]
        if len(online) == 1:
            return online[0]
        ids = ", ".join(short_peer_id(record.peer) for record in (online or found)[:8])
        raise usage_error(
            "Which host?", f"{text!r} fits several: {ids}", "Name it by its id, or its beginning."
        )


async def told(work: Awaitable[T]) -> T:
    """The outcome of a store's method, its failures as people read them."""
    try:
        return await work
    except QueryTooBroad:
        raise usage_error(
            "Too much to look through", "the query was given up", "Be more specific."
        ) from None
    except StoreError as error:
        raise index_error(error) from None


def index_error(error: StoreError) -> P2PError:
    """That the index fails, as people read it."""
    return P2PError("The index fails", str(error), "Look into the tracker's log.")
