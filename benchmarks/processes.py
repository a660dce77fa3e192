"""Processes: the programs that are measured. Each is bounded in time and always killed at the end.

A program gets a session of its own, so that it is killed with all that it started. Waiting is
polling: nothing here has an event to offer.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

HOST = "127.0.0.1"
START_S = 60.0
STOP_S = 5.0
POLL_S = 0.01


class Missing(Exception):  # noqa: N818  (a finding: the case is not run)
    """What a case needs is not on this machine; says what to install."""


class Broken(Exception):  # noqa: N818  (a finding: the case is not run)
    """A program did not do what it was asked to."""


def require_program(name: str, *, debian: str) -> str:
    """The path of a program. Raises `Missing`."""
    # Servers lie where an ordinary user's search path may not lead.
    path = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        raise Missing(f"{name} is missing (Debian: {debian})")
    return path


def free_port() -> int:
    """A TCP port of the loopback that is free now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def running(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    terminal: int | None = None,
    errors_too: bool = False,
) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """A program for as long as the block runs; its output goes to a file, or to a terminal.

    `errors_too`: what it writes to stderr goes to the terminal as well.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=output if terminal is None else terminal,
            stderr=terminal if errors_too else output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await _stop(process)


async def _stop(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                while process.poll() is None:
                    await asyncio.sleep(POLL_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def finished(
    command: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None
) -> None:
    """Run a program to its end. Raises `Broken` when it fails."""
    async with running(command, log, environment=environment) as process:
        while (code := process.poll()) is None:
            await asyncio.sleep(POLL_S)
    if code:
        raise Broken(f"{Path(command[0]).name} ended with {code}: {tail_of(log)}")


async def wait_until(
    condition: Callable[[], bool], what: str, *, within_s: float = START_S
) -> None:
    """Look again and again. Raises `Broken` after too long."""
    try:
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise Broken(f"{what}: not within {within_s:g} s") from None


async def wait_for_port(port: int, what: str) -> None:
    """Wait until somebody listens. Raises `Broken`."""

    def open_now() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, port)) == 0

    await wait_until(open_now, what)


def tail_of(log: Path) -> str:
    """The last line of a log."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
