"""The demo's stage: a temporary folder, a tracker and peers in it as real processes, and their end.

Everything lies in that folder, every port is any free one of this machine, and nothing of the
user's own home or environment is used.
"""

import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from p2ptui.base.errors import P2PError, storage_error, unreachable
from p2ptui.base.paths import HOME_VARIABLE, Home
from p2ptui.base.text import format_bytes
from p2ptui.demo_peer import Peer
from p2ptui.launch import STOP_S, Started, spawn_engine
from p2ptui.node.remote import RemoteNode
from tracker.remote import RemoteTracker

ANY_PORT = "127.0.0.1:0"
KILL_S = 2.0
MIB = 1 << 20
Remote = TypeVar("Remote", RemoteNode, RemoteTracker)
LAST_LINES = 5
"""Lines of each log that are told when the demo fails."""


class Hashed(msgspec.Struct, frozen=True):
    """What is read of the output of `p2ptui hash --json`."""

    content_id: str


class Stage:
    """Where the demo plays. Leaving the block ends all its processes and removes its folder."""

    def __init__(self) -> None:
        """Raises a storage error."""
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="p2ptui-demo-"))
        except OSError as error:
            raise storage_error(
                "No temporary folder can be made",
                str(error),
                "Make room, or name another folder: TMPDIR=DIR p2ptui demo",
            ) from error
        self._engines: dict[str, Started] = {}
        self._logs: dict[str, Path] = {}
        self._remotes: list[RemoteNode | RemoteTracker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        # Without a loop: a second Ctrl-C must not leave processes behind.
        running = [engine for engine in self._engines.values() if engine.exit_code is None]
        for engine in running:
            engine.terminate()
        deadline = time.monotonic() + STOP_S
        for engine in running:
            if not engine.wait(max(deadline - time.monotonic(), 0)):
                engine.kill()
                engine.wait(KILL_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def start_tracker(self, name: str) -> RemoteTracker:
        """A tracker that lets nobody in without an invite. Raises `P2PError`."""
        home = self.home_of("tracker")
        words = ["tracker", "--headless", "--listen", ANY_PORT, "--name", name, "--invite-only"]
        await self._start("tracker", words, home, home.tracker.log)
        return self._keep("tracker", await RemoteTracker.connect(home.tracker.control))

    async def start_peer(
        self, nick: str, shares: Sequence[Path] = (), module: str = "p2ptui"
    ) -> Peer:
        """A peer that has joined no swarm yet; `module`: what it runs. Raises `P2PError`."""
        home = self.home_of(nick)
        words = ["peer", "--headless", "--listen", ANY_PORT, "--nick", nick]
        for folder in shares:
            words += ["--share", str(folder)]
        await self._start(nick, words, home, home.node.log, module)
        api = self._keep(nick, await RemoteNode.connect(home.node.control))
        return Peer(nick, api, home.node.repository)

    async def stop_all(self) -> list[str]:
        """Ask all to stop and wait until they have; the names of those that did not end well."""
        for remote in reversed(self._remotes):
            await remote.stop()
            await remote.close()
        return [
            name
            for name, engine in self._engines.items()
            if not await engine.ended() or engine.exit_code != 0
        ]

    async def kill(self, peer: Peer) -> None:
        """End a peer as a crash does: at once, without a word to anybody."""
        engine = self._engines.pop(peer.nick)
        engine.kill()
        await engine.ended()
        await self._let_go(peer)

    async def dismiss(self, peer: Peer) -> None:
        """Ask one peer to stop. Raises `P2PError` when it does not end well."""
        await peer.api.stop()
        engine = self._engines.pop(peer.nick)
        if not await engine.ended() or engine.exit_code != 0:
            raise P2PError(f"{peer.nick} did not end well", f"exit code {engine.exit_code}")
        await self._let_go(peer)

    async def _let_go(self, peer: Peer) -> None:
        self._remotes.remove(peer.api)
        await peer.api.close()

    def write_file(self, name: str, size: int) -> Path:
        """A file of bytes that no compression and no second copy shortens (blocking)."""
        path = self.folder / name
        source = random.Random(name)  # noqa: S311  (bytes that are the same in every demo)
        with path.open("xb") as file:
            for start in range(0, size, MIB):
                file.write(source.randbytes(min(MIB, size - start)))
        return path

    def require_space(self, size: int) -> None:
        """Raises a storage error when the folder's disk has less room than that."""
        free = shutil.disk_usage(self.folder).free
        if free < size:
            raise storage_error(
                "Not enough space for the demo",
                f"It needs {format_bytes(size)} in {self.folder.parent}, which has"
                f" {format_bytes(free)}.",
                "Make room, or name another folder: TMPDIR=DIR p2ptui demo",
            )

    async def hash(self, path: Path) -> str:
        """The content id of a file as `p2ptui hash` prints it. Raises `P2PError`."""
        command = [sys.executable, "-P", "-m", "p2ptui", "hash", "--json", str(path)]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment("hash"),
        )
        try:
            result, trouble = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise P2PError("p2ptui hash failed", trouble.decode(errors="replace").strip())
        return msgspec.json.decode(result, type=Hashed).content_id

    def environment(self, name: str) -> dict[str, str]:
        """The environment of one process: its own home, nothing of the user's settings."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("P2PTUI_")}
        # The folder that is shared is the standard library's: running it must not change it.
        home = str(self.home_of(name).folder)
        return kept | {HOME_VARIABLE: home, "PYTHONDONTWRITEBYTECODE": "1"}

    def last_words(self) -> Iterator[str]:
        """The last lines of every log, for the one who looks into a failure."""
        for name, path in self._logs.items():
            try:
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                continue
            yield from (f"{name}: {line}" for line in lines[-LAST_LINES:])

    def home_of(self, name: str) -> Home:
        """The home of one of them."""
        return Home.under(self.folder / name)

    async def _start(
        self, name: str, words: list[str], home: Home, log: Path, module: str = "p2ptui"
    ) -> None:
        home.folder.mkdir(mode=0o700, exist_ok=True)
        engine = spawn_engine(words, log, self.environment(name), module)
        # Before it serves: it must be ended also when it never comes to that.
        self._engines[name] = engine
        self._logs[name] = log
        await engine.serving()

    def _keep(self, name: str, remote: Remote | None) -> Remote:
        if remote is None:
            raise unreachable(f"{name} does not answer", "It started, and ended at once.")
        self._remotes.append(remote)
        return remote
