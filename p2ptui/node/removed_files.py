"""Removed files: kept beside their place for a while, then deleted. All calls block.

They lie in a private folder `.p2ptui-removed` on the same disk, so that moving there and back is a
rename, and no scan lists them.
"""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from p2ptui.node.disk import PosixDisk
from p2ptui.node.finish import Placing, link_name
from p2ptui.node.shared_files import ShareFolder

REMOVED = ".p2ptui-removed"


def new_name() -> str:
    """A name for a file there."""
    return secrets.token_hex(8)


def move_aside(root: Path, folder: str, name: str, aside: str) -> bool:
    """Move a file aside under a name; whether it was there. Raises `OSError`."""
    disk = PosixDisk()
    with ShareFolder(root) as share:
        place = share.subfolder(folder)
        with _opened(disk, place) as removed:
            try:
                disk.rename(place, name, removed, aside)
            except FileNotFoundError:
                return False
    return True


def move_back(root: Path, folder: str, name: str, aside: str) -> bool:
    """Give a file its place again; False when another file lies there. Raises `OSError`."""
    disk = PosixDisk()
    with ShareFolder(root) as share:
        place = share.subfolder(folder)
        with _opened(disk, place) as removed:
            if not link_name(Placing(disk, removed, aside, place), name):
                return False
            with contextlib.suppress(FileNotFoundError):  # no hard links: it was renamed
                disk.remove(removed, aside)
    return True


def delete(place: Path, aside: str) -> None:
    """Delete a file that was moved aside from that folder; it may be gone. Raises `OSError`."""
    disk = PosixDisk()
    with ShareFolder(place) as share, _opened(disk, share.subfolder("")) as removed:
        with contextlib.suppress(FileNotFoundError):
            disk.remove(removed, aside)


@contextlib.contextmanager
def _opened(disk: PosixDisk, place: int) -> Iterator[int]:
    """The folder of removed files, which is there only while it holds some."""
    removed = disk.make_folder(place, REMOVED)
    try:
        yield removed
    finally:
        disk.close(removed)
        with contextlib.suppress(OSError):  # it holds others still
            disk.remove_folder(place, REMOVED)
