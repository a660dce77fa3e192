"""Keys of the tracker's console: one table, as `keys.py` has for the peer's screen. Pure."""

from p2ptui.screens.keys import TRACKER, Key

PANES = ("hosts", "files", "log", "statistics")
"""In the order of their digits."""
_ALL = frozenset(PANES)
_HOSTS = frozenset({"hosts"})
_FILES = frozenset({"files"})
_TABLES = frozenset({"hosts", "files"})
_LISTS = frozenset({"hosts", "files", "log"})


def _key(  # noqa: PLR0917  (a row of a table)
    name: str, key: str, does: str, short: str = "", panes: frozenset[str] = _ALL, rank: int = 50
) -> Key:
    return Key(TRACKER + name, key, does, short, panes, rank)


TRACKER_KEYS: tuple[Key, ...] = (
    _key("hosts", "1", "go to the hosts"),
    _key("files", "2", "go to the files, or the index"),
    _key("log", "3", "go to the log"),
    _key("statistics", "4", "all figures, in the files' place"),
    _key("next-pane", "tab", "next pane"),
    _key("previous-pane", "shift+tab", "previous pane"),
    _key("discover", "d", "ask the host for its files", "Discover", _HOSTS, 10),
    _key("ping", "p", "ping the chosen hosts", "Ping", _HOSTS, 11),
    _key("ping-all", "P", "ping all that are online", "Ping all", _HOSTS, 12),
    _key("kick", "K", "kick: out for a minute; asks why", "Kick", _HOSTS,
         13),
    _key("ban", "B", "ban for a time or for good; asks why",
         "Ban", _HOSTS, 14),
    _key("find", "slash", "filter; in the index: search", "Filter", _LISTS, 15),
    _key("message", "m", "a message to the chosen hosts", "", _HOSTS),
    _key("role", "r", "member or operator; asks why", "", _HOSTS),
    _key("limits", "l", "limits of this host; asks why", "", _HOSTS),
    _key("index", "f", "files of a host, or the index of all", "Index", _FILES, 10),
    _key("owners", "o", "who has this content", "Owners", _FILES, 11),
    _key("single", "s", "only contents with a single owner", "Single", _FILES, 12),
    _key("refresh", "R", "bring the list anew", "Again", _FILES, 18),
    _key("export", "x", "export: CSV or JSON lines to a file", "Export", _TABLES, 30),
    _key("copy", "y", "send the id to the clipboard", "", _TABLES),
    _key("sort", "comma", "next column to sort by; log: level", "",
         _LISTS),
    _key("invite", "I", "make an invite: link and QR code", "Invite", _ALL, 20),
    _key("invites", "v", "list of invites; revoke one"),
    _key("link", "L", "the join link, without an invite"),
    _key("bans", "b", "list of bans; let one in again", "Bans", _ALL, 25),
    _key("open", "O", "open mode or invite only"),
    _key("drain", "D", "drain before an upgrade, or end that"),
    _key("motd", "M", "message of the day"),
    _key("broadcast", "W", "a message to all that are online"),
    _key("audit", "a", "what admins and operators did"),
    _key("history", "h", "who fetched what from whom"),
    _key("backup", "S", "save a backup in one file"),
    _key("reload", "E", "read the settings file again"),
    _key("command", "colon", "command line", "Cmd", _ALL, 19),
    _key("back", "escape", "back one step"),
    _key("help", "question_mark", "keys of this pane", "Help", _ALL, 16),
    _key("palette", "ctrl+p", "all commands"),
    _key("quit", "q", "leave", "Leave", _ALL, 60),
)  # fmt: skip
