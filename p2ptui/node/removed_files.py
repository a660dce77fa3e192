"""Removed files: kept beside their place for a while, then deleted. All calls block.

They lie in a private folder `.p2ptui-removed` on the same disk, so that moving there and back is a
rename, and no scan lists them.
"""

import contextlib
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from p2ptui.node.disk import PosixDisk
from p2ptui.node.finish import Placing, link_name
from p2ptui.node.shared_files import ShareFolder

REMOVED = ".p2ptui-removed"
_lock = threading.Lock()
"""Held by each call: the folder comes with its first file and goes with its last one."""


def new_name() -> str:
    """A name for a file there."""
    return secrets.token_hex(8)


def move_aside(root: Path, folder: str, name: str, aside: str) -> None:
    """Move a regular file aside, under another name. Raises `OSError`."""
    with ShareFolder(root) as share:
        share.mark(folder, name)
        place = share.subfolder(folder)
        with _opened(place) as (disk, removed):
            disk.rename(place, name, removed, aside)


def move_back(root: Path, folder: str, name: str, aside: str) -> bool:
    """Give a file its place again; False when another file lies there. Raises `OSError`."""
    with ShareFolder(root) as share:
        place = share.subfolder(folder)
        with _opened(place) as (disk, removed):
            if not link_name(Placing(disk, removed, aside, place), name):
                return False
            disk.remove(removed, aside)
    return True


def delete(place: Path, aside: str) -> None:
    """Delete a file that was moved aside from that folder; it may be gone. Raises `OSError`."""
    with (
        contextlib.suppress(FileNotFoundError),
        ShareFolder(place) as share,
        _opened(share.subfolder("")) as (disk, removed),
    ):
        disk.remove(removed, aside)


@contextlib.contextmanager
def _opened(place: int) -> Iterator[tuple[PosixDisk, int]]:
    disk = PosixDisk()
    with _lock:
        removed = disk.make_folder(place, REMOVED)
        try:
            yield disk, removed
        finally:
            disk.close(removed)
            disk.remove_folder(place, REMOVED)  # stays while it holds others
