"""A tracker that says what a test tells it to, on a `MemoryNetwork`."""

import asyncio

from p2ptui.base.ids import ContentId
from p2ptui.net.link import LinkClosed
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from tests.support.memory_net import MemoryLink, MemoryListening, MemoryNetwork

HEARTBEAT_S = 15


class ScriptedTracker:
    """Welcomes members, keeps what they say, and answers as it is set to.

    `refusals` are answered instead, by type of request, as often as they say; types in `silent` get
    no answer at all.
    """

    def __init__(self, network: MemoryNetwork) -> None:
        self.network = network
        self.host = network.host("tracker")
        self.links: list[MemoryLink] = []
        self.hellos: list[m.Hello] = []
        self.heard: list[object] = []
        self.welcomes = True
        self.answers_pings = True
        self.goodbye: m.Goodbye | None = None
        """Said to whoever greets, instead of a welcome."""
        self.first_words: object = None
        """Sent instead of a welcome."""
        self.revision = 0
        self.features: tuple[str, ...] = (m.REPORTS,)
        self.sources: dict[ContentId, tuple[m.Source, ...]] = {}
        self.hits: tuple[m.Hit, ...] = ()
        self.members: tuple[m.HostInfo, ...] = ()
        self.listing: tuple[m.Entry, ...] = ()
        self.rows_a_message = m.MAX_PAGE
        self.refusals: dict[type, list[m.FailureCode]] = {}
        self.silent: set[type] = set()
        self.leaf = b"fresh leaf"
        self._listening: MemoryListening | None = None
        self._tasks = TaskSet()

    async def start(self) -> "ScriptedTracker":
        """Begin to listen."""
        self._listening = await self.host.listen_tracker(self._serve)
        return self

    async def stop(self) -> None:
        """End all links and listen no more."""
        if self._listening is not None:
            await self._listening.close()
            self._listening = None

    def crash(self) -> None:
        """Break all links."""
        for link in self.links:
            link.abort()

    def push(self, message: object) -> None:
        """Say something to all members."""
        for link in self.links:
            link.post(message)

    def told(self, kind: type) -> list[object]:
        """The messages of a kind so far."""
        return [message for message in self.heard if isinstance(message, kind)]

    async def _serve(self, link: object) -> None:
        assert isinstance(link, MemoryLink)
        try:
            hello = await link.receive()
            assert isinstance(hello, m.Hello)
            self.hellos.append(hello)
            if self.goodbye is not None:
                await link.close(self.goodbye.code, self.goodbye.text, self.goodbye.until)
                return
            if not self.welcomes:
                await asyncio.sleep(3600)
            link.post(self.first_words or self._welcome())
            self.links.append(link)
            while True:
                message = await link.receive()
                self.heard.append(message)
                answer = self._answer(message)
                if answer is not None:
                    link.post(answer)
        except LinkClosed:
            pass
        finally:
            if link in self.links:
                self.links.remove(link)

    def _welcome(self) -> m.Welcome:
        return m.Welcome(
            minor=0,
            features=self.features,
            software="script",
            swarm="test swarm",
            time=int(self.network.clock.wall()),
            observed="10.0.1.1",
            revision=self.revision,
            heartbeat_s=HEARTBEAT_S,
            max_entries=1000,
            motd="hello",
        )

    def _answer(self, message: object) -> object:  # noqa: PLR0911  (one for each kind of question)
        if type(message) in self.silent:
            return None
        refusals = self.refusals.get(type(message))
        if refusals:
            number: int = getattr(message, "id")  # noqa: B009  (all requests have one)
            return m.Failure(number, refusals.pop(0), "as the test says")
        match message:
            case m.Announce():
                self.revision = message.revision
                return m.Accepted(message.id, message.revision)
            case m.Locate():
                found = self.sources.get(message.content, ())
                return m.Sources(message.id, message.content, found, len(found))
            case m.CountOwners():
                counts = (len(self.sources.get(content, ())) for content in message.contents)
                return m.OwnerCounts(message.id, tuple(counts))
            case m.Search():
                end = message.offset + min(message.limit, self.rows_a_message)
                hits = self.hits[message.offset : end]
                return m.Hits(message.id, hits, len(self.hits), False, 1500)
            case m.Members():
                end = message.offset + min(message.limit, self.rows_a_message)
                hosts = self.members[message.offset : end]
                return m.MemberPage(message.id, hosts, len(self.members))
            case m.Browse():
                end = message.offset + min(message.limit, self.rows_a_message)
                entries = self.listing[message.offset : end]
                return m.Listing(message.id, entries, len(self.listing))
            case m.Report():
                return m.Noted(message.id)
            case m.Renew():
                return m.Renewed(message.id, self.leaf)
        return None
