"""A few pages over HTTP for machines that watch the tracker: GET and HEAD, and nothing else.

Strict and bounded: one request a connection, a head of at most 8 KiB within 5 seconds, no body, 16
connections. On a loopback address only callers that name an address or localhost are answered: a
web page that points its own name at us (DNS rebinding) is not.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from p2ptui.base.addresses import format_address, is_address
from p2ptui.base.errors import P2PError, usage_error
from p2ptui.net.refusals import os_reason
from p2ptui.net.tasks import TaskSet

MAX_HEAD_BYTES = 8 * 1024
DEADLINE_S = 5.0
MAX_CONNECTIONS = 16
END_OF_HEAD = b"\r\n\r\n"
log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What a page says."""

    status: HTTPStatus
    kind: str
    """Content type."""
    body: bytes


Page = Callable[[], Awaitable[Answer]]


class _Refusal(Exception):  # noqa: N818  (an answer, not an error)
    """The request is answered with a status and a word."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class HttpServer:
    """Serves pages by their path. Made by `open`."""

    def __init__(self, pages: Mapping[str, Page], *, any_name: bool) -> None:
        """Use `open`."""
        self._pages = pages
        self._any_name = any_name
        self._tasks = TaskSet()
        self._server: asyncio.Server | None = None
        self.address = ""
        """`host:port` that it is bound to."""

    @classmethod
    async def open(
        cls, host: str, port: int, pages: Mapping[str, Page], *, any_name: bool = False
    ) -> "HttpServer":
        """Listen. `any_name`: callers may name any host. Raises a usage error."""
        server = cls(pages, any_name=any_name)
        try:
            listening = await asyncio.start_server(server._accept, host, port, limit=MAX_HEAD_BYTES)
        except OSError as error:
            raise usage_error(
                "Cannot listen for metrics",
                f"{format_address(host, port)}: {os_reason(error)}",
                "Name another address with --metrics or the setting tracker.metrics.",
            ) from None
        server._server = listening
        bound: tuple[str, int] = listening.sockets[0].getsockname()[:2]
        server.address = format_address(*bound)
        return server

    async def close(self) -> None:
        """End it and all that it is answering."""
        if self._server is not None:
            self._server.close()
        await self._tasks.cancel_all()

    # --- one connection -------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._tasks.spawn(self._serve(reader, writer), name="http")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._converse(reader, writer)
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError):
            pass  # nobody is there any more, or too slowly
        finally:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodiless = False
        try:
            method, path = self._parse(await _read_head(reader))
            bodiless = method == "HEAD"
            answer = await self._answer(path)
        except _Refusal as refusal:
            answer = _plain(refusal.status)
        except asyncio.IncompleteReadError:
            return
        writer.write(_encode(answer, bodiless=bodiless))
        await writer.drain()

    def _parse(self, head: bytes) -> tuple[str, str]:
        """Method and path of a request. Raises `_Refusal`."""
        try:
            first, *lines = head.removesuffix(END_OF_HEAD).decode("ascii").split("\r\n")
        except UnicodeDecodeError:
            raise _Refusal(HTTPStatus.BAD_REQUEST) from None
        words = first.split(" ")
        if len(words) != 3 or words[2] not in {"HTTP/1.0", "HTTP/1.1"}:
            raise _Refusal(HTTPStatus.BAD_REQUEST)
        fields = _fields(lines)
        if words[0] not in {"GET", "HEAD"}:
            raise _Refusal(HTTPStatus.METHOD_NOT_ALLOWED)
        if "transfer-encoding" in fields or fields.get("content-length", "0") != "0":
            raise _Refusal(HTTPStatus.BAD_REQUEST)
        if words[2] == "HTTP/1.1" and "host" not in fields:
            raise _Refusal(HTTPStatus.BAD_REQUEST)
        if not self._any_name and not _is_ours(fields.get("host", "localhost")):
            raise _Refusal(HTTPStatus.MISDIRECTED_REQUEST)
        return words[0], words[1].partition("?")[0]

    async def _answer(self, path: str) -> Answer:
        page = self._pages.get(path)
        if page is None:
            raise _Refusal(HTTPStatus.NOT_FOUND)
        try:
            return await page()
        except P2PError as error:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return Answer(status, "text/plain; charset=utf-8", f"{error}\n".encode())
        except Exception:
            log.exception("page %s", path)
            raise _Refusal(HTTPStatus.INTERNAL_SERVER_ERROR) from None


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(END_OF_HEAD)
    except asyncio.LimitOverrunError:
        raise _Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None


def _fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or not all(c.isalnum() or c in "-_" for c in name):
            raise _Refusal(HTTPStatus.BAD_REQUEST)
        # Twice the same field (two hosts, two lengths) is what smugglers send.
        if fields.setdefault(name.lower(), value.strip()) != value.strip():
            raise _Refusal(HTTPStatus.BAD_REQUEST)
    return fields


def _is_ours(host: str) -> bool:
    """Whether the name that a caller used can be meant for a loopback address."""
    if host.startswith("["):
        return is_address(host[1:].partition("]")[0])
    name = host.partition(":")[0]
    return name.lower() == "localhost" or is_address(name)


def _plain(status: HTTPStatus) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode())


def _encode(answer: Answer, *, bodiless: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.kind}",
        f"Content-Length: {len(answer.body)}",
        "Connection: close",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
    ]
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET, HEAD")
    head = "\r\n".join(lines).encode("ascii") + END_OF_HEAD
    return head if bodiless else head + answer.body
