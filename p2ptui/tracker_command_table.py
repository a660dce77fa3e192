"""The tracker's commands: the part of the table of `commands` that is about running a swarm."""

from p2ptui.command_types import (
    JSON,
    LIMIT,
    ONE_SHOT,
    SORT,
    TYPED,
    Command,
    Option,
    Param,
)

MEMBERS = "Members"
DOOR = "Who may join"
TRACKER = "This tracker"
_WHY = Option("--why", "the reason, which goes into the audit log", "TEXT")
_HOST = Param("HOST", "nick, id, the beginning of an id, or address", completion="host")

TRACKER_COMMANDS: tuple[Command, ...] = (
    Command(
        "hosts", "the members, those online first", MEMBERS, "tracker",
        params=(Param("FILTER", "only those whose name, id or address holds this", "any"),),
        options=(LIMIT, SORT, JSON),
    ),
    Command(
        "discover", "ask a host for the list of its files", MEMBERS, "tracker",
        params=(_HOST, Param("FILTER", "only names that hold this", "any")),
        options=(LIMIT, SORT, JSON),
    ),
    Command(
        "ping", "is a host there, and how fast does it answer?", MEMBERS, "tracker",
        params=(Param("HOST", "nick, id, address, or all", completion="host"),),
        options=(JSON,),
    ),
    Command(
        "kick", "put a member out of the swarm", MEMBERS, "tracker",
        params=(_HOST,),
        options=(
            Option("--ban", "keep it out for this time, as 7d, or `forever`", "TIME"),
            Option("--why", "the reason, which the member is told", "TEXT"),
            JSON,
        ),
        more="Its connections are cut at once, those to other members too. Without --ban it may "
             "come back after a minute.",
    ),
    Command(
        "ban", "keep a member, an address or a network out", MEMBERS, "tracker",
        params=(
            Param("TARGET", "nick, id, the beginning of an id; an address, or a network as "
                  "10.1.0.0/16", completion="host"),
        ),
        options=(
            Option("--for", "how long, as 7d; without: for good", "TIME"),
            Option("--why", "the reason, which those are told who are out", "TEXT"),
            JSON,
        ),
        more="Nobody calls from a network that is banned, and who is there now is cut off; the "
             "tracker's own machine is never locked out.",
    ),
    Command(
        "unban", "let a member or a network in again", MEMBERS, "tracker",
        params=(Param("TARGET", "nick, id, address or network: see bans"),), options=(JSON,),
    ),
    Command("bans", "the members and networks that are out", MEMBERS, "tracker", options=(JSON,)),
    Command(
        "role", "make a member an operator, or a member again", MEMBERS, "tracker",
        params=(_HOST, Param("member|operator", "the role")), options=(_WHY, JSON),
        more="An operator may, from its own peer (`p2ptui operate`), kick, ban and unban members, "
             "make invites and speak to all. It cannot touch operators, roles or limits.",
    ),
    Command(
        "limits", "what one member may do at most",
        MEMBERS, "tracker",
        params=(_HOST,),
        options=(
            Option("--searches", "searches a second, as 2 or 0.5", "N"),
            Option("--entries", "files that it may announce", "N"),
            Option("--connections", "connections that its address may hold", "N"),
            Option("--none", "as all others again"),
            _WHY, JSON,
        ),
        more="Without an option it shows where that differs from all others. Those of all are the "
             "settings tracker.search_rate, tracker.max_entries and tracker.max_connections.",
    ),
    Command(
        "message", "say something to one member or all", MEMBERS, "tracker",
        params=(
            Param("HOST|all", "nick, id, the beginning of an id, address, or all",
                  completion="host"),
            Param("TEXT", "what is said", "many"),
        ),
        options=(JSON,),
    ),
    Command(
        "broadcast", "say something to all members that are online", MEMBERS, "tracker",
        params=(Param("TEXT", "what is said", "many"),), options=(JSON,),
    ),
    Command(
        "invite", "make a join link with an invite, shown once", DOOR, "tracker",
        options=(
            Option("--uses", "how many may join with it (default 1)", "N"),
            Option("--for", "how long it is valid, as 24h or 7d (default 24h)", "TIME"),
            JSON,
        ),
    ),
    Command("invites", "the invites that can still be used", DOOR, "tracker", options=(JSON,)),
    Command(
        "revoke", "make an invite worthless", DOOR, "tracker",
        params=(Param("ID", "its id, or the beginning: see invites"),), options=(JSON,),
    ),
    Command(
        "mode", "let this network join without an invite, or nobody", DOOR, "tracker",
        params=(Param("open|closed", "open: private addresses need no invite"),),
        options=(JSON,),
        more="Kept in the settings file (tracker.open). --invite-only at the start comes before "
             "it.",
    ),
    Command(
        "motd", "the message of the day, told to every member that connects", TRACKER, "tracker",
        params=(Param("TEXT", "the new one; without: it is shown", "any"),),
        options=(Option("--none", "have none"), JSON),
        more="Kept in the settings file (tracker.motd).",
    ),
    Command(
        "drain", "before an upgrade: take nobody new and tell all", TRACKER, "tracker",
        params=(Param("on|off", "whether it drains"),), options=(JSON,),
        more="Members stay connected until the tracker stops. Who calls meanwhile is told to come "
             "back; peers do so by themselves. A tracker that is started does not drain.",
    ),
    Command(
        "audit", "what admins and operators did, the newest first", TRACKER, "tracker",
        params=(Param("FILTER", "only lines that hold this", "any"),), options=(LIMIT, JSON),
    ),
    Command(
        "history", "what members fetched: who, what, from whom, when, how fast", TRACKER,
        "tracker",
        params=(Param("FILTER", "words, each in a name, a nick, an id or a content id", "any"),),
        options=(LIMIT, SORT, JSON),
        more="The last first. It is what the members tell of themselves; they may refuse (their "
             "setting peer.tell_history). In the console it opens a list of its own (key h).",
    ),
    Command(
        "index", "what the index holds, to its end", TRACKER, "tracker",
        params=(Param("FILTER", "only names that hold this", "any"),),
        options=(
            Option("--single", "only what a single member has, online or not"),
            LIMIT, SORT, JSON,
        ),
        more="Sorted by name or size, or the newest first.",
    ),
    Command(
        "owners", "the members that have a file, online or not", TRACKER, "tracker",
        params=(Param("ID", "a content id, or its beginning"),), options=(LIMIT, SORT, JSON),
    ),
    Command(
        "search", "find files in the index", TRACKER, "tracker",
        params=(Param("QUERY", "words that the name must hold", "many"),),
        options=(LIMIT, SORT, JSON), aliases=("find",),
    ),
    Command("stats", "the tracker at a glance", TRACKER, "tracker", options=(JSON,),
            aliases=("status",)),
    Command(
        "backup", "write all that the tracker is to one file, while it runs",
        TRACKER, "tracker",
        params=(Param("FILE", "a file that does not exist yet", completion="path"),),
        options=(JSON,),
        more="The authority with its key, settings, audit log, history and index. Whoever has that "
             "file can be the tracker: keep it like a password.",
    ),
    Command(
        "restore", "put a backup back, into a home that holds no tracker", TRACKER, "tracker",
        params=(Param("FILE", "a file that `backup` wrote", completion="path"),),
        options=(JSON,), places=ONE_SHOT, need="nothing",
        more="Nothing is written before all of it was verified. Settings that are there already "
             "stay as they are.",
    ),
    Command(
        "reload", "read the settings file again", TRACKER, "tracker", options=(JSON,),
        more="Says which settings are in force now, and which count from the next start. A wrong "
             "file changes nothing.",
    ),
    Command("stop", "stop the running tracker", TRACKER, "tracker", options=(JSON,),
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
