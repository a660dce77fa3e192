"""The tracker's commands carried out on a `TrackerApi`, and what is told of its events.

Of the tracker this knows `tracker.api` and `tracker.events` alone.
"""

from collections.abc import Awaitable, Callable

from p2ptui.base.ids import short_content_id, short_peer_id
from p2ptui.base.text import (
    display,
    format_bytes,
    format_count,
    format_duration,
    parse_duration,
)
from p2ptui.command_context import Context, gather_rows, wrong_number
from p2ptui.command_line import Parsed
from p2ptui.headless import files_and_bytes
from p2ptui.output import Column
from p2ptui.peer_tables import local_time, peer_name, ping_text, reach_text
from tracker import events
from tracker.api import (
    DiscoverRequest,
    FilePage,
    HitRow,
    HostFile,
    HostRow,
    KickRequest,
    KickRow,
    Page,
    PingRow,
    TrackerApi,
    TrackerStatus,
)

TrackerContext = Context[TrackerApi]
Handler = Callable[[TrackerContext, Parsed], Awaitable[None]]
DAY_S = 86400.0

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
BANS: tuple[Column[KickRow], ...] = (
    Column("host", lambda row: peer_name(row.nick, row.peer_id), flex=True),
    Column("until", lambda row: local_time(row.until) or "for good"),
    Column("why", lambda row: row.why),
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


async def kick(context: TrackerContext, args: Parsed) -> None:
    """`kick HOST [--ban TIME] [--why TEXT]`."""
    ban = args.text("ban")
    for_s = parse_duration(ban) if ban else None
    request = KickRequest(host=args.word(0), why=args.text("why"), for_s=for_s)
    row = await context.api.kick(request)
    until = f"until {local_time(row.until)}" if row.until else "for good"
    context.out.result(row, f"kicked {display(peer_name(row.nick, row.peer_id))} {until}")


async def unban(context: TrackerContext, args: Parsed) -> None:
    """`unban HOST`."""
    row = await context.api.unban(args.word(0))
    context.out.result(row, f"{display(peer_name(row.nick, row.peer_id))} may come back")


async def bans(context: TrackerContext, _args: Parsed) -> None:
    """`bans`."""
    context.out.table(BANS, await context.api.bans(), "Nobody is kicked.")


async def invite(context: TrackerContext, args: Parsed) -> None:
    """`invite [--uses N] [--for TIME]`."""
    given = args.text("uses") or "1"
    if not given.isdecimal() or int(given) < 1:
        raise wrong_number("a number of uses", given, "Write --uses 3.")
    for_s = parse_duration(args.text("for")) if args.text("for") else DAY_S
    made = await context.api.invite(int(given), for_s)
    uses = "one peer" if made.uses == 1 else f"{made.uses} peers"
    until = local_time(made.expires)
    context.out.say(f"Lets in {uses}, until {until}. Keep it: it is shown this once.")
    context.out.result(made, display(made.link))


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
        "searches": f"{format_count(status.searches)}, {status.searches_s:.1f}/s, "
        f"p50 {status.search_p50_ms:.1f} ms, p99 {status.search_p99_ms:.1f} ms",
        "closed": f"{format_count(status.dropped)} connections, for a fault of theirs",
        "memory": f"{format_bytes(status.memory_bytes)}, index {format_bytes(status.index_bytes)}, "
        f"loop lag {status.loop_lag_ms:.1f} ms",
    }
    return "\n".join(f"{name + ':':<12} {fact}" for name, fact in facts.items())


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
        case events.HostKicked(nick=nick, peer_id=peer_id, why=why):
            reason = f": {why}" if why else ""
            return f"kicked {nick} ({short_peer_id(peer_id)}){reason}"
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
    "bans": bans,
    "discover": discover,
    "hosts": hosts,
    "invite": invite,
    "kick": kick,
    "ping": ping,
    "search": search,
    "stats": stats,
    "unban": unban,
}
