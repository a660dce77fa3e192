"""b3sum: reads and hashes with all cores, keeps nothing."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import finished, require_program


@dataclass(frozen=True, slots=True)
class B3sum:
    """One process for all files of a tree."""

    program: str
    folder: Path
    name: str = "b3sum"

    async def hash(self, tree: Path) -> None:
        """Hash every file of a tree; their names go in as arguments."""
        names = [str(path) for path in sorted(tree.rglob("*")) if path.is_file()]
        await finished([self.program, "--", *names], self.folder / "b3sum.log")


def open_b3sum(folder: Path) -> B3sum:
    """The program, with a folder for its log. Raises `Missing`."""
    return B3sum(require_program("b3sum", debian="b3sum"), folder)
