"""Another peer's list as a tree: built from pages as they come, drawn folder by folder. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from p2ptui.node.api import RemoteFile


@dataclass(slots=True)
class RemoteFolder:
    """A folder with what is known to be in it."""

    name: str
    """Its whole path, joined with `/`; empty for the top."""
    folders: dict[str, "RemoteFolder"] = field(default_factory=dict)
    files: dict[str, RemoteFile] = field(default_factory=dict)
    """By whole name."""
    count: int = 0
    """Files in it and below it."""
    bytes: int = 0
    here: int = 0
    """Of these files, those that we have."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the tree: a folder or a file."""

    depth: int
    folder: RemoteFolder | None = None
    opened: bool = False
    file: RemoteFile | None = None


class RemoteTree:
    """The files that were brought so far. Folders are closed at first."""

    def __init__(self) -> None:
        self.top = RemoteFolder("")
        self.opened: set[str] = set()
        """Whole paths of folders that are open."""

    def add(self, files: Iterable[RemoteFile]) -> None:
        """Take a page. A name that is there already is replaced."""
        for file in files:
            chain = self._chain(file.name)
            before = chain[-1].files.get(file.name)
            chain[-1].files[file.name] = file
            for folder in chain:
                folder.count += before is None
                folder.bytes += file.size - (before.size if before is not None else 0)
                folder.here += _is_here(file) - _is_here(before)

    def file(self, name: str) -> RemoteFile | None:
        """A file by its whole name."""
        return self._chain(name)[-1].files.get(name)

    def fold(self, name: str, *, opened: bool) -> None:
        """Open or close a folder."""
        (self.opened.add if opened else self.opened.discard)(name)

    def shown(self) -> list[Shown]:
        """What is to be seen: folders before files, both by name."""
        return list(self._walk(self.top, 0))

    def _walk(self, folder: RemoteFolder, depth: int) -> Iterator[Shown]:
        for name in sorted(folder.folders, key=_order):
            inner = folder.folders[name]
            opened = inner.name in self.opened
            yield Shown(depth, folder=inner, opened=opened)
            if opened:
                yield from self._walk(inner, depth + 1)
        for name in sorted(folder.files, key=_order):
            yield Shown(depth, file=folder.files[name])

    def _chain(self, name: str) -> list[RemoteFolder]:
        """The folders of a file, from the top; made where they are missing."""
        chain = [self.top]
        path = ""
        for part in name.split("/")[:-1]:
            path = f"{path}/{part}" if path else part
            chain.append(chain[-1].folders.setdefault(part, RemoteFolder(path)))
        return chain


def _is_here(file: RemoteFile | None) -> bool:
    return file is not None and file.have == "have"


def _order(name: str) -> tuple[str, str]:
    return name.casefold(), name
