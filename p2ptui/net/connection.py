"""Connection: the thin shell between a TLS transport and the wire protocol; implements `Link`.

What the shell adds to `WireProtocol` is time and room:

- at most `MAX_WAITING` messages wait for `receive`; then the transport is paused, and the bytes
  that came already stay unread. An engine that awaits a send inside its receiving loop can deadlock
  with another that does the same: receive in one task and send in others.
- data frames do not wait in that queue: they go to the sink as they come and may overtake messages.
- pings are answered here and never received; pongs are received. Silence ends the link (`idle`).
- after each data frame the sender waits for room. Who reads nothing for 30 s is cut off.

A TLS transport encrypts within `write`: the payload is not needed after that.
"""

import asyncio
import logging

from p2ptui.base.clock import Clock
from p2ptui.base.ids import PeerId
from p2ptui.net.deadlines import Deadline, Deadlines
from p2ptui.net.link import Buffer, DataSink, LinkClosed
from p2ptui.net.loss import link_lost
from p2ptui.net.throttle import Throttle, Throttles
from p2ptui.net.watch import Watch
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.net.wire.frames import DataFrame
from p2ptui.net.wire.messages import Endpoint, Goodbye, GoodbyeCode, Ping, Pong
from p2ptui.net.wire.protocol import Role, State, WireProtocol

MAX_WAITING = 64
"""Messages that wait for `receive` before reading is paused (F90)."""
HIGH_WATER_BYTES = 512 * 1024
"""Bytes in the send buffer from which on senders wait (PROTOCOL.md 7)."""
MAX_POSTED_BYTES = 4 * 1024 * 1024
"""Bytes in the send buffer at which `post` gives the link up."""
FRAME_PAYLOAD_BYTES = 256 * 1024
"""Payload of a data frame when no rate limit asks for less."""
CLOSE_S = 2.0
PEER_IDLE_S = 120.0
TRACKER_IDLE_S = 45.0
_MAX_OWED_PONGS = 16
_NO_LIMIT = Throttle()

log = logging.getLogger(__name__)


class Connection(asyncio.BufferedProtocol):
    """One authenticated connection. `open` it at once."""

    def __init__(self, role: Role, *, clock: Clock) -> None:
        self._clock = clock
        self._wire = WireProtocol(role)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._peer_id: PeerId | None = None
        self._remote: Endpoint | None = None
        is_peer = role is Role.PEER
        self._deadlines = Deadlines(
            clock.monotonic(),
            idle_s=PEER_IDLE_S if is_peer else TRACKER_IDLE_S,
            sending_counts=is_peer,
        )
        self._watch = Watch(
            self._deadlines, clock, refresh=self._note_stall, on_due=self._end_overdue
        )
        self._aborter: asyncio.TimerHandle | None = None
        self._sink: DataSink | None = None
        # Lists, although they are queues: short, nearly always empty, and a tenth of a deque.
        self._inbox: list[object] = []
        self._receiver: asyncio.Future[None] | None = None
        self._owed_pongs: list[int] = []
        self._reading = True
        self._held: asyncio.TimerHandle | None = None
        self._writable = True
        self._senders: list[asyncio.Future[None]] = []
        self._up: Throttles = _NO_LIMIT
        self._down: Throttles = _NO_LIMIT
        self._end: LinkClosed | None = None
        self._lost: asyncio.Future[None] = self._loop.create_future()

    def open(self, transport: asyncio.Transport, peer_id: PeerId | None, remote: Endpoint) -> None:
        """Begin the conversation: TLS is up, the other side is proven, nothing was read yet."""
        self._transport = transport
        self._peer_id = peer_id
        self._remote = remote
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self._arm()

    # --- what it is -----------------------------------------------------------------------------

    @property
    def peer_id(self) -> PeerId | None:
        """Proven id of the other side; None for a stranger."""
        return self._peer_id

    @property
    def remote(self) -> Endpoint:
        """Address of the other side's socket."""
        if self._remote is None:
            raise RuntimeError("the connection is not open yet")
        return self._remote

    @property
    def role(self) -> Role:
        """Which side of which kind of connection we are."""
        return self._wire.role

    @property
    def closed(self) -> bool:
        """Whether the connection is over."""
        return self._end is not None

    @property
    def under_way(self) -> DataFrame | None:
        """The data frame that is coming in, with the length that is here; None: there is none."""
        return self._wire.under_way

    def set_sink(self, sink: DataSink | None) -> None:
        """Say where data frames go; without a sink a data frame is a protocol violation."""
        self._sink = sink
        self._wire.sink = None if sink is None else sink.data_buffer

    def set_throttles(self, up: Throttles, down: Throttles) -> None:
        """Limit what is sent as payloads, and what is received in all."""
        self._up = up
        self._down = down

    def set_idle_timeout(self, seconds: float) -> None:
        """End the link after a silence of this length (120 s to a peer, 45 s to the tracker)."""
        self._deadlines.idle_s = seconds
        self._arm()

    # --- receiving ------------------------------------------------------------------------------

    async def receive(self) -> object:
        """The next message, in order. Raises `LinkClosed` at the end."""
        if self._receiver is not None:
            raise RuntimeError("somebody else receives from this link already")
        while not self._inbox:
            if self._end is not None:
                raise self._closing_error()
            self._receiver = self._loop.create_future()
            try:
                await self._receiver
            finally:
                self._receiver = None
        message = self._inbox.pop(0)
        if len(self._inbox) == MAX_WAITING // 2 and not self._reading:
            self._pump()
        return message

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  (asyncio's name)
        """Where the transport writes what comes in."""
        buffer = self._wire.get_buffer()
        grain = self._down.grain
        return buffer[:grain] if len(buffer) > grain else buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came in."""
        self._wire.received(nbytes)
        self._deadlines.heard(self._clock.monotonic())
        self._pump()
        hold_s = self._down.charge(nbytes)
        if hold_s > 0 and self._held is None and self._end is None:
            self._held = self._loop.call_later(hold_s, self._release)
            self._set_reading()

    def eof_received(self) -> None:
        """The other side sends no more; the transport closes itself."""

    def _release(self) -> None:
        """The rate limit lets more in, or else is asked again a little later."""
        self._held = None
        hold_s = self._down.charge(0)
        if hold_s > 0:
            self._held = self._loop.call_later(hold_s, self._release)
        else:
            self._set_reading()

    def _pump(self, room: int = MAX_WAITING) -> None:
        """Take apart what has come in, as far as there is room for messages."""
        try:
            while len(self._inbox) < room and (event := self._wire.next_event()) is not None:
                self._take(event)
        except Exception:  # the border of an engine's sink: it ends this link and no other
            log.exception("link to %s: a data sink failed", self._peer_id)
            self._say_goodbye("internal", "")
            return
        violation = self._wire.violation
        if violation is not None and self._end is None:
            log.info("link to %s: %s", self._peer_id, violation.reason)
            self._write(self._wire.take_farewell())
            self._finish(LinkClosed(violation.code, violation.reason))
            return
        if self._owed_pongs and self._writable:
            self._pay_pongs()
        number = self._wire.completed if self._wire.is_mid_frame else None
        self._deadlines.frame(number, self._clock.monotonic())
        self._set_reading()
        self._arm()

    def _take(self, event: object) -> None:
        match event:
            case DataFrame():
                if not event.dropped and self._sink is not None:
                    try:
                        self._sink.data_received(event.request_id, event.offset, event.length)
                    except ProtocolViolation as violation:
                        self._wire.fail(violation)
            case Ping():
                self._owed_pongs.append(event.id)
                del self._owed_pongs[:-_MAX_OWED_PONGS]
            case Goodbye():
                self._finish(LinkClosed(event.code, event.text, theirs=True, until=event.until))
            case _:
                self._inbox.append(event)
                self._wake_receiver()
        if self._wire.state is not State.GREETING:
            self._deadlines.greeted()

    def _wake_receiver(self) -> None:
        if self._receiver is not None and not self._receiver.done():
            self._receiver.set_result(None)

    def _set_reading(self) -> None:
        """Pause or resume the transport, as the queue and the rate limit have it."""
        transport = self._transport
        if transport is None or self._end is not None or transport.is_closing():
            return
        reading = len(self._inbox) < MAX_WAITING and self._held is None
        if reading == self._reading:
            return
        self._reading = reading
        if reading:
            self._deadlines.resume(self._clock.monotonic())
            transport.resume_reading()
        else:
            self._deadlines.hold(self._clock.monotonic())
            transport.pause_reading()

    # --- sending --------------------------------------------------------------------------------

    def post(self, message: object) -> None:
        """Send a message without waiting for room; does nothing on a closed link.

        A link whose other side reads nothing while messages pile up is aborted.
        """
        if self._end is not None:
            return
        greeted = self._wire.greeted
        self._write(self._wire.frame_message(message))
        if not greeted and self._owed_pongs:
            self._pay_pongs()
        assert self._transport is not None
        if self._transport.get_write_buffer_size() > MAX_POSTED_BYTES:
            self._drop("stalled", "the other side reads too slowly")

    async def send(self, message: object) -> None:
        """Send a message and wait for room in the send buffer. Raises `LinkClosed`."""
        self._check_open()
        self.post(message)
        await self._drain()

    async def send_data(self, request_id: int, offset: int, payload: Buffer) -> None:
        """Send a payload as data frames; waits for room after each. Raises `LinkClosed`."""
        view = memoryview(payload)
        begin = 0
        while begin < len(view):
            piece = view[begin : begin + min(self._up.grain, FRAME_PAYLOAD_BYTES)]
            await self._up.take(len(piece), self._peer_id)
            self._check_open()
            assert self._transport is not None
            header = self._wire.frame_data(request_id, offset + begin, len(piece))
            self._transport.writelines((header, piece))
            self._note_sent()
            begin += len(piece)
            if self._writable:
                # A fast taker never makes us wait: the loop's other work must have its turn.
                await asyncio.sleep(0)
            await self._drain()

    def pause_writing(self) -> None:
        """The send buffer is over its high-water mark."""
        self._writable = False
        self._note_sent()
        self._arm()

    def resume_writing(self) -> None:
        """There is room in the send buffer."""
        self._writable = True
        self._note_sent()
        self._pay_pongs()
        for sender in self._senders:
            if not sender.done():
                sender.set_result(None)

    async def _drain(self) -> None:
        while not self._writable and self._end is None:
            sender = self._loop.create_future()
            self._senders.append(sender)
            try:
                await sender
            finally:
                self._senders.remove(sender)
        self._check_open()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._lost.done():
            self._transport.write(data)
            self._note_sent()

    def _note_sent(self) -> None:
        if self._writable:
            self._deadlines.sent(self._clock.monotonic())
        else:
            self._note_stall()

    def _note_stall(self) -> None:
        if not self._writable and self._transport is not None:
            waiting = self._transport.get_write_buffer_size()
            self._deadlines.stall(waiting, self._clock.monotonic())

    def _pay_pongs(self) -> None:
        while self._owed_pongs and self._wire.greeted and self._end is None:
            self._write(self._wire.frame_message(Pong(self._owed_pongs.pop(0))))

    # --- ending ---------------------------------------------------------------------------------

    async def close(self, code: GoodbyeCode = "done", text: str = "", until: int = 0) -> None:
        """Say goodbye, flush for at most 2 s, then close. Never raises."""
        self._say_goodbye(code, text, until)
        self._inbox.clear()
        if self._transport is not None:
            await asyncio.shield(self._lost)

    def abort(self) -> None:
        """Close at once, unflushed."""
        self._drop("aborted", "")

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone, for whatever reason."""
        if self._end is None and self._transport is not None:
            # What is complete still counts: it may hold the goodbye that tells why.
            self._pump(room=1 << 30)
        self._watch.stop()
        for timer in (self._aborter, self._held):
            if timer is not None:
                timer.cancel()
        if not self._lost.done():
            self._lost.set_result(None)
        if self._end is None and self._transport is not None:
            self._finish(link_lost(exc))

    def _arm(self) -> None:
        if self._end is None:
            self._watch.arm()

    def _end_overdue(self, due: Deadline) -> None:
        if due.code == "stalled":
            self._drop("stalled", due.text)
        else:
            self._say_goodbye("idle", due.text)

    def _say_goodbye(self, code: GoodbyeCode, text: str, until: int = 0) -> None:
        if self._end is None:
            self._write(self._wire.frame_message(Goodbye(code, text[:1024], until)))
            self._finish(LinkClosed(code, text, until=until))

    def _drop(self, code: str, text: str) -> None:
        self._finish(LinkClosed(code, text))
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, end: LinkClosed) -> None:
        """The conversation is over: nothing more is read or sent; the transport flushes."""
        if self._end is not None:
            return
        self._end = end
        self._wire.close()
        self._wake_receiver()
        for sender in self._senders:
            if not sender.done():
                sender.set_result(None)
        transport = self._transport
        if transport is None or self._lost.done():
            return
        self._aborter = self._loop.call_later(CLOSE_S, transport.abort)
        transport.close()

    def _check_open(self) -> None:
        if self._end is not None:
            raise self._closing_error()

    def _closing_error(self) -> LinkClosed:
        assert self._end is not None
        end = self._end
        error = LinkClosed(end.code, end.text, theirs=end.theirs, until=end.until)
        error.__cause__ = self._end.__cause__
        return error
