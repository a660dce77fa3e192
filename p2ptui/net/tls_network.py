"""TlsNetwork: the real `Network` of a node, for one swarm that it is a member of.

It owns the TLS contexts of the membership and the kick book: a fresh leaf goes into the contexts
that are in use, a new kick list closes the links of whom it names. A leaf that has expired is
replaced by joining again, for which a known key needs no invite (PROTOCOL.md 1).
"""

import asyncio
import socket
import weakref

import msgspec

from p2ptui.base.addresses import is_address
from p2ptui.base.clock import Clock
from p2ptui.base.errors import not_found, security_stop, unreachable
from p2ptui.base.ids import PeerId
from p2ptui.base.links import MAX_HOSTS, JoinLink
from p2ptui.net.connection import Connection
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.dialer import Deadlines, accept_over, dial, dial_over
from p2ptui.net.gate import vet_expected, vet_member, vet_tracker
from p2ptui.net.identity import BadIdentity, expiry_of
from p2ptui.net.joining import join_swarm
from p2ptui.net.kicks import KickBook
from p2ptui.net.link import Link, LinkHandler
from p2ptui.net.listener import Limits, Listener
from p2ptui.net.relay import relayed_socket
from p2ptui.net.tasks import spawn
from p2ptui.net.tls import (
    load_leaf,
    member_client_context,
    peer_client_context,
    peer_server_context,
    relay_client_context,
)
from p2ptui.net.wire.messages import Endpoint, KickList
from p2ptui.net.wire.protocol import Role

RENEW_LEFT_S = 6 * 86400.0
"""A leaf with less left is renewed at the next tracker connection."""


class TlsNetwork:
    """How a node reaches the tracker and the members of one swarm."""

    def __init__(
        self,
        credentials: Credentials,
        membership: Membership,
        kicks: KickBook,
        clock: Clock,
        *,
        nick: str = "",
        deadlines: Deadlines | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`membership` is saved in `credentials`. Raises a security stop when it cannot be used."""
        self._credentials = credentials
        self._membership = membership
        self._kicks = kicks
        self._clock = clock
        self._nick = nick
        self._deadlines = deadlines
        self._limits = limits or Limits()
        files = credentials.key_files(membership.pin)
        self._files = files
        self._to_tracker = member_client_context(membership.ca, files)
        self._to_peers = peer_client_context(membership.ca, files)
        self._from_peers = peer_server_context(membership.ca, files)
        self._through_tracker = relay_client_context(membership.ca, files)
        self._links: weakref.WeakSet[Connection] = weakref.WeakSet()

    @property
    def membership(self) -> Membership:
        """The membership as it is now, with its newest leaf."""
        return self._membership

    @property
    def kicks(self) -> KickBook:
        """The swarm's kick list."""
        return self._kicks

    @property
    def renewal_due(self) -> bool:
        """Whether our leaf should be renewed at this tracker connection."""
        return self._membership.expires - self._clock.wall() < RENEW_LEFT_S

    def csr(self) -> bytes:
        """A request for the renewal of our leaf."""
        return self._credentials.csr()

    # --- Network ---------------------------------------------------------------------------------

    async def dial_tracker(self, host: str, port: int) -> Link:
        """A link to the swarm's tracker with our certificate, not yet greeted with `Hello`.

        An expired certificate is replaced first. Raises `P2PError`.
        """
        if self._membership.expires <= self._clock.wall():
            await self.rejoin(host, port)
        link, _ = await dial(
            host,
            port,
            whom="the tracker",
            context=self._to_tracker,
            vet=vet_tracker(Role.MEMBER),
            clock=self._clock,
            deadlines=self._deadlines,
        )
        return link

    async def dial_peer(self, endpoint: Endpoint, expect: PeerId | None) -> Link:
        """A link to a peer, not yet greeted; `expect` None accepts any member of the swarm.

        Raises `P2PError`: a security stop when somebody else answers, not found when we do.
        """
        if expect == self._credentials.peer_id:
            raise not_found("That is this node itself", endpoint.host)
        if self._membership.expires <= self._clock.wall():
            raise unreachable(
                "Our certificate has expired",
                "no peer lets us in with it",
                "It is renewed when the tracker can be reached.",
            )
        if expect is None:
            vet = vet_member(self._is_kicked)
        elif not is_address(endpoint.host):
            # It came from the tracker: nobody else makes us look up names.
            raise unreachable("Cannot reach the peer", "its address is not one")
        else:
            vet = vet_expected(expect, self._is_kicked)
        link, _ = await dial(
            endpoint.host,
            endpoint.port,
            whom="the peer",
            context=self._to_peers,
            vet=vet,
            clock=self._clock,
            deadlines=self._deadlines,
        )
        if link.peer_id == self._credentials.peer_id:
            link.abort()
            raise not_found("That is this node itself", endpoint.host)
        self._links.add(link)
        return link

    async def listen(self, host: str, port: int, handler: LinkHandler) -> Listener:
        """Accept peers. Port 0 takes any free one. Raises `P2PError` (usage) when it is in use."""

        async def handle(link: Link) -> None:
            if isinstance(link, Connection):
                self._links.add(link)
            await handler(link)

        return await Listener.open(
            host,
            port,
            context=self._from_peers,
            vet=vet_member(self._is_kicked),
            handler=handle,
            clock=self._clock,
            limits=self._limits,
        )

    async def dial_relayed(self, host: str, port: int, ticket: bytes, expect: PeerId) -> Link:
        """A link to a peer through the tracker at this address, not yet greeted.

        Raises `P2PError`: a security stop when somebody else is at its other end.
        """
        link = await dial_over(
            await self._relayed(host, port, ticket),
            whom="the peer",
            context=self._to_peers,
            vet=vet_expected(expect, self._is_kicked),
            clock=self._clock,
            deadlines=self._deadlines,
        )
        self._links.add(link)
        return link

    async def accept_relayed(self, host: str, port: int, ticket: bytes, expect: PeerId) -> Link:
        """The other end of `dial_relayed`."""
        link = await accept_over(
            await self._relayed(host, port, ticket),
            whom="the peer",
            context=self._from_peers,
            vet=vet_expected(expect, self._is_kicked),
            clock=self._clock,
            deadlines=self._deadlines,
        )
        self._links.add(link)
        return link

    async def _relayed(self, host: str, port: int, ticket: bytes) -> socket.socket:
        return await relayed_socket(
            host, port, ticket, context=self._through_tracker, deadlines=self._deadlines
        )

    # --- membership ------------------------------------------------------------------------------

    async def replace_leaf(self, leaf: bytes) -> None:
        """Keep a renewed leaf and show it from the next handshake on.

        Raises a security stop when it is not ours, a storage error when it cannot be kept.
        """
        try:
            expires = expiry_of(leaf)
        except BadIdentity as error:
            raise security_stop("Not a certificate for us", str(error)) from None
        fresh = msgspec.structs.replace(self._membership, leaf=leaf, expires=expires)
        await asyncio.to_thread(self._credentials.save, fresh)
        self._take(fresh)

    async def rejoin(self, host: str, port: int) -> None:
        """Get a new certificate for our key at the tracker of this swarm. Raises `P2PError`."""
        target = JoinLink(hosts=((host, port),), pin=self._membership.pin)
        fresh = await join_swarm(
            self._credentials,
            target,
            nick=self._nick,
            trust="",
            clock=self._clock,
            deadlines=self._deadlines,
        )
        self._take(fresh)

    async def met_at(self, host: str, port: int) -> None:
        """Remember that the tracker was met here: the first address to try from now on."""
        hosts = tuple(dict.fromkeys(((host, port), *self._membership.hosts)))[:MAX_HOSTS]
        if hosts != self._membership.hosts:
            fresh = msgspec.structs.replace(self._membership, hosts=hosts)
            await asyncio.to_thread(self._credentials.save, fresh)
            self._membership = fresh

    async def apply_kicks(self, kick_list: KickList) -> bool:
        """Take a newer kick list and close the links of whom it names; whether it was newer.

        Raises `BadIdentity` when the swarm's key did not sign it: close the link it came by.
        """
        if not self._kicks.take(kick_list):
            return False
        for link in tuple(self._links):
            if link.peer_id is not None and self._is_kicked(link.peer_id) and not link.closed:
                spawn(link.close("kicked"), name=f"kick {link.peer_id}")
        await asyncio.to_thread(self._kicks.save)
        return True

    def _take(self, fresh: Membership) -> None:
        self._membership = fresh
        # On the loop's thread: OpenSSL lets nobody change a context while it makes a connection.
        for context in (
            self._to_tracker, self._to_peers, self._from_peers, self._through_tracker
        ):  # fmt: skip
            load_leaf(context, self._files)

    def _is_kicked(self, peer_id: PeerId) -> bool:
        return self._kicks.is_kicked(peer_id, self._clock.wall())
