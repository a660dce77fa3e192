"""Lines that were entered, to go back to. Pure."""

from collections.abc import Sequence

MOST = 1000


class LineHistory:
    """Older with `back`, newer with `forward`; the line that was begun comes back at the end."""

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self._lines = list(lines)[-MOST:]
        self._place = len(self._lines)
        self._draft = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines, the oldest first."""
        return tuple(self._lines)

    def add(self, line: str) -> None:
        """A line was entered; the same one twice in a row is kept once."""
        if line and self._lines[-1:] != [line]:
            self._lines.append(line)
            del self._lines[:-MOST]
        self.leave()

    def leave(self) -> None:
        """Stand behind the newest line again."""
        self._place = len(self._lines)
        self._draft = ""

    def back(self, line: str) -> str:
        """The line before; `line` is what is being typed."""
        if self._place == len(self._lines):
            self._draft = line
        self._place = max(0, self._place - 1)
        return self._here(line)

    def forward(self, line: str) -> str:
        """The line after, and last what had been begun."""
        if self._place == len(self._lines):
            return line
        self._place += 1
        return self._here(line)

    def _here(self, line: str) -> str:
        if not self._lines:
            return line
        return self._draft if self._place == len(self._lines) else self._lines[self._place]
