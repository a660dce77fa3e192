"""Who is connected now, and who waits for sources of what. Pure: no clock, no socket, no database.

What is here lives and dies with the connections; what outlives them is in the `Store`. One
connection counts for each id: a newer proven one takes the place of the older (PROTOCOL.md 7).
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.link import Link
from p2ptui.net.requests import Requests
from p2ptui.net.wire.messages import Endpoint, HostInfo, Source
from tracker.endpoints import choose_endpoints
from tracker.limits import MAX_WATCHED, MemberLimits

REMEMBERED_PINGS = 20


@dataclass(eq=False, slots=True)
class Member:
    """A connected member."""

    peer: PeerId
    nick: str
    host: str
    """Address that we see it at."""
    port: int
    """Declared data port; 0: it does not listen."""
    link: Link
    limits: MemberLimits
    requests: Requests
    """What we ask of it."""
    software: str = ""
    features: frozenset[str] = frozenset()
    """Additions to the protocol that it knows."""
    files: int = 0
    bytes: int = 0
    ping_ms: float | None = None
    pings: list[bool] = field(default_factory=list)
    """Whether each of the last pings was answered."""
    reachable: bool | None = None
    proven: tuple[Endpoint, ...] = ()
    """Other addresses at which the dial-back met its certificate."""
    watched: dict[ContentId, list[object] | None] = field(default_factory=dict)
    """Contents that it located. A list holds back pushes until the answer itself has gone."""
    added: int = 0
    removed: int = 0
    """Changes of its list that no `HostPublished` has told yet."""

    def pinged(self, *, answered: bool) -> None:
        """Remember whether it answered a ping."""
        self.pings.append(answered)
        del self.pings[:-REMEMBERED_PINGS]

    @property
    def silent(self) -> bool:
        """Whether the last ping got no answer."""
        return bool(self.pings) and not self.pings[-1]

    def endpoints(self, asker: str) -> tuple[Endpoint, ...]:
        """Where a member seen at `asker` may dial this one."""
        return choose_endpoints(
            self.host, self.port, self.proven, reachable=self.reachable, asker=asker
        )

    @property
    def dialled(self) -> tuple[Endpoint, ...]:
        """Where the dial-back met this member: all that may be given to whoever is to dial it."""
        observed = (Endpoint(self.host, self.port),) if self.reachable and self.port else ()
        return observed + self.proven

    def source(self, asker: "Member", *, partial: bool = False) -> Source:
        """This member as a source for another."""
        return Source(
            peer=self.peer,
            nick=self.nick,
            endpoints=self.endpoints(asker.host),
            partial=partial,
        )

    def info(self, asker: "Member", seen: float) -> HostInfo:
        """This member as others see it in a list."""
        endpoints = self.endpoints(asker.host)
        return HostInfo(
            peer=self.peer,
            nick=self.nick,
            endpoint=endpoints[0] if endpoints else None,
            files=self.files,
            bytes=self.bytes,
            online=True,
            reachable=None if self.reachable is None else bool(self.dialled),
            ping_ms=self.ping_ms,
            seen=int(seen),
        )


class Registry:
    """The connected members."""

    def __init__(self) -> None:
        self._members: dict[PeerId, Member] = {}
        self._watchers: dict[ContentId, dict[PeerId, Member]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._members.values()))

    def connect(self, member: Member) -> Member | None:
        """Count a member in; returns the connection of the same id that it replaces."""
        old = self._members.get(member.peer)
        if old is not None:
            self._unwatch_all(old)
        self._members[member.peer] = member
        return old

    def disconnect(self, member: Member) -> bool:
        """Count a member out; False when a newer connection has taken its place already."""
        self._unwatch_all(member)
        if self._members.get(member.peer) is not member:
            return False
        del self._members[member.peer]
        return True

    def get(self, peer: PeerId) -> Member | None:
        """The connected member of that id."""
        return self._members.get(peer)

    def is_current(self, member: Member) -> bool:
        """Whether this connection is the one that counts for its id."""
        return self._members.get(member.peer) is member

    # --- who waits for sources ------------------------------------------------------------------

    @property
    def watched(self) -> AbstractSet[ContentId]:
        """All contents that somebody waits for."""
        return self._watchers.keys()

    def watch(self, member: Member, content: ContentId) -> bool:
        """Push this content's sources to the member from now on; False when it has too many.

        Pushes are held back until `release`: the answer to the question itself goes first.
        """
        if not self.is_current(member):
            return False
        if content not in member.watched and len(member.watched) >= MAX_WATCHED:
            return False
        member.watched[content] = []
        self._watchers.setdefault(content, {})[member.peer] = member
        return True

    def release(self, member: Member, content: ContentId) -> None:
        """The answer has gone: send what was held back, and hold back nothing more."""
        held = member.watched.get(content)
        if held is None:
            return
        member.watched[content] = None
        for message in held:
            member.link.post(message)

    def unwatch(self, member: Member, content: ContentId) -> None:
        """Push this content's sources to the member no longer."""
        member.watched.pop(content, None)
        watchers = self._watchers.get(content)
        if watchers is not None and watchers.get(member.peer) is member:
            del watchers[member.peer]
            if not watchers:
                del self._watchers[content]

    def watchers(self, content: ContentId, but: PeerId) -> tuple[Member, ...]:
        """Who waits for this content, without the member that it is about."""
        found: Iterable[Member] = self._watchers.get(content, {}).values()
        return tuple(member for member in found if member.peer != but)

    def push(self, watcher: Member, content: ContentId, message: object) -> None:
        """Tell a watcher that a source came or went."""
        held = watcher.watched.get(content)
        if held is not None:
            held.append(message)
        elif content in watcher.watched:
            watcher.link.post(message)

    def _unwatch_all(self, member: Member) -> None:
        for content in tuple(member.watched):
            self.unwatch(member, content)
