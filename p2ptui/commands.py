"""The commands: one table from which parsing, completion, help and docs/commands.md come.

Plain data and cheap to import: `p2ptui --help` needs no other module of ours. `command_types` says
what a command is, `command_line` parses by the table, `peer_commands` and `tracker_commands` carry
it out.
"""

from collections.abc import Iterator

from p2ptui.command_types import JSON as _JSON
from p2ptui.command_types import LIMIT as _LIMIT
from p2ptui.command_types import (
    LINES,
    ONE_SHOT,
    TYPED,
    Command,
    Completion,
    Option,
    Param,
    Place,
    Side,
)
from p2ptui.command_types import SORT as _SORT
from p2ptui.tracker_command_table import TRACKER_COMMANDS

__all__ = [
    "PEER_COMMANDS",
    "PROGRAM_COMMANDS",
    "TRACKER_COMMANDS",
    "Command",
    "Completion",
    "Option",
    "Param",
    "Place",
    "Side",
    "commands",
    "find_command",
    "overview",
    "program_help",
]

_TRUST = Option("--trust", "accept this fingerprint at first contact without a link", "FINGERPRINT")
_TIMEOUT = Option(
    "--timeout", "give up after so long without an answer, as 30s or 5m", "TIME", places=ONE_SHOT
)
_THEME = Option(
    "--theme", "colours of the screen: p2ptui-dark, p2ptui-light or another", "NAME",
    setting="look.theme",
)  # fmt: skip
_ASCII = Option("--ascii", "draw the screen with ASCII signs alone", places=ONE_SHOT)
_NO_MOUSE = Option("--no-mouse", "leave the mouse to the terminal", places=ONE_SHOT)
_HEADLESS = Option("--headless", "run in the foreground, events as lines", places=ONE_SHOT)
_SHELL = Option("--shell", "line interpreter on stdin and stdout", places=ONE_SHOT)

PROGRAMS = "Programs"
SWARM = "The swarm"
OFFERING = "Offering files"
FINDING = "Finding and fetching"
OPERATING = "Operating the swarm"
NODE = "This node"

PEER = Command(
    "peer",
    "run a peer: share your files, find and fetch those of others",
    PROGRAMS,
    options=(
        Option("--tracker", "join and connect: a join link, or host[:port]", "LINK",
               setting="peer.tracker"),
        Option("--share", "offer this folder as well (may be repeated)", "DIR", repeat=True,
               setting="peer.shares"),
        Option("--downloads", "repository folder: shared, and where fetched files land", "DIR",
               setting="peer.downloads"),
        Option("--listen", "data port, default 7071 or the next free one; :0 takes any",
               "HOST:PORT", setting="peer.listen"),
        Option("--nick", "the name that others see", "NAME", setting="peer.nick"),
        _THEME, _ASCII, _NO_MOUSE, _TRUST, _HEADLESS, _SHELL, _JSON,
    ),
    places=ONE_SHOT,
    more="Attaches to the running node of this home, or starts one. `p2ptui` alone does the same.",
)  # fmt: skip
TRACKER_PROGRAM = Command(
    "tracker",
    "run a tracker: the index that a swarm's members search",
    PROGRAMS,
    side="tracker",
    options=(
        Option("--listen", "address to listen on, default port 7070; :0 takes any", "HOST:PORT",
               setting="tracker.listen"),
        Option("--name", "name of the swarm", "NAME", setting="tracker.name"),
        Option("--invite-only", "nobody joins without an invite, not even from this network"),
        Option("--new-swarm", "begin a new swarm although the old one's key is lost"),
        Option("--metrics", "serve /metrics, /stats.json and /health here, as :9071", "HOST:PORT",
               setting="tracker.metrics"),
        _THEME, _ASCII, _NO_MOUSE,
        Option("--check", "look at settings, keys, rights, ports, space and index; start nothing",
               places=ONE_SHOT),
        _HEADLESS, _SHELL, _JSON,
    ),
    places=ONE_SHOT,
    more="`p2ptui tracker COMMAND` asks the running tracker of this home.",
)  # fmt: skip
DEMO = Command(
    "demo",
    "a tracker and three peers on this machine share real files; opens a screen",
    PROGRAMS,
    options=(Option("--headless", "no screen: play by itself and exit 0 when all is right"), _JSON),
    places=ONE_SHOT,
    need="nothing",
)

PEER_COMMANDS: tuple[Command, ...] = (
    Command(
        "join", "join a swarm and connect to its tracker", SWARM,
        params=(Param("LINK", "a join link, or host[:port]", "optional"),),
        options=(_TRUST, _TIMEOUT, _JSON),
        more="Without a link it lists the trackers on the local network. At first contact without "
             "a link the tracker's fingerprint is shown and, on a terminal, asked about. A key "
             "that changes later is a hard stop.",
    ),
    Command(
        "forget", "forget a swarm: its key, our certificate and its kick list", SWARM,
        params=(Param("SWARM", "address, name or fingerprint of the swarm"),),
        options=(_JSON,),
    ),
    Command(
        "peers", "the members of the swarm", SWARM,
        params=(Param("FILTER", "only those whose name or id holds this", "any"),),
        options=(_LIMIT, _SORT, _TIMEOUT, _JSON), need="members",
    ),
    Command(
        "browse", "the files of one member", SWARM,
        params=(
            Param("PEER", "nick, id, or the beginning of an id", completion="host"),
            Param("FILTER", "only names that hold this", "any"),
        ),
        options=(_LIMIT, _SORT, _TIMEOUT, _JSON), need="members",
    ),
    Command(
        "share", "offer a folder with all that is in it", OFFERING,
        params=(Param("DIR", "the folder", completion="folder"),), options=(_JSON,),
    ),
    Command(
        "unshare", "stop offering a folder; its files stay where they are", OFFERING,
        params=(Param("DIR", "the folder", completion="folder"),), options=(_JSON,),
    ),
    Command(
        "publish", "offer a single file, under another name if you like", OFFERING,
        params=(
            Param("LOCALNAME", "the file", completion="path"),
            Param("FILENAME", "the name that others see", "optional"),
        ),
        options=(_JSON,),
        more="Returns when the file is hashed and shared. The file stays where it lies.",
    ),
    Command(
        "remove", "withdraw a file; in the repository folder, delete it too", OFFERING,
        params=(Param("FILENAME", "the name that it is shared under", "many", "own"),),
        options=(_JSON,),
        more="A file published from elsewhere is withdrawn and left where it lies. For 30 s `undo` "
             "takes it back; until then a deleted file lies in `.p2ptui-removed` beside its place.",
    ),
    Command(
        "files", "our own files", OFFERING,
        params=(Param("FILTER", "only names that hold this", "any"),),
        options=(_LIMIT, _SORT, _JSON), aliases=("library", "ls"),
    ),
    Command("shares", "the folders that we offer", OFFERING, options=(_JSON,)),
    Command("rescan", "look for changed files now", OFFERING, options=(_JSON,)),
    Command(
        "search", "find files by words of their names", FINDING,
        params=(Param("QUERY", "words that the name must hold, each anywhere in it", "many"),),
        options=(_LIMIT, _SORT, _TIMEOUT, _JSON), aliases=("find",), need="members",
        more="While the tracker is away the members in reach are asked, which are those on this "
             "network and those met before, and it is told how many answered. So with `sources`, "
             "`fetch`, `browse` and `peers`.",
    ),
    Command(
        "sources", "who has a file, online now", FINDING,
        params=(Param("NAME|ID", "a name, or (the beginning of) a content id", "many", "offered"),),
        options=(_TIMEOUT, _JSON), need="members",
    ),
    Command(
        "fetch", "fetch a file from all who have it, or from one address only", FINDING,
        params=(
            Param("NAME|ID", "a name, or (the beginning of) a content id; an IP and a port "
                  "behind it: from that peer only; PEER:/FOLDER: a folder of that peer",
                  "many", "offered", "[IP PORT]"),
        ),
        options=(
            Option("--to", "put it into this folder instead of the repository folder", "DIR"),
            Option("--no-wait", "return once it has begun"),
            _TIMEOUT, _JSON,
        ),
        aliases=("get",), need="members",
        more="`fetch NAME` says who has it, then fetches from all of them. `fetch NAME IP PORT` "
             "fetches from that peer only. A fetch that was interrupted goes on where it stopped. "
             "`fetch anna:/music/jazz` fetches the folder as one job, with its structure, its "
             "empty folders and times, from all who have the files; `fetch anna:/` all she "
             "shares. A second folder of that name becomes `jazz (2)`; what is here already is "
             "copied. `transfers job:ID` lists its files.",
    ),
    Command(
        "transfers", "downloads and uploads that are under way", FINDING,
        params=(Param("FILTER", "only names that hold this", "any"),),
        options=(_LIMIT, _SORT, _JSON), aliases=("queue",),
    ),
    Command(
        "history", "downloads and uploads that are over", FINDING,
        params=(Param("FILTER", "words, each in a name or in a member's nick or id; or up, down, "
                      "finished, failed, cancelled", "any"),),
        options=(_LIMIT, _SORT, _JSON),
        more="Who, what, when, how fast; the last first. On the screen a list of its own (h).",
    ),
    Command(
        "pause", "halt a download; what it has is kept", FINDING,
        params=(Param("ID", "number of the transfer", completion="transfer"),), options=(_JSON,),
    ),
    Command(
        "resume", "let a download go on", FINDING,
        params=(Param("ID", "number of the transfer", completion="transfer"),), options=(_JSON,),
    ),
    Command(
        "cancel", "end a download and throw away what it has", FINDING,
        params=(Param("ID", "number of the transfer", completion="transfer"),), options=(_JSON,),
        more="For 30 s `undo` takes it back.",
    ),
    Command(
        "retry", "fetch again what failed or was cancelled", FINDING,
        params=(Param("ID", "number of the transfer", completion="transfer"),), options=(_JSON,),
        more="What it had is kept. One that runs tries the sources that failed it at once.",
    ),
    Command(
        "priority", "change the order of the downloads", FINDING,
        params=(
            Param("ID", "number of the transfer", completion="transfer"),
            Param("HOW", "raise or lower: its priority; earlier or later: its place among those "
                  "of the same priority"),
        ),
        options=(_JSON,),
        more="Those of a higher priority get their turn first.",
    ),
    Command(
        "operate", "act on the swarm, as one of its operators", OPERATING,
        params=(
            Param("ACT", "kick, ban, unban, invite, message or broadcast"),
            Param("WORDS", "whom, and what is said: `operate kick bert`, `operate message bert "
                  "hello`, `operate broadcast hello`, `operate invite`", "any", "host"),
        ),
        options=(
            Option("--for", "how long a ban or invite holds, as 7d; forever", "TIME"),
            Option("--uses", "how many may join with an invite (default 1)", "N"),
            Option("--why", "the reason, which those are told who are out", "TEXT"),
            _TIMEOUT, _JSON,
        ),
        need="swarm",
        more="The tracker's admin makes operators (`p2ptui tracker role HOST operator`). Every act "
             "is written to the tracker's audit log. Operators cannot touch each other.",
    ),
    Command(
        "undo", "take the last removal or cancelled download back, within 30 s", NODE,
        options=(_JSON,),
        more="Again: the one before. A node that stops can undo nothing of what it did before.",
    ),
    Command(
        "limit", "limit the rate of all uploads or all downloads together", NODE,
        params=(
            Param("up|down", "the direction"),
            Param("RATE", "as 500K, 20M or 1 MiB/s; off: no limit", "many"),
        ),
        options=(
            Option("--peer", "only what this member takes or gives: nick, id, or the beginning of "
                   "an id; kept in the settings (peer.member_limits)", "PEER"),
            _JSON,
        ),
        more="A limit of all holds until the node stops; `set peer.up_limit 20M` is for good.",
    ),
    Command(
        "slow", "slow mode: lower limits for a while", NODE,
        params=(Param("on|off", "whether it is on"),), options=(_JSON,),
        more="Its limits are the settings peer.slow_up_limit and peer.slow_down_limit. While it "
             "is on, `limit` changes them until the node stops.",
    ),
    Command(
        "settings", "all settings: values, where they come from, what they are for", NODE,
        params=(Param("FILTER", "only those whose key or help holds this", "any"),),
        options=(_JSON,),
    ),
    Command(
        "set", "change a setting", NODE,
        params=(
            Param("KEY", "the setting, as peer.nick"),
            Param("VALUE", "its value, as in the settings file without quotes", "any"),
        ),
        options=(_JSON,),
        more="It is written to the settings file, where comments are kept, and felt at once if "
             "`settings` says `now`. Lists are written as in PATH. `set keys.ID` alone gives a "
             "key back what it was.",
    ),
    Command("status", "the node at a glance", NODE, options=(_JSON,)),
    Command(
        "hash", "print the content id of a local file", NODE,
        params=(Param("FILE", "the file", completion="path"),),
        options=(_JSON,), places=LINES, need="nothing",
    ),
    Command(
        "doctor", "look for what is wrong here, and say what to do", NODE,
        options=(_JSON,), places=LINES, need="nothing",
    ),
    Command("stop", "stop the running node", NODE, options=(_JSON,), places=ONE_SHOT),
    Command(
        "detach", "leave; the node goes on running", NODE, places=TYPED, need="nothing",
    ),
    Command(
        "exit", "stop the node and leave", NODE, places=TYPED, aliases=("stop", "quit"),
        need="nothing",
    ),
    Command(
        "help", "these commands, or one of them in full", NODE,
        params=(Param("COMMAND", "a command", "optional", "command"),),
        aliases=("?",), need="nothing",
    ),
)  # fmt: skip

PROGRAM_COMMANDS = (PEER, TRACKER_PROGRAM, DEMO)


def commands(side: Side, place: Place) -> Iterator[Command]:
    """The commands of a side that are there in a place, in the table's order."""
    table = PEER_COMMANDS if side == "peer" else TRACKER_COMMANDS
    return (command for command in table if place in command.places)


def find_command(word: str, side: Side, place: Place) -> Command | None:
    """The command of that name or alias."""
    word = word.lower()
    for command in commands(side, place):
        if word == command.name or word in command.aliases:
            return command
    return None


def overview(side: Side, place: Place) -> str:
    """All commands with their one-line help, by group."""
    found = list(commands(side, place))
    prefix = "tracker " if side == "tracker" and place == "cli" else ""
    words = [
        " ".join([prefix + command.name, *(param.usage for param in command.params)])
        for command in found
    ]
    width = max(len(text) for text in words)
    lines: list[str] = []
    group = ""
    for command, text in zip(found, words, strict=True):
        if command.group != group:
            group = command.group
            lines += ["", f"{group}:"]
        lines.append(f"  {text:<{width}}  {command.help}")
    return "\n".join(lines).lstrip("\n")


def program_help(version: str) -> str:
    """What `p2ptui --help` prints."""
    programs = "\n".join(f"  p2ptui {c.name:<8} {c.help}" for c in PROGRAM_COMMANDS)
    return f"""p2ptui {version}: peer-to-peer file sharing for the terminal

usage: p2ptui [peer] [options]      p2ptui tracker [options]      p2ptui COMMAND [arguments]

Programs:
{programs}

{overview("peer", "cli")}

{overview("tracker", "cli")}

`p2ptui COMMAND --help` tells more about one. P2PTUI_HOME=DIR keeps everything in DIR.
Exit codes: 0 done · 1 unexpected · 2 usage or settings · 3 security stop · 4 not found, no source,
or content that does not verify · 5 not reachable · 6 no space or not writable · 130 interrupted.
"""
