"""Stand-in: answers what one asks the tracker, while it is away, by asking the members in reach.

Each member tells its own list and no more, so an answer is that of some members, never of the whole
swarm: `reached` says of how many. What they say is bounded in rows and time, and believed as little
as what the tracker says: a content is proven by its id when it is fetched.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from p2ptui.base.addresses import format_address
from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError, not_found, unreachable
from p2ptui.base.ids import ContentId, PeerId, content_id_text
from p2ptui.base.text import display
from p2ptui.net.link import LinkClosed
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import TaskSet, spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.acquaintances import Acquaintances
from p2ptui.node.circle import Circle, nobody
from p2ptui.node.empty_folders import FOLDER
from p2ptui.node.peer_session import PeerSession

log = logging.getLogger(__name__)

LIST_S = 5.0
"""How long a member has to tell what it has."""
MAX_PAGES = 5
"""Pages of one member's list that are looked through for one question."""
MAX_NAMES = 8
FRESH_S = 5.0
"""How long the answer to a question serves the next pages of it."""

AnswerT = TypeVar("AnswerT", bound=m.Message)
OwnList = Callable[[str, int, int], Awaitable[tuple[tuple[m.Entry, ...], int]]]


@dataclass(slots=True)
class _Told:
    """What one member told of its list."""

    session: PeerSession
    entries: list[m.Entry]
    total: int

    @property
    def files(self) -> int:
        """Its files, as far as the empty folders among its entries are seen."""
        return self.total - sum(entry.content == FOLDER for entry in self.entries)


@dataclass(slots=True)
class _Found:
    """One content, as those who have it name it."""

    sizes: Counter[int] = field(default_factory=Counter)
    names: Counter[m.Path] = field(default_factory=Counter)
    owners: dict[PeerId, str] = field(default_factory=dict)

    def add(self, entry: m.Entry, owner: PeerId, nick: str) -> None:
        self.sizes[entry.size] += 1
        self.names[entry.path] += 1
        self.owners[owner] = nick

    def hit(self, content: ContentId) -> m.Hit:
        """What most of them say of it."""
        names = tuple(path for path, _ in self.names.most_common(MAX_NAMES))
        best = next((nick for nick in self.owners.values() if nick), "")
        count = len(self.owners)
        return m.Hit(content, self.sizes.most_common(1)[0][0], names, count, count, best)


@dataclass(slots=True)
class _Round:
    """The answers of all members to one question."""

    text: str
    told: list[_Told]
    at: float
    own: tuple[m.Entry, ...] = ()


class StandIn:
    """Takes the tracker's place for questions. `ask` may raise `P2PError`."""

    def __init__(
        self,
        circle: Circle,
        acquaintances: Acquaintances,
        own: OwnList,
        own_id: PeerId,
        clock: Clock,
        *,
        why: Callable[[], str],
    ) -> None:
        """`own` gives pages of our own list; `why` says why the tracker is away."""
        self._circle = circle
        self._acquaintances = acquaintances
        self._own = own
        self._own_id = own_id
        self._clock = clock
        self._why = why
        self._last: _Round | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._asking: dict[str, asyncio.Task[_Round | P2PError]] = {}
        """Rounds under way: whoever asks the same meanwhile gets the same answer."""
        self._tasks = TaskSet()
        self.reached: int | None = 0
        """How many members the last answer is from."""

    async def ask(self, make: Callable[[int], object], answer: type[AnswerT]) -> AnswerT:
        """Answer a question as the tracker would."""
        question = make(0)
        found: object = None
        match question:
            case m.Search():
                found = await self._search(question)
            case m.Members():
                found = await self._members(question)
            case m.Browse():
                found = await self._browse(question)
            case m.Locate():
                found = await self._locate(question)
        if not isinstance(found, answer):
            raise unreachable("The tracker is away", self._why(), "Only it can do this.")
        return found

    def release(self, content: ContentId) -> None:
        """Nobody pushes anything here."""

    def places_of(self, peer: PeerId) -> tuple[m.Endpoint, ...]:
        """Where a member is, as far as it is known here: nobody else has to be asked."""
        return self._circle.places_of(peer)

    async def close(self) -> None:
        """Ask no more; whoever waits is told that nobody answers."""
        self._forget()
        await self._tasks.cancel_all()

    # --- the questions ----------------------------------------------------------------------------

    async def _search(self, question: m.Search) -> m.Hits:
        began = self._clock.monotonic()
        answers = await self._round(question.text)
        found: dict[ContentId, _Found] = {}
        for told in answers.told:
            _gather(found, told.entries, told.session.peer_id, told.session.nick)
        _gather(found, answers.own, self._own_id, "")
        hits = [each.hit(content) for content, each in found.items()]
        hits.sort(key=lambda hit: (-hit.owners, hit.names[0][-1].casefold(), hit.content))
        took_us = round((self._clock.monotonic() - began) * 1e6)
        begin, end = question.offset, question.offset + question.limit
        cut = any(told.total > len(told.entries) for told in answers.told)
        return m.Hits(question.id, tuple(hits[begin:end]), len(hits), cut, took_us)

    async def _members(self, question: m.Members) -> m.MemberPage:
        answers = await self._round("")
        hosts = {told.session.peer_id: self._host(told) for told in answers.told}
        for known in self._acquaintances.all:
            if known.peer not in hosts:
                hosts[known.peer] = m.HostInfo(
                    known.peer, known.nick, next(iter(known.endpoints), None), known.files,
                    known.bytes,
                    online=False, reachable=None, ping_ms=None, seen=int(known.seen),
                )  # fmt: skip
        words = question.text.casefold().split()
        fits = [host for host in hosts.values() if all(word in _words(host) for word in words)]
        page = fits[question.offset : question.offset + question.limit]
        return m.MemberPage(question.id, tuple(page), len(fits))

    async def _browse(self, question: m.Browse) -> m.Listing:
        session = await self._circle.session(question.peer)
        try:
            async with asyncio.timeout(LIST_S):
                listing = await session.list_files(question.text, question.offset, question.limit)
        except (LinkClosed, RequestFailed, TimeoutError) as error:
            raise unreachable("The peer did not answer", str(error) or "It is silent.") from None
        self.reached = 1
        files = tuple(entry for entry in listing.entries if entry.content != FOLDER)
        # Empty folders stand behind all files.
        return m.Listing(question.id, files, listing.total - len(listing.entries) + len(files))

    async def _locate(self, question: m.Locate) -> m.Sources:
        answers = await self._round(content_id_text(question.content))
        places = {source.peer: source.endpoints for source in self._circle.sources}
        sources = tuple(
            m.Source(peer, told.session.nick, places.get(peer, ()))
            for told in answers.told
            if any(entry.content == question.content for entry in told.entries)
            for peer in (told.session.peer_id,)
        )
        return m.Sources(question.id, question.content, sources, len(sources))

    # --- asking the members -----------------------------------------------------------------------

    async def _round(self, text: str) -> _Round:
        """What all members in reach have of this. Raises `P2PError` when there is none."""
        last = self._last
        if last is not None and last.text == text and self._clock.monotonic() - last.at < FRESH_S:
            self.reached = len(last.told)
            return last
        asking = self._asking.get(text)
        if asking is None:
            asking = self._asking[text] = self._tasks.spawn(self._outcome(text), name="round")
            asking.add_done_callback(lambda _asking: self._asking.pop(text, None))
        # Not awaited itself: one that gives up takes nothing from the others who wait.
        await asyncio.wait({asking})
        found = nobody(0, self._why()) if asking.cancelled() else asking.result()
        if isinstance(found, P2PError):
            raise found
        self.reached = len(found.told)
        return found

    async def _outcome(self, text: str) -> _Round | P2PError:
        """A new round, kept for a while; or why there is none."""
        now = self._clock.monotonic()
        try:
            own, _ = await self._own(text, 0, m.MAX_PAGE)
        except P2PError as error:
            return error
        try:
            sessions = await self._circle.reach()
        except P2PError:
            return nobody(self._circle.size or 0, self._why())
        told = await self._lists(sessions, text)
        if not told:
            return nobody(len(sessions), self._why())
        self._forget()
        self._last = _Round(text, told, now, own)
        self._forgetting = asyncio.get_running_loop().call_later(FRESH_S, self._forget)
        return self._last

    def _forget(self) -> None:
        """Let go of the last round: it may be long, and nobody wants it when it is stale."""
        self._last = None
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None

    async def _lists(self, sessions: Sequence[PeerSession], text: str) -> list[_Told]:
        asked = [spawn(_list(session, text), name="round") for session in sessions]
        try:
            await asyncio.wait(asked, timeout=LIST_S)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.wait(asked)
        return [told for task in asked if not task.cancelled() and (told := task.result())]

    def _host(self, told: _Told) -> m.HostInfo:
        session = told.session
        known = self._acquaintances.get(session.peer_id)
        places = {source.peer: source.endpoints for source in self._circle.sources}
        endpoint = next(iter(places.get(session.peer_id, ())), None)
        size = sum(entry.size for entry in told.entries)
        if len(told.entries) < told.total and known is not None:
            size = max(size, known.bytes)
        return m.HostInfo(
            session.peer_id, session.nick, endpoint, told.files, size,
            online=True, reachable=None, ping_ms=None, seen=int(self._clock.wall()),
        )  # fmt: skip


async def _list(session: PeerSession, text: str) -> _Told | None:
    """What a member has of this; None when it does not say."""
    entries: list[m.Entry] = []
    total = 0
    try:
        for _ in range(MAX_PAGES):
            page = await session.list_files(text, len(entries), m.MAX_PAGE)
            entries += page.entries
            total = max(page.total, len(entries))
            if not page.entries or len(entries) >= total:
                break
    except (LinkClosed, RequestFailed, TimeoutError) as error:
        log.info("%s does not tell its list: %s", session.peer_id, error)
        if not entries:
            return None
    return _Told(session, entries, total)


def _gather(
    found: dict[ContentId, _Found], entries: Iterable[m.Entry], owner: PeerId, nick: str
) -> None:
    for entry in entries:
        if entry.content != FOLDER:
            found.setdefault(entry.content, _Found()).add(entry, owner, nick)


def _words(host: m.HostInfo) -> str:
    """Where the words of a filter are looked for."""
    at = format_address(host.endpoint.host, host.endpoint.port) if host.endpoint else ""
    return f"{host.nick}\n{host.peer}\n{at}".casefold()


def not_in_reach(name: str, count: int) -> P2PError:
    """What is told of something that none of so many members has."""
    members = "the only member" if count == 1 else f"none of the {count} members"
    verb = "in reach does not share" if count == 1 else "in reach shares"
    return not_found(
        "Not found",
        f"The tracker is away, and {members} {verb} {display(name)}.",
        "Others may have it: try again when the tracker is back (`status`).",
    )
