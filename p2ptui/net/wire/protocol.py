"""Protocol: what may be said when, on one connection. Bytes in, events out (PROTOCOL.md 2, 3, 7).

A connection has three states. In GREETING only the other side's greeting is let in, within a small
limit, or a refusal instead of it. In OPEN everything of the direction's union is, but no second
greeting. In CLOSED nothing more is read. `_RULES` is the whole table: a row for each role that we
may have.

The contract: `get_buffer`, fill it, `received`, then `next_event` until it is None. None of them
raises for what the other side sent: the error is kept in `violation`, a goodbye for it is left for
`take_farewell`, and from then on the protocol swallows all bytes in silence.
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import decoder_of, encode
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.net.wire.frames import (
    MAX_CONTROL_BYTES,
    MAX_PAYLOAD_BYTES,
    ControlFrame,
    DataFrame,
    FrameReader,
    FrameType,
    control_frame,
    data_header,
)

KIB = 1024


class Role(Enum):
    """Which side of which kind of connection we are."""

    TRACKER_STRANGER = auto()
    """We are the tracker, the other side has no certificate."""
    STRANGER = auto()
    """We have no certificate, the other side is the tracker."""
    TRACKER_MEMBER = auto()
    """We are the tracker, the other side is a member."""
    MEMBER = auto()
    """We are a member, the other side is the tracker."""
    PEER = auto()
    """Both are members."""


class State(Enum):
    """How far a connection has come."""

    GREETING = auto()
    OPEN = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Rules:
    """What may come in and go out in one role. Sizes in bytes."""

    incoming: Any
    greeting: type
    """The first message that comes in, which comes once."""
    greeting_bytes: int
    """Largest control body while the greeting is awaited."""
    open_bytes: int
    """Largest control body afterwards."""
    outgoing: Any
    our_greeting: type
    """The first message that goes out."""
    data: bool
    """Whether data frames may go in both directions."""
    scratch_bytes: int
    """A TLS record where payloads come in; heartbeats where many connections are idle."""


_RULES = {
    #                    incoming       greeting      its limit  the limit  outgoing
    Role.TRACKER_STRANGER: Rules(
        m.FromStranger, m.Join, 16 * KIB, 4 * KIB, m.ToStranger, m.Challenge, False, 4 * KIB
    ),
    Role.STRANGER: Rules(
        m.ToStranger, m.Challenge, 16 * KIB, 16 * KIB, m.FromStranger, m.Join, False, 4 * KIB
    ),
    Role.TRACKER_MEMBER: Rules(
        m.FromMember, m.Hello, 4 * KIB, MAX_CONTROL_BYTES, m.ToMember, m.Welcome, False, KIB // 2
    ),
    Role.MEMBER: Rules(
        m.ToMember, m.Welcome, 16 * KIB, MAX_CONTROL_BYTES, m.FromMember, m.Hello, False, 4 * KIB
    ),
    Role.PEER: Rules(
        m.BetweenPeers, m.PeerHello, 4 * KIB, MAX_CONTROL_BYTES, m.BetweenPeers, m.PeerHello, True,
        16 * KIB,
    ),
}  # fmt: skip
_REFUSALS = (m.Failure, m.Goodbye)
"""What may stand in place of a greeting."""

_DECODERS = {role: decoder_of(rules.incoming) for role, rules in _RULES.items()}
_OUTGOING = {role: frozenset(typing.get_args(rules.outgoing)) for role, rules in _RULES.items()}

_WASTE = memoryview(bytearray(64 * KIB))
"""Where closed connections write what nobody reads."""

Event = object
"""A message, or a `DataFrame` whose payload lies in its buffer."""
Sink = Callable[[int, int, int], memoryview | None]
"""Asked with request id, offset and length where a payload goes; None throws it away."""


class WireProtocol:
    """One connection's conversation. `sink` is asked for the buffers of data frames.

    Without a sink a data frame is a violation.
    """

    __slots__ = (
        "_decoder", "_farewell", "_outgoing", "_reader", "_rules", "greeted", "role", "sink",
        "state", "violation",
    )  # fmt: skip

    def __init__(self, role: Role, sink: Sink | None = None) -> None:
        self.role = role
        self._rules = rules = _RULES[role]
        self._decoder = _DECODERS[role]
        self._outgoing = _OUTGOING[role]
        self._reader = FrameReader(self._admit, self._place, scratch_bytes=rules.scratch_bytes)
        self._farewell = b""
        self.sink = sink
        self.state = State.GREETING
        self.greeted = False
        """Whether our own greeting was sent."""
        self.violation: ProtocolViolation | None = None
        """What the other side did wrong."""

    # --- in -----------------------------------------------------------------------------------

    @property
    def is_mid_frame(self) -> bool:
        """Whether a frame has begun and is not complete."""
        return self.state is not State.CLOSED and self._reader.is_mid_frame

    @property
    def under_way(self) -> DataFrame | None:
        """The data frame that is coming in, with the length that is here; None: there is none."""
        return None if self.state is State.CLOSED else self._reader.under_way

    @property
    def completed(self) -> int:
        """Number of frames that were taken apart."""
        return self._reader.completed

    def get_buffer(self) -> memoryview:
        """Where the next bytes are to be written."""
        if self.state is State.CLOSED:
            return _WASTE
        return self._reader.get_buffer()

    def received(self, count: int) -> None:
        """That many bytes were written into the buffer."""
        if self.state is not State.CLOSED:
            self._reader.received(count)

    def next_event(self) -> Event | None:
        """The next message or data frame; None when more bytes are needed or all is over."""
        if self.state is State.CLOSED:
            return None
        try:
            frame = self._reader.next_frame()
            if not isinstance(frame, ControlFrame):
                return frame
            return self._accept(self._decoder.decode(frame.body))
        except ProtocolViolation as violation:
            self.fail(violation)
            return None

    def fail(self, violation: ProtocolViolation) -> None:
        """End the conversation for what the other side did; the first reason stands."""
        if self.state is State.CLOSED:
            return
        self.violation = violation
        self._farewell = control_frame(encode(m.Goodbye(violation.code, violation.reason[:1024])))
        self.state = State.CLOSED

    def close(self) -> None:
        """End the conversation: read nothing more."""
        self.state = State.CLOSED

    def _accept(self, message: object) -> object:
        if isinstance(message, m.Goodbye):
            self.state = State.CLOSED
        elif self.state is State.GREETING:
            if isinstance(message, self._rules.greeting):
                self.state = State.OPEN
            elif not isinstance(message, _REFUSALS):
                raise ProtocolViolation(f"{_name(type(message))} before a greeting")
        elif isinstance(message, self._rules.greeting):
            raise ProtocolViolation("a second greeting")
        return message

    def _admit(self, kind: FrameType, size: int) -> None:
        if kind is FrameType.CONTROL:
            greeting = self.state is State.GREETING
            limit = self._rules.greeting_bytes if greeting else self._rules.open_bytes
            if size > limit:
                raise ProtocolViolation(f"a message over {limit} bytes")
            return
        if self.state is State.GREETING:
            raise ProtocolViolation("data before a greeting")
        if not self._rules.data or self.sink is None:
            raise ProtocolViolation("data that nobody asked for")
        if size > MAX_PAYLOAD_BYTES:
            raise ProtocolViolation(f"a payload over {MAX_PAYLOAD_BYTES} bytes")

    def _place(self, request_id: int, offset: int, length: int) -> memoryview | None:
        # A sink may be taken away while a header comes in: then there is no place for the payload.
        return None if self.sink is None else self.sink(request_id, offset, length)

    # --- out ----------------------------------------------------------------------------------

    def frame_message(self, message: object) -> bytes:
        """The bytes of a message. One that we may not send now is a mistake of ours: TypeError."""
        kind = type(message)
        if kind not in self._outgoing:
            raise TypeError(f"{_name(kind)} is not sent as {self.role.name}")
        if not self.greeted:
            if kind is self._rules.our_greeting:
                self.greeted = True
            elif kind not in _REFUSALS:
                raise TypeError(f"{_name(kind)} before our greeting")
        return control_frame(encode(message))

    def frame_data(self, request_id: int, offset: int, length: int) -> bytes:
        """The header of a data frame, to be followed by its payload; TypeError as above."""
        if not self._rules.data or not self.greeted:
            raise TypeError(f"data is not sent as {self.role.name}, nor before our greeting")
        return data_header(request_id, offset, length)

    def take_farewell(self) -> bytes:
        """The goodbye that a violation left to be sent; empty when none, and afterwards."""
        farewell, self._farewell = self._farewell, b""
        return farewell


def _name(kind: type) -> str:
    tag = getattr(getattr(kind, "__struct_config__", None), "tag", None)
    return str(tag or kind.__name__)
