"""Codec: messages to bytes and back, with everything that msgspec lets pass (PROTOCOL.md 2).

msgspec checks types, bounds, unknown fields, trailing bytes and announced lengths before it
allocates. What is left is done here, in one place:

- it raises `UnicodeDecodeError` and `RecursionError` beside its own errors;
- it counts the length of a string in code points: names and queries are bounded in bytes;
- it lets NUL pass in strings, infinity in floats, and names that PROTOCOL.md 6 forbids;
- of duplicate keys the last one wins, which is deterministic and left so.

The checks for a message type are compiled from its annotations on first use.
"""

import math
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import msgspec

from p2ptui.base.names import check_wire_path
from p2ptui.net.wire import messages
from p2ptui.net.wire.errors import ProtocolViolation

Check = Callable[[Any], None]

_encoder = msgspec.msgpack.Encoder()


def encode(message: object) -> bytes:
    """The MessagePack body of a message."""
    return _encoder.encode(message)


class Decoder:
    """Decodes the messages of one closed union, and nothing else."""

    def __init__(self, union: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[object] = msgspec.msgpack.Decoder(union)

    def decode(self, body: bytes | bytearray | memoryview) -> object:
        """The message in a control frame's body. Raises `ProtocolViolation`."""
        try:
            message = self._decoder.decode(body)
        except msgspec.DecodeError as error:
            # Its text names fields and types and may quote a tag: told in ASCII only.
            raise ProtocolViolation(_plain(f"malformed message: {error}")) from error
        except UnicodeDecodeError as error:
            raise ProtocolViolation("malformed message: a text that is not UTF-8") from error
        except RecursionError as error:
            raise ProtocolViolation("malformed message: nested too deep") from error
        kind: Any = type(message)
        check = _message_check(kind)
        if check is not None:
            check(message)
        return message


@cache
def decoder_of(union: Any) -> Decoder:
    """The decoder of a union, made once."""
    return Decoder(union)


def decode(union: Any, body: bytes | bytearray | memoryview) -> object:
    """The message in `body`, which must be of the union. Raises `ProtocolViolation`."""
    return decoder_of(union).decode(body)


def _plain(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")[:200]


# --- what msgspec lets pass ----------------------------------------------------------------------


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ProtocolViolation("a text with NUL in it")


def _check_query(text: str) -> None:
    _check_text(text)
    if len(text.encode("utf-8")) > messages.MAX_QUERY_BYTES:
        raise ProtocolViolation(f"a query over {messages.MAX_QUERY_BYTES} bytes")


def _check_path(path: tuple[str, ...]) -> None:
    reason = check_wire_path(path)
    if reason:
        raise ProtocolViolation(f"a path with {reason}")


def _check_float(number: float) -> None:
    if not math.isfinite(number):
        raise ProtocolViolation("a number that is not finite")


@cache
def _message_check(kind: Any) -> Check | None:
    """What is left to check in a struct of this type, field by field; None when nothing is."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = [
        (name, check)
        for name in kind.__struct_fields__
        if (check := _compile(hints[name])) is not None
    ]
    if not fields:
        return None

    def check_fields(value: Any) -> None:
        for name, check in fields:
            check(getattr(value, name))

    return check_fields


def _compile(annotation: Any) -> Check | None:  # noqa: PLR0911  (one return for each kind of field)
    if annotation == messages.Path:
        return _check_path
    if annotation == messages.Query:
        return _check_query
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _compile(typing.get_args(annotation)[0])
    if origin is tuple:
        return _each(_compile(typing.get_args(annotation)[0]))
    if origin is types.UnionType or origin is typing.Union:
        return _optional(annotation)
    if isinstance(annotation, typing.NewType):
        return _compile(annotation.__supertype__)
    if annotation is str:
        return _check_text
    if annotation is float:
        return _check_float
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return _message_check(annotation)
    return None


def _each(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_each(values: tuple[Any, ...]) -> None:
        for value in values:
            check(value)

    return check_each


def _optional(annotation: Any) -> Check | None:
    checks = [_compile(arm) for arm in typing.get_args(annotation) if arm is not types.NoneType]
    if len(checks) > 1:
        raise TypeError(f"a field of several types has no check: {annotation}")
    check = checks[0]
    if check is None:
        return None

    def check_present(value: Any) -> None:
        if value is not None:
            check(value)

    return check_present
