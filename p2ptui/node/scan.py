"""Walking a share: what files are there, a bounded number at a time. All calls block.

Passed over without a word: names that begin with a dot (hidden files, `.p2ptui-partial`), other
shares inside this one, and the node's own home. Skipped and counted, with the reason: symbolic
links and other irregular files, names that may not go on the wire, folders that cannot be read or
that lie too deep.
"""

import os
import stat
import threading
import unicodedata
from collections import Counter
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from p2ptui.base.names import MAX_PATH_PARTS, check_name
from p2ptui.node.shared_files import ShareFolder, mark_of
from p2ptui.node.store_values import ScannedFile, ShareRecord

SLICE_FILES = 2000
"""Most files of one slice; a larger folder comes in several."""
SLICES_FOLDERS = 200
"""Most folders that are looked at in one go."""
NAMED_SKIPS = 20
"""Skipped files that are told by name; the rest is counted."""


class FolderSlice(NamedTuple):
    """Some or all of the files right in one local folder."""

    folder: str
    files: tuple[ScannedFile, ...]
    first: bool
    last: bool


@dataclass(slots=True)
class Skipped:
    """What cannot be shared: how many for which reason, and the first of them by name."""

    reasons: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str]] = field(default_factory=list)

    def add(self, place: str, reason: str) -> None:
        """Count one local path."""
        self.reasons[reason] += 1
        if len(self.named) < NAMED_SKIPS:
            self.named.append((place, reason))


class Walk:
    """One walk through the folder of a share, not a single file's."""

    def __init__(self, share: ShareRecord, passed_over: Collection[tuple[int, int]] = ()) -> None:
        """`passed_over`: device and inode of folders that are not to be entered.

        Raises `OSError` when the share's folder cannot be opened.
        """
        self.skipped = Skipped()
        self.unreadable: list[str] = []
        """Local folders that could not be read: nothing is known of what they hold."""
        self.empty: list[str] = []
        """Wire paths of folders that hold nothing to share."""
        self.folder = ShareFolder(share.root)
        self.identity = self.folder.identity
        self._share = share
        self._passed_over = set(passed_over) - {self.identity}
        self._slices = self._walk()
        self._walking = threading.Lock()

    def next(self) -> list[FolderSlice]:
        """The next files, some thousand at most; an empty list at the end."""
        found: list[FolderSlice] = []
        files = 0
        with self._walking:
            for part in self._slices:
                found.append(part)
                files += len(part.files)
                if files >= SLICE_FILES or len(found) >= SLICES_FOLDERS:
                    break
        return found

    def still_there(self) -> bool:
        """Whether the share's path still leads to the folder that was walked (F100)."""
        try:
            found = self._share.root.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self.identity

    def close(self) -> None:
        """Close the share's folder; waits for a thread whose caller was cancelled."""
        with self._walking:
            self._slices.close()
            self.folder.close()

    def _walk(self) -> Generator[FolderSlice, None, None]:
        waiting = [""]
        while waiting:
            place = waiting.pop()
            below: list[str] = []
            yield from self._look_into(place, below)
            waiting += sorted(below, reverse=True)

    def _look_into(self, place: str, below: list[str]) -> Iterator[FolderSlice]:
        prefix = self._share.prefix + unicodedata.normalize("NFC", f"{place}/" if place else "")
        files: list[ScannedFile] = []
        first = True
        try:
            with os.scandir(self.folder.subfolder(place)) as entries:
                for entry in entries:
                    file = self._judge(entry, place, prefix, below)
                    if file is None:
                        continue
                    if len(files) == SLICE_FILES:
                        yield FolderSlice(place, tuple(files), first, last=False)
                        files, first = [], False
                    files.append(file)
        except OSError as error:
            self.skipped.add(place, error.strerror or str(error))
            self.unreadable.append(place)
            return
        if place and first and not files and not below:
            self.empty.append(prefix[:-1])
        yield FolderSlice(place, tuple(files), first, last=True)

    def _judge(
        self, entry: os.DirEntry[str], place: str, prefix: str, below: list[str]
    ) -> ScannedFile | None:
        name = entry.name
        if name.startswith("."):
            return None
        local = f"{place}/{name}" if place else name
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.skipped.add(local, error.strerror or str(error))
            return None
        is_folder = stat.S_ISDIR(found.st_mode)
        if is_folder and (found.st_dev, found.st_ino) in self._passed_over:
            return None
        reason, shown = self._refuse(name, found.st_mode, prefix.count("/") + is_folder)
        if reason:
            self.skipped.add(local, reason)
        elif is_folder:
            below.append(local)
        else:
            return ScannedFile(place, name, prefix + shown, mark_of(found))
        return None

    def _refuse(self, name: str, mode: int, folders: int) -> tuple[str, str]:
        """Why a name is skipped, or else its form on the wire."""
        if stat.S_ISLNK(mode):
            return "a symbolic link", ""
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return "not a regular file", ""
        try:
            shown = unicodedata.normalize("NFC", name)
            name.encode("utf-8")
        except UnicodeEncodeError:
            return "a name that is not UTF-8", ""
        if folders >= MAX_PATH_PARTS:
            return f"more than {MAX_PATH_PARTS} folders deep", ""
        return check_name(shown), shown
