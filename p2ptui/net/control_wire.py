"""Frames and envelopes of the control endpoint: `u32be length · MessagePack`. Pure.

Both sides belong to one user on one machine. Methods, arguments and results are those of an api's
`Protocol`; they travel inside the envelopes as raw MessagePack and are typed by `control_schema`.
"""

import struct

import msgspec
from msgspec import Raw, Struct

CONTROL_VERSION = 1
"""Raised when an envelope changes; both sides tell theirs in the greeting."""
MAX_FRAME = 16 * 1024 * 1024
LENGTH = struct.Struct("!I")


class Envelope(Struct, frozen=True):
    """Base of all that travels between a front-end and its engine."""


class Greeting(Envelope, frozen=True, tag="greeting"):
    """First words of both sides. `token` proves the right to a loopback TCP endpoint."""

    version: int
    software: str
    token: str = ""


class Request(Envelope, frozen=True, tag="request"):
    """Call a method; `args` is an array of its arguments."""

    id: int
    method: str
    args: Raw


class Cancel(Envelope, frozen=True, tag="cancel"):
    """The front-end no longer waits for this request."""

    id: int


class Answer(Envelope, frozen=True, tag="answer"):
    """The result of a request."""

    id: int
    result: Raw


class Refusal(Envelope, frozen=True, tag="refusal"):
    """A request failed: the parts of a `P2PError`."""

    id: int
    title: str
    message: str
    hint: str
    exit_code: int


class Item(Envelope, frozen=True, tag="item"):
    """The next item of a subscription."""

    id: int
    item: Raw


class End(Envelope, frozen=True, tag="end"):
    """A subscription has come to its end."""

    id: int


FromClient = Greeting | Request | Cancel
ToClient = Greeting | Answer | Refusal | Item | End

encode_value = msgspec.msgpack.Encoder().encode
_from_client: msgspec.msgpack.Decoder[FromClient] = msgspec.msgpack.Decoder(FromClient)
_to_client: msgspec.msgpack.Decoder[ToClient] = msgspec.msgpack.Decoder(ToClient)


class ControlViolation(Exception):  # noqa: N818  (the name of its kin on the wire)
    """The other side does not speak this protocol."""


def pack(envelope: Envelope) -> bytes:
    """A whole frame. Raises `ControlViolation` when it is longer than a frame may be."""
    body = encode_value(envelope)
    check_length(len(body))
    return LENGTH.pack(len(body)) + body


def check_length(length: int) -> None:
    """Refuse a length before anything is allocated for it. Raises `ControlViolation`."""
    if not 0 < length <= MAX_FRAME:
        raise ControlViolation(f"a frame of {length} bytes")


def unpack_from_client(body: bytes) -> FromClient:
    """What a front-end says. Raises `ControlViolation`."""
    try:
        return _from_client.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ControlViolation(str(error)) from error


def unpack_to_client(body: bytes) -> ToClient:
    """What the engine says. Raises `ControlViolation`."""
    try:
        return _to_client.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ControlViolation(str(error)) from error
