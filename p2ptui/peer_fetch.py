"""The fetch command: who has it, start it, and stay until it is done."""

import asyncio
import functools
import re
from collections.abc import Awaitable, Callable

from p2ptui.base.errors import ExitCode, P2PError, not_found, storage_error, unreachable
from p2ptui.base.ids import TransferId
from p2ptui.base.text import display, format_bytes, format_count, format_duration
from p2ptui.command_context import Context, absolute_path, time_limit
from p2ptui.command_line import Parsed, split_address
from p2ptui.headless import fetched
from p2ptui.node.api import ContentSources, FetchRequest, NodeApi, Page, TransferRow
from p2ptui.node.events import (
    FeedItem,
    FetchFailed,
    FetchFinished,
    FetchStateChanged,
    Resync,
    Section,
)
from p2ptui.peer_tables import FINAL_STATES, peer_name, reach_note
from p2ptui.peer_waiting import INTERVAL_S, closing, rows_of
from p2ptui.progress import Progress

SHOWN_SOURCES = 5
_FOLDER = re.compile(r"(?P<peer>[^/]+?):/(?P<path>.*)", re.DOTALL)
"""`anna:/music/jazz`: a folder of a member; `anna:/` is all that it shares."""
PATIENCE_S = 900.0
"""Time without any source after which a fetch that is waited for fails (F79)."""


async def fetch(context: Context[NodeApi], args: Parsed) -> None:
    """`fetch NAME|ID [IP PORT]` or `fetch PEER:/FOLDER`, `[--to DIR] [--no-wait]`."""
    to = absolute_path(args.text("to")) if args.text("to") else ""
    wait = context.wait and not args.flag("no_wait")
    patience_s = (time_limit(args) or PATIENCE_S) if wait else None
    folder = _FOLDER.fullmatch(" ".join(args.words(0)))
    if folder is not None:
        begin = _beginning_of_folder(context, folder["peer"], folder["path"], to, patience_s)
    else:
        target, address = split_address(args.words(0))
        if not address:
            target = await _tell_owners(context, target)
        request = FetchRequest(target=target, address=address, folder=to, patience_s=patience_s)
        begin = functools.partial(context.api.fetch, request)
    if not wait:
        _tell_begun(context, await begin())
        return
    try:
        await _Waiter(context, patience_s or PATIENCE_S).run(begin)
    except asyncio.CancelledError:
        context.progress.clear()
        context.out.say(_afterwards(context))
        raise
    finally:
        context.progress.clear()


def _beginning_of_folder(
    context: Context[NodeApi], peer: str, path: str, to: str, patience_s: float | None
) -> Callable[[], Awaitable[TransferRow]]:
    async def begin() -> TransferRow:
        row = await context.api.fetch_folder(peer, path, to, patience_s)
        left = row.files - row.files_done
        here = f"; {format_count(row.files_done)} are here already" if row.files_done else ""
        context.out.say(
            f"fetching {format_count(left)} files of {display(peer)} into {display(row.path)}{here}"
        )
        return row

    return begin


def _afterwards(context: Context[NodeApi]) -> str:
    if context.stays:
        return "The node goes on with it: `transfers` shows how far it is, `cancel ID` ends it."
    return "What has come is kept: fetch it again and it goes on where it stopped."


async def _tell_owners(context: Context[NodeApi], target: str) -> str:
    """Say who has it; its content id. Raises `P2PError` (not found) when nobody is online."""
    found = await context.api.sources(target)
    if found.reached is not None:
        context.out.note(reach_note(found.reached), reached=found.reached)
    if not found.sources and not await _is_here(context.api, found):
        raise _no_source(found, target)
    if not found.sources:
        return found.content_id
    names = [
        f"{peer_name(source.nick, source.peer_id)} {' '.join(source.addresses[:1])}".strip()
        for source in found.sources[:SHOWN_SOURCES]
    ]
    more = len(found.sources) - len(names)
    if more > 0:
        names.append(f"{more} more")
    context.out.say(
        f"{display(found.name)} ({format_bytes(found.size)}) is at {display(', '.join(names))}"
    )
    return found.content_id


def _no_source(found: ContentSources, target: str) -> P2PError:
    if found.reached is not None:
        return not_found(
            f"No member in reach has {display(found.name or target)}",
            "The tracker is away; others may have it.",
            "Try again when it is back (`status`), or fetch it from an address: fetch ID IP PORT.",
        )
    count = f"{found.known} members have it" if found.known != 1 else "One member has it"
    return not_found(
        f"No source for {display(found.name or target)} is online",
        f"{count}, but none who is connected now.",
        "Try again later; `peers` shows when each was last seen.",
    )


async def _is_here(api: NodeApi, wanted: ContentSources) -> bool:
    """Whether we have it, or some of it, ourselves: then there is something to be done."""
    page = await api.search(wanted.name, Page())
    return any(row.content_id == wanted.content_id and row.have != "new" for row in page.rows)


def _tell_begun(context: Context[NodeApi], row: TransferRow) -> None:
    if row.state == "finished":
        here = f"{display(row.name)} is here already: {display(row.path)}"
        context.out.result(_finish_of(row), here)
    else:
        size = format_bytes(row.size)
        context.out.result(row, f"fetching {display(row.name)}, {size} (transfer {row.id})")


def _finish_of(row: TransferRow) -> FetchFinished:
    """What would have been told had we been there when it finished."""
    return FetchFinished(
        time=row.finished or 0,
        id=row.id,
        name=row.name,
        content_id=row.content_id,
        path=row.path,
        bytes=row.size,
        seconds=row.seconds,
        sources=row.sources,
    )


class _Waiter:
    """Starts one download and follows it to its end."""

    def __init__(self, context: Context[NodeApi], patience_s: float) -> None:
        """`patience_s`: how long the node goes on with it while nothing comes."""
        self._context = context
        self._patience_s = patience_s
        self._id = TransferId(-1)
        self._noted = ""

    async def run(self, begin: Callable[[], Awaitable[TransferRow]]) -> None:
        api = self._context.api
        async with closing(api.feed(("transfers",), INTERVAL_S)) as items:
            # The first item is there once we are subscribed: from here on no event is missed.
            await anext(items)
            row = await begin()
            self._id = row.id
            if row.state == "finished":
                _tell_begun(self._context, row)
                return
            if self._over(row):
                return
            async for item in items:
                if await self._ended_by(item):
                    return
        raise unreachable(
            "The node stopped",
            f"{display(row.name)} is not complete.",
            "Fetch it again: it goes on where it stopped.",
        )

    async def _ended_by(self, item: FeedItem) -> bool:
        match item:
            case Section(value=value):
                for row in rows_of(value):
                    if row.id == self._id:
                        self._show(row)
            case FetchFinished(id=self._id):
                self._finish(item)
                return True
            case FetchFailed(id=self._id):
                raise P2PError(
                    f"Could not fetch {display(item.name)}",
                    item.reason,
                    item.hint,
                    exit_code=ExitCode(item.exit_code),
                )
            case FetchStateChanged(id=self._id, state="cancelled"):
                raise self._cancelled(item.name)
            case FetchStateChanged(id=self._id, state="no_space"):
                raise self._no_space(item.name, item.reason)
            case Resync():
                return self._over((await self._context.api.transfer(self._id)).row)
        return False

    def _show(self, row: TransferRow) -> None:
        note = "" if row.state == "active" else row.state.replace("_", " ")
        if row.files:
            note = f"{row.files_done} of {row.files} files {note}".rstrip()
        self._context.progress.show(Progress(row.name, row.done, row.size, row.rate_bps, note))
        if row.reason != self._noted:
            self._noted = row.reason
            if row.reason:
                self._context.progress.clear()
                self._context.out.say(
                    f"{display(row.name)}: {note or 'note'}: {display(row.reason)}"
                )

    def _over(self, row: TransferRow) -> bool:
        if row.state == "no_space":
            raise self._no_space(row.name, row.reason)
        if row.state not in FINAL_STATES:
            return False
        if row.state == "cancelled":
            raise self._cancelled(row.name)
        if row.state == "failed":
            raise not_found(f"Could not fetch {display(row.name)}", row.reason)
        self._finish(_finish_of(row))
        return True

    def _finish(self, event: FetchFinished) -> None:
        self._context.progress.clear()
        text = fetched(event.name, event.bytes, event.seconds, event.sources, event.path)
        self._context.out.result(event, text)

    def _no_space(self, name: str, reason: str) -> P2PError:
        """A script must not wait for somebody to make room; the node itself does, for a while."""
        then = "fetch it again once there is room."
        if self._context.stays:
            within = format_duration(self._patience_s)
            then = f"the node goes on if there is room within {within}, else fetch it again."
        return storage_error(
            f"No space for {display(name)}", reason, f"What has come is kept: {then}"
        )

    def _cancelled(self, name: str) -> P2PError:
        return P2PError(
            "Cancelled",
            f"The download of {display(name)} was cancelled.",
            exit_code=ExitCode.INTERRUPTED,
        )
