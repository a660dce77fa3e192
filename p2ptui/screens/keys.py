"""Keys of the peer's screen: one table. Bindings, footers and the help of a pane come from it.

Pure. Each key has an id by which the settings file can remap it (`[keys]` `fetch = "g"`); two keys
that would be the same one in the same pane are a usage error when the settings load.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.settings_file import nearest

PaneName = Literal["library", "search", "transfers", "hosts", "log"]
PANES: tuple[PaneName, ...] = ("library", "search", "transfers", "log", "hosts")
"""In the order of their digits."""
EVERYWHERE: frozenset[str] = frozenset(PANES)
TRACKER = "tracker."
"""What ids of the tracker's console begin with: both programs of a home read one settings file."""


def method_of(key_id: str) -> str:
    """The coroutine that carries out a key: `do_pause_all` for `pause-all`; pure."""
    return f"do_{key_id.removeprefix(TRACKER).replace('-', '_')}"


class Key(NamedTuple):
    """One key."""

    id: str
    """What the settings file calls it; those of the tracker's console begin with `tracker.`."""
    key: str
    """Its name in Textual; several are separated by commas."""
    help: str
    short: str = ""
    """Its word in the footer; empty: never there."""
    panes: frozenset[str] = EVERYWHERE
    rank: int = 50
    """Order in the footer; the lowest stay when there is little room."""

    @property
    def method(self) -> str:
        """The method of a pane, or of the screen, that carries it out."""
        return method_of(self.id)

    @property
    def action(self) -> str:
        """The action of the screen that it is bound to."""
        return f"act('{self.id}')"

    @property
    def shown(self) -> str:
        """The key as a person reads it."""
        return " ".join(_SHOWN.get(key, key) for key in self.key.split(","))


_SHOWN = {
    "slash": "/", "colon": ":", "comma": ",", "plus": "+", "minus": "-", "question_mark": "?",
    "left_parenthesis": "(", "right_parenthesis": ")", "left_curly_bracket": "{",
    "right_curly_bracket": "}", "space": "spc", "escape": "esc", "ctrl+p": "^p",
    "shift+tab": "s-tab", "pagedown": "pgdn", "pageup": "pgup", "less_than_sign": "<",
    "greater_than_sign": ">",
}  # fmt: skip


def _in(*panes: PaneName) -> frozenset[str]:
    return frozenset(panes)


KEYS: tuple[Key, ...] = (
    Key("library", "1", "go to the library"),
    Key("search", "2", "go to the search"),
    Key("transfers", "3", "go to the transfers"),
    Key("log", "4", "go to the log"),
    Key("hosts", "5", "go to the hosts, in the search's place"),
    Key("next-pane", "tab", "next pane"),
    Key("previous-pane", "shift+tab", "previous pane"),
    Key("find", "slash", "search; in another pane, filter it", "Search", rank=10),
    Key("command", "colon", "command line, with history and completion", "Cmd", rank=23),
    Key("back", "escape", "back one step"),
    Key("fetch", "f", "fetch the chosen rows", "Fetch", _in("search"), 20),
    Key("publish", "p", "publish a file or share a folder (picker)", "Publish",
        _in("library", "search", "transfers", "hosts"), 21),
    Key("remove", "r", "withdraw a file; a fetched one is deleted", "Remove",
        _in("library"), 22),
    Key("pause", "s", "pause or resume", "Pause", _in("transfers"), 20),
    Key("pause-all", "S", "pause or resume all", "", _in("transfers")),
    Key("cancel", "c", "cancel a transfer", "Cancel", _in("transfers"), 22),
    Key("raise", "plus", "higher priority", "", _in("transfers")),
    Key("lower", "minus", "lower priority", "", _in("transfers")),
    Key("move-down", "J", "later in the queue", "", _in("transfers")),
    Key("move-up", "K", "earlier in the queue", "", _in("transfers")),
    Key("up-less", "left_parenthesis", "upload limit: less"),
    Key("up-more", "right_parenthesis", "upload limit: more"),
    Key("down-less", "left_curly_bracket", "download limit: less"),
    Key("down-more", "right_curly_bracket", "download limit: more"),
    Key("slow", "t", "slow mode on and off"),
    Key("retry", "R", "retry what failed; in the library, rescan", "Retry",
        _in("library", "transfers"), 27),
    Key("why", "w", "why is this row in this state", "Why",
        _in("library", "search", "transfers", "hosts"), 25),
    Key("owners", "o", "owners and sources, with the chunk map", "Owners",
        _in("library", "search", "transfers"), 26),
    Key("browse", "b", "browse this host", "Browse", _in("hosts"), 22),
    Key("copy", "y", "send the id to the clipboard", "", _in("library", "search", "transfers",
        "hosts")),
    Key("sort", "comma", "sort by another column, reverse; log: level"),
    Key("undo", "u", "undo the last removal or cancel (30 s)"),
    Key("history", "h", "history: who fetched what, when, from whom"),
    Key("settings", "e", "settings"),
    Key("help", "question_mark", "keys of this pane", "Help", rank=24),
    Key("palette", "ctrl+p", "all commands"),
    Key("quit", "q", "leave", "Leave", rank=60),
)  # fmt: skip
TABLE_KEYS: tuple[Key, ...] = (
    Key("table.down", "down,j", "down"),
    Key("table.up", "up,k", "up"),
    Key("table.page-down", "pagedown", "a screenful down"),
    Key("table.page-up", "pageup", "a screenful up"),
    Key("table.first", "home", "first row"),
    Key("table.last", "end", "last row"),
    Key("table.close", "left,less_than_sign", "close a folder"),
    Key("table.open", "right,greater_than_sign", "open a folder"),
    Key("table.select", "enter", "open"),
    Key("table.mark", "space", "mark; actions go to the marked rows"),
    Key("table.mark-all", "A", "mark all"),
    Key("table.invert-marks", "i", "invert the marks"),
)
"""Those of `widgets/table_keys.py`, in every pane."""


def keys_of(pane: str, keys: tuple[Key, ...] = KEYS) -> Iterator[Key]:
    """The keys of a pane, in the table's order."""
    return (key for key in keys if pane in key.panes)


def footer_of(pane: str, keys: tuple[Key, ...] = KEYS) -> list[tuple[Key, str]]:
    """Keys with their words for the footer of a pane, the most useful first."""
    shown = sorted((key for key in keys_of(pane, keys) if key.short), key=lambda key: key.rank)
    return [(key, _footer_word(key, pane)) for key in shown]


def _footer_word(key: Key, pane: str) -> str:
    if key.id == "find" and pane != "search":
        return "Filter"
    if key.id == "retry" and pane == "library":
        return "Rescan"
    return key.short


def help_of(pane: str, keys: tuple[Key, ...] = KEYS) -> list[tuple[str, str]]:
    """All keys of a pane with what they do: its own first, those of its table, those of all."""
    everywhere = frozenset[str]().union(*(key.panes for key in keys))
    own = sorted(keys_of(pane, keys), key=lambda key: key.panes == everywhere)
    count = sum(key.panes != everywhere for key in own)
    table = () if pane == "log" else TABLE_KEYS
    return [(key.shown, key.help) for key in (*own[:count], *table, *own[count:])]


def remap(
    changes: Mapping[str, str], where: str = "settings", keys: tuple[Key, ...] = KEYS
) -> tuple[Key, ...]:
    """The table with other keys. Raises a usage error for an unknown id, or at a clash.

    `changes` maps an id to a key as a person writes it (`g`, `ctrl+t`, `+`, `f, g` for two). Ids of
    the other program are left to it.
    """
    everywhere = frozenset[str]().union(*(key.panes for key in keys))
    tables = (key._replace(panes=everywhere) for key in TABLE_KEYS)
    known = {key.id: key for key in (*keys, *tables)}
    ours = keys[0].id.startswith(TRACKER)
    for wanted in changes:
        if wanted not in known and (ours == wanted.startswith(TRACKER)):
            closest = nearest(wanted, known)
            hint = f"Did you mean {closest}?" if closest else f"Valid: {', '.join(known)}."
            raise _wrong(f"{where}: no such key: keys.{wanted}", hint)
    changed = {
        key.id: key._replace(key=_key_names(changes[key.id], f"{where}: keys.{key.id}"))
        if key.id in changes
        else key
        for key in known.values()
    }
    _refuse_clashes(tuple(changed.values()), where)
    return tuple(changed[key.id] for key in keys)


def keymap_of(changes: Mapping[str, str]) -> dict[str, str]:
    """The same changes as Textual's keymap."""
    return {wanted: _key_names(text, "settings") for wanted, text in changes.items()}


_NAMES = {shown: name for name, shown in _SHOWN.items() if len(shown) == 1}
_RESERVED = frozenset({"ctrl+s", "ctrl+q", "ctrl+c"})
"""Flow control of terminals, and the way out."""


def _key_names(text: str, where: str) -> str:
    parts = [","] if text.strip() == "," else [part.strip() for part in text.split(",")]
    names = [_NAMES.get(part, part) for part in parts]
    for name in names:
        if not name or name in _RESERVED or not name.isascii():
            raise _wrong(f"{where}: not a key that can be used: {text!r}", "As g, ctrl+t or +.")
    return ",".join(names)


def _refuse_clashes(keys: tuple[Key, ...], where: str) -> None:
    taken: dict[str, list[Key]] = {}
    for key in keys:
        for name in key.key.split(","):
            for other in taken.setdefault(name, []):
                if other.panes & key.panes:
                    raise _wrong(
                        f"{where}: keys.{other.id} and keys.{key.id} are both "
                        f"{_SHOWN.get(name, name)}",
                        "Give one of them another key.",
                    )
            taken[name].append(key)


def _wrong(message: str, hint: str) -> P2PError:
    return usage_error("Settings are wrong", message, hint)
