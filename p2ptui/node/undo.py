"""Undo: for a while, the last things that were done can be taken back, the latest first.

What was done is done at once for all to see; what cannot be taken back (deleting) waits for the
end of the while. A node that stops does not wait.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from p2ptui.base.errors import P2PError, not_found
from p2ptui.net.tasks import TaskSet

log = logging.getLogger(__name__)

UNDO_S = 30.0
"""How long something can be undone."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Something that was done."""

    revert: Callable[[], Awaitable[str]]
    """Takes it back; what to tell. Raises `P2PError`: then it can be tried again."""
    settle: Callable[[], Awaitable[None]]
    """Does what cannot be undone."""


class Undo:
    """What can be taken back now."""

    def __init__(self) -> None:
        self._steps: dict[Step, asyncio.Task[None]] = {}
        self._tasks = TaskSet()

    def add(self, step: Step) -> None:
        """This was done just now."""
        self._steps[step] = self._tasks.spawn(self._wait(step), name="undo")

    async def undo(self) -> str:
        """Take the latest back; what to tell. Raises not found when there is nothing."""
        if not self._steps:
            raise not_found(
                "Nothing to undo",
                f"Removals and cancelled downloads can be undone for {UNDO_S:.0f} s.",
            )
        step, waiting = self._steps.popitem()
        waiting.cancel()
        try:
            return await step.revert()
        except BaseException:
            self.add(step)
            raise

    async def close(self) -> None:
        """From now on nothing can be undone."""
        steps, self._steps = tuple(self._steps), {}
        await self._tasks.cancel_all()
        for step in steps:
            await _settle(step)

    async def _wait(self, step: Step) -> None:
        await asyncio.sleep(UNDO_S)
        del self._steps[step]
        await _settle(step)


async def _settle(step: Step) -> None:
    try:
        await step.settle()
    except P2PError as error:
        log.warning("what was removed is still on disk: %s", error)
