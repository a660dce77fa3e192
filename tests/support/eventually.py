"""Waiting for something to become true, on virtual time."""

import asyncio
from collections.abc import Callable

STEP_S = 0.05
PATIENCE_S = 900.0


async def eventually(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Let time pass until the condition holds; fails after `patience_s` virtual seconds."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + patience_s
    while not condition():
        assert loop.time() < give_up_at, "it never came to that"
        await asyncio.sleep(STEP_S)


async def stays(condition: Callable[[], object], seconds: float) -> None:
    """Let so much time pass and see that the condition holds all along."""
    loop = asyncio.get_running_loop()
    end_at = loop.time() + seconds
    while loop.time() < end_at:
        assert condition(), "it did not last"
        await asyncio.sleep(STEP_S)
