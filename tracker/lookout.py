"""What consoles look at: hosts, their files, the index, figures (`WatchApi` but for the feed).

Text of members goes out as it is; whoever shows it makes it safe (`display`).
"""

import asyncio

from p2ptui import __version__
from p2ptui.base.addresses import format_address
from p2ptui.base.errors import unreachable, usage_error
from p2ptui.net.link import LinkClosed
from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from tracker import api
from tracker.parts import Parts, told
from tracker.registry import Member
from tracker.rows import content_bounds, file_row, hit_row, host_address, page_bounds
from tracker.session import ping
from tracker.snapshot import memory_bytes
from tracker.store import Found, HostRecord, Hosts, Totals

PING_S = 5.0
PINGS_AT_ONCE = 256
DISCOVER_S = 15.0
TOTALS_S = 0.2
"""Sums over the index are at most so old."""


class Lookout:
    """Every method raises `P2PError` and nothing else that is expected."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._totals: tuple[float, Totals] | None = None

    # --- figures --------------------------------------------------------------------------------

    async def status(self, front_ends: int) -> api.TrackerStatus:
        """The tracker at a glance."""
        parts = self._parts
        totals = await self._recent_totals()
        figures = parts.figures
        answering = [member for member in parts.registry if not member.silent]
        return api.TrackerStatus(
            version=__version__,
            name=parts.authority.name,
            listen=format_address(*parts.listen),
            link=parts.link(),
            pin=parts.authority.pin,
            open=parts.rules.open,
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
            motd=parts.rules.motd,
            draining=parts.rules.draining,
            index_notice=parts.index_notice,
            fetched=parts.history.files,
            fetched_bytes=parts.history.bytes,
            relayed_bytes=parts.relay.passed,
            metrics=parts.stats.address,
            announced=figures.announced_entries,
            messages=figures.messages,
            at_restart=parts.kept.at_restart,
            slow=sum((member.ping_ms or 0) > api.SLOW_MS for member in answering),
            silent=len(parts.registry) - len(answering),
        )

    async def series(self) -> api.Series:
        """Figures of the last minutes."""
        return self._parts.figures.series()

    async def _recent_totals(self) -> Totals:
        now = self._parts.clock.monotonic()
        if self._totals is None or now - self._totals[0] >= TOTALS_S:
            self._totals = now, await told(self._parts.store.totals())
        return self._totals[1]

    async def history(self, page: api.Page) -> api.FetchPage:
        """A page of what members fetched."""
        return await self._parts.history.page(page)

    # --- hosts ----------------------------------------------------------------------------------

    async def hosts(self, page: api.Page) -> api.HostPage:
        """A page of members."""
        offset, limit = page_bounds(page)
        found = await told(self._parts.store.hosts(page.filter, offset, limit, page.sort))
        return self._host_page(found)

    async def discover(self, request: api.DiscoverRequest) -> api.FilePage:
        """A host's own list, asked of the host; of one that is offline what the index has."""
        record = await self._parts.find(request.host)
        member = self._parts.registry.get(record.peer)
        offset, limit = page_bounds(request.page)
        if member is None:
            page = await told(
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
        record = await self._parts.find(host)
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

    # --- the index ------------------------------------------------------------------------------

    async def search(self, text: str, page: api.Page) -> api.HitPage:
        """A page of what the index holds, as members find it."""
        offset, limit = page_bounds(page)
        started = self._parts.clock.monotonic()
        return self._hit_page(await told(self._parts.store.search(text, offset, limit)), started)

    async def index(self, request: api.IndexRequest) -> api.HitPage:
        """A page of the index as the admin looks at it: not only the first few thousand."""
        page = request.page
        offset, limit = page_bounds(page)
        started = self._parts.clock.monotonic()
        text = f"{request.text} {page.filter}".strip()
        found = self._parts.store.index(text, offset, limit, sort=page.sort, single=request.single)
        return self._hit_page(await told(found), started)

    async def owners(self, content_id: str, page: api.Page) -> api.HostPage:
        """A page of the members that have a content, those online first."""
        offset, limit = page_bounds(page)
        bounds = content_bounds(content_id)
        store = self._parts.store
        found = await told(store.holders(bounds, page.filter, offset, limit, page.sort))
        return self._host_page(found)

    def _hit_page(self, found: Found, started: float) -> api.HitPage:
        took_s = self._parts.clock.monotonic() - started
        return api.HitPage(
            rows=tuple(hit_row(hit) for hit in found.hits),
            total=found.total,
            more=found.more,
            took_ms=round(took_s * 1000, 2),
        )

    def _host_page(self, found: Hosts) -> api.HostPage:
        return api.HostPage(rows=tuple(map(self.host_row, found.rows)), total=found.total)

    def host_row(self, record: HostRecord) -> api.HostRow:
        """A member as consoles see it."""
        member = self._parts.registry.get(record.peer)
        standing = self._parts.standings.of(record.peer)
        return api.HostRow(
            peer_id=record.peer,
            nick=record.nick,
            address=host_address(record.host, record.port),
            files=record.files,
            bytes=record.bytes,
            ping_ms=None if member is None or member.silent else member.ping_ms,
            reachable=member.reachable if member else record.reachable,
            online=member is not None,
            seen=record.seen if member is None else self._parts.clock.wall(),
            joined=record.joined,
            software=record.software,
            role=standing.role,
            limits=standing.limits,
            pings=len(member.pings) if member else 0,
            lost=sum(not answered for answered in member.pings) if member else 0,
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
