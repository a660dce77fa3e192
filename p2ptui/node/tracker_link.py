"""The node's link to the tracker: kept up for ever, asked by the node, listened to for pushes.

While the tracker is away everything else of the node goes on. Reconnects with jitter and back-off;
a proof of identity that fails, or a ban for good, ends it until the user acts. A ban for a time is
waited for.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.refusals import is_expired
from p2ptui.net.requests import RequestFailed, Requests
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.node.announcer import Announcer
from p2ptui.node.api import TrackerStatus
from p2ptui.node.fetch_reports import FetchReports
from p2ptui.node.offering import Offering
from p2ptui.node.tracker_end import Banned, End, refusal

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0
MIN_BACKOFF_S = 1.0
MAX_BACKOFF_S = 60.0
FIRST_JITTER_S = 10.0
"""Members of a tracker that restarts come back spread over so long (F69)."""
LOCATE_AGAIN_S = 2.0
STABLE_S = 60.0
"""A link that held for so long resets the back-off."""

Pushed = m.Notice | m.KickList | m.Reachability | m.Dial | m.RelayDial
AnswerT = TypeVar("AnswerT", bound=m.Message)


class SourceWatcher(Protocol):
    """Whoever wants to know who has a content; called again after every reconnection."""

    def sources_found(self, sources: Sequence[m.Source], known: int) -> None:
        """All sources online now."""
        ...

    def source_joined(self, source: m.Source) -> None:
        """One more source."""
        ...

    def source_left(self, peer: PeerId) -> None:
        """A source is gone."""
        ...


class TrackerHandler(Protocol):
    """What the link tells the node."""

    async def dial(self, *, renew: bool = False) -> tuple[Link, str]:
        """A link to the tracker, and its address as text.

        `renew`: get a new certificate first, though ours seems to be valid still (F9).
        """
        ...

    async def hello(self) -> m.Hello:
        """Our first words."""
        ...

    def connected(self, welcome: m.Welcome, address: str) -> None:
        """The tracker welcomed us."""
        ...

    def disconnected(self, reason: str, retry_s: float | None) -> None:
        """The link is lost, or could not be made; None: there will be no further try."""
        ...

    def heard(self, message: Pushed) -> None:
        """Something came that is not of sources."""
        ...

    async def list_files(self, request: m.ListFiles) -> m.Listing:
        """The answer to *discover*."""
        ...

    async def holds(self, content: ContentId) -> bool:
        """Whether we have this as we announced it."""
        ...

    async def renew(self, ask: Callable[[bytes], Awaitable[bytes]]) -> None:
        """Renew our certificate whenever its time has come; `ask` sends a CSR and brings a leaf.

        Runs as long as the link is up.
        """
        ...


class TrackerLink:
    """One swarm's tracker, as the node sees it."""

    def __init__(
        self,
        handler: TrackerHandler,
        announcer: Announcer,
        clock: Clock,
        *,
        seed: int | None = None,
    ) -> None:
        self._handler = handler
        self._announcer = announcer
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311  (jitter, not a secret)
        self._link: Link | None = None
        self._requests: Requests | None = None
        self._watchers: dict[ContentId, list[SourceWatcher]] = {}
        self._status = TrackerStatus(state="connecting")
        self._retry_at: float | None = None
        self._retry_now = asyncio.Event()
        self._closing = False
        self._again = False
        """The link was ended to be made anew at once."""
        self._tasks = TaskSet()
        """What runs for as long as this connection lasts."""
        self.offering = Offering()
        """What we give while we fetch it."""
        self.reports = FetchReports()
        """What we tell of our downloads."""
        self.neighbours: Callable[[], Sequence[m.Source]] = tuple
        """Members that are near, each a source of anything while the tracker is away."""
        self.up = asyncio.Event()
        """Set while connected."""
        self.reached: int | None = None
        """What is answered here is the tracker's word, not that of some members (`Answerer`)."""

    @property
    def status(self) -> TrackerStatus:
        """State of the link, with the seconds to the next try."""
        if self._retry_at is None:
            return self._status
        left = max(0.0, self._retry_at - self._clock.monotonic())
        return msgspec.structs.replace(self._status, retry_s=round(left, 1))

    def retry(self) -> None:
        """Try again now instead of later."""
        self._retry_now.set()

    async def run(self) -> None:
        """Keep the link up until cancelled, or until a security stop or a ban for good."""
        backoff_s, banned = MIN_BACKOFF_S, Banned()
        while True:
            self._set_status(TrackerStatus(state="connecting", reason=self._status.reason))
            began = self._clock.monotonic()
            end = await self._connect()
            if self._closing:
                return
            if self._again:
                self._again = False
                continue
            if end.final:
                self._lose(end.reason, None)
                return
            if end.was_up:
                wait_s = self._random.uniform(0.2, FIRST_JITTER_S)
                if self._clock.monotonic() - began > STABLE_S:
                    backoff_s = MIN_BACKOFF_S
            else:
                wait_s = self._random.uniform(backoff_s / 2, backoff_s)
                backoff_s = min(backoff_s * 2, MAX_BACKOFF_S)
            if end.in_use_twice:
                wait_s = MAX_BACKOFF_S
            wait_s += banned.wait_s(end.until - self._clock.wall())
            self._lose(end.reason, wait_s)
            self._retry_now.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._retry_now.wait()

    async def greet_again(self) -> None:
        """Connect anew: what our hello says has changed."""
        if self._link is not None:
            self._again = True
            await self._link.close("done", "greeting anew")

    async def close(self) -> None:
        """Say goodbye; that the link is no more is told, if it was up, and `run` ends."""
        await self.reports.flush()
        self._closing, was_up = True, self.up.is_set()
        if self._link is not None:
            await self._link.close("stopping", "the node stops")
        if was_up:
            self._lose("this node leaves", None)

    # --- asking -------------------------------------------------------------------------------

    async def ask(self, make: Callable[[int], object], answer: type[AnswerT]) -> AnswerT:
        """Ask the tracker something. Raises `P2PError` when it is away, silent or refuses."""
        requests = self._requests
        if requests is None or not self.up.is_set():
            raise unreachable(
                "Not connected to the tracker",
                self._status.reason or "The connection is being made.",
                "The node goes on trying; `status` shows when it tries next.",
            )
        try:
            return await requests.ask(make, ANSWER_TIMEOUT_S, answer)
        except (LinkClosed, TimeoutError, ProtocolViolation) as error:
            raise unreachable(
                "The tracker did not answer",
                str(error) or f"It was silent for {ANSWER_TIMEOUT_S:.0f} s.",
                "Try again in a moment.",
            ) from None
        except RequestFailed as failure:
            raise refusal(failure) from None

    def watch(self, content: ContentId, watcher: SourceWatcher) -> None:
        """Tell the watcher who has a content, now and as it changes."""
        self._watchers.setdefault(content, []).append(watcher)
        if self.up.is_set():
            self._tasks.spawn(self._locate(content), name="tracker-locate")
            return
        for source in self.neighbours():
            watcher.source_joined(source)

    def suggest(self, source: m.Source) -> None:
        """Somebody may have whatever is looked for; while it is there the tracker knows better."""
        if not self.up.is_set():
            for watchers in self._watchers.values():
                for watcher in tuple(watchers):
                    watcher.source_joined(source)

    def unwatch(self, content: ContentId, watcher: SourceWatcher) -> None:
        """The watcher is no longer interested."""
        watchers = self._watchers.get(content, [])
        if watcher in watchers:
            watchers.remove(watcher)
        if not watchers:
            self._watchers.pop(content, None)
            self.release(content)

    def places_of(self, _peer: PeerId) -> None:
        """The tracker has to be asked (`Answerer`)."""

    def release(self, content: ContentId) -> None:
        """Have the tracker push no more sources of a content that nobody watches here."""
        if content not in self._watchers and self._link is not None:
            self._link.post(m.Unlocate(content))

    async def _locate(self, content: ContentId) -> None:
        """Ask until it is answered, or nobody wants to know it any more."""
        wait_s = LOCATE_AGAIN_S
        while content in self._watchers:
            try:
                found = await self.ask(lambda number: m.Locate(number, content), m.Sources)
            except P2PError as error:
                log.info("locate failed: %s", error)
                await asyncio.sleep(self._random.uniform(wait_s / 2, wait_s))
                wait_s = min(wait_s * 2, MAX_BACKOFF_S)
                continue
            for watcher in tuple(self._watchers.get(content, ())):
                watcher.sources_found(found.sources, found.known)
            return

    # --- the life of one connection -----------------------------------------------------------

    async def _connect(self) -> "End":
        """Dial, greet and serve until the link ends; how it ended."""
        link: Link | None = None
        try:
            link, address = await self._handler.dial()
            try:
                welcome = await self._greet(link)
            except LinkClosed as closed:
                if not is_expired(closed):
                    return End.of_refusal(closed, self._clock.wall(), address)
                # Our own clock is behind: the tracker's counts. Once, or a wrong one would loop.
                link, address = await self._handler.dial(renew=True)
                welcome = await self._greet(link)
            self._link, self._requests = link, Requests(link)
            self._set_status(
                TrackerStatus(
                    state="connected",
                    address=address,
                    swarm=welcome.swarm,
                    observed=welcome.observed,
                    motd=welcome.motd,
                )
            )
            self.up.set()
            self._handler.connected(welcome, address)
            self._tasks.spawn(
                self._announcer.run(self.ask, welcome.revision), name="tracker-announce"
            )
            self._tasks.spawn(
                self._heartbeat(link, self._requests, welcome.heartbeat_s), name="tracker-heartbeat"
            )
            self._tasks.spawn(self._handler.renew(self._renew), name="tracker-renew")
            self._tasks.spawn(self.offering.tell(link.post), name="tracker-offering")
            if m.REPORTS in welcome.features:
                self._tasks.spawn(self.reports.tell(self.ask, link.post), name="tracker-reports")
            for content in self._watchers:
                self._tasks.spawn(self._locate(content), name="tracker-locate")
            while True:
                self._handle(link, await link.receive())
        except LinkClosed as closed:
            return End.of_link(closed, self._clock.wall(), was_up=self.up.is_set())
        except P2PError as error:
            final = error.exit_code is ExitCode.SECURITY
            return End(str(error), was_up=self.up.is_set(), final=final)
        except TimeoutError:
            return End("the tracker did not greet us in time", was_up=False)
        except Exception:  # the border of the task that keeps the link up: it must go on
            log.exception("the link to the tracker failed")
            return End("an internal error; the log says more", was_up=False)
        finally:
            self.up.clear()
            if self._requests is not None:
                self._requests.fail_all(LinkClosed("done", "the connection was lost"))
            self._link = self._requests = None
            if link is not None and not link.closed:  # one that says goodbye goes on flushing
                link.abort()
            await self._tasks.cancel_all()

    async def _greet(self, link: Link) -> m.Welcome:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            await link.send(await self._handler.hello())
            welcome = await link.receive()
        if not isinstance(welcome, m.Welcome):
            raise LinkClosed("protocol", "the tracker's first message was no welcome")
        return welcome

    async def _heartbeat(self, link: Link, requests: Requests, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await requests.ask(m.Ping, interval_s * 2)
            except TimeoutError:
                log.warning("the tracker is silent: the link is given up")
                link.abort()
                return
            except (LinkClosed, RequestFailed, ProtocolViolation):
                return

    def _handle(self, link: Link, message: object) -> None:
        match message:
            case m.SourceJoined():
                for watcher in tuple(self._watchers.get(message.content, ())):
                    watcher.source_joined(message.source)
            case m.SourceLeft():
                for watcher in tuple(self._watchers.get(message.content, ())):
                    watcher.source_left(message.peer)
            case m.Notice() | m.KickList() | m.Reachability() | m.Dial() | m.RelayDial():
                self._handler.heard(message)
            case m.ListFiles():
                self._tasks.spawn(self._list_files(link, message), name="tracker-list-files")
            case m.Check():
                self._tasks.spawn(self._check(link, message), name="tracker-check")
            case _:
                if self._requests is not None:
                    self._requests.answer(message)

    async def _list_files(self, link: Link, request: m.ListFiles) -> None:
        try:
            link.post(await self._handler.list_files(request))
        except P2PError as error:
            log.warning("the tracker's question is not answered: %s", error)
            link.post(m.Failure(request.id, "internal", "the list cannot be read now"))

    async def _check(self, link: Link, request: m.Check) -> None:
        try:
            link.post(m.Checked(request.id, await self._handler.holds(request.content)))
        except P2PError as error:
            log.warning("the tracker's question is not answered: %s", error)
            link.post(m.Failure(request.id, "internal", "the library cannot be read now"))

    async def _renew(self, csr: bytes) -> bytes:
        answer = await self.ask(lambda number: m.Renew(number, csr), m.Renewed)
        return answer.certificate

    def _lose(self, reason: str, retry_s: float | None) -> None:
        if retry_s is None:
            self._set_status(TrackerStatus(state="stopped", reason=reason))
        else:
            self._set_status(TrackerStatus(state="waiting", reason=reason))
            self._retry_at = self._clock.monotonic() + retry_s
        self._handler.disconnected(reason, retry_s)
        for source in self.neighbours():
            self.suggest(source)

    def _set_status(self, status: TrackerStatus) -> None:
        self._retry_at = None
        self._status = status
