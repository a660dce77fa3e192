"""docs/keys.md, written from the tables of keys: `python -m p2ptui.screens.key_reference`.

Pure; imports no Textual.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence

from p2ptui.screens.keys import EVERYWHERE, KEYS, TABLE_KEYS, Key, PaneName
from p2ptui.screens.panes import file_rows, history_rows, hit_rows, host_rows, transfer_rows
from p2ptui.widgets.columns import Column

_INTRODUCTION = """\
# Keys

The keys of the full screen `p2ptui` ([screen.md](screen.md)), pane by pane. On the screen itself
`?` shows those of the pane that has the focus, and `ctrl+p` finds any key or command by a few
letters. A key does what a command does: all commands are in [commands.md](commands.md).

This page is written from the program's own table of keys.
"""
_ABOUT: dict[PaneName, str] = {
    "library": "What you share: a tree of folders, or with a filter a plain list.",
    "search": "What the swarm has, one row a content, found as you type. A sign in front says that"
    " you have it, or that it is coming.",
    "transfers": "What moves, and what is just over. A word in place of the speed tells a state.",
    "log": "What happened, and what commands answered.",
    "hosts": "Who is in the swarm, in the place of the search until `esc`.",
}
_COLUMNS: dict[PaneName, Sequence[Column]] = {
    "library": file_rows.COLUMNS,
    "search": hit_rows.COLUMNS,
    "transfers": transfer_rows.COLUMNS,
    "hosts": host_rows.COLUMNS,
}
_HISTORY = """\
## History

`h`, or `history WORDS` on the command line: what is over, downloads and uploads, the last first.
`/` filters by words of names and members, or by `up`, `down`, `finished`, `failed`, `cancelled`.
Enter or `o` shows who gave or took how much, where the file lies and its content id; `f` fetches
the marked rows, else the row, again; `y` sends the content id to the clipboard; `,` sorts; `R`
looks again; `esc` goes back.
"""
_REMAPPING = """\
## Other keys

Every key has an id, and can be another one: on the settings screen (`e`), or in the settings
file:
```
[keys]
fetch = "g"
"table.down" = "n, down"
pause-all = "ctrl+t"
```
A key is written as it is typed (`g`, `G`, `+`, `/`) or by its name (`space`, `enter`, `escape`,
`tab`, `pagedown`, `ctrl+t`), several with commas between them. Two keys that would be the same
one in the same pane are refused when the settings are read, by both their ids. `ctrl+s`, `ctrl+q`
and `ctrl+c` belong to the terminal and to leaving.

## A second screen, and leaving

The screen shows a node, which is a process of its own. `p2ptui` in another terminal, with the
same home, attaches to that node as well, as does `p2ptui --shell` and every command: all see and
do the same.

`q` leaves. While something is under way and nobody else is attached it asks first: keep the node
running, stop it, or stay. `:detach` leaves the node running, `:exit` and `:stop` end it.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield from _table("Everywhere", (key for key in KEYS if key.panes == EVERYWHERE))
    yield from _table("In every list", TABLE_KEYS)
    for pane, about in _ABOUT.items():
        own = [key for key in KEYS if pane in key.panes != EVERYWHERE]
        yield from _table(pane.capitalize(), own, about, _COLUMNS.get(pane, ()))
    yield _HISTORY
    titles = [column.title.strip() for column in history_rows.COLUMNS]
    yield f"Columns, as many as there is room for: {_listed(titles)}.\n"
    yield _REMAPPING


def _table(
    title: str, keys: Iterable[Key], about: str = "", columns: Sequence[Column] = ()
) -> Iterator[str]:
    yield from (f"## {title}", "")
    if about:
        yield from (about, "")
    titles = [column.title.strip() for column in columns]
    if titles:
        yield from (f"Columns, as many as there is room for: {_listed(titles)}.", "")
    rows = [f"| {_marked(key.shown)} | {key.help} | `{key.id}` |" for key in keys]
    if rows:
        yield from ("| key | does | id |", "|---|---|---|", *rows, "")


def _listed(titles: Iterable[str]) -> str:
    return ", ".join(title for title in titles if title)


def _marked(shown: str) -> str:
    """Each key as code; `|` would end a cell of the table."""
    return " ".join(f"`{key}`" for key in shown.replace("|", "\\|").split())


if __name__ == "__main__":
    sys.stdout.write(reference())
