"""A swarm on real sockets: an authority, its listener, and members with credentials of their own.

Certificates are checked by OpenSSL against the real time of day, so the wall clock here is the real
one plus a shift: a certificate that has expired is one that was issued in a shifted past.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from p2ptui.base.links import JoinLink
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.gate import vet_caller
from p2ptui.net.identity import PRIVATE_KEY, dump_certificate, dump_key
from p2ptui.net.joining import join_swarm
from p2ptui.net.link import Link
from p2ptui.net.listener import Door, Limits, Listener
from p2ptui.net.loop import Inline
from p2ptui.net.tls import KeyFiles, tracker_context
from p2ptui.net.tls_network import TlsNetwork
from p2ptui.net.wire.messages import ALPN, Endpoint, PeerHello, Welcome
from tracker.admission import Admission
from tracker.authority import Authority
from tracker.relay import Relay

HOST = "127.0.0.1"
DAY_S = 86400.0
PATIENCE_S = 15.0


class ShiftedClock:
    """The machine's clock, its time of day shifted by `shift_s`."""

    def __init__(self, shift_s: float = 0.0) -> None:
        self.shift_s = shift_s

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time() + self.shift_s


class TlsSwarm:
    """A tracker that admits strangers and welcomes members, and does nothing else."""

    def __init__(self, folder: Path, authority: Authority, clock: ShiftedClock) -> None:
        self.folder = folder
        self.authority = authority
        self.clock = clock
        self.is_open = False
        self.admission = Admission(
            authority, is_open=lambda: self.is_open, clock=clock, offload=Inline()
        )
        self.members: asyncio.Queue[Link] = asyncio.Queue()
        """Links of members that said hello, in order."""
        self.relay = Relay()
        self.heard: list[object] = []
        """All that strangers and members said."""
        self.context = tracker_context(authority.ca_der, authority.key_files)
        self.listener: Listener

    @classmethod
    async def start(
        cls, folder: Path, *, limits: Limits | None = None, port: int = 0, door: Door | None = None
    ) -> "TlsSwarm":
        clock = ShiftedClock()
        authority = Authority.open(folder / "authority", name="test swarm", clock=clock)
        swarm = cls(folder, authority, clock)
        swarm.listener = await Listener.open(
            HOST,
            port,
            context=swarm.context,
            vet=vet_caller(authority.kick_of),
            handler=swarm._serve,
            clock=clock,
            limits=limits or Limits(per_peer=None),
            tunnel=swarm.relay.tunnel,
            door=door,
        )
        return swarm

    @property
    def port(self) -> int:
        return self.listener.endpoint.port

    def link(self, *, invite: bool = True) -> JoinLink:
        """A join link, by default with a fresh invite."""
        code = self.authority.invite().code if invite else ""
        return JoinLink(((HOST, self.port),), self.authority.pin, code)

    async def join(self, name: str, link: JoinLink | None = None) -> tuple[Credentials, Membership]:
        """A home that became a member."""
        credentials = Credentials.open(self.folder / name / "keys")
        membership = await join_swarm(
            credentials, link or self.link(), nick=name, trust="", clock=self.clock
        )
        return credentials, membership

    async def member(self, name: str) -> TlsNetwork:
        """The network of a new member."""
        credentials, membership = await self.join(name)
        return network_of(credentials, membership, self.clock)

    async def close(self) -> None:
        self.relay.close()
        await self.listener.close()

    async def _serve(self, link: Link) -> None:
        if link.peer_id is None:
            await self.admission.admit(link)
            return
        self.heard.append(await link.receive())
        await link.send(Welcome(0, (), "test", "test swarm", 0, "127.0.0.1", 0, 15, 1000))
        self.members.put_nowait(link)
        while True:
            self.heard.append(await link.receive())


def network_of(credentials: Credentials, membership: Membership, clock: ShiftedClock) -> TlsNetwork:
    """The network of a member."""
    return TlsNetwork(credentials, membership, credentials.kick_book(membership), clock)


class PeerPort:
    """A member's listening socket that greets whoever comes."""

    def __init__(self) -> None:
        self.links: asyncio.Queue[Link] = asyncio.Queue()
        self.listener: Listener

    @classmethod
    async def open(cls, network: TlsNetwork) -> "PeerPort":
        port = cls()
        port.listener = await network.listen(HOST, 0, port._serve)
        return port

    @property
    def endpoint(self) -> Endpoint:
        return self.listener.endpoint

    async def _serve(self, link: Link) -> None:
        link.post(PeerHello(0, (), "test", "port", 0, 0))
        await link.receive()
        self.links.put_nowait(link)
        await link.receive()


async def greet(link: Link) -> object:
    """Say hello as a peer; the other side's answer."""
    link.post(PeerHello(0, (), "test", "caller", 0, 0))
    return await link.receive()


def write_pair(folder: Path, certificate: bytes, key: PRIVATE_KEY) -> KeyFiles:
    """A certificate and its key as files, for contexts built by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    files = KeyFiles(leaf=folder / "leaf.pem", key=folder / "key.pem")
    files.leaf.write_bytes(dump_certificate(certificate))
    files.key.write_bytes(dump_key(key))
    return files


def attacker_context(files: KeyFiles | None = None, alpn: str = ALPN) -> ssl.SSLContext:
    """A client that verifies nothing and shows what it is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([alpn])
    if files is not None:
        context.load_cert_chain(files.leaf, files.key)
    return context


async def call_raw(port: int, context: ssl.SSLContext) -> bytes:
    """Connect with any context; all that the other side says until it closes. Raises OSError."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(HOST, port, ssl=context, server_hostname="")
        try:
            return await reader.read()
        finally:
            writer.transport.abort()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  (what it waits for has no event)
            await asyncio.sleep(0.001)
