"""A room with bad lines: real nodes, each source behind a chaos proxy of its own.

The takers cannot be dialled and the tracker relays nothing, so that a source is reached through its
proxy or not at all.
"""

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.chaos_proxy import ChaosProxy
from tests.support.processes import Peer, World, random_file, until

BEHIND = "127.0.0.2"
"""Where nodes behind a proxy listen: the tracker sees them at 127.0.0.1."""
CLOSED = "127.0.0.3:0"
MIB = 1 << 20


class FaultRoom:
    """A tracker, and whoever comes. `close` it; the world closes itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.peers: dict[str, Peer] = {}
        self.lines: dict[str, ChaosProxy] = {}
        """The proxies of the sources, by nick."""
        world.extra_env = {"P2PTUI_TRACKER_RELAY": "off"}
        self.tracker = world.tracker()

    def source(self, nick: str, env: Mapping[str, str] | None = None) -> Peer:
        """A node that is reached through a proxy; has files of no share."""
        line = self.lines[nick] = ChaosProxy()
        line.target = BEHIND, line.port
        peer = self.world.peer(nick, self.tracker.link, listen=f"{BEHIND}:{line.port}", env=env)
        self.peers[nick] = peer
        until(lambda: self.reachability(nick) == "reachable", f"{nick}'s dial-back")
        return peer

    def taker(self, nick: str, env: Mapping[str, str] | None = None) -> Peer:
        """A node that cannot be dialled."""
        peer = self.peers[nick] = self.world.peer(nick, self.tracker.link, listen=CLOSED, env=env)
        until(lambda: self.reachability(nick) == "unreachable", f"{nick}'s dial-back")
        return peer

    def reachability(self, nick: str) -> str:
        return str(self.world.done(nick, "status").row["tracker"]["reachability"])

    def offer(self, name: str, size: int, *nicks: str) -> Path:
        """A file of random bytes that these offer."""
        path = random_file(self.world.folder / name, size, seed=zlib.crc32(name.encode()))
        for nick in nicks:
            self.world.done(nick, "publish", path)
        until(lambda: self._owners(nicks[0], name) == len(nicks), "the index")
        return path

    def _owners(self, nick: str, name: str) -> int:
        return sum(row["owners"] for row in self.world.done(nick, "search", name).rows)

    def begin(self, nick: str, name: str) -> int:
        """Begin to fetch a file; the number of the transfer."""
        return int(self.world.done(nick, "fetch", name, "--no-wait").row["id"])

    def download(self, nick: str, number: int) -> dict[str, Any]:
        """The row of a download that is not over."""
        rows = self.world.done(nick, "transfers").rows
        (row,) = [row for row in rows if row["id"] == number]
        return row

    def until_begun(self, nick: str, number: int) -> None:
        """Wait for its first verified bytes."""
        until(lambda: self.download(nick, number)["done"] > 0, "the first chunks")

    def finished(
        self, nick: str, number: int, original: Path, deadline_s: float = 30.0
    ) -> dict[str, Any]:
        """Wait for the end of a download, which must be right; what was told of it."""
        told = self.peers[nick].process.wait_for("fetch_finished", id=number, deadline_s=deadline_s)
        assert Path(told["path"]).read_bytes() == original.read_bytes()
        return told

    def losses(self, nick: str, number: int) -> list[tuple[str, str]]:
        """Who was lost as a source of a download, and why."""
        events = self.peers[nick].process.events
        return [
            (event["nick"], event["reason"])
            for event in events
            if event["event"] == "source_lost" and event["id"] == number
        ]

    def close(self) -> None:
        """End the proxies."""
        for line in self.lines.values():
            line.close()


def opened_room(world: World) -> Iterator[FaultRoom]:
    """A room for a fixture."""
    room = FaultRoom(world)
    try:
        yield room
    finally:
        room.close()
