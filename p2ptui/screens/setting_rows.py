"""Settings as rows of a table, by section; those of the keys come from the table of keys. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from p2ptui.base.errors import P2PError
from p2ptui.node.api import SettingRow
from p2ptui.screens.keys import KEYS, TABLE_KEYS, Key, remap
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.table_rows import RowData, Toned

COLUMNS = (
    Column("name", "Setting", 26, sortable=False),
    Column("value", "Value", sortable=False),
    Column("origin", "From", 11, min_table_width=56, sortable=False),
    Column("applies", "Applies", 13, min_table_width=72, sortable=False),
)
KEYS_SECTION = "keys"
THEME = "look.theme"
_TITLES = {"peer": "Peer", "tracker": "Tracker", "look": "Looks", KEYS_SECTION: "Keys"}
_SWITCHES = (("true", "false"), ("yes", "no"), ("on", "off"))


def section_of(row: SettingRow) -> str:
    """`peer` of `peer.nick`."""
    return row.key.partition(".")[0]


def with_keys(rows: Iterable[SettingRow]) -> list[SettingRow]:
    """All settings by section, and each key of the screens with the one that it has now."""
    rows = list(rows)
    given = {row.key: row for row in rows}
    # The screen itself shows another theme at once.
    rows = [structs.replace(row, applies="now") if row.key == THEME else row for row in rows]
    order = list(dict.fromkeys(section_of(row) for row in rows if section_of(row) != KEYS_SECTION))
    sorted_rows = sorted(
        (row for row in rows if section_of(row) != KEYS_SECTION),
        key=lambda row: order.index(section_of(row)),
    )
    return [*sorted_rows, *(_key_row(key, given) for key in (*KEYS, *TABLE_KEYS))]


def changed_keys(rows: Iterable[SettingRow]) -> dict[str, str]:
    """The keys that are not their own, as `remap` takes them."""
    return {
        row.key.partition(".")[2]: row.value
        for row in rows
        if section_of(row) == KEYS_SECTION and row.value and row.value != row.default
    }


def clash_of(changes: Mapping[str, str]) -> str:
    """Why these keys cannot be; empty when they can."""
    try:
        remap(changes, "")
    except P2PError as error:
        return f"{error.message.lstrip(': ')}. {error.hint}".rstrip(". ") + "."
    return ""


def table_rows(rows: Sequence[SettingRow], text: str, glyphs: Glyphs) -> Iterator[RowData]:
    """The rows that hold all words of a filter, each section under its title."""
    words = text.casefold().split()
    section = ""
    for row in rows:
        if not all(word in f"{row.key} {row.value} {row.help}".casefold() for word in words):
            continue
        if section_of(row) != section:
            section = section_of(row)
            title = Toned(_TITLES.get(section, section), "accent")
            yield RowData(f"section:{section}", (title, _trouble(section, rows), "", ""))
        yield setting_data(row, glyphs)


def setting_data(row: SettingRow, glyphs: Glyphs) -> RowData:
    """One setting; its key is its own."""
    value = row.value or row.default
    return RowData(
        row.key,
        (
            row.key.partition(".")[2],
            value if row.value else Toned(value or glyphs.nothing, "dim"),
            Toned(row.origin, "dim" if row.origin == "default" else "normal"),
            Toned("at once" if row.applies == "now" else "after restart", "dim"),
        ),
        depth=1,
    )


def choices_of(row: SettingRow, themes: Sequence[str]) -> tuple[str, ...]:
    """What its value may be, where that is a short list."""
    if row.key == THEME:
        return tuple(themes)
    for pair in _SWITCHES:
        if row.default in pair or row.value in pair:
            # A rate has `off` too, and other values than `on`.
            return () if "off" in pair and "limit" in row.key else pair
    return ()


def _trouble(section: str, rows: Sequence[SettingRow]) -> Toned:
    clash = clash_of(changed_keys(rows)) if section == KEYS_SECTION else ""
    return Toned(clash, "bad")


def _written(name: str) -> str:
    """A key as people write it: `/`, not `slash`; the comma separates keys and keeps its name."""
    shown = Key("", name, "").shown
    return shown if len(shown) == 1 and shown.isascii() and shown != "," else name


def _key_row(key: Key, given: Mapping[str, SettingRow]) -> SettingRow:
    own = ", ".join(_written(name) for name in key.key.split(","))
    row = given.get(f"{KEYS_SECTION}.{key.id}")
    return SettingRow(
        key=f"{KEYS_SECTION}.{key.id}",
        value=row.value if row is not None and row.value else own,
        default=own,
        help=f"{key.help[:1].upper()}{key.help[1:]}.",
        origin=row.origin if row is not None else "default",
        applies=row.applies if row is not None else "restart",
        note=row.note if row is not None else "",
    )
