"""The pages for machines: what is answered, what is refused, and in what bounds."""

import asyncio
import socket
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.net.tasks import spawn
from tests.support.fake_time import virtual_time
from tracker import http
from tracker.http import Answer, HttpServer


async def hello() -> Answer:
    return Answer(HTTPStatus.OK, "text/plain", b"hello\n")


async def gone() -> Answer:
    raise unreachable("The index fails", "disk full")


async def broken() -> Answer:
    raise RuntimeError("a bug")


PAGES = {"/hello": hello, "/gone": gone, "/broken": broken}


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    opened = await HttpServer.open("127.0.0.1", 0, PAGES)
    yield opened
    await opened.close()


async def say(server: HttpServer, data: bytes, *, end: bool = False) -> bytes:
    """All that is answered to these bytes."""
    host, _, port = server.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    if end:
        writer.write_eof()
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def request(line: str, *fields: str) -> bytes:
    return "\r\n".join([line, *fields, "", ""]).encode()


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 ")
    return int(answer.split(b" ", 2)[1])


async def test_a_page_is_answered_and_the_connection_closed(server: HttpServer) -> None:
    answer = await say(server, request("GET /hello?x=1 HTTP/1.1", "Host: localhost:9071"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (status_of(answer), body) == (200, b"hello\n")
    assert {b"Content-Length: 6", b"Connection: close"} <= set(head.split(b"\r\n"))


async def test_head_answers_without_the_body(server: HttpServer) -> None:
    answer = await say(server, request("HEAD /hello HTTP/1.1", "Host: 127.0.0.1"))
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 6" in answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("GET / HTTP/1.1", "Host: localhost"), 404),
        (request("GET /../hello HTTP/1.1", "Host: localhost"), 404),
        (request("GET //hello HTTP/1.1", "Host: localhost"), 404),
        (request("POST /hello HTTP/1.1", "Host: localhost"), 405),
        (request("OPTIONS * HTTP/1.1", "Host: localhost"), 405),
        (request("get /hello HTTP/1.1", "Host: localhost"), 405),
        (request("GET /hello HTTP/1.1"), 400),
        (request("GET /hello HTTP/2.0", "Host: localhost"), 400),
        (request("GET /hello"), 400),
        (request("GET  /hello HTTP/1.1", "Host: localhost"), 400),
        (request("GET /hello HTTP/1.1", "Host: localhost", "Content-Length: 5"), 400),
        (request("GET /hello HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"), 400),
        (request("GET /hello HTTP/1.1", "Host: localhost", "Host: 127.0.0.1"), 400),
        (request("GET /hello HTTP/1.1", "Host: localhost", "no colon"), 400),
        (request("GET /hello HTTP/1.1", "Host: localhost", " folded: x"), 400),
        ("GET /größe HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), 400),
        (request("GET /hello HTTP/1.1", "Host: evil.example"), 421),
        (request("GET /hello HTTP/1.1", "Host: localhost.evil.example:9071"), 421),
        (request("GET /hello HTTP/1.1", "Host: [::1]:9071"), 200),
        (request("GET /hello HTTP/1.0"), 200),
        (request("GET /hello HTTP/1.1", "Host: localhost", "X: " + "x" * 9000), 431),
        (request("GET /gone HTTP/1.1", "Host: localhost"), 503),
    ],
)
async def test_what_is_not_strictly_right_is_refused(
    server: HttpServer, data: bytes, status: int
) -> None:
    assert status_of(await say(server, data)) == status


async def test_a_bug_in_a_page_is_logged_and_not_shown(
    server: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await say(server, request("GET /broken HTTP/1.1", "Host: localhost"))
    assert status_of(answer) == 500
    assert b"a bug" not in answer
    assert "a bug" in caplog.text


async def test_half_a_request_gets_no_answer(server: HttpServer) -> None:
    assert await say(server, b"GET /hello HT", end=True) == b""


@virtual_time
async def test_a_caller_that_says_nothing_is_cut_off_in_time() -> None:
    server = await HttpServer.open("127.0.0.1", 0, PAGES)
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await say_all_of_nothing(server) == b""
    assert loop.time() - started <= http.DEADLINE_S + 1
    await server.close()


async def say_all_of_nothing(server: HttpServer) -> bytes:
    host, _, port = server.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_more_callers_than_there_is_room_for_are_turned_away(server: HttpServer) -> None:
    host, _, port = server.address.rpartition(":")
    idle = [await asyncio.open_connection(host, int(port)) for _ in range(http.MAX_CONNECTIONS)]
    async with asyncio.timeout(http.DEADLINE_S / 2):
        assert await say_all_of_nothing(server) == b""
    for _reader, each in idle:
        each.close()


async def test_the_end_does_not_wait_for_callers(server: HttpServer) -> None:
    waiting = spawn(say_all_of_nothing(server), name="idle caller")
    await asyncio.sleep(0.05)
    async with asyncio.timeout(2):
        await server.close()
        await waiting


async def test_a_port_in_use_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(P2PError) as caught:
        await HttpServer.open("127.0.0.1", taken.getsockname()[1], PAGES)
    assert caught.value.exit_code == ExitCode.USAGE
    assert "--metrics" in caught.value.hint


async def test_where_others_may_call_any_name_is_answered() -> None:
    server = await HttpServer.open("127.0.0.1", 0, PAGES, any_name=True)
    answer = await say(server, request("GET /hello HTTP/1.1", "Host: tracker.example:9071"))
    assert status_of(answer) == 200
    await server.close()
