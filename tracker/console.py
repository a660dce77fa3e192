"""What the tracker answers to its consoles: `TrackerApi` but for starting and stopping.

Text of members goes out as it is; whoever shows it makes it safe (`display`).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from p2ptui import __version__
from p2ptui.base.addresses import format_address
from p2ptui.base.bus import Bus
from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError, not_found, unreachable, usage_error
from p2ptui.base.ids import short_peer_id
from p2ptui.base.links import JoinLink, format_join_link
from p2ptui.net.feed import follow
from p2ptui.net.kicks import FOREVER
from p2ptui.net.link import LinkClosed
from p2ptui.net.loop import Offload
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from tracker import api, events
from tracker.authority import Authority
from tracker.registry import Member, Registry
from tracker.rows import file_row, hit_row, host_address, page_bounds, pick_ban
from tracker.service import Service
from tracker.session import ping
from tracker.snapshot import Figures, memory_bytes
from tracker.store import HostRecord, QueryTooBroad, Store, StoreError, Totals

T = TypeVar("T")

PING_S = 5.0
PINGS_AT_ONCE = 256
DISCOVER_S = 15.0
TOTALS_S = 0.2
"""Sums over the index are at most so old."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running tracker consists of."""

    authority: Authority
    store: Store
    registry: Registry
    service: Service
    figures: Figures
    bus: Bus[events.FeedItem]
    clock: Clock
    offload: Offload
    listen: tuple[str, int]
    """Where it is bound."""
    hosts: tuple[tuple[str, int], ...]
    """Where others reach it, for join links."""
    open_mode: bool
    dropped: Callable[[], int]
    """Callers that the listener sent away."""


class Console:
    """Answers consoles. Every method raises `P2PError` and nothing else that is expected."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._totals: tuple[float, Totals] | None = None

    # --- figures --------------------------------------------------------------------------------

    async def status(self, front_ends: int) -> api.TrackerStatus:
        """The tracker at a glance."""
        parts = self._parts
        totals = await self._recent_totals()
        figures = parts.figures
        return api.TrackerStatus(
            version=__version__,
            name=parts.authority.name,
            listen=format_address(*parts.listen),
            link=self.link(),
            pin=parts.authority.pin,
            open=parts.open_mode,
            hosts=len(parts.registry),
            known=totals.known,
            files=totals.files,
            contents=totals.contents,
            bytes=totals.bytes,
            searches=figures.searches,
            searches_s=figures.searches_s,
            search_p50_ms=figures.search_ms(0.5),
            search_p99_ms=figures.search_ms(0.99),
            announces_s=figures.announces_s,
            dropped=figures.dropped + parts.dropped(),
            memory_bytes=memory_bytes(),
            index_bytes=totals.index_bytes,
            loop_lag_ms=figures.loop_lag_ms,
            uptime_s=figures.uptime_s,
            front_ends=front_ends,
        )

    def link(self, invite: str = "") -> str:
        """The join link, with an invite or without."""
        parts = self._parts
        return format_join_link(JoinLink(hosts=parts.hosts, pin=parts.authority.pin, invite=invite))

    async def _recent_totals(self) -> Totals:
        now = self._parts.clock.monotonic()
        if self._totals is None or now - self._totals[0] >= TOTALS_S:
            self._totals = now, await _told(self._parts.store.totals())
        return self._totals[1]

    # --- hosts ----------------------------------------------------------------------------------

    async def hosts(self, page: api.Page) -> api.HostPage:
        """A page of members."""
        offset, limit = page_bounds(page)
        found = await _told(self._parts.store.hosts(page.filter, offset, limit, page.sort))
        return api.HostPage(
            rows=tuple(self._host_row(record) for record in found.rows), total=found.total
        )

    async def discover(self, request: api.DiscoverRequest) -> api.FilePage:
        """A host's own list, asked of the host; of one that is offline what the index has."""
        record = await self._find(request.host)
        member = self._parts.registry.get(record.peer)
        offset, limit = page_bounds(request.page)
        if member is None:
            page = await _told(
                self._parts.store.files(
                    record.peer, request.page.filter, offset, limit, request.page.sort
                )
            )
            entries, total = list(page.entries), page.total
        else:
            entries, total = await _ask_list(member, request.page.filter, offset, limit)
        return api.FilePage(
            peer_id=record.peer,
            nick=record.nick,
            rows=tuple(file_row(entry) for entry in entries),
            total=total,
            live=member is not None,
        )

    async def ping(self, host: str) -> tuple[api.PingRow, ...]:
        """Ping one host, or all that are online."""
        if host.strip().lower() == "all":
            room = asyncio.Semaphore(PINGS_AT_ONCE)

            async def ping_in_turn(member: Member) -> api.PingRow:
                async with room:
                    return await self._ping(member)

            return tuple(await asyncio.gather(*map(ping_in_turn, self._parts.registry)))
        record = await self._find(host)
        member = self._parts.registry.get(record.peer)
        if member is None:
            return (
                api.PingRow(
                    peer_id=record.peer,
                    nick=record.nick,
                    address=host_address(record.host, record.port),
                    ping_ms=None,
                    reason="offline",
                ),
            )
        return (await self._ping(member),)

    async def _ping(self, member: Member) -> api.PingRow:
        took = await ping(member, self._parts.clock, PING_S)
        if took is not None:
            member.ping_ms = took
        return api.PingRow(
            peer_id=member.peer,
            nick=member.nick,
            address=host_address(member.host, member.port),
            ping_ms=took,
            reason="" if took is not None else f"no answer within {PING_S:.0f} s",
        )

    async def search(self, text: str, page: api.Page) -> api.HitPage:
        """A page of what the index holds."""
        offset, limit = page_bounds(page)
        started = self._parts.clock.monotonic()
        found = await _told(self._parts.store.search(text, offset, limit))
        took_s = self._parts.clock.monotonic() - started
        return api.HitPage(
            rows=tuple(hit_row(hit) for hit in found.hits),
            total=found.total,
            more=found.more,
            took_ms=round(took_s * 1000, 2),
        )

    # --- who is in and who is out ---------------------------------------------------------------

    async def kick(self, request: api.KickRequest) -> api.KickRow:
        """Put a member out: its connection, its list, its certificate at everybody else's."""
        if request.for_s is not None and not request.for_s > 0:
            raise usage_error("Cannot ban for no time", "the time must be above 0")
        parts = self._parts
        record = await self._find(request.host)
        kicks = await parts.offload(parts.authority.kick, record.peer, request.why, request.for_s)
        member = parts.registry.get(record.peer)
        if member is not None:
            spawn(member.link.close("kicked", request.why[:256]), name=f"kick {record.peer}")
        self._broadcast(kicks)
        try:
            await parts.service.tell_left(record.peer)
            await parts.store.clear(record.peer)
        except StoreError as error:
            raise _index_error(error) from None
        finally:
            parts.bus.publish(
                events.HostKicked(
                    time=parts.clock.wall(),
                    peer_id=record.peer,
                    nick=record.nick,
                    why=request.why,
                )
            )
        until = None if request.for_s is None else parts.clock.wall() + request.for_s
        return api.KickRow(peer_id=record.peer, nick=record.nick, why=request.why, until=until)

    async def unban(self, host: str) -> api.KickRow:
        """Let a kicked member in again."""
        parts = self._parts
        row = pick_ban(await self.bans(), host)
        kicks = await parts.offload(parts.authority.unban, row.peer_id)
        if kicks is not None:
            self._broadcast(kicks)
        return row

    async def bans(self) -> tuple[api.KickRow, ...]:
        """All kicked members."""
        rows = []
        for kick in self._parts.authority.kicked():
            known = await _told(self._parts.store.find(kick.peer))
            rows.append(
                api.KickRow(
                    peer_id=kick.peer,
                    nick=known[0].nick if known else "",
                    why=kick.why,
                    until=None if kick.until == FOREVER else float(kick.until),
                )
            )
        return tuple(rows)

    async def invite(self, uses: int, for_s: float) -> api.Invite:
        """Make an invite: so many uses, valid for so many seconds."""
        parts = self._parts
        invitation = await parts.offload(parts.authority.invite, uses, for_s)
        return api.Invite(
            link=self.link(invitation.code), uses=invitation.uses, expires=invitation.expires
        )

    def _broadcast(self, kicks: m.KickList) -> None:
        for member in self._parts.registry:
            member.link.post(kicks)

    # --- finding --------------------------------------------------------------------------------

    async def _find(self, text: str) -> HostRecord:
        """The one member that a person means. Raises `P2PError` when it is none or several."""
        found = await _told(self._parts.store.find(text)) if text.strip() else ()
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

    def _host_row(self, record: HostRecord) -> api.HostRow:
        member = self._parts.registry.get(record.peer)
        return api.HostRow(
            peer_id=record.peer,
            nick=record.nick,
            address=host_address(record.host, record.port),
            files=record.files,
            bytes=record.bytes,
            ping_ms=member.ping_ms if member else None,
            reachable=member.reachable if member else record.reachable,
            online=member is not None,
            seen=record.seen if member is None else self._parts.clock.wall(),
            joined=record.joined,
            software=record.software,
        )


def tracker_feed(
    bus: Bus[events.FeedItem],
    status: Callable[[], Awaitable[object]],
    sections: tuple[api.SectionName, ...],
    interval_s: float,
) -> AsyncGenerator[events.FeedItem, None]:
    """A console's feed; it ends after `Stopped`."""
    return follow(
        bus,
        dict.fromkeys(sections, status),
        interval_s,
        section=lambda name, value: events.Section(name=name, value=value),
        resync=lambda dropped: events.Resync(dropped=dropped),
        last=lambda item: isinstance(item, events.Stopped),
    )


async def _ask_list(
    member: Member, text: str, offset: int, limit: int
) -> tuple[list[m.Entry], int]:
    """A page of a host's own list, in as many questions as it takes."""
    if len(text.encode("utf-8")) > m.MAX_QUERY_BYTES:
        raise usage_error("Too long a filter", f"at most {m.MAX_QUERY_BYTES} bytes")
    entries: list[m.Entry] = []
    total = 0
    try:
        while len(entries) < limit:
            count = min(m.MAX_PAGE, limit - len(entries))
            at = offset + len(entries)
            listing = await member.requests.ask(
                lambda number, at=at, count=count: m.ListFiles(number, text, at, count),  # type: ignore[misc]
                DISCOVER_S,
                m.Listing,
            )
            entries += listing.entries
            total = listing.total
            if not listing.entries or offset + len(entries) >= total:
                break
    except RequestFailed as error:
        raise unreachable("The host did not list its files", str(error)) from None
    except (TimeoutError, LinkClosed, ProtocolViolation) as error:
        why = "it did not answer in time" if isinstance(error, TimeoutError) else str(error)
        raise unreachable(
            "The host did not list its files", why, "Is it still there? Ping it."
        ) from None
    return entries[:limit], total


async def _told(work: Awaitable[T]) -> T:
    """The outcome of a store's method, its failures as people read them."""
    try:
        return await work
    except QueryTooBroad:
        raise usage_error(
            "Too much to look through", "the query was given up", "Be more specific."
        ) from None
    except StoreError as error:
        raise _index_error(error) from None


def _index_error(error: StoreError) -> P2PError:
    return P2PError("The index fails", str(error), "Look into the tracker's log.")
