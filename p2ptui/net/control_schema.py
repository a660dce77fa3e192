"""What may be called over the control endpoint: read off an api's `Protocol`. Pure.

A coroutine method is a request; a method that returns an `AsyncIterator` is a subscription. The
decoders are built once, from the type hints, so that every argument is checked before the call.
"""

import collections.abc
import inspect
import typing
from dataclasses import dataclass
from typing import Any

import msgspec

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.net.control_wire import encode_value


@dataclass(frozen=True)
class Method:
    """One method of an api."""

    name: str
    arguments: msgspec.msgpack.Decoder[tuple[Any, ...]]
    subscription: bool
    named: tuple[str, ...] = ()
    """The last arguments, when they can be given by name alone; they travel by place all the same.
    """

    def call(self, api: object, arguments: tuple[object, ...]) -> Any:
        """What the api's method returns: a coroutine or an async iterator."""
        places = len(arguments) - len(self.named)
        named = dict(zip(self.named, arguments[places:], strict=True))
        return getattr(api, self.name)(*arguments[:places], **named)

    def decode(self, raw: msgspec.Raw) -> tuple[Any, ...]:
        """The typed arguments. Raises `P2PError` (usage) when they do not fit."""
        try:
            return self.arguments.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise usage_error(
                f"Wrong arguments for '{self.name}'",
                str(error),
                "Front-end and node may be of different versions: stop both and start again.",
            ) from error


class Schema:
    """The methods of one api."""

    def __init__(self, protocol: type) -> None:
        self._methods = {
            name: _read(name, function)
            for name, function in inspect.getmembers(protocol, inspect.isfunction)
            if not name.startswith("_")
        }

    def __iter__(self) -> collections.abc.Iterator[Method]:
        return iter(self._methods.values())

    def method(self, name: str) -> Method:
        """The method of that name. Raises `P2PError` (usage)."""
        try:
            return self._methods[name]
        except KeyError:
            raise P2PError(
                "Not understood",
                f"There is no method '{name}' here.",
                "Front-end and node may be of different versions: stop both and start again.",
            ) from None


def _read(name: str, function: collections.abc.Callable[..., object]) -> Method:
    hints = typing.get_type_hints(function, include_extras=True)
    result = hints.pop("return")
    subscription = typing.get_origin(result) is collections.abc.AsyncIterator
    # tuple[()] when there are none: an empty array and nothing else.
    arguments: Any = tuple[tuple(hints.values())]  # type: ignore[misc]  # built at run time
    named = tuple(
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    )
    return Method(name, msgspec.msgpack.Decoder(arguments), subscription, named)


def encode_arguments(arguments: tuple[object, ...]) -> msgspec.Raw:
    """The arguments as they travel."""
    return msgspec.Raw(encode_value(arguments))
