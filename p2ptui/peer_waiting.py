"""Waiting on a node: for its tracker, for its hashing. Ends with its time limit or at Ctrl-C."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast

from p2ptui.base.errors import ExitCode, P2PError, unreachable, usage_error
from p2ptui.command_context import Context
from p2ptui.net.tasks import spawn
from p2ptui.node.api import Hashing, NodeApi, NodeStatus, SectionName, TrackerStatus
from p2ptui.node.events import FeedItem, Section
from p2ptui.progress import NoProgress, Progress, ProgressSink

CONNECT_S = 15.0
INTERVAL_S = 0.25
_FINGERPRINT = re.compile(r"\b[a-z2-7]{32}\b")
T = TypeVar("T")


def first_contact(error: P2PError) -> str:
    """The fingerprint that a first contact without a link asks about; empty for other errors."""
    if error.exit_code is not ExitCode.SECURITY or "--trust" not in error.hint:
        return ""
    found = _FINGERPRINT.search(f"{error.message} {error.hint}")
    return found[0] if found else ""


async def wait_connected(
    api: NodeApi, timeout_s: float | None, *, or_members: bool = False
) -> None:
    """Wait until the node is connected to its tracker. Raises `P2PError` (unreachable).

    Without a time limit the first failed try is the answer; with one it goes on trying.
    `or_members`: a tracker that is away is as good, if there are members that can be asked.
    """
    patient = timeout_s is not None
    status = await api.status()
    tracker = status.tracker
    if _connected(tracker, patient=patient, or_members=or_members):
        return
    try:
        async with asyncio.timeout(timeout_s or CONNECT_S):
            async with closing(api.feed(("status",), INTERVAL_S)) as items:
                async for item in items:
                    if isinstance(item, Section) and isinstance(item.value, NodeStatus):
                        tracker = item.value.tracker
                        if _connected(tracker, patient=patient, or_members=or_members):
                            return
    except TimeoutError:
        pass
    raise _not_connected(tracker)


def _connected(tracker: TrackerStatus, *, patient: bool, or_members: bool) -> bool:
    match tracker.state:
        case "connected":
            return True
        case "none":
            raise usage_error(
                "No tracker is known",
                "This node has not joined a swarm.",
                "Ask the tracker's admin for its link, then: p2ptui join LINK",
            )
        case "stopped":
            raise _not_connected(tracker)
        case "waiting" | "connecting" if or_members and tracker.reason and tracker.in_reach != 0:
            return tracker.in_reach is not None
        case "waiting" if not patient and tracker.reason:
            raise _not_connected(tracker, or_members=or_members)
        case _:
            return False


def _not_connected(tracker: TrackerStatus, *, or_members: bool = False) -> P2PError:
    alone = "; no other member was found on this network or met before" if or_members else ""
    where = f" at {tracker.address}" if tracker.address else ""
    return unreachable(
        "Not connected to the tracker",
        f"{tracker.swarm or 'The tracker'}{where}: {tracker.reason or 'no answer yet'}{alone}",
        _cure(tracker),
    )


def _cure(tracker: TrackerStatus) -> str:
    if tracker.state == "stopped":
        return "The node does not try again by itself: ask the tracker's admin, then `join` anew."
    if "clocks are too far apart" in tracker.reason:
        return "Set this machine's clock; `p2ptui doctor` says how. The node goes on trying."
    return "Check that the tracker runs and can be reached from here; the node goes on trying."


async def wait_hashed(context: Context[NodeApi]) -> None:
    """Wait until no file is left to hash, with progress on a terminal."""
    sections: tuple[SectionName, ...] = ("hashing", "status")
    try:
        async with closing(context.api.feed(sections, INTERVAL_S)) as items:
            async for item in items:
                if not isinstance(item, Section):
                    continue
                _show_hashing(context.progress, item.value)
                if isinstance(item.value, NodeStatus) and item.value.hashing == 0:
                    return
    finally:
        context.progress.clear()


async def with_hashing_shown(context: Context[NodeApi], work: Awaitable[T]) -> T:
    """The outcome of something that hashes, with progress on a terminal while it does."""
    if isinstance(context.progress, NoProgress):
        return await work
    showing = spawn(_keep_showing(context), name="hashing progress")
    try:
        return await work
    finally:
        showing.cancel()
        await asyncio.wait({showing})
        context.progress.clear()


async def _keep_showing(context: Context[NodeApi]) -> None:
    async with closing(context.api.feed(("hashing",), INTERVAL_S)) as items:
        async for item in items:
            if isinstance(item, Section):
                _show_hashing(context.progress, item.value)


def _show_hashing(progress: ProgressSink, value: object) -> None:
    if isinstance(value, Hashing) and value.bytes_done < value.bytes_total:
        title = f"hashing {value.current}".rstrip()
        progress.show(Progress(title, value.bytes_done, value.bytes_total, value.rate_bps))


def closing(items: AsyncIterator[FeedItem]) -> "aclosing[Any]":
    """A feed that is closed at the end of the block, however that comes."""
    return aclosing(cast("Any", items))


def rows_of(value: object) -> Sequence[Any]:
    """The rows of a section."""
    return value if isinstance(value, Sequence) else ()


async def wait_looked(api: NodeApi) -> TrackerStatus:
    """The link to the tracker once the node has looked for one on the local network."""
    while True:
        tracker = (await api.status()).tracker
        if tracker.state != "connecting" or tracker.address:
            return tracker
        await asyncio.sleep(INTERVAL_S)
