"""T4 and T5: capped sources for one taker, and one capped publisher for a room of takers."""

import asyncio
import time

from benchmarks.cases.case import Findings, Wishes
from benchmarks.payload import Payload, make_payload
from benchmarks.processes import Broken
from benchmarks.rivals.members import UP_LIMIT, Members, Node, open_members
from benchmarks.table import Fraction
from p2ptui.base.text import format_bytes, format_rate

CAP_BPS = 20_000_000
CAPPED = {UP_LIMIT: f"{CAP_BPS // 1_000_000} MB/s"}
SOURCES = (1, 2, 4, 8)
LEAST_OF_SUM = 0.95
SECONDS_A_TRANSFER = 10
"""A transfer takes about this long: a limit lets a little more pass at first."""
TAKERS = 12
ROOM_BYTES = 256 << 20
MOST_COPIES = 1.3
MOST_TIME = 1.6
TURN_S = 300.0


async def capped_sources(wishes: Wishes, findings: Findings) -> None:
    """T4."""
    for count in SOURCES:
        size = min(wishes.size, count * CAP_BPS * SECONDS_A_TRANSFER)
        folder = wishes.folder / f"T4-{count}"
        payload = make_payload(folder / "offered", size)
        fractions = []
        async with open_members(folder / "p2ptui") as members:
            for number in range(count):
                await members.node(f"seed{number}", share=payload.path.parent, settings=CAPPED)
            taker = await members.node("taker")
            await taker.offered(count)
            for number in range(wishes.rounds):
                seconds = await _take(taker, payload)
                fractions.append(size / seconds / (count * CAP_BPS))
                wishes.tell(
                    f"T4 {count} sources, round {number + 1}: {format_rate(size / seconds)}"
                )
        what = f"{format_bytes(size)} from {count} × {format_rate(CAP_BPS)}"
        findings.lines.append(
            Fraction("T4", what, tuple(fractions), at_least=LEAST_OF_SUM, of="their sum")
        )


async def full_room(wishes: Wishes, findings: Findings) -> None:
    """T5."""
    size = min(wishes.size, ROOM_BYTES)
    copies, times = [], []
    for number in range(max(1, wishes.rounds // 2)):
        folder = wishes.folder / f"T5-{number}"
        payload = make_payload(folder / "offered", size)
        async with open_members(folder / "p2ptui") as members:
            sent, seconds = await _fill(members, payload)
        copies.append(sent / size)
        times.append(seconds / (size / CAP_BPS))
        wishes.tell(
            f"T5 round {number + 1}: {copies[-1]:.2f} copies,"
            f" the last taker after {times[-1]:.2f} of a copy's time"
        )
    what = f"{format_bytes(size)} to {TAKERS} takers"
    findings.lines.append(
        Fraction("T5", f"{what}: publisher sends", tuple(copies), at_most=MOST_COPIES, of="a copy")
    )
    findings.lines.append(
        Fraction("T5", f"{what}: last taker", tuple(times), at_most=MOST_TIME, of="size ÷ cap")
    )


async def _take(taker: Node, payload: Payload) -> float:
    try:
        async with asyncio.timeout(TURN_S):
            begin = time.perf_counter()
            fetched = await taker.fetch()
            seconds = time.perf_counter() - begin
    except TimeoutError:
        raise Broken(f"it took longer than {TURN_S:g} s") from None
    await asyncio.to_thread(payload.check, fetched.path)
    await taker.remote.remove(fetched.path.name)
    return seconds


async def _fill(members: Members, payload: Payload) -> tuple[int, float]:
    """Bytes that the publisher sent, and when the last taker had all, in seconds."""
    publisher = await members.node("publisher", share=payload.path.parent, settings=CAPPED)
    takers = [await members.node(f"taker{number}") for number in range(TAKERS)]
    await asyncio.gather(*(taker.offered() for taker in takers))
    begin = time.perf_counter()
    try:
        async with asyncio.timeout(TURN_S):
            done = await asyncio.gather(*(taker.fetch() for taker in takers))
    except TimeoutError:
        raise Broken(f"it took longer than {TURN_S:g} s") from None
    seconds = time.perf_counter() - begin
    sent = await publisher.sent()
    for fetched in done:
        await asyncio.to_thread(payload.check, fetched.path)
    return sent, seconds
