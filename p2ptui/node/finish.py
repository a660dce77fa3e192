"""The last step of a download: a verified file gets its final name. All calls block.

A hard link is made, which is atomic and refuses an existing name; where a disk has none, the file
is renamed under a lock of this process. Names are compared as `casefold(NFC(name))` (PROTOCOL.md
6), so that nothing is overwritten on a disk that takes `A.txt` and `a.txt` for one file.
"""

import errno
import threading
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from p2ptui.base.names import collision_key, numbered_name, safe_name
from p2ptui.node.disk import Disk, FileStat

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_KEPT_FOLDERS = 16
_NAMES_TRIED = 100


class Placing(NamedTuple):
    """What is placed and where: descriptors of both folders and the name of the partial."""

    disk: Disk
    partials: int
    part: str
    folder: int


class FolderNames:
    """The names in the folders that downloads go to, as they would collide.

    Listing a folder of 100,000 files for each file that is put there would take hours; the list is
    kept for as long as nobody else changed the folder.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: OrderedDict[tuple[int, int], tuple[int, set[str]]] = OrderedDict()

    def place(self, placing: Placing, name: str) -> str:
        """Give a file the final name, or the next free one like it; returns the one it got.

        A file that already lies there under such a name, from a run that was killed right then, is
        left as it is.
        """
        disk, folder = placing.disk, placing.folder
        source = disk.stat_name(placing.partials, placing.part)
        if source is None:
            raise FileNotFoundError(errno.ENOENT, "the partial file is gone", placing.part)
        wanted = safe_name(name)
        with self._lock:
            if source.links > 1 and (found := _placed_before(placing, wanted, source)):
                return found
            taken = self._taken(disk, folder)
            final = _link_free(placing, wanted, taken)
            self._keep(disk, folder, taken)
        return final

    def place_new(
        self, disk: Disk, partials: int, folder: int, files: Sequence[tuple[str, str]]
    ) -> list[str]:
        """Give many partials that no earlier run can have placed their names, as `place` would.

        `files`: the name of each partial, and the one wanted for it.
        """
        with self._lock:
            taken = self._taken(disk, folder)
            final = [
                _link_free(Placing(disk, partials, part, folder), safe_name(name), taken)
                for part, name in files
            ]
            self._keep(disk, folder, taken)
        return final

    def _keep(self, disk: Disk, folder: int, taken: set[str]) -> None:
        where = disk.stat(folder)
        self._folders[where.device, where.inode] = (where.mtime_ns, taken)
        while len(self._folders) > _KEPT_FOLDERS:
            self._folders.popitem(last=False)

    def _taken(self, disk: Disk, folder: int) -> set[str]:
        where = disk.stat(folder)
        kept = self._folders.pop((where.device, where.inode), None)
        if kept is not None and kept[0] == where.mtime_ns:
            return kept[1]
        return {collision_key(name) for name in disk.names(folder)}


def _link_free(placing: Placing, wanted: str, taken: set[str]) -> str:
    for number in count(1):
        name = wanted if number == 1 else numbered_name(wanted, number)
        key = collision_key(name)
        if key in taken:
            continue
        taken.add(key)
        try:
            if link_name(placing, name):
                return name
        except OSError:
            taken.discard(key)
            raise
    raise AssertionError("count() has no end")


def link_name(placing: Placing, name: str) -> bool:
    """Give a file this name: whether it has it now; False when something else has it."""
    disk, partials, part, folder = placing
    try:
        disk.link(partials, part, folder, name)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if disk.stat_name(folder, name) is not None:
            return False
        disk.rename(partials, part, folder, name)
    return True


def _placed_before(placing: Placing, wanted: str, source: FileStat) -> str:
    for number in range(1, _NAMES_TRIED):
        name = wanted if number == 1 else numbered_name(wanted, number)
        found = placing.disk.stat_name(placing.folder, name)
        if found is not None and (found.device, found.inode) == (source.device, source.inode):
            return name
    return ""
