"""Small files that came whole, placed hundreds at a time. All calls block.

One rule for all of a batch: none has its final name before the bytes of all are on the disk, and
whoever is told that they are placed may rely on the names as well. What is written lies in
`<cid>.part` of the private folder until `clear`, as that of any other download: a run that is
killed leaves what the next one takes up with the means of `partial`. A `.part` that is there
already is such a one, and not touched.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, content_id_text
from p2ptui.base.text import clamp_mtime
from p2ptui.node.disk import Disk, PosixDisk
from p2ptui.node.partial_files import FOLDER_NAMES, PARTIALS
from p2ptui.node.storage_errors import NoSpace, explain, is_full
from p2ptui.node.store_values import Fingerprint

FEW_FOLDERS = 4
"""Up to so many are synced one by one."""


class SmallFile(NamedTuple):
    """A verified file, and where it goes."""

    content: ContentId
    folder: Path
    name: str
    mtime: float
    """Seconds since 1970."""
    data: memoryview


class PlacedFile(NamedTuple):
    """A file under its final name."""

    folder: Path
    name: str
    mark: Fingerprint


class SmallPlacing:
    """One batch: `place` it, note it, `clear` it."""

    def __init__(self, *, reserve_bytes: int = 0, disk: Disk | None = None) -> None:
        """`reserve_bytes` of the disk stay free."""
        self._disk = disk or PosixDisk()
        self._reserve = reserve_bytes
        self._made: dict[Path, list[str]] = {}
        """The parts that we made, by the folder that they are for."""

    def place(self, files: Sequence[SmallFile]) -> list[PlacedFile | None]:
        """Give them names that are safe and free, durably; None for one that must go alone.

        Raises `NoSpace`, `P2PError`: then none of them is placed, but for what a disk that fails
        in the middle leaves: whole files, whose parts are found by the next try.
        """
        places: dict[int, _Place] = {}
        try:
            order = sorted(range(len(files)), key=lambda index: str(files[index].folder))
            for folder, indexes in groupby(order, key=lambda index: files[index].folder):
                some = list(indexes)
                with self._told(folder, sum(len(files[index].data) for index in some)):
                    place = places[len(places)] = _Place(self._disk, folder)
                    self._write(place, {index: files[index] for index in some})
            self._sync(places.values())
            return self._link(places.values(), files)
        except P2PError:
            self._undo(places.values())
            raise
        finally:
            for place in places.values():
                place.close()

    def clear(self) -> None:
        """Remove the parts; the files have other names by now."""
        for folder, parts in self._made.items():
            with contextlib.suppress(OSError):
                place = _Place(self._disk, folder)
                try:
                    place.remove(parts)
                finally:
                    place.close()
        self._made = {}

    def _write(self, place: "_Place", files: dict[int, SmallFile]) -> None:
        disk, together = self._disk, place.syncs_together
        needed = sum(len(file.data) for file in files.values()) + self._reserve
        free = disk.free(place.folder)
        if free < needed:
            raise NoSpace(place.path, needed, free)
        for index, file in files.items():
            part = f"{content_id_text(file.content)}.part"
            try:
                handle = place.create(part)
            except FileExistsError:
                continue
            place.made.append(part)
            try:
                if file.data:
                    disk.write(handle, file.data, 0)
                disk.set_mtime(handle, clamp_mtime(file.mtime))
                if not together:
                    disk.sync(handle)
                found = disk.stat(handle)
            finally:
                disk.close(handle)
            place.written[index] = part, Fingerprint(found.size, found.mtime_ns, found.inode)
        self._made[place.path] = place.made

    def _sync(self, places: Iterable["_Place"]) -> None:
        """Bring all that was written onto the disk, as far as it is not there file by file."""
        together = [place for place in places if place.syncs_together]
        for place in _one_of_each_device(self._disk, together):
            with self._told(place.path):
                self._disk.sync_together(place.folder)

    def _link(
        self, places: Iterable["_Place"], files: Sequence[SmallFile]
    ) -> list[PlacedFile | None]:
        placed: list[PlacedFile | None] = [None] * len(files)
        places = list(places)
        for place in places:
            place.linked = True  # some of it, if not all: its parts stay for the next try
            with self._told(place.path):
                wanted = [(part, files[index].name) for index, (part, _) in place.written.items()]
                names = FOLDER_NAMES.place_new(self._disk, place.partials, place.folder, wanted)
            for (index, (_, mark)), name in zip(place.written.items(), names, strict=True):
                placed[index] = PlacedFile(place.path, name, mark)
        together = [place for place in places if place.syncs_together]
        if len(together) > FEW_FOLDERS:
            self._sync(together)
        else:
            together = []
        for place in places:
            if place not in together:
                with self._told(place.path):
                    self._disk.sync(place.folder)
        return placed

    def _undo(self, places: Iterable["_Place"]) -> None:
        """Remove the parts of what was not placed."""
        for place in places:
            if not place.linked:
                with contextlib.suppress(OSError):
                    place.remove(place.made)
        self._made = {}

    @contextlib.contextmanager
    def _told(self, folder: Path, size: int = 0) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if is_full(error):
                free = 0
                with contextlib.suppress(OSError):
                    free = _free(self._disk, folder)
                # A quota may be full while the disk is not.
                raise NoSpace(folder, max(size, free + 1), free) from error
            raise explain(error, folder, "write to") from error


class _Place:
    """A folder that files go to, open, with its private folder."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self.path = path
        self.made: list[str] = []
        self.written: dict[int, tuple[str, Fingerprint]] = {}
        """By the number of the file: its part, and what that is."""
        self.linked = False
        self._disk = disk
        self.folder = disk.open_folder(path)
        try:
            self.syncs_together = disk.syncs_together(self.folder)
            self.partials = disk.make_folder(self.folder, PARTIALS)
        except BaseException:
            disk.close(self.folder)
            raise

    def create(self, part: str) -> int:
        """A descriptor of a new part. Raises `FileExistsError` when there is one."""
        try:
            return self._disk.create_file(self.partials, part)
        except FileNotFoundError:
            # Whoever had the last part in the private folder removed it: this is the first one.
            self._disk.close(self.partials)
            self.partials = self._disk.make_folder(self.folder, PARTIALS)
            return self._disk.create_file(self.partials, part)

    def remove(self, parts: Iterable[str]) -> None:
        """Remove parts, and the private folder when it is empty then."""
        for part in parts:
            self._disk.remove(self.partials, part)
        self._disk.remove_folder(self.folder, PARTIALS)

    def close(self) -> None:
        """Close both folders."""
        self._disk.close(self.partials)
        self._disk.close(self.folder)


def _one_of_each_device(disk: Disk, places: Iterable[_Place]) -> list[_Place]:
    """The one opened first: a folder tells of writes that failed since then."""
    first: dict[int, _Place] = {}
    for place in places:
        first.setdefault(disk.stat(place.folder).device, place)
    return list(first.values())


def _free(disk: Disk, folder: Path) -> int:
    handle = disk.open_folder(folder)
    try:
        return disk.free(handle)
    finally:
        disk.close(handle)
