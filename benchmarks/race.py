"""Race: contestants take turns with the same payload, so that all meet the same machine.

The first round warms up files and connections and does not count. Everyone writes to the same
disk, to a file that is not there yet; it is compared with the payload and removed after the clock
stopped.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.payload import Payload, WrongCopy
from benchmarks.processes import Broken
from p2ptui.base.errors import P2PError
from p2ptui.base.text import format_rate

TURN_S = 300.0
"""Longest time for one transfer."""
REST_S = 0.5
"""Between two turns: the file system has to forget a large file."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a race is run with."""

    folder: Path
    """Empty, on the disk that is written to."""
    payload: Payload
    rounds: int
    tell: Callable[[str], None]
    """Hears how it goes."""


class Contestant(Protocol):
    """A program that can bring the payload from somewhere else."""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        ...

    async def take(self) -> Path:
        """Transfer the payload to a new file; returns when it is complete."""
        ...

    async def clear(self, copy: Path) -> None:
        """Remove the file, so that it can be taken again."""
        ...


@dataclass(frozen=True, slots=True)
class Standings:
    """How a race went, by the names of those who took part."""

    rates: dict[str, tuple[float, ...]]
    """Bytes per second, one a round, of those who came to the end."""
    broken: dict[str, str]
    """Why the others did not."""


async def race(contestants: Sequence[Contestant], grounds: Grounds) -> Standings:
    """Run all rounds; whoever fails once takes no further part."""
    rates: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    broken: dict[str, str] = {}
    for number in range(grounds.rounds + 1):
        shift = number % len(contestants)
        which = f"round {number} of {grounds.rounds}" if number else "warm-up"
        for contestant in (*contestants[shift:], *contestants[:shift]):
            name = contestant.name
            if name in broken:
                continue
            try:
                seconds = await _turn(contestant, grounds.payload)
            except Broken as problem:
                broken[name] = str(problem)
                del rates[name]
                continue
            rate_bps = grounds.payload.size / seconds
            grounds.tell(f"{which}: {name} {format_rate(rate_bps)}")
            if number:
                rates[name].append(rate_bps)
    return Standings({name: tuple(found) for name, found in rates.items()}, broken)


async def _turn(contestant: Contestant, payload: Payload) -> float:
    """Seconds that one transfer took."""
    try:
        async with asyncio.timeout(TURN_S):
            begin = time.perf_counter()
            copy = await contestant.take()
            seconds = time.perf_counter() - begin
            await asyncio.to_thread(payload.check, copy)
    except TimeoutError:
        raise Broken(f"it took longer than {TURN_S:g} s") from None
    except (WrongCopy, P2PError, OSError) as error:
        raise Broken(str(error)) from error
    await contestant.clear(copy)
    await asyncio.sleep(REST_S)
    return seconds
