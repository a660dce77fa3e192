"""Finding the engine of a home, starting one as a process of its own, ending it.

A started engine outlives its starter: it has a session of its own, its output goes to its log, and
what goes wrong while it starts is reported through its stdout as one line of JSON.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.home_lock import HomeLock

REPORT_FLAG = "--detached"
START_S = 30.0
STOP_S = 5.0
POLL_S = 0.05


class Report(msgspec.Struct, frozen=True):
    """How the start of an engine went; `title` empty: well."""

    title: str = ""
    message: str = ""
    hint: str = ""
    exit_code: int = 0


class Started:
    """An engine that this process started."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs, below zero when a signal ended it."""
        return self._process.poll()

    async def serving(self) -> None:
        """Wait until it serves. Raises the `P2PError` that it ended with."""
        assert self._process.stdout is not None
        report = await self._read_report(self._process.stdout)
        if report.title:
            await self.ended()
            raise P2PError(
                report.title, report.message, report.hint, exit_code=ExitCode(report.exit_code)
            )

    async def ended(self, timeout_s: float = STOP_S) -> bool:
        """Wait for its end; whether it came."""
        return await asyncio.to_thread(self.wait, timeout_s)

    def wait(self, timeout_s: float) -> bool:
        """The same, without a loop."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        """Ask it to stop, as a signal does."""
        self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    async def _read_report(self, pipe: IO[bytes]) -> Report:
        reading = asyncio.get_running_loop().run_in_executor(None, _first_line, pipe)
        try:
            async with asyncio.timeout(START_S):
                line = await asyncio.shield(reading)
            return msgspec.json.decode(line, type=Report)
        except (TimeoutError, msgspec.DecodeError):
            self.terminate()
            await reading
            return Report("It did not start", "Its process ended, or said nothing for 30 s.",
                          f"The log may tell why: {self._log}", 1)  # fmt: skip
        except asyncio.CancelledError:
            self.terminate()
            raise


def spawn_engine(
    arguments: Sequence[str],
    log: Path,
    env: Mapping[str, str] | None = None,
    module: str = "p2ptui",
) -> Started:
    """Begin to start an engine, in this environment or a given one; wait with `serving`.

    `module`: what Python runs.
    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    # -P: the working folder may be one that files were fetched into, and is no place for modules.
    command = [sys.executable, "-P", "-m", module, *arguments, REPORT_FLAG]
    try:
        process = subprocess.Popen(  # noqa: S603  (the arguments are our own)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            start_new_session=True,
            env=env,
        )
    finally:
        os.close(descriptor)
    return Started(process, log)


async def start_engine(arguments: Sequence[str], log: Path) -> Started:
    """Start an engine and wait until it serves. Raises the `P2PError` that it ended with."""
    started = spawn_engine(arguments, log)
    await started.serving()
    return started


def _first_line(pipe: IO[bytes]) -> bytes:
    with pipe:
        return pipe.readline()


def report_start(error: P2PError | None) -> None:
    """Tell the starter how it went, then let go of its pipe."""
    report = Report()
    if error is not None:
        report = Report(error.title, error.message, error.hint, int(error.exit_code))
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


async def wait_gone(lock: Path, timeout_s: float = STOP_S) -> bool:
    """Wait until no engine holds a home's lock; whether that came."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while (taken := HomeLock.take(lock)) is None:
        if asyncio.get_running_loop().time() >= deadline:
            return False
        await asyncio.sleep(POLL_S)
    taken.release()
    return True
