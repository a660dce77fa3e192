"""Listener: accepts plain sockets, counts them, then lays TLS over them with a deadline.

PROTOCOL.md 1 and 7. `start_server(ssl=…)` would hide sockets until their handshake is done, which
is when a flood is over; so they are accepted and counted here. Whoever has not proven who he is
holds one of a few places. When they are all taken the oldest loses his, never the newcomer: a flood
of silent callers then cannot keep members out. A stranger keeps his place until he is gone, for he
proves nothing before that.

When a restart brings all members back at once, the oldest is the one who is nearly done. So a
caller is spared for `HELLO_S` until he says something, and for `GRACE_S` once his hello was
answered; while all places are held by such callers the next one waits in the system's queue. The
first is so short that silence holds up nobody, and the second no longer than a processor that is
full takes for all places: longer only while members who do prove themselves take longer, so that on
a machine that is overloaded not all of them are cut. Strangers have no say in that.
"""

import asyncio
import errno
import itertools
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from p2ptui.base.addresses import counting_key, is_loopback, plain_address
from p2ptui.base.clock import Clock
from p2ptui.base.ids import PeerId
from p2ptui.net.alerts import call_from
from p2ptui.net.gate import SHUTDOWN_S, Gate, Refused, Tunnel, Vet
from p2ptui.net.identity import BadIdentity
from p2ptui.net.link import Link, LinkClosed, LinkHandler
from p2ptui.net.sockets import bind, tune
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire.messages import Endpoint

log = logging.getLogger(__name__)
_CALLER_IS_GONE = {errno.ECONNABORTED, errno.EPROTO}
_PAUSE_S = 0.1
HELLO_S = 0.02
"""How long a caller who has said nothing keeps his place, however many wait for one."""
GRACE_S = 0.2
"""The same for one whose hello was answered, or lies unread; more while members are slow."""
MAX_GRACE_S = 1.0
_GRACE = 3.0
"""A caller may take so many times as long as members took lately."""
_LATELY = 0.1


class Limits(Struct, frozen=True):
    """What callers may take (PROTOCOL.md 7)."""

    unproven: int = 64
    unproven_per_address: int = 16
    per_peer: int | None = 4
    """Connections of one id; None: whoever owns the links sees to that."""
    links: int = 10_000
    handshake_s: float = 10.0
    goodbye_s: float = 5.0
    """How long handlers have to end after their links were closed."""


class Door(Struct, frozen=True):
    """What an owner decides of callers while it listens. Loopback is never asked about."""

    refuses: Callable[[str], bool] = lambda _address: False
    """Whether a caller from this address is dropped before its handshake."""
    per_address: Callable[[PeerId], int | None] = lambda _peer: None
    """Most links that the address of this member may hold; None: any number."""


class _Caller:
    """A socket that was accepted, and its link once there is one."""

    __slots__ = ("_answered_at", "gate", "key", "link", "number", "since", "sock")

    def __init__(
        self, number: int, key: str, sock: socket.socket, gate: Gate, since: float
    ) -> None:
        self.number = number
        self.key = key
        self.sock = sock
        self.gate = gate
        self.since = since
        """When he was accepted, in the loop's seconds."""
        self.link: Link | None = None
        self._answered_at: float | None = None

    def answered(self) -> None:
        """His hello was answered: the handshake is under way."""
        self._answered_at = asyncio.get_running_loop().time()

    def took_s(self, now: float) -> float:
        """Seconds since his hello was answered."""
        return 0.0 if self._answered_at is None else now - self._answered_at

    def may_go(self, now: float, grace_s: float) -> bool:
        """Whether it is his own doing that he has proven nothing yet."""
        if self._answered_at is not None:
            return now - self._answered_at >= grace_s
        waited_s = now - self.since
        # Bounded too: who sends on and on always has something unread.
        return waited_s >= grace_s or (waited_s >= HELLO_S and not self._is_unread())

    def _is_unread(self) -> bool:
        """Whether he has said something that we did not get round to reading."""
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def abort(self) -> None:
        if self.link is not None:
            self.link.abort()
        else:
            self.gate.abandon(self.sock)


class Listener:
    """A listening socket with everybody who came through it."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        context: ssl.SSLContext,
        vet: Vet,
        handler: LinkHandler,
        clock: Clock,
        limits: Limits,
        door: Door,
        tunnel: Tunnel | None,
    ) -> None:
        """Use `open`."""
        self._socket = sock
        self._tunnel = tunnel
        self._door = door
        self._context = context
        self._vet = vet
        self._handler = handler
        self._clock = clock
        self._limits = limits
        self._numbers = itertools.count()
        self._unproven: dict[int, _Caller] = {}
        """Who holds a place, the oldest first."""
        self._place_left = asyncio.Event()
        self._lately_s = GRACE_S
        """How long members took lately for their side of the handshake. After a start all of them
        come at once: then nobody is quick."""
        self._links: dict[int, Link] = {}
        self._peers: Counter[PeerId] = Counter()
        self._addresses: Counter[str] = Counter()
        """Links of members, by the address that they count for."""
        self._tasks = TaskSet()
        self._closing = False
        self.refused = 0
        """Callers that were sent away, or that never proved anything, since the start."""
        name = sock.getsockname()
        self._endpoint = Endpoint(host=plain_address(name[0]), port=name[1])
        self._accepting = TaskSet()
        self._accepting.spawn(self._accept(), name=f"accept {self._endpoint.port}")

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        *,
        context: ssl.SSLContext,
        vet: Vet,
        handler: LinkHandler,
        clock: Clock,
        limits: Limits | None = None,
        door: Door | None = None,
        tunnel: Tunnel | None = None,
    ) -> "Listener":
        """Bind and accept. Port 0 takes any free one. Raises `P2PError` (usage).

        `tunnel` owns relayed connections; without it there are none.
        """
        loop = asyncio.get_running_loop()
        sock = await loop.run_in_executor(None, bind, host, port)
        return cls(
            sock,
            context=context,
            vet=vet,
            handler=handler,
            clock=clock,
            limits=limits or Limits(),
            door=door or Door(),
            tunnel=tunnel,
        )

    @property
    def endpoint(self) -> Endpoint:
        """The address that it is bound to."""
        return self._endpoint

    @property
    def unproven(self) -> int:
        """Callers that have not proven who they are."""
        return len(self._unproven)

    @property
    def links(self) -> tuple[Link, ...]:
        """All links that are open."""
        return tuple(self._links.values())

    async def close(self) -> None:
        """Stop accepting, close all links with `stopping` and wait for their handlers."""
        self._closing = True
        await self._accepting.cancel_all()
        self._socket.close()
        for caller in tuple(self._unproven.values()):
            caller.abort()
        async with asyncio.TaskGroup() as group:
            for link in self.links:
                group.create_task(link.close("stopping"), name="close")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.goodbye_s):
                await self._tasks.wait()
        await self._tasks.cancel_all()

    # --- accepting -------------------------------------------------------------------------------

    async def _accept(self) -> None:
        while True:
            await self._until_room()
            try:
                sock, address = await self._next()
            except OSError as error:
                if error.errno not in _CALLER_IS_GONE:
                    # No descriptors or no memory: the oldest makes room, and there is a pause.
                    log.warning("cannot accept: %s", error.strerror)
                    self._make_room(next(iter(self._unproven.values()), None))
                    await asyncio.sleep(_PAUSE_S)
                continue
            if not is_loopback(address[0]) and self._door.refuses(plain_address(address[0])):
                self.refused += 1
                sock.close()
                continue
            tune(sock)
            self._admit(sock, counting_key(address[0]))
            await asyncio.sleep(0)  # those who are here already have their turn

    async def _until_room(self) -> None:
        """Wait while all places are held by callers who are to be spared."""
        while len(self._unproven) >= self._limits.unproven and not self._first_to_go():
            self._place_left.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(HELLO_S):
                    await self._place_left.wait()

    def _first_to_go(self, key: str | None = None) -> _Caller | None:
        """The oldest, from one address or of all, who need not be spared."""
        now = asyncio.get_running_loop().time()
        grace_s = min(MAX_GRACE_S, max(GRACE_S, _GRACE * self._lately_s))
        of_key = (each for each in self._unproven.values() if key in {None, each.key})
        return next((each for each in of_key if each.may_go(now, grace_s)), None)

    async def _next(self) -> tuple[socket.socket, tuple[str, int]]:
        """The next caller, in the very step that returns it.

        A `sock_accept` that is cancelled when it has just been answered would lose the socket.
        """
        while True:
            try:
                sock, address = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                await _until_readable(self._socket)
                continue
            sock.setblocking(False)
            return sock, address

    def _admit(self, sock: socket.socket, key: str) -> None:
        same = [caller for caller in self._unproven.values() if caller.key == key]
        if len(same) >= self._limits.unproven_per_address:
            # Nobody of another address is made to wait for this one.
            self._make_room(self._first_to_go(key) or same[0])
        if len(self._unproven) >= self._limits.unproven:
            self._make_room(self._first_to_go() or next(iter(self._unproven.values())))
        gate = Gate(self._vet, self._clock, self._tunnel)
        now = asyncio.get_running_loop().time()
        caller = _Caller(next(self._numbers), key, sock, gate, now)
        self._unproven[caller.number] = caller
        self._tasks.spawn(self._serve(caller), name=f"caller {caller.number}")

    def _make_room(self, caller: _Caller | None) -> None:
        if caller is not None:
            self._leave_place(caller)
            # Without a link the handshake fails now, and is counted as one that did.
            self.refused += caller.link is not None
            caller.abort()

    def _leave_place(self, caller: _Caller) -> None:
        self._unproven.pop(caller.number, None)
        self._place_left.set()

    # --- one caller ------------------------------------------------------------------------------

    async def _serve(self, caller: _Caller) -> None:
        try:
            caller.link = await self._shake_hands(caller)
            if caller.link is not None:
                await self._hand_over(caller, caller.link)
        finally:
            self._leave_place(caller)

    async def _hand_over(self, caller: _Caller, link: Link) -> None:
        peer_id = link.peer_id
        self._links[caller.number] = link
        if peer_id is not None:
            self._leave_place(caller)
            took_s = caller.took_s(asyncio.get_running_loop().time())
            self._lately_s += _LATELY * (took_s - self._lately_s)
            self._peers[peer_id] += 1
            self._addresses[caller.key] += 1
        try:
            if not self._closing:
                await self._handle(link, caller.key)
        finally:
            del self._links[caller.number]
            if peer_id is not None:
                self._peers[peer_id] -= 1
                if not self._peers[peer_id]:
                    del self._peers[peer_id]
                self._addresses[caller.key] -= 1
                if not self._addresses[caller.key]:
                    del self._addresses[caller.key]
            await link.close("stopping" if self._closing else "done")

    async def _handle(self, link: Link, key: str) -> None:
        try:
            if self._too_many(link.peer_id):
                await link.close("too_many")
            elif most := self._crowded(link, key):
                self.refused += 1
                text = f"your address may hold {most} connections to the tracker"
                await link.close("too_many", text)
            else:
                await self._handler(link)
        except LinkClosed:
            pass
        except Exception:
            log.exception("the handler of %s failed", link.peer_id or link.remote.host)
            await link.close("internal")

    async def _shake_hands(self, caller: _Caller) -> Link | None:
        gate = caller.gate
        loop = asyncio.get_running_loop()
        call_from(caller.sock, caller.answered)
        try:
            await loop.connect_accepted_socket(
                lambda: gate,
                caller.sock,
                ssl=self._context,
                ssl_handshake_timeout=self._limits.handshake_s,
                ssl_shutdown_timeout=SHUTDOWN_S,
            )
            return None if gate.tunnel is not None else gate.result()
        except asyncio.CancelledError:
            gate.abandon(caller.sock)
            raise
        except (OSError, Refused, BadIdentity) as error:
            # Every scanner on the net comes by: a count, and details for who asks for them.
            self.refused += 1
            log.debug("caller %s refused: %s", caller.key, error)
            return None

    def _too_many(self, peer_id: PeerId | None) -> bool:
        if len(self._links) > self._limits.links:
            return True
        most = self._limits.per_peer
        return peer_id is not None and most is not None and self._peers[peer_id] > most

    def _crowded(self, link: Link, key: str) -> int | None:
        """The most links that this one's address may hold, when it holds more.

        Older links of the same member are not counted: this one is about to replace them (F61).
        """
        peer_id = link.peer_id
        if peer_id is None or is_loopback(link.remote.host):
            return None
        most = self._door.per_address(peer_id)
        held = self._addresses[key] - (self._peers[peer_id] - 1)
        return most if most is not None and held > most else None


async def _until_readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(sock, lambda: None if readable.done() else readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(sock)
