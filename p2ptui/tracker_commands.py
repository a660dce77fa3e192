"""The tracker's commands carried out on a `TrackerApi`, and what is told of its events.

Of the tracker this knows `tracker.api` and `tracker.events` alone.
"""

from p2ptui import tracker_acts
from p2ptui.base.ids import short_content_id, short_peer_id
from p2ptui.base.text import (
    display,
    format_bytes,
    format_count,
    format_duration,
    format_rate,
)
from p2ptui.command_context import absolute_path, gather_rows
from p2ptui.command_line import Parsed
from p2ptui.headless import files_and_bytes
from p2ptui.output import Column
from p2ptui.peer_tables import local_time, peer_name, ping_text, reach_text
from p2ptui.tracker_acts import Handler, TrackerContext
from tracker import events
from tracker.api import (
    DiscoverRequest,
    FetchRow,
    FilePage,
    HitPage,
    HitRow,
    HostFile,
    HostRow,
    IndexRequest,
    Page,
    PingRow,
    TrackerStatus,
)

HOSTS: tuple[Column[HostRow], ...] = (
    Column("host", lambda row: peer_name(row.nick, row.peer_id), flex=True),
    Column("address", lambda row: row.address or "-"),
    Column("files", lambda row: format_count(row.files), "right"),
    Column("size", lambda row: format_bytes(row.bytes), "right"),
    Column("ping", lambda row: ping_text(row.ping_ms), "right"),
    Column("reachable", lambda row: reach_text(row.reachable)),
    Column("seen", lambda row: "online" if row.online else local_time(row.seen)),
    Column("software", lambda row: row.software),
)
FILES: tuple[Column[HostFile], ...] = (
    Column("name", lambda row: row.name, flex=True),
    Column("size", lambda row: format_bytes(row.size), "right"),
    Column("id", lambda row: short_content_id(row.content_id)),
    Column("changed", lambda row: local_time(row.changed)),
)
PINGS: tuple[Column[PingRow], ...] = (
    Column("host", lambda row: peer_name(row.nick, row.peer_id), flex=True),
    Column("address", lambda row: row.address or "-"),
    Column("ping", lambda row: ping_text(row.ping_ms), "right"),
    Column("", lambda row: row.reason),
)
HITS: tuple[Column[HitRow], ...] = (
    Column("name", lambda row: row.name, flex=True),
    Column("size", lambda row: format_bytes(row.size), "right"),
    Column("owners", lambda row: f"{row.owners} of {row.known}", "right"),
    Column("id", lambda row: short_content_id(row.content_id)),
)
SHOWN_GIVERS = 3


def givers_text(row: FetchRow) -> str:
    """Who gave how much, the largest parts first."""
    parts = [
        f"{peer_name(giver.nick, giver.peer_id)} {format_bytes(giver.bytes)}"
        for giver in row.givers[:SHOWN_GIVERS]
    ]
    more = len(row.givers) - SHOWN_GIVERS
    return ", ".join(parts) + (f" and {more} more" if more > 0 else "")


FETCHES: tuple[Column[FetchRow], ...] = (
    Column("when", lambda row: local_time(row.time)),
    Column("who", lambda row: peer_name(row.nick, row.peer_id)),
    Column("fetched", lambda row: row.name, flex=True),
    Column("size", lambda row: format_bytes(row.size), "right"),
    Column("took", lambda row: format_duration(row.seconds), "right"),
    Column("rate", lambda row: format_rate(row.rate_bps) if row.rate_bps else "", "right"),
    Column("from", givers_text),
    Column("id", lambda row: short_content_id(row.content_id)),
)


async def hosts(context: TrackerContext, args: Parsed) -> None:
    """`hosts [FILTER]`."""
    rows = await gather_rows(
        lambda offset, limit: context.api.hosts(_page(args, 0, offset, limit)), args, context.out
    )
    context.out.table(HOSTS, rows, "No hosts have joined yet: `invite` makes a link to give them.")


async def discover(context: TrackerContext, args: Parsed) -> None:
    """`discover HOST [FILTER]`."""
    pages: list[FilePage] = []

    async def read(offset: int, limit: int) -> FilePage:
        page = _page(args, 1, offset, limit)
        pages.append(await context.api.discover(DiscoverRequest(host=args.word(0), page=page)))
        return pages[-1]

    rows = await gather_rows(read, args, context.out)
    found = pages[-1]
    who = display(peer_name(found.nick, found.peer_id))
    if not found.live:
        context.out.say(f"{who} is offline: this is what the index knows")
    context.out.table(FILES, rows, f"{who} offers nothing.")


async def ping(context: TrackerContext, args: Parsed) -> None:
    """`ping HOST|all`."""
    context.out.table(PINGS, await context.api.ping(args.word(0)), "No host is online.")


async def search(context: TrackerContext, args: Parsed) -> None:
    """`search QUERY`."""
    text = args.word(0)
    rows = await gather_rows(
        lambda offset, limit: context.api.search(
            text, Page(offset=offset, limit=limit, sort=args.text("sort"))
        ),
        args,
        context.out,
    )
    context.out.table(HITS, rows, f"Nothing found for {display(text)!r}.")


async def index(context: TrackerContext, args: Parsed) -> None:
    """`index [FILTER] [--single]`."""
    text, single = args.word(0), args.flag("single")

    async def read(offset: int, limit: int) -> HitPage:
        page = Page(offset=offset, limit=limit, sort=args.text("sort"))
        return await context.api.index(IndexRequest(text=text, page=page, single=single))

    context.out.table(HITS, await gather_rows(read, args, context.out), "Nothing is there.")


async def history(context: TrackerContext, args: Parsed) -> None:
    """`history [FILTER]`."""
    rows = await gather_rows(
        lambda offset, limit: context.api.history(_page(args, 0, offset, limit)), args, context.out
    )
    nothing = "No fetch fits." if args.word(0) else "No member has told of a fetch yet."
    context.out.table(FETCHES, rows, nothing)


async def owners(context: TrackerContext, args: Parsed) -> None:
    """`owners ID`."""
    content = args.word(0)
    rows = await gather_rows(
        lambda offset, limit: context.api.owners(
            content, Page(offset=offset, limit=limit, sort=args.text("sort"))
        ),
        args,
        context.out,
    )
    context.out.table(HOSTS, rows, "Nobody has it.")


async def backup(context: TrackerContext, args: Parsed) -> None:
    """`backup FILE`."""
    written = await context.api.backup(absolute_path(args.word(0)))
    context.out.result(
        written,
        f"backed up to {display(written.path)}, {format_bytes(written.bytes)}: whoever has that "
        "file can be this tracker",
    )


async def reload(context: TrackerContext, _args: Parsed) -> None:
    """`reload`."""
    in_force = await context.api.reload()
    later = (await context.api.status()).at_restart
    text = f"in force now: {', '.join(in_force)}" if in_force else "nothing that counts now changed"
    if later:
        text += f"\nof no effect before the next start: {', '.join(later)}"
    context.out.result({"in_force": in_force, "at_restart": later}, text)


async def stats(context: TrackerContext, _args: Parsed) -> None:
    """`stats`."""
    now = await context.api.status()
    context.out.result(now, status_text(now))


def status_text(status: TrackerStatus) -> str:
    """The tracker at a glance, a line a fact."""
    join = "members of this network join without an invite" if status.open else "by invite only"
    facts = {
        "tracker": f"{display(status.name)}, p2ptui {status.version}, up "
        f"{format_duration(status.uptime_s)}",
        "listening": display(status.listen),
        "link": display(status.link),
        "fingerprint": status.pin,
        "joining": join,
        "hosts": f"{format_count(status.hosts)} online, {format_count(status.known)} known",
        "files": f"{files_and_bytes(status.files, status.bytes)}, "
        f"{format_count(status.contents)} contents",
        **_notes(status),
        "searches": f"{format_count(status.searches)}, {status.searches_s:.1f}/s, "
        f"p50 {status.search_p50_ms:.1f} ms, p99 {status.search_p99_ms:.1f} ms",
        "fetched": f"{files_and_bytes(status.fetched, status.fetched_bytes)} from members; "
        f"relayed since the start {format_bytes(status.relayed_bytes)}",
        "closed": f"{format_count(status.dropped)} connections, for a fault of theirs",
        "memory": f"{format_bytes(status.memory_bytes)}, index {format_bytes(status.index_bytes)}, "
        f"loop lag {status.loop_lag_ms:.1f} ms",
    }
    return "\n".join(f"{name + ':':<12} {fact}" for name, fact in facts.items())


def _notes(status: TrackerStatus) -> dict[str, str]:
    """Facts that are told only when there is something to tell."""
    notes = {
        "draining": "nobody new is let in" if status.draining else "",
        "of the day": display(status.motd),
        "index": display(status.index_notice),
    }
    return {name: note for name, note in notes.items() if note}


def tracker_sentence(event: object) -> str:
    """What is told of a tracker's event, safe to be shown; empty for what is not worth a line."""
    return display(_tracker_sentence(event))


def _tracker_sentence(event: object) -> str:  # noqa: PLR0911  (one case an event)
    match event:
        case events.Listening(address=address, link=link, fingerprint=fingerprint):
            return f"listening on {address}, fingerprint {fingerprint}, join link {link}"
        case events.MemberJoined(nick=nick, peer_id=peer_id, address=address):
            return f"new member {peer_name(nick, peer_id)} from {address}"
        case events.HostJoined(nick=nick, peer_id=peer_id, address=address, files=files):
            return f"{peer_name(nick, peer_id)} connected from {address}, {files} files"
        case events.HostLeft(nick=nick, peer_id=peer_id, reason=reason):
            return f"{peer_name(nick, peer_id)} left: {reason}"
        case events.HostPublished(nick=nick, peer_id=peer_id, files=files, bytes=size):
            who = peer_name(nick, peer_id)
            return f"{who} offers {files_and_bytes(files, size)}"
        case events.HostKicked(nick=nick, peer_id=peer_id, why=why, until=until):
            held = f"until {local_time(until)}" if until else "for good"
            return f"{nick} ({short_peer_id(peer_id)}) is out {held}{f': {why}' if why else ''}"
        case events.Acted(by=by, act=act, target=target, detail=detail, why=why):
            words = f"{act} {target}" + (f", {detail}" if detail else "")
            return f"{by}: {words}{f' ({why})' if why else ''}"
        case events.Refused(address=address, reason=reason):
            return f"refused {address}: {reason}"
        case events.TrackerNotice(level=level, text=text, hint=hint):
            mark = "" if level == "info" else f"{level}: "
            return f"{mark}{text} {hint}".rstrip()
        case events.Resync(dropped=dropped):
            return f"({dropped} events were not shown)"
        case events.Stopped(reason=reason):
            return f"stopped{': ' + reason if reason else ''}"
        case _:
            return ""


def _page(args: Parsed, param: int, offset: int, limit: int) -> Page:
    return Page(offset=offset, limit=limit, filter=args.word(param), sort=args.text("sort"))


HANDLERS: dict[str, Handler] = {
    **tracker_acts.HANDLERS,
    "backup": backup,
    "discover": discover,
    "history": history,
    "hosts": hosts,
    "index": index,
    "owners": owners,
    "ping": ping,
    "reload": reload,
    "search": search,
    "stats": stats,
}
