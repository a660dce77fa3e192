"""What the tracker's console says: names, times, questions. Pure."""

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import format_count, local_minute, parse_duration
from p2ptui.peer_tables import peer_name
from p2ptui.screens.dialogs import KEEP, STAY, STOP
from p2ptui.screens.form import Line
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.dialog import Question
from p2ptui.widgets.table_rows import Toned
from tracker.api import HostRow, Invite, KickRow, Limits, TrackerStatus

REASON = Line("why", "Why", placeholder="a reason; it is told")
FOR_GOOD = frozenset({"", "ever", "good", "for good"})
SURE = "sure"


def name_of_row(row: HostRow) -> str:
    """A host as people call it."""
    return row.nick or short_peer_id(row.peer_id)


def name_of_kick(row: KickRow) -> str:
    """Somebody that is out: a network, or nick and id of a member."""
    return row.network or peer_name(row.nick, row.peer_id)


def several(rows: tuple[HostRow, ...]) -> str:
    """One host by its name, more by their number."""
    return name_of_row(rows[0]) if len(rows) == 1 else f"{format_count(len(rows))} hosts"


def until_words(until: float | None) -> str:
    """`until 2027-01-15 08:00`, `for good`."""
    if until is None:
        return "for good"
    return f"until {local_minute(until)}"


def invite_words(invite: Invite) -> list[str]:
    """What an invite is good for."""
    who = "one peer" if invite.uses == 1 else f"{format_count(invite.uses)} peers"
    return [
        f"Lets in {who}, {until_words(invite.expires)}. It is shown this once.",
        "v lists and revokes invites; :invite --uses 5 --for 7d makes others.",
    ]


def ban_time(text: str) -> float | None:
    """Seconds of a ban; None: for good. Raises `P2PError`."""
    text = text.strip()
    return None if text.lower() in FOR_GOOD else parse_duration(text)


def check_ban_time(text: str) -> str:
    """Why a text is no time to be banned for; empty when it is."""
    try:
        seconds = ban_time(text)
    except P2PError as error:
        return error.hint
    return "" if seconds is None or seconds > 0 else "Longer than nothing."


def limit_lines(limits: Limits) -> list[Line]:
    """The limits of a host, to be changed."""
    figures = (
        ("searches_s", "Searches/s", limits.searches_s, _check_rate),
        ("max_entries", "Entries", limits.max_entries, _check_count),
        ("connections", "Connections", limits.connections, _check_count),
    )
    return [
        Line(key, label, "" if value is None else f"{value:g}", "as all others", check)
        for key, label, value, check in figures
    ]


def limits_of(texts: "dict[str, str]") -> Limits:
    """Those of a form whose lines were checked."""
    rate = texts["searches_s"]
    entries, connections = texts["max_entries"], texts["connections"]
    return Limits(
        searches_s=float(rate) if rate else None,
        max_entries=int(entries) if entries else None,
        connections=int(connections) if connections else None,
    )


def _check_rate(text: str) -> str:
    try:
        return "" if not text.strip() or float(text) > 0 else "Above 0."
    except ValueError:
        return "A number, as 2.5; empty: as all others."


def _check_count(text: str) -> str:
    is_count = text.strip().isdecimal() and text.isascii() and int(text) > 0
    return "" if not text.strip() or is_count else "A whole number; empty: as all others."


def empty_sentence(status: TrackerStatus) -> str:
    """What to do while there are no hosts, and the link on a line of its own."""
    who = "others" if status.open else "them, as nobody joins without one"
    return f"No hosts yet. I makes an invite for {who}; L shows the join link:\n{status.link}"


def leave_question(status: TrackerStatus, *, started: bool) -> Question | None:
    """Asked of the last console; None: nobody is online, and the tracker ran before."""
    if not status.hosts and not started:
        return None
    hosts = f"{format_count(status.hosts)} host{'s' * (status.hosts != 1)}"
    said = f"{hosts} online." if status.hosts else "Nobody is online, but invites may be under way."
    return Question(
        "Leave",
        (
            said,
            Toned("The tracker can go on without this screen; `p2ptui tracker` comes back.", "dim"),
        ),
        (
            Answer(KEEP, "Keep running", "k"),
            Answer(STOP, "Stop the tracker", "s", tone="bad"),
            Answer(STAY, "Stay", "y"),
        ),
    )


def drain_question(status: TrackerStatus) -> Question:
    """Asked before nobody is taken in any more."""
    hosts = f"{format_count(status.hosts)} host{'s' * (status.hosts != 1)}"
    return Question(
        "Drain",
        (
            f"Take no new connections, and tell {hosts} to come back later?",
            Toned("D again ends it. What is being transferred goes on.", "dim"),
        ),
        (Answer(STAY, "No", "n"), Answer(SURE, "Drain", "d", tone="bad")),
        tone="warn",
    )
