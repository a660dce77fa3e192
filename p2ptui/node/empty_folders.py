"""Empty folders: those of our shares that hold no file to share. Pure.

The index has files alone. Who asks us for our list hears of these as entries of no bytes whose
content is `FOLDER`: no file has that id, for it is derived for a purpose of its own.
"""

from collections.abc import Collection

from blake3 import blake3

from p2ptui.base.ids import ContentId
from p2ptui.net.wire.messages import Entry

FOLDER = ContentId(blake3(derive_key_context="p2ptui 2026 folder v1").digest())
"""What an empty folder has in place of a content id."""
MAX_FOLDERS = 10_000
"""Empty folders of one share that are told."""


class EmptyFolders:
    """The empty folders of all shares, as the last scans found them."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[str, ...]] = {}

    def note(self, share: int, wires: Collection[str]) -> None:
        """A scan of a share found these, by their wire paths."""
        self._found[share] = tuple(sorted(wires))[:MAX_FOLDERS]

    def entries(self, text: str, shares: Collection[int]) -> list[Entry]:
        """Those of these shares whose path holds every word of a text, by name."""
        words = text.casefold().split()
        found = {wire for share in shares for wire in self._found.get(share, ())}
        return [
            Entry(tuple(wire.split("/")), 0, FOLDER, 0)
            for wire in sorted(found)
            if all(word in wire.casefold() for word in words)
        ]
