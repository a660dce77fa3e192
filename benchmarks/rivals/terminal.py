"""A program that knows only a terminal, and somebody who types at it."""

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.processes import running

Hear = Callable[[bytes], None]
_ROWS, _COLUMNS = 40, 160
_KEY_S = 0.2
"""Between two inputs, as a fast typist."""


class Terminal:
    """The keyboard of a running program; what it paints is thrown away."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def press(self, keys: str) -> None:
        """Send keys, and wait for nothing."""
        os.write(self._handle, keys.encode())

    async def type(self, text: str) -> None:
        """Type something and give the program time for it."""
        os.write(self._handle, text.encode())
        await asyncio.sleep(_KEY_S)

    async def enter(self, *lines: str) -> None:
        """Type lines, each with Enter."""
        for line in lines:
            await self.type(f"{line}\n")


@asynccontextmanager
async def at_terminal(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    hear: Hear | None = None,
) -> AsyncIterator[Terminal]:
    """A program at a terminal of its own for as long as the block runs.

    `hear` gets what the program paints, on its stderr too; without, that is thrown away and its
    stderr goes to the log.
    """
    ours, theirs = pty.openpty()
    loop = asyncio.get_running_loop()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        variables = {"TERM": "xterm", "LC_ALL": "C.UTF-8", **(environment or {})}
        async with running(
            command, log, environment=variables, terminal=theirs, errors_too=hear is not None
        ):
            os.close(theirs)
            theirs = -1
            os.set_blocking(ours, False)
            loop.add_reader(ours, _drain, ours, hear or _forget)
            try:
                yield Terminal(ours)
            finally:
                loop.remove_reader(ours)
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)


def _forget(_painted: bytes) -> None:
    """Nobody looks."""


def _drain(handle: int, hear: Hear) -> None:
    try:
        hear(os.read(handle, 65536))
    except OSError:  # the program has let go of it
        asyncio.get_running_loop().remove_reader(handle)
