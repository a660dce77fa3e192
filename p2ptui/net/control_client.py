"""The front-end's side of the control endpoint.

Requests share one connection. Each subscription has a connection of its own: a front-end that is
slow to take events still gets its answers at once.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Hashable
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import msgspec

from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.net.control_schema import encode_arguments
from p2ptui.net.control_socket import dial_endpoint, drop, read_frame, write_frame
from p2ptui.net.control_wire import (
    CONTROL_VERSION,
    Answer,
    Cancel,
    ControlViolation,
    End,
    Envelope,
    Greeting,
    Item,
    Refusal,
    Request,
    ToClient,
    pack,
    unpack_to_client,
)
from p2ptui.net.tasks import spawn

GREETING_S = 5.0
T = TypeVar("T")
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ControlClient:
    """A connection to a running engine. `what` names it in messages: "node" or "tracker"."""

    def __init__(self, path: Path, streams: _Streams, what: str, software: str) -> None:
        self._path = path
        self._reader, self._writer = streams
        self._what = what
        self._software = software
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._reading = spawn(self._read(), name=f"control client of the {what}")

    @property
    def software(self) -> str:
        """Version of the running engine."""
        return self._software

    @classmethod
    async def connect(cls, path: Path, *, what: str = "node") -> Self | None:
        """A client, or None when nothing runs at that path. Raises `P2PError` when it hangs."""
        dialled = await _dial(path, what)
        return None if dialled is None else cls(path, dialled[0], what, dialled[1])

    async def call(self, result: type[T], method: str, *arguments: object) -> T:
        """Call a method and wait for its result. Raises the api's `P2PError`."""
        if self._reading.done():
            raise self._gone()
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await write_frame(self._writer, Request(number, method, encode_arguments(arguments)))
            raw = await answer
        except ConnectionError as error:
            raise self._gone() from error
        except asyncio.CancelledError:
            self._post(Cancel(number))
            raise
        finally:
            self._waiting.pop(number, None)
        return _decode(result, raw)

    async def feed(self, item: Any, method: str, *arguments: object) -> AsyncIterator[Any]:
        """Items of a subscription, in order, until the engine ends it.

        Raises `P2PError` when the engine is gone without an end.
        """
        dialled = await _dial(self._path, self._what)
        if dialled is None:
            raise self._gone()
        (reader, writer), _ = dialled
        try:
            await write_frame(writer, Request(0, method, encode_arguments(arguments)))
            while True:
                match await _next(reader):
                    case Item(item=raw):
                        yield _decode(item, raw)
                    case Refusal() as refusal:
                        raise _error(refusal)
                    case End():
                        return
                    case None:
                        raise self._gone()
        except ConnectionError as error:
            raise self._gone() from error
        finally:
            await drop(writer)

    async def close(self) -> None:
        """Close the connection; requests under way fail."""
        self._reading.cancel()
        await asyncio.wait({self._reading})
        await drop(self._writer)

    def _post(self, envelope: Envelope) -> None:
        if not self._writer.is_closing():
            self._writer.write(pack(envelope))

    async def _read(self) -> None:
        try:
            while (envelope := await _next(self._reader)) is not None:
                if isinstance(envelope, Answer | Refusal):
                    self._resolve(envelope)
        except ControlViolation:
            pass  # as good as gone
        finally:
            self._writer.transport.abort()
            for waiter in self._waiting.values():
                if not waiter.done():
                    waiter.set_exception(self._gone())

    def _resolve(self, envelope: Answer | Refusal) -> None:
        waiter = self._waiting.get(envelope.id)
        if waiter is None or waiter.done():
            return
        if isinstance(envelope, Refusal):
            waiter.set_exception(_error(envelope))
        else:
            waiter.set_result(envelope.result)

    def _gone(self) -> P2PError:
        return unreachable(
            f"The {self._what} is gone",
            "It stopped, or its process was ended, before it could answer.",
            "Start it again; its log file says more.",
        )


async def _dial(path: Path, what: str) -> tuple[_Streams, str] | None:
    dialled = await dial_endpoint(path)
    if dialled is None:
        return None
    reader, writer, token = dialled
    try:
        async with asyncio.timeout(GREETING_S):
            await write_frame(writer, Greeting(CONTROL_VERSION, "", token))
            greeting = await _next(reader)
    except (ConnectionError, ControlViolation):
        greeting = None
    except TimeoutError as error:
        await drop(writer)
        raise unreachable(
            f"The {what} does not answer",
            f"A process holds {path} but says nothing.",
            "Wait a moment and try again; if it hangs, end that process.",
        ) from error
    if not isinstance(greeting, Greeting):
        await drop(writer)
        return None
    if greeting.version != CONTROL_VERSION:
        await drop(writer)
        raise P2PError(
            f"The running {what} is of another version",
            f"It is p2ptui {greeting.software}, which this program cannot talk to.",
            f"Stop it with the program that started it, then start the {what} again.",
        )
    return (reader, writer), greeting.software


async def _next(reader: asyncio.StreamReader) -> ToClient | None:
    body = await read_frame(reader)
    return None if body is None else unpack_to_client(body)


def _error(refusal: Refusal) -> P2PError:
    return P2PError(
        refusal.title,
        refusal.message,
        refusal.hint,
        exit_code=ExitCode(refusal.exit_code),
    )


@cache
def _decoder(kind: Hashable) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(cast("Any", kind))


def _decode(kind: type[T], raw: msgspec.Raw) -> T:
    try:
        decoded: T = _decoder(cast("Hashable", kind)).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise P2PError(
            "An answer was not understood",
            str(error),
            "The running process may be of another version: stop it and start it again.",
        ) from error
    return decoded
