"""The peer's commands carried out on a `NodeApi`: the same in one shot and in the shell."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.ids import TransferId
from p2ptui.base.text import display, format_bytes
from p2ptui.command_context import (
    Context,
    absolute_path,
    gather_rows,
    time_limit,
    wrong_number,
)
from p2ptui.command_line import Parsed
from p2ptui.headless import files_and_bytes
from p2ptui.node.api import (
    BrowseRequest,
    ContentSources,
    HitPage,
    HostPage,
    NodeApi,
    Page,
    RemotePage,
    TransferAct,
)
from p2ptui.peer_fetch import fetch
from p2ptui.peer_operate import operate
from p2ptui.peer_settings import configure, limit, settings, slow
from p2ptui.peer_tables import (
    FILES,
    FINAL_STATES,
    HISTORY,
    HITS,
    HOSTS,
    REMOTE_FILES,
    SHARES,
    SOURCES,
    TRACKERS,
    peer_name,
    reach_note,
    status_text,
    tracker_text,
    transfer_state,
    transfers_table,
)
from p2ptui.peer_waiting import first_contact, wait_connected, wait_hashed, with_hashing_shown

PeerContext = Context[NodeApi]
Handler = Callable[[PeerContext, Parsed], Awaitable[None]]
Answered = TypeVar("Answered", HitPage, HostPage, RemotePage, ContentSources)

NO_HISTORY = "No transfers have been made yet."
_PRIORITY_ACTS: tuple[TransferAct, ...] = ("raise", "lower", "earlier", "later")


async def join(context: PeerContext, args: Parsed) -> None:
    """`join [LINK]`."""
    api, out = context.api, context.out
    if not args.word(0):
        found = await api.trackers()
        out.table(TRACKERS, found, "No tracker answers on this network: join one by its link.")
        return
    target, trust = args.word(0), args.text("trust")
    try:
        status = await api.join(target, trust)
    except P2PError as error:
        fingerprint = first_contact(error)
        if trust or not fingerprint:
            raise
        out.say(f"First contact: this tracker's fingerprint is {fingerprint}")
        if context.ask is not None and not await context.ask(
            "Is that what its admin told you? Trust it and join?"
        ):
            raise
        status = await api.join(target, fingerprint)
    if status.state != "connected":
        await wait_connected(api, time_limit(args) or context.timeout_s)
        status = (await api.status()).tracker
    out.result(status, tracker_text(status))


async def forget(context: PeerContext, args: Parsed) -> None:
    """`forget SWARM`."""
    swarm = args.word(0)
    await context.api.forget(swarm)
    context.out.result({"forgotten": swarm}, f"forgot {display(swarm)}")


async def share(context: PeerContext, args: Parsed) -> None:
    """`share DIR`."""
    row = await context.api.share(absolute_path(args.word(0)), on=True)
    if context.wait:
        await wait_hashed(context)
        path = row.path
        row = next((each for each in await context.api.shares() if each.path == path), row)
    as_name = f" as {display(row.name)}" if row.name else ""
    count = files_and_bytes(row.files, row.bytes)
    context.out.result(row, f"sharing {display(row.path)}{as_name}: {count}")


async def unshare(context: PeerContext, args: Parsed) -> None:
    """`unshare DIR`."""
    row = await context.api.share(absolute_path(args.word(0)), on=False)
    context.out.result(row, f"no longer sharing {display(row.path)}")


async def publish(context: PeerContext, args: Parsed) -> None:
    """`publish LOCALNAME [FILENAME]`."""
    path = absolute_path(args.word(0))
    row = await with_hashing_shown(context, context.api.publish(path, args.word(1)))
    size = format_bytes(row.size)
    context.out.result(row, f"published {display(row.name)}, {size}, {row.content_id}")


async def remove(context: PeerContext, args: Parsed) -> None:
    """`remove FILENAME`."""
    removal = await context.api.remove(args.word(0))
    what = f" and deleted {display(removal.deleted)}" if removal.deleted else "; the file stays"
    context.out.result(removal, f"removed {display(removal.name)}{what}")


async def rescan(context: PeerContext, _args: Parsed) -> None:
    """`rescan`."""
    changes = await context.api.rescan()
    context.out.result({"changes": changes}, f"{changes} changes found")


async def files(context: PeerContext, args: Parsed) -> None:
    """`files [FILTER]`."""
    rows = await gather_rows(
        lambda offset, limit: context.api.library(_page(args, 0, offset, limit)), args, context.out
    )
    context.out.table(FILES, rows, "No files are shared yet: publish FILE, or share DIR.")


async def shares(context: PeerContext, _args: Parsed) -> None:
    """`shares`."""
    context.out.table(SHARES, await context.api.shares(), "No folders are shared.")


class _Told:
    """Whose word the pages of a list are: the tracker's, or that of members in reach."""

    def __init__(self) -> None:
        self._reached: int | None = None

    def note(self, page: Answered) -> Answered:
        """A page came."""
        self._reached = page.reached
        return page

    def say(self, context: PeerContext) -> None:
        """Tell it when it is not the tracker's."""
        if self._reached is not None:
            context.out.note(reach_note(self._reached), reached=self._reached)


async def search(context: PeerContext, args: Parsed) -> None:
    """`search QUERY`."""
    text, told = args.word(0), _Told()

    async def read(offset: int, limit: int) -> HitPage:
        page = Page(offset=offset, limit=limit, sort=args.text("sort"))
        return told.note(await context.api.search(text, page))

    rows = await gather_rows(read, args, context.out)
    told.say(context)
    context.out.table(HITS, rows, f"Nothing found for {display(text)!r}.")


async def sources(context: PeerContext, args: Parsed) -> None:
    """`sources NAME|ID`."""
    told = _Told()
    found = told.note(await context.api.sources(args.word(0)))
    told.say(context)
    if all(source.partial for source in found.sources):
        context.out.say(f"{found.known} members have {display(found.name)}, none of them is online")
    context.out.table(SOURCES, found.sources, "")


async def peers(context: PeerContext, args: Parsed) -> None:
    """`peers [FILTER]`."""
    told = _Told()

    async def read(offset: int, limit: int) -> HostPage:
        return told.note(await context.api.peers(_page(args, 0, offset, limit)))

    rows = await gather_rows(read, args, context.out)
    told.say(context)
    context.out.table(HOSTS, rows, "Nobody else is here yet.")


async def browse(context: PeerContext, args: Parsed) -> None:
    """`browse PEER [FILTER]`."""
    host = args.word(0)
    names: set[str] = set()
    told = _Told()

    async def read(offset: int, limit: int) -> RemotePage:
        page = _page(args, 1, offset, limit)
        found = told.note(await context.api.browse(BrowseRequest(host=host, page=page)))
        names.add(peer_name(found.nick, found.peer_id))
        return found

    rows = await gather_rows(read, args, context.out)
    told.say(context)
    context.out.table(REMOTE_FILES, rows, f"{display(', '.join(names) or host)} offers nothing.")


async def transfers(context: PeerContext, args: Parsed) -> None:
    """`transfers [FILTER]`."""
    rows = await gather_rows(
        lambda offset, limit: context.api.transfers(_page(args, 0, offset, limit)),
        args,
        context.out,
        keep=lambda row: row.state not in FINAL_STATES,
    )
    table = transfers_table((await context.api.status()).tracker)
    context.out.table(table, rows, "No transfers are under way.")


async def history(context: PeerContext, args: Parsed) -> None:
    """`history [FILTER]`."""
    rows = await gather_rows(
        lambda offset, limit: context.api.history(_page(args, 0, offset, limit)), args, context.out
    )
    found = "No transfer that is over fits that." if args.word(0) else NO_HISTORY
    context.out.table(HISTORY, rows, found)


def _steering(act: TransferAct) -> Handler:
    async def steer(context: PeerContext, args: Parsed) -> None:
        text = args.word(0)
        if not text.isdecimal():
            hint = "The first column of `transfers` has it."
            raise wrong_number("the number of a transfer", text, hint)
        row = await context.api.steer(TransferId(int(text)), act)
        state = transfer_state(row)
        priority = f", priority {row.priority}" if row.priority else ""
        context.out.result(row, f"{row.id} {display(row.name)}: {state}{priority}")

    return steer


async def priority(context: PeerContext, args: Parsed) -> None:
    """`priority ID raise|lower|earlier|later`."""
    word = args.word(1).lower()
    act = next((act for act in _PRIORITY_ACTS if act == word), None)
    if act is None:
        hint = "Write priority 3 raise, or lower, earlier, later."
        raise usage_error("Not a way to change the order", repr(word), hint)
    await _steering(act)(context, args)


async def undo(context: PeerContext, _args: Parsed) -> None:
    """`undo`."""
    undone = await context.api.undo()
    context.out.result(undone, display(undone.text))


async def status(context: PeerContext, _args: Parsed) -> None:
    """`status`."""
    now = await context.api.status()
    context.out.result(now, status_text(now))


def _page(args: Parsed, param: int, offset: int, limit: int) -> Page:
    return Page(offset=offset, limit=limit, filter=args.word(param), sort=args.text("sort"))


HANDLERS: dict[str, Handler] = {
    "browse": browse,
    "cancel": _steering("cancel"),
    "fetch": fetch,
    "files": files,
    "forget": forget,
    "history": history,
    "join": join,
    "limit": limit,
    "operate": operate,
    "pause": _steering("pause"),
    "peers": peers,
    "priority": priority,
    "publish": publish,
    "remove": remove,
    "rescan": rescan,
    "resume": _steering("resume"),
    "retry": _steering("retry"),
    "search": search,
    "set": configure,
    "settings": settings,
    "share": share,
    "shares": shares,
    "slow": slow,
    "sources": sources,
    "status": status,
    "transfers": transfers,
    "undo": undo,
    "unshare": unshare,
}
