"""Race: several ways to the same end, begun one after the other; the first that gets there wins.

RFC 8305 (*happy eyeballs*) for connections: an address that does not answer costs a quarter of a
second, not a time-out, and nobody waits for a family of addresses that is broken.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.tasks import spawn

STAGGER_S = 0.25
"""How long an attempt is alone before the next one begins."""

T = TypeVar("T")


class _Failed(msgspec.Struct, frozen=True):
    error: P2PError


async def first_success(
    attempts: Sequence[Callable[[], Awaitable[T]]],
    *,
    stagger_s: float = STAGGER_S,
    discard: Callable[[T], None],
) -> T:
    """The outcome of the first attempt that succeeds; the others are cancelled.

    An attempt begins when the one before has failed or has had `stagger_s`. `discard` gets an
    outcome that came too late. Raises the `P2PError` that says most when all have failed.
    """
    waiting = deque(attempts)
    running: set[asyncio.Task[T | _Failed]] = set()
    errors: list[P2PError] = []
    try:
        while waiting or running:
            if waiting:
                running.add(spawn(_outcome(waiting.popleft()), name="race"))
            done, _ = await asyncio.wait(
                running,
                timeout=stagger_s if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                running.discard(task)
                outcome = task.result()
                if not isinstance(outcome, _Failed):
                    running |= done - {task}
                    return outcome
                errors.append(outcome.error)
    finally:
        await _call_off(running, discard)
    raise gravest(errors)


def gravest(errors: Sequence[P2PError]) -> P2PError:
    """One error for several: a security stop outweighs the rest, else all of them are told."""
    for error in errors:
        if error.exit_code is ExitCode.SECURITY:
            return error
    told = list(dict.fromkeys(error.message for error in errors if error.message))
    first = errors[0]
    hint = next((error.hint for error in errors if error.hint), "")
    return P2PError(first.title, "; ".join(told), hint, exit_code=first.exit_code)


async def _outcome(attempt: Callable[[], Awaitable[T]]) -> T | _Failed:
    """An attempt whose failure is a value: it is no surprise that is logged."""
    try:
        return await attempt()
    except P2PError as error:
        return _Failed(error)


async def _call_off(tasks: set[asyncio.Task[T | _Failed]], discard: Callable[[T], None]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if task.cancelled() or task.exception() is not None:
            continue
        outcome = task.result()
        if not isinstance(outcome, _Failed):
            discard(outcome)
