"""A front-end's feed: events in order, and the sections of a snapshot when they changed.

Engines publish on a bus and hold sections as values; this joins the two for one follower. A section
is compared by value: an unchanged one is not sent. Events never wait for the interval.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TypeVar

from p2ptui.base.bus import Bus
from p2ptui.base.errors import P2PError

T = TypeVar("T")

MIN_INTERVAL_S = 0.2
"""Sections are sent at most five times a second (ARCHITECTURE.md, how state travels)."""

Reader = Callable[[], Awaitable[object]]


async def follow(
    bus: Bus[T],
    sections: Mapping[str, Reader],
    interval_s: float,
    *,
    section: Callable[[str, object], T],
    resync: Callable[[int], T],
    last: Callable[[T], bool],
) -> AsyncGenerator[T, None]:
    """All sections first, then events as they happen and sections when they changed.

    A section that cannot be read now (`P2PError`) is tried again with the next round.
    `section` and `resync` make the items that are not events; the feed ends after an event for
    which `last` is true. Close the generator (`aclose`) to stop following early.
    """
    loop = asyncio.get_running_loop()
    interval_s = max(interval_s, MIN_INTERVAL_S)
    ready = asyncio.Event()
    subscription = bus.subscribe(wake=ready.set)
    sent: dict[str, object] = {}
    due = loop.time()
    try:
        while True:
            if sections and loop.time() >= due:
                for name, read in sections.items():
                    try:
                        value = await read()
                    except P2PError:
                        continue  # an engine that starts or stops has no picture of itself
                    if name not in sent or sent[name] != value:
                        sent[name] = value
                        yield section(name, value)
                due = loop.time() + interval_s
            ready.clear()
            events, dropped = subscription.drain()
            if dropped:
                # The follower's picture is stale: it gets the sections anew with the next round.
                sent.clear()
                due = loop.time()
                yield resync(dropped)
            for event in events:
                yield event
                if last(event):
                    return
            try:
                async with asyncio.timeout_at(due if sections else None):
                    await ready.wait()
            except TimeoutError:
                pass
    finally:
        subscription.close()
