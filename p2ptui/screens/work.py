"""Work for a worker that may be cancelled before it begins, as by a newer search."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any

Guard = Callable[[Coroutine[Any, Any, None]], Coroutine[Any, Any, None]]
"""Awaits a coroutine and tells what goes wrong."""


class Work(Awaitable[None]):
    """A coroutine under a guard."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], guard: Guard) -> None:
        self._coroutine = coroutine
        self._guard = guard

    def __await__(self) -> Generator[Any, Any, None]:
        return self._guard(self._coroutine).__await__()

    def drop(self) -> None:
        """Its worker was cancelled: close what it never began, of which Python would warn."""
        if getcoroutinestate(self._coroutine) == CORO_CREATED:
            self._coroutine.close()
