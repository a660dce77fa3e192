"""What the tracker answers to each message of a member, and what it tells others because of it.

Knows the store, the registry and a member's link as something to post to; no socket, no task, no
timer. Every answer fits one frame: a page that does not is cut short, and its `total` tells so.
"""

import logging
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from p2ptui import __version__
from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId, PeerId, short_peer_id
from p2ptui.base.names import is_invisible
from p2ptui.net.identity import BadIdentity
from p2ptui.net.loop import Offload
from p2ptui.net.wire import messages as m
from tracker import events
from tracker.authority import Authority
from tracker.belief import Belief
from tracker.fetch_reports import FetchReports
from tracker.limits import check_query
from tracker.partial_sources import PartialSources
from tracker.registry import Member, Registry
from tracker.rules import Rules
from tracker.snapshot import Figures
from tracker.store import Arrival, Change, HostRecord, QueryTooBroad, Standing, Store, StoreError

Emit = Callable[[events.TrackerEvent], None]
Request = (
    m.Announce | m.Search | m.Locate | m.CountOwners | m.Browse | m.Members | m.Renew | m.Report
)  # fmt: skip
R = TypeVar("R")

HEARTBEAT_S = 15
PAGE_BYTES = 200 * 1024
"""Most bytes of a page's rows: with the rest of the message they stay under one control frame."""
MAX_NICK = 32
log = logging.getLogger(__name__)


class Service:
    """Answers members."""

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        authority: Authority,
        figures: Figures,
        clock: Clock,
        offload: Offload,
        emit: Emit,
        rules: Rules,
        reports: FetchReports,
        belief: Belief,
    ) -> None:
        """`offload` runs what waits for the disk; `emit` takes events."""
        self._store = store
        self._registry = registry
        self._authority = authority
        self._figures = figures
        self._clock = clock
        self._offload = offload
        self._emit = emit
        self._rules = rules
        self._reports = reports
        self._belief = belief
        self._partial = PartialSources()

    # --- coming and going -----------------------------------------------------------------------

    async def join(self, member: Member, hello: m.Hello) -> m.Welcome:
        """Count a member in who stands in the registry already. Raises `StoreError`."""
        standing = await self._store.connect(
            Arrival(
                peer=member.peer,
                nick=member.nick,
                host=member.host,
                port=member.port,
                software=member.software,
                now=self._clock.wall(),
            )
        )
        member.files, member.bytes = standing.files, standing.bytes
        await self.offer(member, ())  # what an older connection offered ended with it
        return m.Welcome(
            minor=m.MINOR_VERSION,
            features=(m.REPORTS,),
            software=f"p2ptui/{__version__}",
            swarm=self._authority.name,
            time=int(self._clock.wall()),
            observed=member.host,
            revision=_common_revision(standing, hello),
            heartbeat_s=HEARTBEAT_S,
            max_entries=self._rules.max_entries(member.peer),
            motd=self._rules.motd,
        )

    async def tell_joined(self, member: Member) -> None:
        """Tell those who wait that a member is here, or can be reached at other addresses."""
        held = await self._held(member.peer, self._registry.watched)
        for content in held | (self._partial.offered(member.peer) & self._registry.watched):
            self._push_joined(member, content, partial=content not in held)

    async def tell_left(self, peer: PeerId) -> None:
        """Tell those who wait that a member is gone."""
        offered = self._partial.replace(peer, ())
        held = await self._held(peer, self._registry.watched)
        for content in held | (offered & self._registry.watched):
            self._push_left(peer, content)

    async def offer(self, member: Member, contents: Sequence[ContentId]) -> int:
        """A member gives what it has of contents that it fetches; how many offers changed.

        Raises `StoreError`.
        """
        if not self._registry.is_current(member):
            return 0
        changed = self._partial.replace(member.peer, contents)
        watched = changed & self._registry.watched
        # Whoever owns it is known as an owner, whatever else it says.
        for content in watched - await self._held(member.peer, watched):
            if content in self._partial.offered(member.peer):
                self._push_joined(member, content, partial=True)
            else:
                self._push_left(member.peer, content)
        return len(changed)

    async def leave(self, member: Member) -> None:
        """Count a member out, who has left the registry already."""
        try:
            await self.tell_left(member.peer)
            await self._store.disconnect(member.peer, self._clock.wall())
        except StoreError as error:
            log.warning("%s is not noted as offline: %s", member.peer, error)

    # --- requests -------------------------------------------------------------------------------

    async def answer(self, member: Member, request: Request) -> object:
        """The answer to a request: a message of its own kind, or a `Failure`."""
        try:
            return await self._answer(member, request)
        except QueryTooBroad:
            return m.Failure(request.id, "limit", "too much to look through; be more specific")
        except StoreError as error:
            return m.Failure(request.id, "internal", str(error))

    async def _answer(  # noqa: PLR0911  (one for each kind of question)
        self, member: Member, request: Request
    ) -> object:
        match request:
            case m.Announce():
                return await self._announce(member, request)
            case m.Search():
                return await self._search(member, request)
            case m.Locate():
                return await self._locate(member, request)
            case m.CountOwners():
                return await self._count_owners(member, request)
            case m.Browse():
                return await self._browse(request)
            case m.Members():
                return await self._members(member, request)
            case m.Renew():
                return await self._renew(member, request)
            case m.Report():
                return await self._reports.note(member, request)

    async def _search(self, member: Member, request: m.Search) -> object:
        if reason := check_query(request.text):
            return m.Failure(request.id, "bad_request", reason)
        started = self._clock.monotonic()
        if not member.limits.may_search(started):
            return m.Failure(request.id, "limit", "too many searches; wait a second")
        found = await self._store.search(request.text, request.offset, request.limit)
        took = max(0.0, self._clock.monotonic() - started)
        self._figures.searched(took)
        return m.Hits(
            id=request.id,
            hits=fit_hits(self._belief.hits(member, found.hits)),
            total=found.total,
            more=found.more,
            took_us=int(took * 1_000_000),
        )

    async def _locate(self, member: Member, request: m.Locate) -> object:
        if not self._registry.watch(member, request.content):
            return m.Failure(request.id, "limit", "too many contents are located at a time")
        try:
            owners = await self._store.owners(request.content, m.MAX_BATCH)
            first, last = self._belief.order(member, request.content, owners.online)
            given = self._partial.givers(
                request.content,
                max(0, m.MAX_BATCH - len(owners.online)),
                but={*first, *last, member.peer},
            )
            sources = []
            for peers, partial in ((first, False), (given, True), (last, False)):
                for peer in peers:
                    owner = self._registry.get(peer)
                    if owner is not None and owner is not member:
                        sources.append(owner.source(member, partial=partial))
            member.link.post(
                m.Sources(request.id, request.content, fit(sources), known=owners.known)
            )
        except BaseException:
            self._registry.unwatch(member, request.content)
            raise
        self._registry.release(member, request.content)
        return None

    async def _count_owners(self, member: Member, request: m.CountOwners) -> object:
        if not member.limits.may_count(self._clock.monotonic()):
            return m.Failure(request.id, "limit", "too many questions for owners; wait a second")
        counts = await self._store.count_owners(request.contents, member.peer)
        counts = self._belief.counts(member, request.contents, counts)
        return m.OwnerCounts(request.id, counts)

    async def _browse(self, request: m.Browse) -> object:
        if reason := check_query(request.text):
            return m.Failure(request.id, "bad_request", reason)
        known = self._registry.get(request.peer) is not None
        if not known and not await self._store.find(request.peer):
            return m.Failure(request.id, "not_found", "no member has this id")
        page = await self._store.files(
            request.peer, request.text, request.offset, request.limit, ""
        )
        return m.Listing(request.id, entries=fit(page.entries), total=page.total)

    async def _members(self, member: Member, request: m.Members) -> object:
        if reason := check_query(request.text):
            return m.Failure(request.id, "bad_request", reason)
        page = await self._store.hosts(request.text, request.offset, request.limit, "")
        rows = [self._host_info(record, member) for record in page.rows]
        return m.MemberPage(request.id, hosts=fit(rows), total=page.total)

    async def _renew(self, member: Member, request: m.Renew) -> object:
        try:
            leaf = await self._offload(self._authority.issue, request.csr, member.peer)
        except BadIdentity as error:
            unsupported = error.fault in {"unsupported_key", "bad_signature"}
            code: m.FailureCode = "unsupported_key" if unsupported else "denied"
            return m.Failure(request.id, code, error.text)
        return m.Renewed(request.id, certificate=leaf)

    def _host_info(self, record: HostRecord, asker: Member) -> m.HostInfo:
        member = self._registry.get(record.peer)
        if member is not None:
            return member.info(asker, record.seen)
        return m.HostInfo(
            peer=record.peer,
            nick=record.nick,
            endpoint=None,
            files=record.files,
            bytes=record.bytes,
            online=False,
            reachable=None,
            ping_ms=None,
            seen=int(record.seen),
        )

    # --- what others found to be wrong ----------------------------------------------------------

    def tell_withheld(self, owner: Member, content: ContentId) -> None:
        """An owner is named for a content no more; what it fetches of it, it may give."""
        if content in self._partial.offered(owner.peer):
            self._push_joined(owner, content, partial=True)
        else:
            self._push_left(owner.peer, content)

    # --- announcing -----------------------------------------------------------------------------

    async def _announce(self, member: Member, request: m.Announce) -> object:
        watched = self._registry.watched
        emptied: frozenset[ContentId] = frozenset()
        if request.base == 0 and member.files:
            emptied = await self._held(member.peer, watched)
        max_entries = self._rules.max_entries(member.peer)
        change = Change(
            peer=member.peer,
            base=request.base,
            revision=request.revision,
            added=request.added,
            removed=request.removed,
            digest=request.digest,
            max_entries=max_entries,
        )
        applied = await self._store.apply(change)
        if applied.state == "stale":
            return m.Accepted(request.id, revision=0)
        if applied.state == "full":
            text = f"this member may announce {max_entries:,} files"
            return m.Failure(request.id, "limit", text)
        member.files, member.bytes = applied.files, applied.bytes
        self._figures.announced(applied.added + applied.removed)
        member.added += applied.added
        member.removed += applied.removed
        if request.base == 0:
            self._belief.emptied(member.peer)
        self._belief.announced(
            member.peer, {*applied.dropped, *(entry.content for entry in request.added)}
        )
        await self._tell_changes(member, request, {*applied.dropped, *emptied})
        if applied.state == "applied" and request.digest:
            self._tell_published(member)
        return m.Accepted(request.id, revision=applied.revision)

    async def _tell_changes(
        self, member: Member, request: m.Announce, dropped: set[ContentId]
    ) -> None:
        watched = self._registry.watched
        if not watched:
            return
        for content in {entry.content for entry in request.added} & watched:
            self._push_joined(member, content, partial=False)
        lost = dropped & watched
        for content in lost - await self._held(member.peer, lost):
            if content in self._partial.offered(member.peer):
                self._push_joined(member, content, partial=True)
            else:
                self._push_left(member.peer, content)

    def _tell_published(self, member: Member) -> None:
        self._emit(
            events.HostPublished(
                time=self._clock.wall(),
                peer_id=member.peer,
                nick=member.nick,
                files=member.files,
                bytes=member.bytes,
                added=member.added,
                removed=member.removed,
            )
        )
        member.added = member.removed = 0

    async def _held(self, peer: PeerId, contents: Iterable[ContentId]) -> frozenset[ContentId]:
        wanted = tuple(contents)
        return await self._store.held(peer, wanted) if wanted else frozenset()

    def _push_joined(self, member: Member, content: ContentId, *, partial: bool) -> None:
        if not self._registry.is_current(member):
            return
        if not partial and self._belief.hides(member.peer, content):
            return
        for watcher in self._registry.watchers(content, but=member.peer):
            push = m.SourceJoined(content=content, source=member.source(watcher, partial=partial))
            self._registry.push(watcher, content, push)

    def _push_left(self, peer: PeerId, content: ContentId) -> None:
        for watcher in self._registry.watchers(content, but=peer):
            self._registry.push(watcher, content, m.SourceLeft(content=content, peer=peer))


def clean_nick(nick: str, peer: PeerId) -> str:
    """A nick as the tracker keeps it: visible characters, at most 32, never empty (F55)."""
    visible = "".join(" " if is_invisible(c) else c for c in unicodedata.normalize("NFC", nick))
    return " ".join(visible.split())[:MAX_NICK].strip() or short_peer_id(peer)


def fit(rows: Iterable[R]) -> tuple[R, ...]:
    """As many rows from the first on as fit a frame; at least one."""
    fitting: list[R] = []
    size = 0
    for row in rows:
        size += len(msgspec.msgpack.encode(row))
        if size > PAGE_BYTES and fitting:
            break
        fitting.append(row)
    return tuple(fitting)


def fit_hits(hits: tuple[m.Hit, ...]) -> tuple[m.Hit, ...]:
    """Hits that fit a frame; other names than the best give way first."""
    fitting = fit(hits)
    if len(fitting) == len(hits):
        return fitting
    return fit(msgspec.structs.replace(hit, names=hit.names[:1]) for hit in hits)


def _common_revision(standing: Standing, hello: m.Hello) -> int:
    """The revision from which the member goes on; 0: it sends all.

    A newer revision of theirs cannot be compared yet: the digest of their next announce tells.
    """
    if hello.revision < standing.revision:
        return 0
    if hello.revision == standing.revision and hello.digest != standing.digest:
        return 0
    return standing.revision
