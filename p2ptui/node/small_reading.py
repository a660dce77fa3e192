"""Small files of ours, read whole for one answer: as long as they are those that were hashed.

All calls block.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from p2ptui.node.disk import read_at
from p2ptui.node.shared_files import ShareFolder, mark_of
from p2ptui.node.store_values import FileRecord


class SmallFiles(NamedTuple):
    """What was read."""

    given: list[bytes | None]
    """In the order of asking; None for one that cannot be given."""
    changed: list[FileRecord]
    """Those that are not what was hashed, or are gone; each once."""


def read_files(wanted: Sequence[tuple[Path, FileRecord] | None], limit: int) -> SmallFiles:
    """Read files, each below the root of its share, of at most `limit` bytes together.

    One that is wanted several times is looked at once when it cannot be given.
    """
    given: list[bytes | None] = []
    changed: dict[int, FileRecord] = {}
    folders: dict[Path, ShareFolder] = {}
    try:
        for each in wanted:
            data = None
            if each is not None and each[1].size <= limit and each[1].id not in changed:
                root, file = each
                try:
                    if root not in folders:
                        folders[root] = ShareFolder(root)
                    data = _read(folders[root], file)
                except OSError:
                    data = None
                if data is None:
                    changed[file.id] = file
                else:
                    limit -= len(data)
            given.append(data)
    finally:
        for folder in folders.values():
            folder.close()
    return SmallFiles(given, list(changed.values()))


def _read(folder: ShareFolder, file: FileRecord) -> bytes | None:
    """All of a file; None when it is not the one that was hashed, before or after reading."""
    handle = folder.open(file.folder, file.name)
    try:
        if mark_of(os.fstat(handle)) != file.mark:
            return None
        data = read_at(handle, file.size, 0)
        same = mark_of(os.fstat(handle)) == file.mark
    finally:
        os.close(handle)
    return data if same and len(data) == file.size else None
