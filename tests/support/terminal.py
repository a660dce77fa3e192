"""A program in a real terminal: tmux draws it, types into it, and tells what stands on it."""

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.support.processes import DEADLINE_S, until

TMUX = shutil.which("tmux")
WIDTH, HEIGHT = 100, 30
T = TypeVar("T")


class Terminal:
    """A tmux session of its own server; `close` ends it with all that runs in it."""

    def __init__(self, folder: Path, *, width: int = WIDTH, height: int = HEIGHT) -> None:
        assert TMUX is not None
        # A socket in a short folder: a path for one holds 100 bytes.
        self._tmux = [TMUX, "-S", str(folder / "t"), "-f", "/dev/null"]
        self._size = ["-x", str(width), "-y", str(height)]
        self._code = folder / "code"

    def start(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Run a program in it; the terminal stays when that has ended."""
        self._run("start-server", ";", "set-option", "-g", "remain-on-exit", "on", ";",
                  "set-option", "-g", "history-limit", "5000", ";",
                  "new-session", "-d", *self._size, "env", "-i",
                  *(f"{key}={text}" for key, text in env.items()),
                  # tmux itself does not always notice how its program ended.
                  "sh", "-c", '"$@"; echo $? >"$0"', str(self._code), *command)  # fmt: skip

    def wait_at(self, prompt: str) -> None:
        """Wait until an empty prompt is the last thing that stands there."""
        self._until(lambda: [line for line in self.lines() if line][-1:] == [prompt], prompt)

    def type(self, line: str, *, at: str) -> None:
        """Type a line at a prompt and press Enter."""
        # Before that the keys belong to nobody, and some are lost.
        self.wait_at(at)
        self._run("send-keys", "-l", line)
        self._run("send-keys", "Enter")

    def press(self, *keys: str) -> None:
        """Press keys by their names (`C-c`, `Tab`)."""
        self._run("send-keys", *keys)

    def lines(self) -> list[str]:
        """All lines from the beginning, what has scrolled away included."""
        shown = self._run("capture-pane", "-p", "-J", "-S", "-")
        return [line.rstrip() for line in shown.splitlines()]

    def wait_for(self, text: str, *, times: int = 1) -> list[str]:
        """The lines once a text stands in so many of them."""

        def seen() -> list[str]:
            lines = self.lines()
            return lines if sum(text in line for line in lines) >= times else []

        return self._until(seen, text)

    def exit_code(self) -> int:
        """The exit code of the program, once it has ended."""

        def ended() -> str:
            return self._code.read_text() if self._code.exists() else ""

        return int(self._until(ended, "the end of the program"))

    def close(self) -> None:
        """End it."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)

    def _until(self, condition: Callable[[], T], what: str) -> T:
        try:
            found: T = until(condition, what)
        except AssertionError:
            screen = "\n".join(self.lines())
            raise AssertionError(f"no {what!r} within {DEADLINE_S} s:\n{screen}") from None
        return found

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [*self._tmux, *words], capture_output=True, text=True, check=True, timeout=DEADLINE_S
        )
        return done.stdout
