"""Directory: what the tracker knows, asked for front-ends: search, members, lists, sources.

While it is away the members in reach are asked in its place (`stand_in`).

Also finds the content that a user means by a name, an id or the beginning of one, and remembers the
names and sizes of what it was told lately.

What the user says is brought within the bounds of the protocol here: a message beyond them would
cost the link. A page of ours may be several of the tracker's.
"""

import contextlib
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from p2ptui.base.addresses import format_address
from p2ptui.base.errors import P2PError, not_found, unreachable, usage_error
from p2ptui.base.ids import (
    CONTENT_ID_PREFIX,
    ContentId,
    PeerId,
    content_id_bounds,
    content_id_text,
    parse_content_id,
    short_content_id,
    short_peer_id,
)
from p2ptui.base.names import join_path
from p2ptui.base.text import display, format_bytes
from p2ptui.net.link import LinkClosed
from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from p2ptui.node import api
from p2ptui.node.empty_folders import FOLDER
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.questions import (
    MAX_LIST_MESSAGES,
    MAX_PAGE,
    Answerer,
    checked,
    gather,
    query_of,
)
from p2ptui.node.stand_in import not_in_reach

__all__ = ["MAX_PAGE", "Directory", "Ownerships", "Target", "find_at", "no_tracker"]

MAX_REMEMBERED = 20_000
MIN_SHORT = 4
"""Characters of a peer id that may stand for it."""
MAX_LISTED = 20
"""Contents that are listed when a name or the beginning of an id fits several."""
MAX_NAME_HITS = 1000
"""Hits that are looked through for an exact name."""


class Ownerships(Protocol):
    """What this node has or is fetching."""

    async def __call__(self, contents: Collection[ContentId]) -> dict[ContentId, api.Ownership]:
        """For each content that is not new, what it is to us."""
        ...


class Target(api.Value, frozen=True, kw_only=True):
    """A content that a user means."""

    content: ContentId
    name: str
    """File name."""
    size: int | None = None
    owners: int | None = None
    """Owners online, when the tracker just said so."""
    known: int = 0


class Directory:
    """Questions to the tracker. Every method may raise `P2PError`."""

    def __init__(
        self,
        tracker: Callable[[], Answerer],
        ownerships: Ownerships,
        path: Callable[[PeerId], str] = lambda _peer: "",
    ) -> None:
        """`tracker` gives whoever answers, or raises what to tell when there is nobody.

        `path` says how a member is connected with us; empty when it is not.
        """
        self._path = path
        self._tracker = tracker
        self._ownerships = ownerships
        self._seen: dict[ContentId, Target] = {}

    async def search(self, text: str, page: api.Page) -> api.HitPage:
        """A page of hits."""
        hits, last, reached = await self._search(text, page.offset, page.limit)
        ours = await self._ownerships([hit.content for hit in hits])
        rows = []
        for hit in hits:
            names = tuple(join_path(path) for path in hit.names)
            rows.append(
                api.HitRow(
                    content_id=content_id_text(hit.content),
                    name=names[0] if names else "",
                    names=names,
                    size=hit.size,
                    owners=hit.owners,
                    known=hit.known,
                    best=hit.best,
                    have=ours.get(hit.content, "new"),
                )
            )
        return api.HitPage(
            rows=tuple(rows),
            total=last.total,
            more=last.more,
            took_ms=last.took_us / 1000,
            reached=reached,
        )

    async def members(self, page: api.Page) -> api.HostPage:
        """A page of the swarm's members."""
        text, tracker = checked(page.filter), self._tracker()

        def ask(offset: int, limit: int) -> Awaitable[m.MemberPage]:
            return tracker.ask(lambda number: m.Members(number, text, offset, limit), m.MemberPage)

        hosts, last = await gather(ask, lambda found: found.hosts, page.offset, page.limit)
        rows = tuple(map(self._host_row, hosts))
        return api.HostPage(rows=rows, total=last.total, reached=tracker.reached)

    async def browse(self, host: str, page: api.Page) -> api.RemotePage:
        """A page of a member's announced list."""
        text, tracker = checked(page.filter), self._tracker()
        member = await self.find_member(host)

        def ask(offset: int, limit: int) -> Awaitable[m.Listing]:
            return tracker.ask(
                lambda number: m.Browse(number, member.peer, text, offset, limit), m.Listing
            )

        entries, last = await gather(
            ask, lambda found: found.entries, page.offset, page.limit, MAX_LIST_MESSAGES
        )
        ours = await self._ownerships([entry.content for entry in entries])
        rows = []
        for entry in entries:
            self._remember(Target(content=entry.content, name=entry.path[-1], size=entry.size))
            rows.append(
                api.RemoteFile(
                    name=join_path(entry.path),
                    size=entry.size,
                    content_id=content_id_text(entry.content),
                    changed=entry.mtime,
                    have=ours.get(entry.content, "new"),
                )
            )
        return api.RemotePage(
            peer_id=member.peer,
            nick=member.nick,
            rows=tuple(rows),
            total=last.total,
            reached=tracker.reached,
        )

    async def find_member(self, host: str) -> m.HostInfo:
        """The member that a nick, an id, the beginning of one, or an address means."""
        text = checked(host)
        found = await self._tracker().ask(
            lambda number: m.Members(number, text, 0, m.MAX_PAGE), m.MemberPage
        )
        exact = [h for h in found.hosts if host in {h.nick, h.peer, _address(h)}]
        fits = exact or [
            h for h in found.hosts if h.peer.startswith(host.lower()) and len(host) >= MIN_SHORT
        ]
        if len(fits) == 1:
            return fits[0]
        if not fits:
            raise not_found(
                "No such host", f"Nobody here is called {display(host)}.", "`peers` lists them."
            )
        listed = ", ".join(f"{display(h.nick)} ({h.peer[:8]})" for h in fits[:8])
        raise usage_error("Several hosts fit", listed, "Name it by the id in brackets.")

    async def endpoints(self, peer: PeerId) -> tuple[m.Endpoint, ...]:
        """Where a member is to be dialled."""
        known = self._tracker().places_of(peer)
        if known is not None:
            return known
        endpoint = (await self.find_member(peer)).endpoint
        return () if endpoint is None else (endpoint,)

    async def sources(self, target: str) -> api.ContentSources:
        """Who has a content, online now."""
        meant = await self.find(target)
        tracker = self._tracker()
        try:
            found = await tracker.ask(lambda number: m.Locate(number, meant.content), m.Sources)
        finally:
            tracker.release(meant.content)
        rows = tuple(
            api.SourceRow(
                peer_id=source.peer,
                nick=source.nick,
                addresses=tuple(format_address(e.host, e.port) for e in source.endpoints),
                partial=source.partial,
                path=self._path(source.peer),
            )
            for source in found.sources
        )
        return api.ContentSources(
            content_id=content_id_text(meant.content),
            name=meant.name,
            size=meant.size or 0,
            known=found.known,
            sources=rows,
            reached=tracker.reached,
        )

    async def find(self, target: str) -> Target:
        """The content that a full id, the beginning of a short id, or a file name means.

        Raises not found; a usage error that lists them when several contents fit.
        """
        content = parse_content_id(target)
        if content is not None:
            return self._seen.get(content) or await self._known(content)
        fits = await self._named(target) or await self._short(target)
        if len(fits) == 1:
            return fits[0]
        if not fits and (reached := self._tracker().reached) is not None:
            raise not_in_reach(target, reached)
        if not fits:
            raise not_found(
                "Not found",
                f"Nobody in the swarm shares {display(target)}.",
                "`search` finds names that are like it.",
            )
        listed = "; ".join(
            f"{short_content_id(content_id_text(fit.content))} {format_bytes(fit.size or 0)}"
            f" at {fit.owners} of {fit.known}"
            for fit in fits
        )
        raise usage_error(
            f"Several contents are called {display(target)}",
            listed,
            "Fetch one by its id, the 8 characters in front of its size.",
        )

    async def _named(self, name: str) -> list[Target]:
        """Contents with exactly this name, or this path, the case left aside if need be."""
        hits, _, _ = await self._search(query_of(name), 0, MAX_NAME_HITS)
        for same in (_is_same, _is_same_but_case):
            found = [
                Target(
                    content=hit.content,
                    name=path[-1],
                    size=hit.size,
                    owners=hit.owners,
                    known=hit.known,
                )
                for hit in hits
                if (path := next((p for p in hit.names if same(p, name)), None)) is not None
            ]
            if found:
                return found
        return []

    async def _known(self, content: ContentId) -> Target:
        """A content with the name that the swarm has for it; a tracker that is away knows none."""
        text = content_id_text(content)
        with contextlib.suppress(P2PError):
            for target in await self._short(text):
                if target.content == content:
                    return target
        return Target(content=content, name=text[:12])

    async def _short(self, text: str) -> list[Target]:
        """Contents whose id begins so, with or without its prefix."""
        start = CONTENT_ID_PREFIX + text.strip().lower().removeprefix(CONTENT_ID_PREFIX)
        if content_id_bounds(start) is None:
            return []
        hits, _, _ = await self._search(start, 0, MAX_LISTED)
        return [self._seen[hit.content] for hit in hits if hit.content in self._seen]

    async def _search(
        self, text: str, offset: int, limit: int
    ) -> tuple[list[m.Hit], m.Hits, int | None]:
        """The hits of a page, the last message that brought some, and of how many members it is."""
        words, tracker = checked(text), self._tracker()

        def ask(begin: int, count: int) -> Awaitable[m.Hits]:
            return tracker.ask(lambda number: m.Search(number, words, begin, count), m.Hits)

        hits, last = await gather(ask, lambda found: found.hits, offset, limit)
        for hit in hits:
            if hit.names:
                self._remember(
                    Target(
                        content=hit.content,
                        name=hit.names[0][-1],
                        size=hit.size,
                        owners=hit.owners,
                        known=hit.known,
                    )
                )
        return hits, last, tracker.reached

    def _host_row(self, host: m.HostInfo) -> api.HostRow:
        return api.HostRow(
            peer_id=host.peer,
            nick=host.nick,
            address=_address(host),
            files=host.files,
            bytes=host.bytes,
            ping_ms=host.ping_ms,
            reachable=host.reachable,
            online=host.online,
            seen=host.seen,
            path=self._path(host.peer),
        )

    def _remember(self, target: Target) -> None:
        self._seen.pop(target.content, None)
        self._seen[target.content] = target
        if len(self._seen) > MAX_REMEMBERED:
            del self._seen[next(iter(self._seen))]


async def find_at(session: PeerSession, name: str) -> Target:
    """The content that one member calls by a name; the tracker is not asked. Raises not found."""
    try:
        listing = await session.list_files(query_of(name), 0, m.MAX_PAGE)
    except (LinkClosed, RequestFailed, TimeoutError) as error:
        raise unreachable("The peer did not answer", str(error)) from None
    for same in (_is_same, _is_same_but_case):
        for entry in listing.entries:
            if entry.content != FOLDER and same(entry.path, name):
                return Target(content=entry.content, name=entry.path[-1], size=entry.size)
    raise not_found(
        "Not found",
        f"{display(session.nick)} ({short_peer_id(session.peer_id)}) does not share"
        f" {display(name)}.",
        "`browse PEER` lists what it shares.",
    )


def no_tracker(status: api.TrackerStatus) -> P2PError:
    """What is told when a command needs a swarm and there is none."""
    if status.state == "none":
        return usage_error(
            "No tracker is known",
            "This node has not joined a swarm.",
            "Join one: `join LINK` or `join HOST`; `p2ptui tracker` starts one.",
        )
    return unreachable(
        "Not a member of the swarm yet",
        f"{status.address}: {status.reason or 'joining it now'}",
        "The node goes on trying; `status` shows when.",
    )


def _is_same(path: m.Path, name: str) -> bool:
    return path[-1] == name or join_path(path) == name


def _is_same_but_case(path: m.Path, name: str) -> bool:
    folded = name.casefold()
    return path[-1].casefold() == folded or join_path(path).casefold() == folded


def _address(host: m.HostInfo) -> str:
    return format_address(host.endpoint.host, host.endpoint.port) if host.endpoint else ""
