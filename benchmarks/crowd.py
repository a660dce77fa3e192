"""A crowd: many members in one process, each with a key, a certificate and a TLS link of its own.

`python -m benchmarks.crowd TRACKER_HOME HOST:PORT COUNT` connects them and keeps them connected
until it is ended. They say nothing but what an idle node says, and come back as nodes do. Their
certificates are made with the tracker's own key: joining is not what is measured.
"""

import asyncio
import random
import socket
import ssl
import sys
import tempfile
import time
from pathlib import Path

from p2ptui.base.addresses import parse_address
from p2ptui.base.clock import SystemClock
from p2ptui.base.errors import P2PError
from p2ptui.base.paths import TrackerHome
from p2ptui.net.connection import Connection
from p2ptui.net.dialer import CONNECT_S, dial_over
from p2ptui.net.gate import vet_tracker
from p2ptui.net.identity import dump_certificate, dump_key, load_certificate, load_key, new_key
from p2ptui.net.link import LinkClosed
from p2ptui.net.loop import raise_descriptor_limit, run
from p2ptui.net.tasks import spawn
from p2ptui.net.tls import KeyFiles, member_client_context
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.protocol import Role
from p2ptui.node.tracker_link import FIRST_JITTER_S, MAX_BACKOFF_S, MIN_BACKOFF_S
from tracker.certificates import make_peer_leaf

AT_ONCE = 32
"""Members that connect at a time at the beginning; they come back without such a limit."""
CLOCK = SystemClock()


class Crowd:
    """The members."""

    def __init__(self, home: TrackerHome, address: str, folder: Path) -> None:
        self._host, self._port = parse_address(address, 0)
        self._ca = load_certificate((home.authority / "ca.pem").read_bytes())
        self._ca_key = load_key((home.authority / "ca.key").read_bytes())
        self._files = KeyFiles(leaf=folder / "leaf.pem", key=folder / "key.pem")
        self._room = asyncio.Semaphore(AT_ONCE)

    async def live(self, count: int) -> None:
        """Be there until cancelled."""
        members = [spawn(self._member(number), name="member") for number in range(count)]
        await asyncio.gather(*members)

    async def _member(self, number: int) -> None:
        async with self._room:
            context = self._context()
            link = await self._connected(context, number)
        backoff_s = MIN_BACKOFF_S
        while True:
            if link is not None:
                await _listen(link)
                backoff_s = MIN_BACKOFF_S
                await asyncio.sleep(random.uniform(0.2, FIRST_JITTER_S))
            else:
                await asyncio.sleep(random.uniform(backoff_s / 2, backoff_s))
                backoff_s = min(backoff_s * 2, MAX_BACKOFF_S)
            link = await self._connected(context, number)

    def _context(self) -> ssl.SSLContext:
        key = new_key()
        leaf = make_peer_leaf(self._ca_key, self._ca, key.public_key(), time.time())
        self._files.key.write_bytes(dump_key(key))
        self._files.leaf.write_bytes(dump_certificate(leaf))
        return member_client_context(self._ca, self._files)

    async def _connected(self, context: ssl.SSLContext, number: int) -> Connection | None:
        try:
            link = await dial_over(
                await self._socket(number),
                whom="the tracker",
                context=context,
                vet=vet_tracker(Role.MEMBER),
                clock=CLOCK,
            )
            link.post(m.Hello(0, (), "crowd", f"member {number}", 0, (), int(time.time()), 0, 0,
                              bytes(16)))  # fmt: skip
            welcome = await link.receive()
        except (P2PError, LinkClosed, OSError):
            return None
        if not isinstance(welcome, m.Welcome):
            link.abort()
            return None
        return link

    async def _socket(self, number: int) -> socket.socket:
        """A connection from an address of the member's own where the loopback has many (Linux)."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if sys.platform == "linux":
                sock.bind(
                    (f"127.{1 + number // 65025}.{number // 255 % 255}.{1 + number % 255}", 0)
                )
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().sock_connect(sock, (self._host, self._port))
        except BaseException:
            sock.close()
            raise
        return sock


async def _listen(link: Connection) -> None:
    try:
        while True:
            await link.receive()
    except LinkClosed:
        pass


def main(words: list[str]) -> None:
    """Run a crowd until a signal ends it."""
    home, address, count = words
    raise_descriptor_limit()

    async def live() -> None:
        with tempfile.TemporaryDirectory() as folder:
            await Crowd(TrackerHome.under(Path(home)), address, Path(folder)).live(int(count))

    run(live())


if __name__ == "__main__":
    main(sys.argv[1:])
