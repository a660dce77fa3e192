"""What a backup of a tracker is: a plain tar file with a manifest in front.

```
manifest.json   authority/ca.key …   settings.toml   audit.jsonl   history.db   index.db
```
Every file but the manifest stands in the manifest, in the order of the archive, with its size and
SHA-256. Whoever has such a file can be the tracker: it is written 0600.
"""

import re
from pathlib import Path

from msgspec import Struct

from p2ptui.base.paths import TrackerHome

FORMAT = 2
READABLE = frozenset({1, 2})
"""Formats that can be restored; 1 had no history."""
MANIFEST = "manifest.json"
AUTHORITY = "authority/"
SETTINGS = "settings.toml"
AUDIT = "audit.jsonl"
INDEX = "index.db"
HISTORY = "history.db"
MAX_MANIFEST_BYTES = 1024 * 1024
_AUTHORITY_FILE = re.compile(r"authority/[a-z0-9][a-z0-9._-]{0,99}", re.ASCII)


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the archive."""

    name: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds, and of what tracker."""

    format: int
    software: str
    """Version that wrote it."""
    swarm: str
    """Name of the swarm."""
    pin: str
    made: float
    """Seconds since 1970."""
    files: tuple[Item, ...]


def extra_files(home: TrackerHome) -> dict[str, Path]:
    """Files of a home beside authority and index that a backup holds when they exist."""
    return {SETTINGS: home.settings, AUDIT: home.audit}


def is_known_name(name: str, home: TrackerHome) -> bool:
    """Whether an archive may hold a file of that name; no other is ever written to disk."""
    known = {INDEX, HISTORY, *extra_files(home)}
    return name in known or bool(_AUTHORITY_FILE.fullmatch(name))
