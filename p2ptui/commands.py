"""The commands: one table from which parsing, completion, help and docs/commands.md come.

Plain data and cheap to import: `p2ptui --help` needs no other module of ours. `command_line` parses
by it, `peer_commands` and `tracker_commands` carry it out.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

Side = Literal["peer", "tracker"]
Place = Literal["cli", "shell", "screen"]
Takes = Literal["one", "optional", "many", "any"]
"""How many words a parameter takes: one, at most one, at least one, any number."""
Completion = Literal["", "path", "folder", "own", "offered", "host", "transfer", "command"]
"""What completes a parameter: a local path, our own files, files of others, members, …"""
Need = Literal["nothing", "node", "swarm"]
"""What must be there: nothing, a node or tracker, a node that is connected to its tracker."""

EVERYWHERE: frozenset[Place] = frozenset({"cli", "shell", "screen"})
TYPED: frozenset[Place] = frozenset({"shell", "screen"})
ONE_SHOT: frozenset[Place] = frozenset({"cli"})
LINES: frozenset[Place] = frozenset({"cli", "shell"})


class Param(NamedTuple):
    """A positional argument."""

    name: str
    help: str
    takes: Takes = "one"
    completion: Completion = ""
    behind: str = ""
    """What may stand behind it, for the usage line."""

    @property
    def usage(self) -> str:
        """How it stands in a usage line."""
        shape = self.name if self.takes in {"one", "many"} else f"[{self.name}]"
        return f"{shape} {self.behind}".rstrip()


class Option(NamedTuple):
    """A flag; without `metavar` it takes no value."""

    name: str
    help: str
    metavar: str = ""
    repeat: bool = False
    setting: str = ""
    """The setting that it overrides (`peer.nick`)."""
    places: frozenset[Place] = EVERYWHERE

    @property
    def key(self) -> str:
        """Its name among the parsed arguments."""
        return self.name.removeprefix("--").replace("-", "_")


class Command(NamedTuple):
    """One command."""

    name: str
    help: str
    group: str
    side: Side = "peer"
    params: tuple[Param, ...] = ()
    options: tuple[Option, ...] = ()
    places: frozenset[Place] = EVERYWHERE
    aliases: tuple[str, ...] = ()
    need: Need = "node"
    more: str = ""

    def usage(self, prefix: str = "") -> str:
        """`fetch NAME [IP PORT] [--to DIR]`, as people write it."""
        words = [self.name]
        words += [param.usage for param in self.params]
        words += [f"[{_option_usage(option)}]" for option in self.options]
        return prefix + " ".join(words)


def _option_usage(option: Option) -> str:
    usage = f"{option.name} {option.metavar}" if option.metavar else option.name
    return f"{usage} …" if option.repeat else usage


_JSON = Option("--json", "print JSON, one object a line", places=LINES)
_LIMIT = Option("--limit", "show at most N rows (default 200; 0: all)", "N")
_SORT = Option("--sort", "sort by a field; a leading - reverses", "FIELD")
_TRUST = Option("--trust", "accept this fingerprint at first contact without a link", "FINGERPRINT")
_TIMEOUT = Option(
    "--timeout", "give up after so long without an answer, as 30s or 5m", "TIME", places=ONE_SHOT
)
_HEADLESS = Option("--headless", "run in the foreground, events as lines", places=ONE_SHOT)
_SHELL = Option("--shell", "line interpreter on stdin and stdout", places=ONE_SHOT)

PROGRAMS = "Programs"
SWARM = "The swarm"
OFFERING = "Offering files"
FINDING = "Finding and fetching"
NODE = "This node"
MEMBERS = "Members"
TRACKER = "This tracker"

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
        Option("--theme", "colours of the screen: p2ptui-dark, p2ptui-light or another", "NAME",
               setting="look.theme"),
        Option("--ascii", "draw the screen with ASCII signs alone", places=ONE_SHOT),
        Option("--no-mouse", "leave the mouse to the terminal", places=ONE_SHOT),
        _TRUST, _HEADLESS, _SHELL, _JSON,
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
        _HEADLESS, _SHELL, _JSON,
    ),
    places=ONE_SHOT,
    more="`p2ptui tracker COMMAND` asks the running tracker of this home.",
)  # fmt: skip
DEMO = Command(
    "demo",
    "a tracker and three peers on this machine that share real files, and the screen of one",
    PROGRAMS,
    options=(Option("--headless", "no screen: play by itself and exit 0 when all is right"), _JSON),
    places=ONE_SHOT,
    need="nothing",
)

PEER_COMMANDS: tuple[Command, ...] = (
    Command(
        "join", "join a swarm and connect to its tracker", SWARM,
        params=(Param("LINK", "a join link, or host[:port]"),),
        options=(_TRUST, _TIMEOUT, _JSON),
        more="At first contact without a link the tracker's fingerprint is shown and, on a "
             "terminal, asked about. A key that changes later is a hard stop.",
    ),
    Command(
        "forget", "forget a swarm: its key, our certificate and its kick list", SWARM,
        params=(Param("SWARM", "address, name or fingerprint of the swarm"),),
        options=(_JSON,),
    ),
    Command(
        "peers", "the members of the swarm", SWARM,
        params=(Param("FILTER", "only those whose name or id holds this", "any"),),
        options=(_LIMIT, _SORT, _TIMEOUT, _JSON), need="swarm",
    ),
    Command(
        "browse", "the files of one member", SWARM,
        params=(
            Param("PEER", "nick, id, or the beginning of an id", completion="host"),
            Param("FILTER", "only names that hold this", "any"),
        ),
        options=(_LIMIT, _SORT, _TIMEOUT, _JSON), need="swarm",
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
        more="A file published from elsewhere is withdrawn and left where it lies.",
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
        options=(_LIMIT, _SORT, _TIMEOUT, _JSON), aliases=("find",), need="swarm",
    ),
    Command(
        "sources", "who has a file, online now", FINDING,
        params=(Param("NAME|ID", "a name, or (the beginning of) a content id", "many", "offered"),),
        options=(_TIMEOUT, _JSON), need="swarm",
    ),
    Command(
        "fetch", "fetch a file from all who have it, or from one address only", FINDING,
        params=(
            Param("NAME|ID", "a name, or (the beginning of) a content id; an IP and a port "
                  "behind it: from that peer only", "many", "offered", "[IP PORT]"),
        ),
        options=(
            Option("--to", "put it into this folder instead of the repository folder", "DIR"),
            Option("--no-wait", "return once it has begun"),
            _TIMEOUT, _JSON,
        ),
        aliases=("get",), need="swarm",
        more="`fetch NAME` says who has it, then fetches from all of them. `fetch NAME IP PORT` "
             "fetches from that peer only. A fetch that was interrupted goes on where it stopped.",
    ),
    Command(
        "transfers", "downloads and uploads that are under way", FINDING,
        params=(Param("FILTER", "only names that hold this", "any"),),
        options=(_LIMIT, _SORT, _JSON), aliases=("queue",),
    ),
    Command(
        "history", "downloads and uploads that are over", FINDING,
        params=(Param("FILTER", "only names that hold this", "any"),),
        options=(_LIMIT, _SORT, _JSON),
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
    ),
    Command(
        "limit", "limit the rate of all uploads or all downloads together", NODE,
        params=(
            Param("up|down", "the direction"),
            Param("RATE", "as 500K, 20M or 1 MiB/s; off: no limit", "many"),
        ),
        options=(_JSON,),
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

TRACKER_COMMANDS: tuple[Command, ...] = (
    Command(
        "hosts", "the members, those online first", MEMBERS, "tracker",
        params=(Param("FILTER", "only those whose name, id or address holds this", "any"),),
        options=(_LIMIT, _SORT, _JSON),
    ),
    Command(
        "discover", "ask a host for the list of its files", MEMBERS, "tracker",
        params=(
            Param("HOST", "nick, id, the beginning of an id, or address", completion="host"),
            Param("FILTER", "only names that hold this", "any"),
        ),
        options=(_LIMIT, _SORT, _JSON),
    ),
    Command(
        "ping", "is a host there, and how fast does it answer?", MEMBERS, "tracker",
        params=(Param("HOST", "nick, id, address, or all", completion="host"),),
        options=(_JSON,),
    ),
    Command(
        "kick", "put a member out of the swarm", MEMBERS, "tracker",
        params=(Param("HOST", "nick, id or address", completion="host"),),
        options=(
            Option("--ban", "let it in again after this time, as 7d; without: never", "TIME"),
            Option("--why", "the reason, which the member is told", "TEXT"),
            _JSON,
        ),
    ),
    Command(
        "unban", "let a kicked member in again", MEMBERS, "tracker",
        params=(Param("HOST", "nick or id"),), options=(_JSON,),
    ),
    Command("bans", "the members that were put out", MEMBERS, "tracker", options=(_JSON,)),
    Command(
        "invite", "make a join link with an invite, shown once", MEMBERS, "tracker",
        options=(
            Option("--uses", "how many may join with it (default 1)", "N"),
            Option("--for", "how long it is valid, as 24h or 7d (default 24h)", "TIME"),
            _JSON,
        ),
    ),
    Command(
        "search", "find files in the index", TRACKER, "tracker",
        params=(Param("QUERY", "words that the name must hold", "many"),),
        options=(_LIMIT, _SORT, _JSON), aliases=("find",),
    ),
    Command("stats", "the tracker at a glance", TRACKER, "tracker", options=(_JSON,),
            aliases=("status",)),
    Command("stop", "stop the running tracker", TRACKER, "tracker", options=(_JSON,),
            places=ONE_SHOT),
    Command("detach", "leave; the tracker goes on running", TRACKER, "tracker", places=TYPED,
            need="nothing"),
    Command("exit", "stop the tracker and leave", TRACKER, "tracker", places=TYPED,
            aliases=("stop", "quit"), need="nothing"),
    Command(
        "help", "these commands, or one of them in full", TRACKER, "tracker",
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
