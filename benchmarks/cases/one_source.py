"""T1 and T2: one file from one source over the loopback, and the memory that it took (T13)."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from benchmarks.cases.case import Findings, Wishes
from benchmarks.payload import make_payload
from benchmarks.processes import Broken, Missing
from benchmarks.race import Contestant, Grounds, race
from benchmarks.rivals.ncdc import open_ncdc
from benchmarks.rivals.nginx import open_curl
from benchmarks.rivals.ours import Ours, open_ours
from benchmarks.rivals.torrent import open_torrent
from benchmarks.table import Limit, Ratio
from p2ptui.base.text import format_bytes

MAX_MEMORY_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Rival:
    """Whom we race against, and how much faster we have to be."""

    short: str
    open: Callable[[Grounds], AbstractAsyncContextManager[Contestant]]
    at_least: float


async def against_https(wishes: Wishes, findings: Findings) -> None:
    """T1, and T13 while it runs."""
    async with _swarm("T1", wishes) as (ours, grounds):
        await compete("T1", ours, (Rival("nginx", open_curl, 1.0),), grounds, findings)
        memory = ours.peak_memory
        if memory is None:
            findings.not_run.append("T13 (memory): only Linux tells what a process had at most")
            return
        for side, found in zip(("taking", "seeding"), memory, strict=True):
            what = f"memory of the {side} node in T1"
            findings.lines.append(Limit("T13", what, (found,), MAX_MEMORY_BYTES, "bytes"))


async def against_sharers(wishes: Wishes, findings: Findings) -> None:
    """T2."""
    rivals = (Rival("ncdc", open_ncdc, 3.0), Rival("libtorrent", open_torrent, 1.5))
    async with _swarm("T2", wishes) as (ours, grounds):
        await compete("T2", ours, rivals, grounds, findings)


@asynccontextmanager
async def _swarm(case: str, wishes: Wishes) -> AsyncIterator[tuple[Ours, Grounds]]:
    folder = wishes.folder / case
    payload = make_payload(folder / "offered", wishes.size)
    grounds = Grounds(folder, payload, wishes.rounds, lambda text: wishes.tell(f"{case} {text}"))
    async with open_ours(replace(grounds, folder=folder / "p2ptui")) as ours:
        yield ours, grounds


async def compete(  # noqa: PLR0917  (who races whom over what)
    case: str,
    ours: Contestant,
    rivals: Sequence[Rival],
    grounds: Grounds,
    findings: Findings,
    sources: str = "one source",
) -> None:
    """Race against all who can be opened, and note how it went."""
    async with AsyncExitStack() as stack:
        opened: list[tuple[Rival, Contestant]] = []
        for rival in rivals:
            place = replace(grounds, folder=grounds.folder / rival.short)
            try:
                contestant = await stack.enter_async_context(rival.open(place))
            except (Missing, Broken) as problem:
                findings.not_run.append(f"{case} against {rival.short}: {problem}")
            else:
                opened.append((rival, contestant))
        standings = await race([ours, *(contestant for _, contestant in opened)], grounds)
        for name, reason in standings.broken.items():
            findings.not_run.append(f"{case}: {name}: {reason}")
        rates = standings.rates
        for rival, contestant in opened:
            if ours.name in rates and contestant.name in rates:
                findings.lines.append(
                    Ratio(
                        case,
                        f"{format_bytes(grounds.payload.size)} from {sources}",
                        contestant.name,
                        rates[ours.name],
                        rates[contestant.name],
                        rival.at_least,
                    )
                )
