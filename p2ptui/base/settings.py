"""Settings: one typed tree, from flags over environment over a TOML file over defaults.

The parts of the tree are `PeerSettings`, `TrackerSettings` and `LookSettings`; each field is a key
of the table `[peer]`, `[tracker]` or `[look]` in `settings.toml`, a variable `P2PTUI_PEER_NICK`,
and mostly a flag. What a key takes is written once, in the field's type. The table `[keys]` maps
ids of keys to keys; whoever has keys knows which there are. Every error is a usage error (exit 2)
that names file, line, key and the nearest valid key.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.settings_file import SettingsFile, nearest, read_settings_file
from p2ptui.base.settings_values import (
    Bytes,
    Duration,
    ListenAddress,
    Rate,
    Schedule,
    parse_value,
)

_PREFIX = "P2PTUI_"
_SECTIONS = ("peer", "tracker", "look")
KEYS = "keys"
"""The table of changed keys."""

Origin = Literal["default", "file", "environment", "flag"]


class PeerSettings(Struct, frozen=True, kw_only=True):
    """Table `[peer]`: a node."""

    tracker: str = ""
    """Tracker to connect to at the start: a join link or `host[:port]`; empty: the last one."""
    nick: Annotated[str, Meta(max_length=32)] = ""
    """Name that others see, at most 32 characters; empty: the login name."""
    listen: ListenAddress = ""
    """`host:port` of the data port; empty: all addresses, port 7071 or the next free one."""
    downloads: str = ""
    """Repository folder; empty: `repo` in P2PTUI_HOME, else `~/p2ptui`."""
    shares: tuple[str, ...] = ()
    """Further folders that are offered; in a variable separated as in PATH."""
    up_limit: Rate = None
    """Upload limit, as `20 MB/s`; `off`: none."""
    down_limit: Rate = None
    """Download limit, as `20 MB/s`; `off`: none."""
    slow_up_limit: Rate = 1_000_000
    """Upload limit of slow mode, as `1 MB/s`; `off`: none."""
    slow_down_limit: Rate = 1_000_000
    """Download limit of slow mode, as `1 MB/s`; `off`: none."""
    slow_schedule: Schedule = ""
    """When slow mode is on by itself, as `mon-fri 08:00-18:00, sat 10:00-12:00`; empty: never."""
    member_up_limit: Rate = None
    """Upload limit for each single member, as `5 MB/s`; `off`: none."""
    member_down_limit: Rate = None
    """Download limit for each single member, as `5 MB/s`; `off`: none."""
    member_limits: tuple[str, ...] = ()
    """Limits of single members instead of these, as `anna up 1 MB/s`; `limit --peer` sets them."""
    upload_slots: Annotated[int, Meta(ge=1, le=1000)] = 16
    """Members that may take from here at a time; the others wait in a queue for their turn."""
    max_downloads: Annotated[int, Meta(ge=1, le=1000)] = 32
    """Downloads at work at a time; the others wait for their turn."""
    history: Annotated[int, Meta(ge=100, le=1_000_000)] = 10_000
    """Transfers that are over and remembered."""
    tell_history: bool = True
    """Whether the tracker is told what was fetched here, how fast, and from whom."""
    reserve_bytes: Bytes = 256_000_000
    """Disk space that downloads leave free, as `500 MB`."""
    rescan_s: Duration = 300.0
    """Time between two looks for changed files, as `5m`; 0: only when asked."""
    discover: Literal["auto", "on", "off"] = "auto"
    """Whether to find, and be found, on the local network; `auto`: not on loopback."""
    hash_threads: Annotated[int, Meta(ge=1, le=64)] = 2
    """Files that are hashed at once."""


class TrackerSettings(Struct, frozen=True, kw_only=True):
    """Table `[tracker]`: a tracker."""

    listen: ListenAddress = ""
    """`host:port`; empty: all addresses, port 7070."""
    name: Annotated[str, Meta(max_length=32)] = ""
    """Name of the swarm; empty: the machine's name."""
    open: bool = True
    """Whether private addresses may join without an invite."""
    motd: Annotated[str, Meta(max_length=500)] = ""
    """Message of the day, told to every member that connects."""
    advertise: Literal["auto", "on", "off"] = "auto"
    """Whether it is found on the local network; `auto`: on private addresses, not on loopback."""
    relay: bool = True
    """Whether members that cannot dial each other are connected through the tracker."""
    relay_limit: Rate = 2_000_000
    """Most that all relayed connections take together, as `2 MB/s`; `off`: no limit."""
    max_entries: Annotated[int, Meta(ge=1, le=100_000_000)] = 1_000_000
    """Most files that one member may announce."""
    search_rate: Annotated[float, Meta(gt=0, le=10_000)] = 5.0
    """Searches a second that one member may make; four times as many at once."""
    max_connections: Annotated[int, Meta(ge=1, le=100_000)] = 256
    """Connections that one address may hold; this machine's own are not counted."""
    history: Annotated[int, Meta(ge=100, le=1_000_000)] = 10_000
    """Fetches of members that are remembered."""
    metrics: ListenAddress = ""
    """`host:port` of /metrics, /stats.json and /health, as `127.0.0.1:9071`; empty: off."""
    metrics_public: bool = False
    """Whether that may be another address than this machine's own: whoever can call it reads it."""


class LookSettings(Struct, frozen=True, kw_only=True):
    """Table `[look]`: the full-screen programs."""

    theme: Annotated[str, Meta(max_length=64)] = ""
    """Name of the colour theme, as `p2ptui-light`; empty: `p2ptui-dark`."""
    ascii: bool = False
    """Whether lines and marks are drawn with ASCII characters alone."""
    mouse: bool = True
    """Whether the mouse is taken; without, the terminal's own selection works."""


class Settings(Struct, frozen=True, kw_only=True):
    """All settings."""

    peer: PeerSettings = PeerSettings()
    tracker: TrackerSettings = TrackerSettings()
    look: LookSettings = LookSettings()
    keys: dict[str, str] = {}
    """Ids of keys and the keys that they have instead of their own."""
    origins: dict[str, Origin] = {}
    """Where each setting (`peer.nick`) comes from; one that is missing is a default."""


_PARTS: dict[str, type[Struct]] = {
    "peer": PeerSettings,
    "tracker": TrackerSettings,
    "look": LookSettings,
}


class Field(NamedTuple):
    """One setting."""

    section: str
    name: str
    kind: Any
    """Its type, as `parse_value` takes it."""
    default: Any

    @property
    def key(self) -> str:
        """`peer.nick`."""
        return f"{self.section}.{self.name}"


def load_settings(
    path: Path, env: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> Settings:
    """Settings of a file, which may be missing, an environment and a command line.

    `flags` maps `peer.nick` and the like to text or to the typed value; a value of None is a flag
    that was not given. Raises a usage error at the first mistake.
    """
    file = read_settings_file(path)
    _refuse_unknown_tables(file)
    given = {section: _from_file(file, section) for section in _SECTIONS}
    keys = _keys_of(file)
    origins: dict[str, Origin] = {f"{s}.{key}": "file" for s in _SECTIONS for key in given[s]}
    origins |= {f"{KEYS}.{key}": "file" for key in keys}
    over: tuple[tuple[Origin, list[_Given]], ...] = (
        ("environment", _from_env(env)),
        ("flag", _from_flags(flags or {})),
    )
    for kind, values in over:
        for section, key, value, origin in values:
            given[section][key] = parse_value(_fields(section)[key], value, origin)
            origins[f"{section}.{key}"] = kind
    return Settings(
        peer=PeerSettings(**given["peer"]),
        tracker=TrackerSettings(**given["tracker"]),
        look=LookSettings(**given["look"]),
        keys=keys,
        origins=origins,
    )


def fields_of(section: str) -> list[Field]:
    """The settings of a table, in its order."""
    part = _PARTS[section]
    defaults = part()
    return [
        Field(section, name, kind, getattr(defaults, name))
        for name, kind in _fields(section).items()
    ]


def unknown_setting(where: str, key: str, valid: Sequence[str]) -> P2PError:
    """There is no such setting; the nearest one is named."""
    closest = nearest(key, valid)
    hint = f"Did you mean {closest}?" if closest else f"Valid: {', '.join(valid)}."
    return usage_error("Settings are wrong", f"{where}: no such setting: {key}", hint)


_Given = tuple[str, str, object, str]
"""Table, key, value, and where that was said."""


def _fields(section: str) -> dict[str, Any]:
    part = _PARTS[section]
    return {key: part.__annotations__[key] for key in part.__struct_fields__}


def _refuse_unknown_tables(file: SettingsFile) -> None:
    tables = (*_SECTIONS, KEYS)
    for section, content in file.tables.items():
        if section not in tables:
            raise unknown_setting(file.where((section,)), section, tables)
        if not isinstance(content, dict):
            raise usage_error(
                "Settings are wrong",
                f"{file.where((section,))}: {section} is a table, not a value",
                f"Write [{section}] on a line of its own, and its keys below.",
            )


def _from_file(file: SettingsFile, section: str) -> dict[str, Any]:
    fields = _fields(section)
    given: dict[str, Any] = {}
    for key, value in file.tables.get(section, {}).items():
        where = file.where((section, key))
        if key not in fields:
            raise unknown_setting(
                where, f"{section}.{key}", [f"{section}.{name}" for name in fields]
            )
        given[key] = parse_value(fields[key], value, f"{where}: {section}.{key}")
    return given


def _keys_of(file: SettingsFile) -> dict[str, str]:
    """The table `[keys]`; `table.down = "n"` may stand there with quotes or without."""
    found: dict[str, str] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((KEYS,), file.tables.get(KEYS, {}))]
    while waiting:
        place, table = waiting.pop()
        for key, value in table.items():
            inner = (*place, key)
            if isinstance(value, dict):
                waiting.append((inner, value))
                continue
            where = f"{file.where(inner)}: {'.'.join(inner)}"
            found[".".join(inner[1:])] = parse_value(str, value, where)
    return found


def _from_env(env: Mapping[str, str]) -> list[_Given]:
    found: list[_Given] = []
    for variable, text in env.items():
        section = next((s for s in _SECTIONS if variable.startswith(_variable(s, ""))), "")
        if not section:
            continue
        key = variable.removeprefix(_variable(section, "")).lower()
        fields = _fields(section)
        if key not in fields or variable != _variable(section, key):
            valid = [_variable(section, name) for name in fields]
            raise unknown_setting("environment", variable, valid)
        value: object = text
        if fields[key] == tuple[str, ...]:
            value = tuple(part for part in text.split(os.pathsep) if part)
        found.append((section, key, value, f"environment: {variable}"))
    return found


def _variable(section: str, key: str) -> str:
    return f"{_PREFIX}{section.upper()}_{key.upper()}"


def _from_flags(flags: Mapping[str, object]) -> list[_Given]:
    found: list[_Given] = []
    for name, value in flags.items():
        if value is None:
            continue
        section, _dot, key = name.partition(".")
        if section not in _SECTIONS or key not in _fields(section):
            # Not a person's mistake: the command line's own table names a key that does not exist.
            raise KeyError(name)
        found.append((section, key, value, f"--{key.replace('_', '-')}"))
    return found
