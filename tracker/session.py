"""One member's connection, from its hello to its end.

One task receives; others answer, so that a long search never delays a heartbeat. Announces are
applied one after the other, in order; when a member announces faster than it may, nothing more is
read from it. The connection itself answers pings; we ping too, to know the round-trip time.
Most members are idle: what nobody waits for has no task and no queue.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from p2ptui.base.addresses import format_address, plain_address
from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.requests import RequestFailed, Requests
from p2ptui.net.tasks import TaskSet, spawn
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from tracker import events
from tracker.authority import Authority
from tracker.claims import Claims
from tracker.limits import MemberLimits, Penalties
from tracker.reach import Reach
from tracker.registry import Member, Registry
from tracker.rules import Rules
from tracker.service import HEARTBEAT_S, Emit, Request, Service, clean_nick
from tracker.snapshot import Figures
from tracker.store import StoreError

HELLO_S = 5.0
LEASE_S = 45.0
"""A member that is not heard for so long is gone (PROTOCOL.md 7)."""
MAX_ANNOUNCES = 8
"""Announces that wait to be applied before nothing more is read."""
MAX_IN_FLIGHT = 64

Operate = Callable[[Member, m.Operate], Awaitable[m.Operated | m.Failure]]
"""Carries out an operator's act; never raises."""

log = logging.getLogger(__name__)


class Sessions:
    """Serves members' links; what all of them share."""

    def __init__(
        self,
        *,
        service: Service,
        registry: Registry,
        authority: Authority,
        figures: Figures,
        clock: Clock,
        emit: Emit,
        reach: Reach,
        rules: Rules,
        operate: Operate,
        claims: Claims,
    ) -> None:
        self.service = service
        self.registry = registry
        self.authority = authority
        self.figures = figures
        self.clock = clock
        self.emit = emit
        self.reach = reach
        self.rules = rules
        self.operate = operate
        self.claims = claims
        self.penalties = Penalties()

    async def serve(self, link: Link) -> None:
        """Own a member's link until it ends."""
        peer = link.peer_id
        assert peer is not None, "a stranger has no session"
        wait_s = self.penalties.wait(peer, self.clock.monotonic())
        if wait_s > 0:
            await link.close("refused", f"too many protocol errors; wait {wait_s:.0f} s")
            return
        await _Session(self, link, peer).run()


class _Session:
    def __init__(self, shared: Sessions, link: Link, peer: PeerId) -> None:
        self._shared = shared
        self._service = shared.service
        self._registry = shared.registry
        self._clock = shared.clock
        self._link = link
        self._peer = peer
        self._tasks = TaskSet()
        self._announces: list[m.Announce] = []
        self._announce_room = asyncio.Semaphore(MAX_ANNOUNCES)
        self._announcing = False
        self._in_flight: set[int] = set()
        self._room = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._offering: tuple[ContentId, ...] | None = None
        """What was offered last, until it is told."""
        self._telling = False
        self._heard = self._clock.monotonic()

    async def run(self) -> None:
        hello = await self._receive_hello()
        if hello is None:
            return
        member = Member(
            peer=self._peer,
            nick=clean_nick(hello.nick, self._peer),
            host=plain_address(self._link.remote.host),
            port=hello.port,
            link=self._link,
            limits=MemberLimits(
                self._clock.monotonic(), self._shared.rules.search_rate(self._peer)
            ),
            requests=Requests(self._link),
            software=hello.software,
            features=frozenset(hello.features),
        )
        old = self._registry.connect(member)
        reason = "stopped"
        joined = False
        try:
            joined = await self._welcome(member, hello, old)
            if joined:
                reason = await self._converse(member)
        finally:
            # Also when the tracker stops: `_depart` is short, and the index must know who left.
            await self._depart(member, reason, joined=joined)

    # --- coming ---------------------------------------------------------------------------------

    async def _receive_hello(self) -> m.Hello | None:
        try:
            async with asyncio.timeout(HELLO_S):
                hello = await self._link.receive()
        except TimeoutError:
            await self._link.close("idle", "no hello")
            return None
        except LinkClosed as end:
            self._count_fault(end)
            return None
        return hello if isinstance(hello, m.Hello) else None

    def _replace(self, old: Member, new: Member) -> None:
        """End the older connection of this identity, and tell when it is used on two machines."""
        if old.link.closed:
            return
        text = f"this identity has connected again, from {new.host}"
        spawn(old.link.close("replaced", text), name=f"replace {self._peer}")
        if old.host != new.host:
            # The same machine comes back after a broken link; two machines share a copied key.
            new.link.post(_twice(old.host))
            text = f"{new.nick} ({self._peer}) is in use at {old.host} and at {new.host}"
            self._emit_notice("warning", text, "Kick it if its key was stolen.")

    async def _welcome(self, member: Member, hello: m.Hello, old: Member | None) -> bool:
        try:
            welcome = await self._service.join(member, hello)
        except StoreError as error:
            if old is not None:
                old.link.abort()  # it stands in no list any more
            await self._link.close("internal", str(error))
            return False
        if self._link.closed or not self._registry.is_current(member):
            return False
        self._link.post(welcome)
        if old is not None:
            self._replace(old, member)
        if hello.kick_list < self._shared.authority.kick_number:
            self._link.post(self._shared.authority.signed_kicks())
        self._shared.emit(
            events.HostJoined(
                time=self._clock.wall(),
                peer_id=member.peer,
                nick=member.nick,
                address=self._address(member),
                files=member.files,
            )
        )
        self._tasks.spawn(self._tell_joined(member, hello), name=f"arrival {self._peer}")
        self._tasks.spawn(self._heartbeat(member), name=f"heartbeat {self._peer}")
        return True

    async def _tell_joined(self, member: Member, hello: m.Hello) -> None:
        """Tell who waits for it, then find out where it can be reached, again and again."""
        reach = self._shared.reach
        try:
            await self._service.tell_joined(member)
            while True:
                if await reach.check(member, hello.addresses):
                    await self._service.tell_joined(member)
                if member.port == 0:
                    return
                await asyncio.sleep(reach.pause_s(member))
        except StoreError as error:
            log.warning("nobody is told of %s: %s", self._peer, error)

    # --- the conversation -----------------------------------------------------------------------

    async def _converse(self, member: Member) -> str:
        """Receive until the end; why it ended."""
        try:
            while True:
                message = await self._link.receive()
                self._heard = self._clock.monotonic()
                self._shared.figures.heard()
                await self._take(member, message)
        except LinkClosed as end:
            self._count_fault(end)
            return _reason(end)

    async def _take(self, member: Member, message: object) -> None:
        match message:
            case m.Unlocate():
                self._registry.unwatch(member, message.content)
            case m.Offering():
                self._offer(member, message.contents)
            case m.ClaimFailed():
                self._shared.claims.heard(member, message)
            case m.CallBack() | m.AskRelay():
                self._link.post(self._shared.reach.answer(member, message))
            case m.Announce() if self._begin(message):
                await self._announce(member, message)
            case m.Operate() if self._begin(message):
                self._tasks.spawn(self._operate(member, message), name="operate")
            case (
                m.Search() | m.Locate() | m.CountOwners() | m.Browse() | m.Members() | m.Renew()
                | m.Report()
            ):  # fmt: skip
                if self._begin(message):
                    await self._room.acquire()
                    self._tasks.spawn(self._answer_aside(member, message), name="answer")
            case _:
                member.requests.answer(message)

    def _begin(self, request: Request | m.Operate) -> bool:
        """Note a request as being answered; False when its number is in use (F32)."""
        if request.id in self._in_flight:
            self._link.post(m.Failure(request.id, "duplicate", "this number is in use"))
            return False
        self._in_flight.add(request.id)
        return True

    async def _answer_aside(self, member: Member, request: Request) -> None:
        try:
            await self._answer(member, request)
        finally:
            self._room.release()

    async def _operate(self, member: Member, request: m.Operate) -> None:
        if member.limits.may_search(self._clock.monotonic()):
            answer = await self._shared.operate(member, request)
        else:
            answer = m.Failure(request.id, "limit", "too many acts; wait a second")
        self._in_flight.discard(request.id)
        self._link.post(answer)

    async def _answer(self, member: Member, request: Request) -> None:
        answer: object
        try:
            answer = await self._service.answer(member, request)
        except Exception:  # the border of a request: it fails, the member stays
            log.exception("request %s of %s", type(request).__name__, self._peer)
            answer = m.Failure(request.id, "internal", "the tracker failed; its log says why")
        self._in_flight.discard(request.id)
        if answer is not None:
            try:
                await self._link.send(answer)
            except LinkClosed:
                pass

    async def _announce(self, member: Member, announce: m.Announce) -> None:
        await self._announce_room.acquire()
        self._announces.append(announce)
        if not self._announcing:
            self._announcing = True
            self._tasks.spawn(self._apply_announces(member), name=f"announces {self._peer}")

    async def _apply_announces(self, member: Member) -> None:
        while self._announces:
            announce = self._announces.pop(0)
            self._announce_room.release()
            entries = len(announce.added) + len(announce.removed)
            delay_s = member.limits.announce_delay(max(1, entries), self._clock.monotonic())
            if delay_s > 0:
                await asyncio.sleep(delay_s)
            await self._answer(member, announce)
        self._announcing = False

    def _offer(self, member: Member, contents: tuple[ContentId, ...]) -> None:
        self._offering = contents
        if not self._telling:
            self._telling = True
            self._tasks.spawn(self._tell_offers(member), name=f"offers {self._peer}")

    async def _tell_offers(self, member: Member) -> None:
        """Take the newest list of offers, as often as the limit lets it."""
        while (contents := self._offering) is not None:
            self._offering = None
            try:
                changes = await self._service.offer(member, contents)
            except StoreError as error:
                log.warning("nobody is told what %s offers: %s", self._peer, error)
                continue
            delay_s = member.limits.offer_delay(changes, self._clock.monotonic())
            if delay_s > 0:
                await asyncio.sleep(delay_s)
        self._telling = False

    async def _heartbeat(self, member: Member) -> None:
        """Ping now and then; end the link of who says nothing, not even that, for `LEASE_S`."""
        while not self._link.closed:
            started = self._clock.monotonic()
            left_s = self._heard + LEASE_S - started
            if left_s <= 0:
                await self._link.close("idle", f"not heard for {LEASE_S:.0f} s")
                return
            member.ping_ms = await ping(member, self._clock, min(HEARTBEAT_S, left_s))
            now = self._clock.monotonic()
            pause_s = max(1.0, HEARTBEAT_S - (now - started))
            await asyncio.sleep(max(0.0, min(pause_s, self._heard + LEASE_S - now)))

    # --- leaving --------------------------------------------------------------------------------

    async def _depart(self, member: Member, reason: str, *, joined: bool) -> None:
        was_current = self._registry.disconnect(member)
        self._shared.reach.departed(self._peer, kicked=self._shared.authority.is_kicked(self._peer))
        member.requests.fail_all()
        await self._tasks.cancel_all()
        if was_current:
            await self._service.leave(member)
        if joined:
            self._shared.emit(
                events.HostLeft(
                    time=self._clock.wall(),
                    peer_id=member.peer,
                    nick=member.nick,
                    address=self._address(member),
                    reason=reason,
                )
            )

    def _count_fault(self, end: LinkClosed) -> None:
        if end.code != "protocol" or end.theirs:
            return
        self._shared.figures.dropped += 1
        self._shared.penalties.violated(self._peer, self._clock.monotonic())
        log.warning("%s at %s: %s", self._peer, self._link.remote.host, end.text)

    def _emit_notice(self, level: str, text: str, hint: str) -> None:
        self._shared.emit(
            events.TrackerNotice(
                time=self._clock.wall(),
                level="warning" if level == "warning" else "info",
                text=text,
                hint=hint,
            )
        )

    def _address(self, member: Member) -> str:
        return format_address(member.host, member.port or self._link.remote.port)


async def ping(member: Member, clock: Clock, timeout_s: float) -> float | None:
    """Round-trip time to a member in milliseconds; None when it does not answer in time."""
    started = clock.monotonic()
    try:
        await member.requests.ask(m.Ping, timeout_s, m.Pong)
    except (TimeoutError, LinkClosed, RequestFailed, ProtocolViolation):
        member.pinged(answered=False)
        return None
    member.pinged(answered=True)
    return round(max(0.0, clock.monotonic() - started) * 1000, 2)


def _twice(other: str) -> m.Notice:
    text = f"this identity is in use twice: it was connected from {other} until now"
    return m.Notice("warning", text)


def _reason(end: LinkClosed) -> str:
    if end.theirs and end.code in {"done", "stopping"}:
        return "left"
    if end.code == "idle":
        return "not heard any more"
    return str(end)
