"""The commands about limits and settings, carried out on a `NodeApi`."""

import os

from p2ptui.base.errors import usage_error
from p2ptui.base.text import display, format_rate, parse_rate
from p2ptui.command_context import Context
from p2ptui.command_line import Parsed
from p2ptui.node.api import Direction, NodeApi, SettingRow
from p2ptui.output import Column

SETTINGS: tuple[Column[SettingRow], ...] = (
    Column("setting", lambda row: row.key),
    Column("value", lambda row: row.value),
    Column("from", lambda row: row.origin),
    Column("a change", lambda row: row.applies),
    Column("what for", lambda row: row.help, flex=True),
)


_MEMBER_LIMITS = "peer.member_limits"


async def limit(context: Context[NodeApi], args: Parsed) -> None:
    """`limit up|down RATE [--peer PEER]`."""
    direction = args.word(0).lower()
    if direction not in {"up", "down"}:
        raise usage_error(
            "Not a direction", repr(direction), "Write limit up 2M, or limit down off."
        )
    way: Direction = "up" if direction == "up" else "down"
    if args.text("peer"):
        await _limit_member(context, args.text("peer"), way, parse_rate(args.word(1)))
        return
    status = await context.api.limit(way, parse_rate(args.word(1)))
    now = status.up_limit_bps if way == "up" else status.down_limit_bps
    context.out.result(status, f"{'uploads' if way == 'up' else 'downloads'}: {_rate_text(now)}")


async def _limit_member(
    context: Context[NodeApi], member: str, way: Direction, rate_bps: int | None
) -> None:
    """Change the limit of one member, in the settings; it is felt at once."""
    if os.pathsep in member:
        raise usage_error(
            "Cannot keep a limit for that name",
            f"{display(member)}: a {os.pathsep} parts the limits in the settings.",
            "Name the member by its id (`peers` shows it in brackets).",
        )
    known = {row.key: row.value for row in await context.api.settings()}[_MEMBER_LIMITS]
    kept = [
        each for each in known.split(os.pathsep) if each and not each.startswith(f"{member} {way} ")
    ]
    # A limit of `off` is kept too: it takes this member out of the limit that holds for each.
    rate = "off" if rate_bps is None else f"{rate_bps}"
    row = await context.api.configure(
        _MEMBER_LIMITS, os.pathsep.join([*kept, f"{member} {way} {rate}"])
    )
    what = "to" if way == "up" else "from"
    context.out.result(row, f"{what} {display(member)}: {_rate_text(rate_bps)}")


async def slow(context: Context[NodeApi], args: Parsed) -> None:
    """`slow on|off`."""
    word = args.word(0).lower()
    if word not in {"on", "off"}:
        raise usage_error("Neither on nor off", repr(word), "Write slow on, or slow off.")
    status = await context.api.slow(word == "on")
    down, up = _rate_text(status.down_limit_bps), _rate_text(status.up_limit_bps)
    context.out.result(status, f"slow mode is {word}; downloads: {down}, uploads: {up}")


async def settings(context: Context[NodeApi], args: Parsed) -> None:
    """`settings [FILTER]`."""
    text = args.word(0).casefold()
    rows = [row for row in await context.api.settings() if text in f"{row.key} {row.help}".lower()]
    context.out.table(SETTINGS, rows, f"No setting has {args.word(0)!r} in it.")


async def configure(context: Context[NodeApi], args: Parsed) -> None:
    """`set KEY VALUE`."""
    row = await context.api.configure(args.word(0), args.word(1))
    when = "" if row.applies == "now" else ", from the next start on"
    note = f"; but {row.note}" if row.note else ""
    value = display(row.value) or "as if it were not set"
    context.out.result(row, f"{display(row.key)}: {value}{when}{note}")


def _rate_text(rate_bps: int | None) -> str:
    return "no limit" if rate_bps is None else f"at most {format_rate(rate_bps)}"
