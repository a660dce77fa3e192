"""A real terminal for end-to-end tests: a program in tmux, keys in, what is seen out.

Each terminal has a tmux server of its own, which ends with it. All bytes that the program writes to
its terminal are kept in a file.
"""

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import DEADLINE_S, until

TMUX = shutil.which("tmux")


class Terminal:
    """A program at a terminal of a given size."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self._socket = folder / "tmux"
        self._size = size
        self._ended = folder / "ended"
        self.written = folder / "written"
        """All bytes that the program sent to its terminal."""

    def start(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Run a program, its terminal recorded from its first byte on."""
        columns, rows = map(str, self._size)
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, "-s", "it", "cat"
        )
        self._tmux("set-option", "-t", "it", "remain-on-exit", "on")
        self._tmux("pipe-pane", "-t", "it", f"cat > {shlex.quote(str(self.written))}")
        words = ["env", "-i", *(f"{key}={value}" for key, value in env.items()), *command]
        # Its exit code by way of the shell: tmux itself knows a dead pane at times without one.
        ended, half = shlex.quote(str(self._ended)), shlex.quote(f"{self._ended}.half")
        command_line = f"{shlex.join(words)}; echo $? > {half}; mv {half} {ended}"
        self._tmux("respawn-pane", "-k", "-t", "it", command_line)

    def press(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        self._tmux("send-keys", "-t", "it", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._tmux("send-keys", "-t", "it", "-l", text)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self._tmux("resize-window", "-t", "it", "-x", str(columns), "-y", str(rows))

    @property
    def text(self) -> str:
        """What is seen now."""
        return self._tmux("capture-pane", "-p", "-t", "it")

    @property
    def exit_code(self) -> int | None:
        """What the program ended with; None while it runs."""
        return int(self._ended.read_text()) if self._ended.exists() else None

    def until_seen(self, *texts: str) -> str:
        """Wait until all the texts are on the screen; what is seen then."""
        seen = ""

        def look() -> bool:
            nonlocal seen
            seen = self.text
            return all(text in seen for text in texts)

        try:
            until(look)
        except AssertionError:
            raise AssertionError(f"{texts} did not come:\n{seen}") from None
        return seen

    def until_ended(self) -> int:
        """Wait for the end of the program; its exit code."""
        until(lambda: self.exit_code is not None, f"the end of the program:\n{self.text}")
        code = self.exit_code
        assert code is not None
        return code

    def close(self) -> None:
        """End the server and with it the program."""
        subprocess.run(
            [str(TMUX), "-S", str(self._socket), "kill-server"], capture_output=True, check=False
        )

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            [str(TMUX), "-S", str(self._socket), *words],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout


@contextmanager
def terminal(folder: Path, size: tuple[int, int] = (120, 36)) -> Iterator[Terminal]:
    """A terminal for one test."""
    found = Terminal(folder, size)
    try:
        yield found
    finally:
        found.close()
