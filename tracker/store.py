"""What the tracker remembers: members and their entries, behind one protocol.

Nothing else in the tracker knows a database. All that must outlive the process, or that a second
tracker on the same index would need, goes through `Store`; what lives and dies with a connection is
in `registry`. Values are frozen; times are seconds since 1970.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.wire.messages import Entry, Hit

MAX_MATCHES = 3_000
"""A search ranks the first so many names that it finds (measured: 7 ms, of a million)."""
MAX_COUNTED = 1_000
"""Owners of one content are counted up to here when a member asks for many contents at once."""
QUERY_DEADLINE_S = 2.0
"""A query that takes longer is given up with `QueryTooBroad`."""


class StoreValue(Struct, frozen=True, kw_only=True):
    """Base of the values that cross this seam."""


class StoreError(Exception):
    """The index cannot be read or written; the message says why, for the admin's eyes."""


class QueryTooBroad(Exception):  # noqa: N818  (a property of the query, not a fault of ours)
    """A query was given up because it took too long."""


class Arrival(StoreValue, frozen=True, kw_only=True):
    """A member that connects: what it says of itself and where it was seen."""

    peer: PeerId
    nick: str
    host: str
    port: int
    """Declared data port; 0: it does not listen."""
    software: str
    now: float


class Standing(StoreValue, frozen=True, kw_only=True):
    """What the index has of a member's share."""

    revision: int
    digest: bytes
    files: int
    bytes: int


class Beat(StoreValue, frozen=True, kw_only=True):
    """A sign of life of a connected member."""

    peer: PeerId
    ping_ms: float | None
    reachable: bool | None


class Change(StoreValue, frozen=True, kw_only=True):
    """One `Announce` of a member (PROTOCOL.md 3)."""

    peer: PeerId
    base: int
    revision: int
    added: tuple[Entry, ...]
    removed: tuple[tuple[str, ...], ...]
    digest: bytes
    """Digest of the whole share after this change; empty when more changes follow."""
    max_entries: int


ChangeState = Literal["applied", "stale", "differs", "full"]


class Applied(StoreValue, frozen=True, kw_only=True):
    """What a change did.

    `stale`: it was made on another revision, nothing was done. `differs`: done, but the digest says
    that the lists are not the same. `full`: over the quota, nothing was done.
    """

    state: ChangeState
    revision: int = 0
    files: int = 0
    bytes: int = 0
    added: int = 0
    removed: int = 0
    dropped: tuple[ContentId, ...] = ()
    """Contents of the entries that were removed or replaced; the member may still have some of
    them under another name (`Store.held` tells)."""


class Found(StoreValue, frozen=True, kw_only=True):
    """A page of search results; `more`: there are more than `total`."""

    hits: tuple[Hit, ...]
    total: int
    more: bool


class Owners(StoreValue, frozen=True, kw_only=True):
    """Who has a content: the members online, and how many have it in all."""

    online: tuple[PeerId, ...]
    known: int


class Files(StoreValue, frozen=True, kw_only=True):
    """A page of a member's list."""

    entries: tuple[Entry, ...]
    total: int


class HostRecord(StoreValue, frozen=True, kw_only=True):
    """A member as the index knows it."""

    peer: PeerId
    nick: str
    host: str
    """Address that it was last seen at."""
    port: int
    files: int
    bytes: int
    ping_ms: float | None
    reachable: bool | None
    online: bool
    seen: float
    joined: float
    software: str


class Hosts(StoreValue, frozen=True, kw_only=True):
    """A page of members."""

    rows: tuple[HostRecord, ...]
    total: int


class Totals(StoreValue, frozen=True, kw_only=True):
    """Sums over the index. `files` and `bytes` are those of members online."""

    online: int
    known: int
    files: int
    bytes: int
    contents: int
    index_bytes: int


class Store(Protocol):
    """The index and the memberships. Every method may raise `StoreError`.

    Changes of one member are applied in the order in which they were asked for.
    """

    async def connect(self, arrival: Arrival) -> Standing:
        """A member is online from now on; what the index already has of it."""
        ...

    async def disconnect(self, peer: PeerId, now: float) -> None:
        """A member is offline from now on; its entries stay, shown as offline."""
        ...

    async def beat(self, beats: Sequence[Beat], now: float) -> None:
        """Note signs of life."""
        ...

    async def apply(self, change: Change) -> Applied:
        """Apply a change of a member's share, whole or not at all."""
        ...

    async def clear(self, peer: PeerId) -> None:
        """Empty a member's list: it was put out."""
        ...

    async def forget_unseen(self, before: float) -> int:
        """Forget members that are offline and were last seen before then; how many."""
        ...

    async def search(self, text: str, offset: int, limit: int) -> Found:
        """Contents whose names hold every word, those with the most owners online first.

        Upper and lower case are the same; an empty text finds all. Raises `QueryTooBroad`.
        """
        ...

    async def owners(self, content: ContentId, limit: int) -> Owners:
        """Members that have a content; at most `limit` of those online."""
        ...

    async def index(self, text: str, offset: int, limit: int, *, sort: str, single: bool) -> Found:
        """Contents as the admin looks at them, the newest first; `single`: of one member alone.

        `sort` is `name` or `size`, with a leading `-` reversed; a very long list keeps its own
        order. Raises `QueryTooBroad`.
        """
        ...

    async def holders(
        self, bounds: tuple[ContentId, ContentId], text: str, offset: int, limit: int, sort: str
    ) -> Hosts:
        """A page of members that have a content whose id lies in the bounds; else as `hosts`."""
        ...

    async def count_owners(self, contents: Sequence[ContentId], but: PeerId) -> tuple[int, ...]:
        """How many members online have each content, one left out; counted up to `MAX_COUNTED`.

        Raises `QueryTooBroad`.
        """
        ...

    async def held(self, peer: PeerId, contents: Sequence[ContentId]) -> frozenset[ContentId]:
        """Which of these contents a member has."""
        ...

    async def files(self, peer: PeerId, text: str, offset: int, limit: int, sort: str) -> Files:
        """A page of a member's list, filtered by the words of `text`. Raises `QueryTooBroad`.

        `sort` is `name`, `size`, `changed`, with a leading `-` reversed, or empty: by name, but by
        folder alone when the list is very long.
        """
        ...

    async def hosts(self, text: str, offset: int, limit: int, sort: str) -> Hosts:
        """A page of members whose nick, id or address holds `text`.

        `sort` is a field of `HostRecord`, with a leading `-` reversed; empty: online first, then
        by nick.
        """
        ...

    async def find(self, text: str) -> tuple[HostRecord, ...]:
        """Members that a person may mean: by whole id, nick, address, or beginning of an id.

        The first of these that fits anybody decides; at most 20.
        """
        ...

    async def totals(self) -> Totals:
        """Sums over the index."""
        ...

    async def close(self) -> None:
        """Finish what is under way and close; may be called twice."""
        ...
