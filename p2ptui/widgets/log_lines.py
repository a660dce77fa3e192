"""Lines of a log: values, and the list that is bounded and filtered. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from p2ptui.base.text import display
from p2ptui.widgets.table_rows import Toned

Level = Literal["debug", "info", "good", "warn", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warn", "error")
"""What can be filtered by; `good` counts as `info`."""
_RANK: dict[Level, int] = {"debug": 0, "info": 1, "good": 1, "warn": 2, "error": 3}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. Remote texts may be given as they came: they are made safe here."""

    time: str
    """As it is shown, `14:02:11`."""
    level: Level
    parts: tuple[str | Toned, ...]
    sign: Toned | None = None
    """Instead of the level's own."""

    @property
    def text(self) -> str:
        """The words, without time and sign."""
        return "".join(display(part if isinstance(part, str) else part.text) for part in self.parts)


class LogLines:
    """The last `bound` lines, and those of them that the filter lets through."""

    def __init__(self, bound: int) -> None:
        self._all: deque[LogLine] = deque(maxlen=bound)
        self._shown: deque[LogLine] = deque()
        self._least: Level = "debug"
        self._pattern = ""

    def __len__(self) -> int:
        return len(self._shown)

    def __getitem__(self, index: int) -> LogLine:
        return self._shown[index]

    @property
    def total(self) -> int:
        """Lines that are kept, shown or not."""
        return len(self._all)

    def extend(self, lines: Iterable[LogLine]) -> int:
        """Add lines; how many shown ones went out at the front."""
        gone = 0
        for line in lines:
            if len(self._all) == self._all.maxlen:
                oldest = self._all.popleft()
                if self._shown and self._shown[0] is oldest:
                    self._shown.popleft()
                    gone += 1
            self._all.append(line)
            if self._lets_through(line):
                self._shown.append(line)
        return gone

    def filter(self, least: Level, pattern: str) -> None:
        """Show the lines of this level and above that contain a text, whatever its case."""
        self._least, self._pattern = least, pattern.casefold()
        self._shown = deque(line for line in self._all if self._lets_through(line))

    def clear(self) -> None:
        """Forget all lines."""
        self._all.clear()
        self._shown.clear()

    def _lets_through(self, line: LogLine) -> bool:
        if _RANK[line.level] < _RANK[self._least]:
            return False
        return not self._pattern or self._pattern in line.text.casefold()
