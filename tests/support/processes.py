"""Real processes for end-to-end tests: each with a home of its own, ended whatever happens.

Nothing here sleeps for a guessed time: a process tells events as JSON lines, and a test waits for
one of them, with a deadline.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from p2ptui.base.paths import Home

DEADLINE_S = 30.0
POLL_S = 0.02
PROGRAM = (sys.executable, "-P", "-m", "p2ptui")
LOOPBACK = "127.0.0.1:0"


class Result(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON objects on its stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        """The only one."""
        rows = self.rows
        assert len(rows) == 1, self
        return rows[0]

    @property
    def error(self) -> dict[str, Any]:
        """The error object on its stderr."""
        found: dict[str, Any] = json.loads(self.err.splitlines()[-1])
        assert found["exit_code"] == self.code
        return found


class Process:
    """A process that tells events. Its stderr goes to a file."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], folder: Path) -> None:
        self.err_path = folder / f"stderr-{time.monotonic_ns()}"
        with self.err_path.open("wb") as err:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                env=env,
                cwd=folder,
                start_new_session=True,
            )
        self.events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(
        self, event: str, *, after: int = 0, deadline_s: float = DEADLINE_S, **fields: object
    ) -> dict[str, Any]:
        """The first such event behind so many others; fails when it does not come in time."""
        deadline = time.monotonic() + deadline_s
        with self._changed:
            while True:
                for told in self.events[after:]:
                    if told.get("event") == event and fields.items() <= told.items():
                        return told
                left = deadline - time.monotonic()
                ended = not self._reader.is_alive()
                if left <= 0 or ended or not self._changed.wait(left):
                    raise AssertionError(f"no {event} {fields}: {self}")

    def wait(self, timeout_s: float = DEADLINE_S) -> int:
        """Wait for its end; the exit code."""
        code = self.popen.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def terminate(self, timeout_s: float = DEADLINE_S) -> int:
        """Ask it to stop; the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End it and all that it started in its group, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.wait()
        assert self.popen.stdout is not None
        self.popen.stdout.close()

    @property
    def err(self) -> str:
        """All that it wrote to its stderr."""
        return self.err_path.read_text(errors="replace")

    def __str__(self) -> str:
        return f"exit code {self.popen.poll()}, events {self.events}, stderr {self.err!r}"

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            told = json.loads(line)
            with self._changed:
                self.events.append(told)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


class World:
    """Homes and processes of one test. `close` ends all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.extra_env: Mapping[str, str] = {}
        """Variables of all its processes."""
        self._processes: list[Process] = []
        self._names: list[str] = []

    def home(self, name: str) -> Home:
        """A home of that name."""
        if name not in self._names:
            self._names.append(name)
        return Home.under(self.folder / name)

    def env(self, name: str) -> dict[str, str]:
        """The environment of a process with that home."""
        kept = {key: text for key, text in os.environ.items() if not key.startswith("P2PTUI_")}
        return kept | {
            "P2PTUI_HOME": str(self.home(name).folder),
            "P2PTUI_PEER_DISCOVER": "off",
            "P2PTUI_TRACKER_ADVERTISE": "off",
            "LC_ALL": "C.UTF-8",
            **self.extra_env,
        }

    def run(
        self,
        name: str,
        *words: str | Path,
        input_text: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run a command to its end."""
        done = subprocess.run(
            [*PROGRAM, *map(str, words)],
            input=input_text.encode(),
            capture_output=True,
            env={**self.env(name), **(env or {})},
            cwd=cwd or self.folder,
            timeout=DEADLINE_S * 2,
            check=False,
        )
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in result.err, result.err
        assert b"\x1b" not in done.stdout + done.stderr, result
        return result

    def done(self, name: str, *words: str | Path) -> Result:
        """Run a command with `--json` that must succeed."""
        result = self.run(name, *words, "--json")
        assert result.code == 0, result
        return result

    def start(
        self,
        name: str,
        *words: str | Path,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> Process:
        """Start a process that tells events."""
        process = Process(
            [*program, *map(str, words)],
            env={**self.env(name), **(env or {})},
            folder=self.folder,
        )
        self._processes.append(process)
        return process

    def tracker(self, name: str = "tracker", *words: str, listen: str = LOOPBACK) -> "Tracker":
        """A tracker that listens."""
        process = self.start(
            name, "tracker", "--headless", "--json", "--listen", listen, "--name", "swarm", *words
        )
        told = process.wait_for("listening")
        return Tracker(process, told["link"], told["address"])

    def peer(
        self,
        name: str,
        link: str,
        *words: str | Path,
        nick: str = "",
        listen: str = LOOPBACK,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> "Peer":
        """A node that is connected to its tracker and has published what it has.

        `link` empty: to the tracker of an earlier run. `program`: what runs in place of p2ptui.
        """
        process = self.start(
            name, "peer", "--headless", "--json", "--listen", listen, "--nick", nick or name,
            *(("--tracker", link) if link else ()), *words, env=env, program=program,
        )  # fmt: skip
        told = process.wait_for("listening")
        process.wait_for("connected")
        process.wait_for("published")
        return Peer(process, told["peer_id"], told["address"])

    def close(self) -> None:
        """End all processes; nothing that they wrote may hold a traceback."""
        for process in self._processes:
            process.kill()
        for name in self._names:
            home = self.home(name)
            for lock in (home.node.lock, home.tracker.lock):
                end_holder(lock)
        texts = [*self.folder.rglob("*.log"), *self.folder.glob("stderr-*")]
        for path in texts:
            text = path.read_text(errors="replace")
            assert "Traceback" not in text, f"{path}:\n{text}"


class Tracker(NamedTuple):
    """A running tracker."""

    process: Process
    link: str
    address: str


class Peer(NamedTuple):
    """A running node."""

    process: Process
    peer_id: str
    address: str

    @property
    def ip_and_port(self) -> tuple[str, str]:
        """The words of `fetch NAME IP PORT`."""
        host, _, port = self.address.rpartition(":")
        return host, port


def end_holder(lock: Path) -> None:
    """End the engine that holds a home, such as one that a shell started."""
    from p2ptui.home_lock import HomeLock

    if not lock.exists():
        return
    taken = HomeLock.take(lock)
    if taken is not None:
        taken.release()
        return
    with contextlib.suppress(ProcessLookupError, ValueError):
        os.kill(int(lock.read_text()), signal.SIGKILL)


def until(condition: Any, what: str = "condition") -> Any:
    """The first true value of something that changes from outside; fails at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(POLL_S)  # between two looks, for what tells no event
    return value


def homes_in_use(folder: Path) -> list[str]:
    """Command lines of the processes whose home lies in a folder (Linux)."""
    found = []
    needle = b"P2PTUI_HOME=" + os.fsencode(folder)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if needle in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return found


def random_file(path: Path, size: int, seed: int = 1) -> Path:
    """A file of bytes that are the same for the same seed."""
    import random

    source = random.Random(seed)
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(source.randbytes(min(1 << 20, size - start)))
    return path


def opened(folder: Path) -> Iterator[World]:
    """A world for a fixture."""
    world = World(folder)
    try:
        yield world
    finally:
        world.close()
