"""What a setting takes: the kinds of values, and their way from TOML, environment and flags.

A text is read as a person writes it (`20 MB/s`, `5m`, `yes`); a TOML number or boolean is taken as
it is. The bounds of a field are those of its `Meta`.
"""

import types
import typing
from typing import Annotated, Any

import msgspec

from p2ptui.base.addresses import parse_address
from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.schedule import parse_schedule
from p2ptui.base.text import display, elide_middle, parse_duration, parse_rate, parse_size

Rate = Annotated[int | None, "rate"]
"""Bytes per second; None: no limit."""
Bytes = Annotated[int, "bytes"]
"""A number of bytes."""
Duration = Annotated[float, "duration"]
"""A number of seconds."""
Schedule = Annotated[str, "schedule"]
"""Times of the week (`p2ptui.base.schedule`)."""
ListenAddress = Annotated[str, "listen"]
"""`host:port` to listen on; `:port` is all addresses, empty a default."""

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_MAX_BYTES = 2**63 - 1
_MAX_TEXT = 4096


def parse_value(kind: Any, value: object, origin: str) -> Any:
    """The value of a setting whose field has the type `kind`.

    Raises a usage error that begins with `origin`: where the value was written, and its key.
    """
    try:
        if isinstance(value, str):
            _check_text(value)
            value = _from_text(kind, value)
        return _checked(kind, value)
    except P2PError as error:
        raise usage_error("Settings are wrong", f"{origin}: {error}", error.hint) from error
    except msgspec.ValidationError as error:
        raise usage_error(
            "Settings are wrong",
            f"{origin}: {_plain(str(error))}, got {elide_middle(display(repr(value)), 60)}",
            "",
        ) from error


def _check_text(text: str) -> None:
    if len(text) > _MAX_TEXT:
        raise usage_error("Too long a text", f"{len(text)} characters")
    if "\0" in text:
        raise usage_error("A NUL in a text")


def _from_text(kind: Any, text: str) -> object:
    mark = mark_of(kind)
    if mark == "rate":
        return parse_rate(text)
    if mark == "bytes":
        return parse_size(text)
    if mark == "duration":
        return parse_duration(text)
    if mark == "schedule":
        parse_schedule(text)
    if mark == "listen" and text:
        parse_address(f"host{text}" if text.startswith(":") else text, default_port=0)
    plain = _plain_type(kind)
    if plain is bool:
        lowered = text.strip().lower()
        if lowered in _TRUE | _FALSE:
            return lowered in _TRUE
        raise usage_error("Neither yes nor no", repr(elide_middle(display(text), 40)))
    if plain in {int, float}:
        try:
            return plain(text)
        except ValueError:
            raise usage_error("Not a number", repr(elide_middle(display(text), 40))) from None
    return text


def _checked(kind: Any, value: object) -> Any:
    if isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, str):
                _check_text(item)
    checked = msgspec.convert(value, kind)
    mark = mark_of(kind)
    if mark == "rate" and checked is not None and not 0 < checked <= _MAX_BYTES:
        raise usage_error("Not a rate", str(checked), "Write off for no limit.")
    if mark in {"bytes", "duration"} and not 0 <= checked <= _MAX_BYTES:
        raise usage_error("Out of range", str(checked))
    return checked


def mark_of(kind: Any) -> str:
    """The word in the `Annotated` of this module's kinds: `rate`, `bytes`, …; empty for others."""
    metadata = getattr(kind, "__metadata__", ())
    return next((item for item in metadata if isinstance(item, str)), "")


def _plain_type(kind: Any) -> Any:
    if isinstance(kind, types.GenericAlias):
        return typing.get_origin(kind)
    return typing.get_args(kind)[0] if typing.get_origin(kind) is Annotated else kind


def _plain(reason: str) -> str:
    """Words of msgspec in words of people."""
    words = {
        "`str`": "a text", "`int`": "a whole number", "`bool`": "true or false",
        "`float`": "a number", "`array`": "a list", "`object`": "a table", "`null`": "nothing",
    }  # fmt: skip
    for theirs, ours in words.items():
        reason = reason.replace(theirs, ours)
    return reason[:1].lower() + reason[1:]
