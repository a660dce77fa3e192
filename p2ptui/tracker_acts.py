"""The tracker's commands that change something: members, who may join, what is told, the log of it.

Of the tracker this knows `tracker.api` alone.
"""

import ipaddress
from collections.abc import Awaitable, Callable

from msgspec import structs

from p2ptui.base.text import display, format_count, parse_duration
from p2ptui.command_context import Context, gather_rows, wrong_number
from p2ptui.command_line import Parsed
from p2ptui.output import Column
from p2ptui.peer_tables import local_time, peer_name
from tracker.api import (
    KICK_S,
    AuditRow,
    HostRow,
    InviteRow,
    KickRequest,
    KickRow,
    Limits,
    MemberChange,
    Message,
    Page,
    TrackerApi,
)

TrackerContext = Context[TrackerApi]
Handler = Callable[[TrackerContext, Parsed], Awaitable[None]]
DAY_S = 86400.0
FOREVER = frozenset({"forever", "always", "good"})


def ban_name(row: KickRow) -> str:
    """Who is out: a member or a network."""
    return row.network or peer_name(row.nick, row.peer_id)


BANS: tuple[Column[KickRow], ...] = (
    Column("who", ban_name, flex=True),
    Column("until", lambda row: local_time(row.until) or "for good"),
    Column("why", lambda row: row.why),
)
INVITES: tuple[Column[InviteRow], ...] = (
    Column("id", lambda row: row.id),
    Column("uses left", lambda row: f"{row.left} of {row.uses}", "right"),
    Column("until", lambda row: local_time(row.expires)),
)
AUDIT: tuple[Column[AuditRow], ...] = (
    Column("when", lambda row: local_time(row.time)),
    Column("by", lambda row: row.by),
    Column("act", lambda row: row.act),
    Column("what", lambda row: row.target, flex=True),
    Column("detail", lambda row: row.detail),
    Column("why", lambda row: row.why),
)


# --- in and out ------------------------------------------------------------------------------


async def kick(context: TrackerContext, args: Parsed) -> None:
    """`kick HOST [--ban TIME|forever] [--why TEXT]`."""
    for_s = _time(args.text("ban")) if args.text("ban") else KICK_S
    await _put_out(context, KickRequest(host=args.word(0), why=args.text("why"), for_s=for_s))


async def ban(context: TrackerContext, args: Parsed) -> None:
    """`ban TARGET [--for TIME] [--why TEXT]`."""
    target = args.word(0)
    for_s = _time(args.text("for")) if args.text("for") else None
    request = KickRequest(host=_as_network(target), why=args.text("why"), for_s=for_s)
    await _put_out(context, request)


async def _put_out(context: TrackerContext, request: KickRequest) -> None:
    row = await context.api.kick(request)
    who = display(ban_name(row))
    if request.for_s == KICK_S and not row.network:
        text = f"kicked {who}; it may come back after {KICK_S:.0f} s"
    else:
        text = f"banned {who} {f'until {local_time(row.until)}' if row.until else 'for good'}"
    context.out.result(row, text)


async def unban(context: TrackerContext, args: Parsed) -> None:
    """`unban TARGET`."""
    row = await context.api.unban(args.word(0))
    context.out.result(row, f"{display(ban_name(row))} may come back")


async def bans(context: TrackerContext, _args: Parsed) -> None:
    """`bans`."""
    context.out.table(BANS, await context.api.bans(), "Nobody is out.")


# --- standing --------------------------------------------------------------------------------


async def role(context: TrackerContext, args: Parsed) -> None:
    """`role HOST member|operator`."""
    name = args.word(1).lower()
    if name == "operator":
        change = MemberChange(host=args.word(0), role="operator", why=args.text("why"))
    elif name == "member":
        change = MemberChange(host=args.word(0), role="member", why=args.text("why"))
    else:
        raise wrong_number("a role", args.word(1), "Write member or operator.")
    row = await context.api.change(change)
    kind = "an operator" if row.role == "operator" else "a member like all others"
    context.out.result(row, f"{display(peer_name(row.nick, row.peer_id))} is {kind}")


async def limits(context: TrackerContext, args: Parsed) -> None:
    """`limits HOST [--searches N] [--entries N] [--connections N] [--none]`."""
    host = args.word(0)
    row = await context.api.change(MemberChange(host=host))
    wanted = Limits() if args.flag("none") else row.limits or Limits()
    if text := args.text("searches"):
        wanted = structs.replace(wanted, searches_s=_rate(text))
    if text := args.text("entries"):
        wanted = structs.replace(wanted, max_entries=_count(text, "files"))
    if text := args.text("connections"):
        wanted = structs.replace(wanted, connections=_count(text, "connections"))
    if wanted != (row.limits or Limits()):
        change = MemberChange(host=row.peer_id, limits=wanted, why=args.text("why"))
        row = await context.api.change(change)
    context.out.result(row, limits_text(row))


def limits_text(row: HostRow) -> str:
    """What a member may do, in one line."""
    own = row.limits or Limits()
    parts = [
        f"searches {own.searches_s:g}/s" if own.searches_s is not None else "",
        f"files {format_count(own.max_entries)}" if own.max_entries is not None else "",
        f"connections {own.connections}" if own.connections is not None else "",
    ]
    said = ", ".join(part for part in parts if part) or "as all others"
    return f"{display(peer_name(row.nick, row.peer_id))}: {said}"


# --- messages --------------------------------------------------------------------------------


async def message(context: TrackerContext, args: Parsed) -> None:
    """`message HOST|all TEXT`."""
    await _say(context, Message(host=args.word(0), text=args.word(1)))


async def broadcast(context: TrackerContext, args: Parsed) -> None:
    """`broadcast TEXT`."""
    await _say(context, Message(host="all", text=args.word(0)))


async def _say(context: TrackerContext, said: Message) -> None:
    told = await context.api.message(said)
    text = "1 member was told" if told == 1 else f"{format_count(told)} members were told"
    context.out.result({"told": told}, text)


async def motd(context: TrackerContext, args: Parsed) -> None:
    """`motd [TEXT] [--none]`."""
    text = args.word(0)
    if text or args.flag("none"):
        status = await context.api.motd("" if args.flag("none") else text)
    else:
        status = await context.api.status()
    shown = display(status.motd) if status.motd else "There is no message of the day."
    context.out.result({"motd": status.motd}, shown)


# --- who may join ----------------------------------------------------------------------------


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
    context.out.say(f"Its id is {made.id}: `revoke {made.id}` makes it worthless.")
    context.out.result(made, display(made.link))


async def invites(context: TrackerContext, _args: Parsed) -> None:
    """`invites`."""
    context.out.table(INVITES, await context.api.invites(), "No invite waits for its use.")


async def revoke(context: TrackerContext, args: Parsed) -> None:
    """`revoke ID`."""
    row = await context.api.revoke(args.word(0))
    unused = f"{row.left} of {row.uses} uses left"
    context.out.result(row, f"invite {row.id} is worthless now ({unused})")


async def mode(context: TrackerContext, args: Parsed) -> None:
    """`mode open|closed`."""
    wanted = args.word(0).lower()
    if wanted not in {"open", "closed"}:
        raise wrong_number("a mode", args.word(0), "Write open or closed.")
    status = await context.api.open(on=wanted == "open")
    text = "members of this network join without an invite" if status.open else "by invite only"
    context.out.result({"open": status.open}, f"joining: {text}")


async def drain(context: TrackerContext, args: Parsed) -> None:
    """`drain on|off`."""
    wanted = args.word(0).lower()
    if wanted not in {"on", "off"}:
        raise wrong_number("a switch", args.word(0), "Write on or off.")
    status = await context.api.drain(on=wanted == "on")
    if status.draining:
        here = "1 host is" if status.hosts == 1 else f"{format_count(status.hosts)} hosts are"
        text = f"nobody new is let in; {here} still here, and told"
    else:
        text = "everybody may come in again"
    context.out.result({"draining": status.draining, "hosts": status.hosts}, text)


async def audit(context: TrackerContext, args: Parsed) -> None:
    """`audit [FILTER]`."""
    rows = await gather_rows(
        lambda offset, limit: context.api.audit(
            Page(offset=offset, limit=limit, filter=args.word(0))
        ),
        args,
        context.out,
    )
    context.out.table(AUDIT, rows, "Nothing was done yet.")


# --- words -----------------------------------------------------------------------------------


def _time(text: str) -> float | None:
    return None if text.strip().lower() in FOREVER else parse_duration(text)


def _as_network(target: str) -> str:
    """A bare address as the network of one: it is what is banned, not who is there now."""
    try:
        address = ipaddress.ip_address(target.strip())
    except ValueError:
        return target
    return f"{address}/{address.max_prefixlen}"


def _rate(text: str) -> float:
    try:
        return float(text.strip().removesuffix("/s"))
    except ValueError:
        raise wrong_number("a rate", text, "Write --searches 2, or 0.5.") from None


def _count(text: str, what: str) -> int:
    if not text.isdecimal():
        raise wrong_number(f"a number of {what}", text, "Write a whole number.")
    return int(text)


HANDLERS: dict[str, Handler] = {
    "audit": audit,
    "ban": ban,
    "bans": bans,
    "broadcast": broadcast,
    "drain": drain,
    "invite": invite,
    "invites": invites,
    "kick": kick,
    "limits": limits,
    "message": message,
    "mode": mode,
    "motd": motd,
    "revoke": revoke,
    "role": role,
    "unban": unban,
}
