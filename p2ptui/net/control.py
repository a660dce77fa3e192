"""The control endpoint: an engine's api, served to front-ends on this machine.

Each connection may have many requests under way. A subscription is read no faster than its
front-end takes the items: the engine's own queue for it fills, and the engine says `Resync`. So a
front-end that does not read holds up its own connection and nobody else's.
"""

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, cast

from msgspec import Raw

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.control_schema import Method, Schema
from p2ptui.net.control_socket import (
    HAS_UNIX_SOCKETS,
    SEND_BUFFER,
    Endpoint,
    caller_is_us,
    drop,
    open_endpoint,
    read_frame,
    remove_endpoint,
    write_frame,
)
from p2ptui.net.control_wire import (
    CONTROL_VERSION,
    Answer,
    Cancel,
    ControlViolation,
    End,
    Envelope,
    FromClient,
    Greeting,
    Item,
    Refusal,
    Request,
    encode_value,
    unpack_from_client,
)

MAX_REQUESTS = 64
"""Requests under way on one connection; more wait in the socket."""
GREETING_S = 5.0
CLOSE_S = 1.0
log = logging.getLogger(__name__)


class ControlServer:
    """Serves one api object at one path.

    `on_front_ends` is told the number of subscribed front-ends whenever it changes.
    """

    def __init__(
        self,
        path: Path,
        api: object,
        protocol: type,
        *,
        software: str,
        on_front_ends: Callable[[int], None] | None = None,
        tcp: bool = not HAS_UNIX_SOCKETS,
    ) -> None:
        self._path = path
        self._api = api
        self._schema = Schema(protocol)
        self._software = software
        self._on_front_ends = on_front_ends
        self._tcp = tcp
        self._endpoint: Endpoint | None = None
        self._sessions: dict[asyncio.Task[None], _Session] = {}
        self._front_ends = 0

    @property
    def front_ends(self) -> int:
        """Subscribed front-ends."""
        return self._front_ends

    async def wait_idle(self) -> None:
        """Wait until no front-end is connected."""
        while self._sessions:
            await asyncio.wait(set(self._sessions))

    @property
    def busy(self) -> bool:
        """Whether a front-end is connected."""
        return bool(self._sessions)

    async def start(self) -> None:
        """Open the endpoint. Raises `P2PError` (storage)."""
        self._endpoint = await open_endpoint(self._path, self._serve, tcp=self._tcp)

    async def close(self) -> None:
        """Stop accepting, let what is under way go out for at most a second, then close all."""
        if self._endpoint is None:
            return
        self._endpoint.server.close()
        remove_endpoint(self._path)
        tasks = set(self._sessions)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*(session.settle() for session in self._sessions.values()))
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        session = _Session(self, reader, writer)
        self._sessions[task] = session
        try:
            await self._greet(reader, writer)
            await session.run()
        except (ControlViolation, ConnectionError, TimeoutError) as error:
            log.info("control connection closed: %s", error)
        except asyncio.CancelledError:
            pass  # this task is the connection's own: it ends here, with its server
        except Exception:
            log.exception("control connection failed")
        finally:
            with suppress(asyncio.CancelledError):  # the server ends while this one closes already
                await drop(writer)
            del self._sessions[task]

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not caller_is_us(writer):
            raise ControlViolation("a caller of another user")
        writer.transport.set_write_buffer_limits(high=SEND_BUFFER)
        await write_frame(writer, Greeting(CONTROL_VERSION, self._software))
        async with asyncio.timeout(GREETING_S):
            body = await read_frame(reader)
        greeting = unpack_from_client(body) if body is not None else None
        if not isinstance(greeting, Greeting):
            raise ControlViolation("no greeting")
        expected = self._endpoint.token if self._endpoint is not None else ""
        if not hmac.compare_digest(greeting.token.encode(), expected.encode()):
            raise ControlViolation("a wrong token")

    def subscribed(self, change: int) -> None:
        """A front-end subscribed (1) or is gone (-1)."""
        self._front_ends += change
        if self._on_front_ends is not None:
            self._on_front_ends(self._front_ends)

    def method(self, name: str) -> Method:
        """The api's method of that name. Raises `P2PError`."""
        return self._schema.method(name)

    def call(self, method: Method, arguments: tuple[object, ...]) -> Any:
        """What the api's method returns: a coroutine or an async iterator."""
        return method.call(self._api, arguments)


class _Session:
    """One connection: its requests under way, each a task of the session's group."""

    def __init__(
        self, server: ControlServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._room = asyncio.Semaphore(MAX_REQUESTS)
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until the front-end goes away."""
        async with asyncio.TaskGroup() as group:
            while (envelope := await self._next()) is not None:
                if isinstance(envelope, Request) and envelope.id not in self._running:
                    name = f"control {envelope.method}"
                    task = group.create_task(self._answer(envelope), name=name)
                    self._running[envelope.id] = task
                    continue
                self._room.release()
                if isinstance(envelope, Cancel) and envelope.id in self._running:
                    self._running[envelope.id].cancel()
            for task in self._running.values():
                task.cancel()

    async def _next(self) -> FromClient | None:
        """The next envelope once there is room for it; None at the end, or at nonsense."""
        await self._room.acquire()
        try:
            body = await read_frame(self._reader)
            return None if body is None else unpack_from_client(body)
        except ControlViolation as error:
            log.warning("a front-end does not speak our protocol: %s", error)
            return None

    async def settle(self) -> None:
        """Wait until nothing is under way and all is sent."""
        while self._running:
            await asyncio.wait(set(self._running.values()))
        with suppress(ConnectionError):
            self._writer.transport.set_write_buffer_limits(high=0)
            await self._writer.drain()

    async def _answer(self, request: Request) -> None:
        try:
            await self._send(await self._outcome(request))
        except ConnectionError:
            pass  # the reader of this connection finds out in its own time
        except ControlViolation as error:
            await self._send(_unexpected(request, error))
        finally:
            self._running.pop(request.id, None)
            self._room.release()

    async def _outcome(self, request: Request) -> Envelope:
        try:
            method = self._server.method(request.method)
            arguments = method.decode(request.args)
            called = self._server.call(method, arguments)
            if method.subscription:
                await self._pump(request.id, called)
                return End(request.id)
            return Answer(request.id, Raw(encode_value(await called)))
        except ConnectionError as error:
            if self._writer.is_closing():
                raise
            return _unexpected(request, error)
        except P2PError as error:
            return Refusal(request.id, error.title, error.message, error.hint, int(error.exit_code))
        except Exception as error:  # noqa: BLE001  (logged with its traceback, told to the caller)
            return _unexpected(request, error)

    async def _pump(self, request_id: int, items: AsyncIterator[object]) -> None:
        self._server.subscribed(1)
        try:
            async with aclosing(cast("Any", items)):
                async for item in items:
                    await self._send(Item(request_id, Raw(encode_value(item))))
        finally:
            self._server.subscribed(-1)

    async def _send(self, envelope: Envelope) -> None:
        await write_frame(self._writer, envelope)


def _unexpected(request: Request, error: Exception) -> Refusal:
    log.error("control request %r failed", request.method, exc_info=error)
    return Refusal(
        request.id,
        "Something unexpected went wrong",
        f"{type(error).__name__}: {error}",
        "The log file of the home has the details.",
        int(ExitCode.UNEXPECTED),
    )
