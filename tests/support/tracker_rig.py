"""A whole tracker in memory: real service, sessions, authority and index, links without sockets.

rig = await TrackerRig.start(tmp_path)
anna = await rig.connect("anna")
await anna.announce(entry("song.mp3"))
hits = await anna.ask(lambda number: m.Search(number, "song"), m.Hits)
"""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from p2ptui.base.ids import ContentId, PeerId
from p2ptui.base.paths import TrackerHome
from p2ptui.base.settings import TrackerSettings
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.loop import Inline
from p2ptui.net.requests import Requests
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.share_digest import ShareDigest
from tests.support.fake_time import FakeClock
from tests.support.memory_net import (
    TRACKER_HOST,
    TRACKER_PORT,
    MemoryLink,
    MemoryListening,
    MemoryNetwork,
    peer_id_of,
)
from tracker.authority import Authority
from tracker.belief import Belief
from tracker.claims import Claims
from tracker.doubts import Doubts
from tracker.events import TrackerEvent
from tracker.fetch_reports import FetchReports
from tracker.history import FetchHistory
from tracker.reach import Reach
from tracker.registry import Member, Registry
from tracker.relay import Relay
from tracker.rules import Rules
from tracker.service import Service
from tracker.session import Sessions
from tracker.snapshot import Figures
from tracker.sqlite_store import SqliteStore
from tracker.standings import Standings

M = TypeVar("M")
ANSWER_S = 10.0


def entry(name: str, *, content: str = "", size: int = 10) -> m.Entry:
    """An entry whose content follows from its name, or from `content`."""
    return m.Entry(tuple(name.split("/")), size, content_of(content or name), 1_700_000_000)


def content_of(text: str) -> ContentId:
    """A content id that follows from a text."""
    return ContentId(hashlib.sha256(text.encode()).digest())


class ScriptedMember:
    """A member that says what a test tells it to."""

    def __init__(self, name: str, link: MemoryLink, tasks: TaskSet) -> None:
        self.name = name
        self.peer = peer_id_of(name)
        self.link = link
        self.requests = Requests(link)
        self.pushed: asyncio.Queue[object] = asyncio.Queue()
        """Messages that answer nothing."""
        self.listed: tuple[m.Entry, ...] = ()
        """What it answers to *discover*."""
        self.held: bool | None = True
        """What it answers when it is asked whether it has a content; None: nothing."""
        self.checks: list[ContentId] = []
        """What it was asked for so."""
        self.share: dict[tuple[str, ...], m.Entry] = {}
        self.revision = 0
        self.ended: asyncio.Future[LinkClosed] = asyncio.get_running_loop().create_future()
        tasks.spawn(self._receive(), name=name)

    async def ask(self, make: Callable[[int], object], expect: type[M]) -> M:
        """The answer to a request."""
        return await self.requests.ask(make, ANSWER_S, expect)

    async def announce(
        self, *added: m.Entry, removed: tuple[tuple[str, ...], ...] = (), whole: bool = False
    ) -> int:
        """Announce changes (or the whole list anew); the revision that the tracker then has."""
        base, self.revision = (0 if whole else self.revision), self.revision + 1
        if base == 0:
            self.share.clear()
        for path in removed:
            self.share.pop(path, None)
        self.share |= {each.path: each for each in added}
        digest = bytes(ShareDigest.of(self.share.values()))
        revision = self.revision
        accepted = await self.ask(
            lambda number: m.Announce(number, base, revision, added, removed, digest), m.Accepted
        )
        return accepted.revision

    async def search(self, text: str) -> list[m.Hit]:
        """The hits of a search."""
        return list((await self.ask(lambda number: m.Search(number, text), m.Hits)).hits)

    async def locate(self, content: ContentId) -> m.Sources:
        """Who has a content; pushes follow."""
        return await self.ask(lambda number: m.Locate(number, content), m.Sources)

    async def next_push(self, kind: type[M]) -> M:
        """The next message of this kind that answers nothing; others are skipped."""
        async with asyncio.timeout(ANSWER_S):
            while True:
                message = await self.pushed.get()
                if isinstance(message, kind):
                    return message

    async def _receive(self) -> None:
        try:
            while True:
                message = await self.link.receive()
                if isinstance(message, m.ListFiles):
                    page = self.listed[message.offset : message.offset + message.limit]
                    self.link.post(m.Listing(message.id, page, len(self.listed)))
                elif isinstance(message, m.Check):
                    self.checks.append(message.content)
                    if self.held is not None:
                        self.link.post(m.Checked(message.id, self.held))
                elif not self.requests.answer(message):
                    self.pushed.put_nowait(message)
        except LinkClosed as end:
            self.requests.fail_all(end)
            self.ended.set_result(end)


class TrackerRig:
    """The tracker and its network. Made by `start`; `stop` it, then it may be started again."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.network = MemoryNetwork(clock)
        self.events: list[TrackerEvent] = []
        self.reachable: set[tuple[str, int]] = set()
        """Where a dial-back succeeds."""
        self.probed: list[m.Endpoint] = []
        self.operated: list[m.Operate] = []
        self.relay = Relay()
        self.tasks = TaskSet()
        self.store: SqliteStore
        self.authority: Authority
        self.registry: Registry
        self.service: Service
        self.sessions: Sessions
        self.figures: Figures
        self.history: FetchHistory
        self.keep_history = 10_000
        """How many fetches are remembered."""
        self.doubts: Doubts
        self.claims: Claims
        self.standings: Standings
        self.rules: Rules
        self._listening: MemoryListening

    @classmethod
    async def start(cls, folder: Path, *, max_entries: int = 1000) -> "TrackerRig":
        rig = cls(folder, FakeClock())
        await rig.begin(max_entries=max_entries)
        return rig

    async def begin(self, *, max_entries: int = 1000) -> None:
        """Open the index and the authority, and listen."""
        clock = self.clock
        self.store = await SqliteStore.open(self.folder / "index.db", clock)
        self.authority = Authority.open(self.folder / "authority", name="test", clock=clock)
        self.registry, self.figures = Registry(), Figures(clock)
        self.standings = Standings(self.folder / "authority" / "standings.log")
        self.rules = Rules(TrackerSettings(max_entries=max_entries, motd="hello"), self.standings)
        self.history = await FetchHistory.open(
            TrackerHome.under(self.folder).history, clock, self.keep_history
        )
        self.doubts = Doubts()
        self.service = Service(
            store=self.store,
            registry=self.registry,
            authority=self.authority,
            figures=self.figures,
            clock=clock,
            offload=Inline(),
            emit=self.events.append,
            rules=self.rules,
            reports=FetchReports(
                history=self.history, registry=self.registry, store=self.store, clock=clock
            ),
            belief=Belief(self.doubts, self.registry, clock),
        )
        self.claims = Claims(
            doubts=self.doubts,
            registry=self.registry,
            store=self.store,
            teller=self.service,
            clock=clock,
            emit=self.events.append,
        )
        self.sessions = Sessions(
            service=self.service,
            registry=self.registry,
            authority=self.authority,
            figures=self.figures,
            clock=clock,
            emit=self.events.append,
            reach=Reach(registry=self.registry, probe=self._probe, relay=self.relay, clock=clock),
            rules=self.rules,
            operate=self._operate,
            claims=self.claims,
        )
        self._listening = await self.network.host("tracker").listen_tracker(self._pass_in)

    async def stop(self) -> None:
        """End all links and close the index."""
        await self._listening.close()
        await self.claims.close()
        await self.store.close()
        await self.history.close()
        await self.tasks.cancel_all()

    async def dial(self, name: str) -> MemoryLink:
        """A member's link, not yet greeted."""
        return await self.network.host(name).dial_tracker(TRACKER_HOST, TRACKER_PORT)

    async def connect(
        self,
        name: str,
        *,
        nick: str | None = None,
        port: int = 7071,
        addresses: tuple[str, ...] = (),
        revision: int = 0,
        digest: bytes = bytes(16),
        features: tuple[str, ...] = (m.REPORTS,),
    ) -> ScriptedMember:
        """A member that was welcomed; its `Welcome` is the first of what was pushed."""
        link = await self.dial(name)
        member = ScriptedMember(name, link, self.tasks)
        hello = m.Hello(
            minor=0,
            features=features,
            software="script",
            nick=name if nick is None else nick,
            port=port,
            addresses=addresses,
            time=int(self.clock.wall()),
            kick_list=0,
            revision=revision,
            digest=digest,
        )
        link.post(hello)
        return member

    async def welcomed(self, name: str, **hello: object) -> tuple[ScriptedMember, m.Welcome]:
        """A member and the tracker's welcome to it."""
        member = await self.connect(name, **hello)  # type: ignore[arg-type]
        return member, await member.next_push(m.Welcome)

    def told(self, kind: type[M]) -> list[M]:
        """The events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def _pass_in(self, link: Link) -> None:
        await self.sessions.serve(link)

    async def _operate(self, _member: Member, request: m.Operate) -> m.Operated | m.Failure:
        self.operated.append(request)
        return m.Operated(request.id, "done")

    async def _probe(self, endpoint: m.Endpoint, peer: PeerId) -> bool:
        self.probed.append(endpoint)
        return (endpoint.host, endpoint.port) in self.reachable
