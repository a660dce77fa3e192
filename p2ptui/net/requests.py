"""Requests: questions asked on one link, matched with their answers by number (PROTOCOL.md 3)."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, overload

from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation

A = TypeVar("A")

Answer = (
    m.Accepted
    | m.Calling
    | m.Checked
    | m.Failure
    | m.Have
    | m.Hits
    | m.Listing
    | m.Manifest
    | m.MemberPage
    | m.Noted
    | m.Operated
    | m.OwnerCounts
    | m.Pong
    | m.RelayTicket
    | m.Renewed
    | m.Sources
)
"""What answers something; other messages with an `id` are the other side's own requests."""


class RequestFailed(Exception):  # noqa: N818  (an answer, not always an error)
    """The other side could not meet a request. `place` is a place in a queue, from 1."""

    def __init__(self, code: m.FailureCode, text: str = "", place: int = 0) -> None:
        super().__init__(code, text, place)
        self.code: m.FailureCode = code
        self.text = text
        self.place = place

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" if self.text else self.code


class Requests:
    """Numbers requests on one link and hands each answer to whoever asked."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._pending: dict[int, asyncio.Future[Answer]] = {}
        self._last_id = 0
        self.dropped = 0
        """Answers to requests that nobody waits for (F31)."""

    def __len__(self) -> int:
        return len(self._pending)

    def next_id(self) -> int:
        """A number that no waiting request has; wraps around after 2^32."""
        while True:
            self._last_id = (self._last_id + 1) % 2**32
            if self._last_id not in self._pending:
                return self._last_id

    @overload
    async def ask(self, make: Callable[[int], object], timeout_s: float) -> object: ...

    @overload
    async def ask(self, make: Callable[[int], object], timeout_s: float, expect: type[A]) -> A: ...

    async def ask(
        self, make: Callable[[int], object], timeout_s: float, expect: type = object
    ) -> object:
        """Send the request that `make` builds around a number, and wait for its answer.

        Raises `RequestFailed` when the answer is a `Failure`, `LinkClosed` when the link ends,
        `TimeoutError` after `timeout_s` seconds, `ProtocolViolation` when the answer is of another
        kind than `expect`.
        """
        number = self.next_id()
        future = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        try:
            async with asyncio.timeout(timeout_s):
                await self._link.send(make(number))
                answer = await future
        finally:
            self._pending.pop(number, None)
            # The link may have failed both the sending and the future: one telling is enough.
            if future.done() and not future.cancelled():
                future.exception()
        if isinstance(answer, m.Failure):
            raise RequestFailed(answer.code, answer.text, answer.place)
        if not isinstance(answer, expect):
            raise ProtocolViolation("an answer of another kind than the request's")
        return answer

    def answer(self, message: object) -> bool:
        """Hand a received message to whoever waits for it; False when it is nobody's answer."""
        if not isinstance(message, Answer):
            return False
        future = self._pending.get(message.id)
        if future is None or future.done():
            self.dropped += 1
            return False
        future.set_result(message)
        return True

    def fail_all(self, error: Exception | None = None) -> None:
        """Raise `error`, by default `LinkClosed`, at all that wait: the link is over."""
        reason = error if error is not None else LinkClosed("done")
        for future in self._pending.values():
            if not future.done():
                future.set_exception(reason)
