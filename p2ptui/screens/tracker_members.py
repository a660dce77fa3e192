"""Acts on hosts: what the keys of the hosts pane do. Those that hurt ask for a reason first."""

from typing import TYPE_CHECKING

from p2ptui.base.text import display, format_count
from p2ptui.screens.form import Form, Line
from p2ptui.screens.notices import tell
from p2ptui.screens.prompt import Prompt
from p2ptui.screens.tracker_panes.host_rows import ping_words
from p2ptui.screens.tracker_words import (
    REASON,
    ban_time,
    check_ban_time,
    limit_lines,
    limits_of,
    name_of_kick,
    name_of_row,
    several,
    until_words,
)
from p2ptui.widgets.table_rows import Toned
from tracker.api import (
    KICK_S,
    HostRow,
    KickRequest,
    Limits,
    MemberChange,
    Message,
    PingRow,
    TrackerApi,
)

if TYPE_CHECKING:
    from p2ptui.screens.tracker import TrackerScreen

BAN_WORDS = "Nobody can come back before the time is over, but for an unban (b)."
MOST_NAMED = 5
"""Silent hosts that a notice names."""


class MemberActs:
    """Coroutines `do_<key>` for the chosen hosts."""

    def __init__(self, screen: "TrackerScreen") -> None:
        self._screen = screen

    @property
    def _api(self) -> TrackerApi:
        return self._screen.api

    @property
    def _chosen(self) -> tuple[HostRow, ...]:
        return self._screen.hosts.chosen

    # --- asking -----------------------------------------------------------------------------------

    async def do_discover(self) -> None:
        """Ask the host for its list, and show it."""
        row = self._screen.hosts.current
        if row is not None:
            await self._screen.discover(row.peer_id, row.nick)

    async def do_ping(self) -> None:
        """Ping the chosen hosts."""
        rows = self._chosen
        found: list[PingRow] = []

        async def ping(row: HostRow) -> None:
            found.extend(await self._api.ping(row.peer_id))

        await self._screen.hosts.each_chosen(ping)
        if rows:
            self._tell_pings(found)

    async def do_ping_all(self) -> None:
        """Ping all that are online."""
        found = await self._api.ping("all")
        self._screen.hosts.changed()
        self._tell_pings(list(found))

    def _tell_pings(self, found: list[PingRow]) -> None:
        silent = [row for row in found if row.ping_ms is None]
        if len(found) == 1:
            tell(self._screen.app, ping_sentence(found[0]), "warning" if silent else "information")
            return
        text = f"{format_count(len(found) - len(silent))} of {format_count(len(found))} answered"
        if silent:
            names = ", ".join(row.nick or row.peer_id[:8] for row in silent[:MOST_NAMED])
            more = len(silent) - MOST_NAMED
            text += f"; silent: {names}" + (f" and {format_count(more)} more" if more > 0 else "")
        tell(self._screen.app, text, "warning" if silent else "information")

    # --- acts that hurt ---------------------------------------------------------------------------

    async def do_kick(self) -> None:
        """Throw them out; they may come back after a minute."""
        rows = self._chosen
        if not rows:
            return
        said = [f"{several(rows)} may come back after a minute.", "The reason is told:"]
        prompt = Prompt(f"Kick {several(rows)}", said, placeholder="a reason", give="Kick")
        why = await self._screen.app.push_screen_wait(prompt)
        if why is not None:
            await self._put_out(why.strip(), KICK_S)
            tell(self._screen.app, f"kicked {several(rows)}")

    async def do_ban(self) -> None:
        """Ban them, or a network, for a time or for good."""
        rows = self._chosen
        one = rows[0] if len(rows) == 1 else None
        whom = Line("whom", "Whom", name_of_row(one) if one else "", "nick, id or 10.1.0.0/16")
        lines = [
            *([whom] if len(rows) <= 1 else []),
            Line("time", "For", "7d", "7d, 24h; empty: for good", check_ban_time),
            REASON,
        ]
        heading = f"Ban {several(rows)}" if rows else "Ban"
        texts = await self._screen.app.push_screen_wait(
            Form(heading, [BAN_WORDS], lines, give="Ban", tone="warn")
        )
        if texts is None:
            return
        for_s = ban_time(texts["time"])
        named = texts.get("whom", "")
        if one is not None and named == name_of_row(one):
            named = ""  # the chosen one, whoever else is called so
        if not rows or named:
            row = await self._api.kick(KickRequest(host=named, why=texts["why"], for_s=for_s))
            self._screen.hosts.changed()
            tell(self._screen.app, f"banned {name_of_kick(row)} {until_words(row.until)}")
            return
        await self._put_out(texts["why"], for_s)
        time = "for good" if for_s is None else f"for {texts['time']}"
        tell(self._screen.app, f"banned {several(rows)} {time}: b lists bans")

    async def _put_out(self, why: str, for_s: float | None) -> None:
        async def put_out(row: HostRow) -> None:
            await self._api.kick(KickRequest(host=row.peer_id, why=why, for_s=for_s))

        await self._screen.hosts.each_chosen(put_out)

    async def do_role(self) -> None:
        """Make a member an operator, or the other way round."""
        row = self._screen.hosts.current
        if row is None:
            return
        new = "member" if row.role == "operator" else "operator"
        said: list[str | Toned] = [
            f"{name_of_row(row)} is {_article(row.role)}. Make it {_article(new)}?",
            Toned("Operators kick, ban, invite and speak to all, from their own peers.", "dim"),
        ]
        texts = await self._screen.app.push_screen_wait(
            Form("Role", said, [REASON], give=f"Make it {_article(new)}")
        )
        if texts is not None:
            change = MemberChange(
                host=row.peer_id,
                role="member" if new == "member" else "operator",
                why=texts["why"],
            )
            await self._api.change(change)
            self._screen.hosts.changed()
            tell(self._screen.app, f"{name_of_row(row)} is {_article(new)} now")

    async def do_limits(self) -> None:
        """Limits of one host."""
        row = self._screen.hosts.current
        if row is None:
            return
        lines = [*limit_lines(row.limits or Limits()), REASON]
        texts = await self._screen.app.push_screen_wait(
            Form(f"Limits of {name_of_row(row)}", (), lines, give="Set")
        )
        if texts is not None:
            limits = limits_of(dict(texts))
            change = MemberChange(host=row.peer_id, limits=limits, why=texts["why"])
            await self._api.change(change)
            self._screen.hosts.changed()
            tell(self._screen.app, f"{name_of_row(row)} has these limits now")

    # --- telling ----------------------------------------------------------------------------------

    async def do_message(self) -> None:
        """A sentence for the chosen hosts."""
        rows = self._chosen
        if not rows:
            return
        text = await self._screen.ask_sentence(f"Message to {several(rows)}")
        if not text:
            return
        told: list[int] = []

        async def say(row: HostRow) -> None:
            told.append(await self._api.message(Message(host=row.peer_id, text=text)))

        await self._screen.hosts.each_chosen(say)
        if sum(told):
            tell(self._screen.app, f"told {several(rows)}")
        else:
            tell(self._screen.app, "not told: offline", "warning")

    async def do_copy(self) -> None:
        """Send the id to the terminal's clipboard; whether it took it, no terminal says."""
        row = self._screen.hosts.current
        if row is not None:
            self._screen.copy(row.peer_id)


def ping_sentence(row: PingRow) -> str:
    """How one host answered."""
    name = display(row.nick or row.peer_id[:8])
    if row.ping_ms is None:
        return f"{name} is silent: {row.reason or 'no answer'}"
    return f"{name} answered in {ping_words(row.ping_ms)}"


def _article(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
