"""Tasks: each has a name, an owner and somebody who hears of its failure.

`asyncio.create_task` is a trap twice over: the loop keeps only a weak reference, and an exception
is told when the task is collected, if ever. So it is wrapped here once, and banned by the linter.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

_running: set[asyncio.Task[Any]] = set()
"""Strong references; the loop's own are weak."""


def spawn(coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Start a task that is kept alive and whose unexpected end is logged with a traceback."""
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task %s failed", task.get_name(), exc_info=error)


class TaskSet:
    """The tasks of one owner, ended together with it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Start a task that this owner answers for."""
        task = spawn(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait(self) -> None:
        """Wait until all have ended, those started meanwhile too; their errors are not raised."""
        while others := self._others():
            await asyncio.wait(others)

    async def cancel_all(self) -> None:
        """Cancel all and wait until they have ended; the task that calls this is spared."""
        for task in self._others():
            task.cancel()
        await self.wait()

    def _others(self) -> set[asyncio.Task[Any]]:
        return self._tasks - {asyncio.current_task()}
