"""Messages that both sides of a connection say: answers, farewells, lists (PROTOCOL.md 3)."""

from typing import Annotated, Literal

from msgspec import Meta

from p2ptui.net.wire.values import (
    MAX_PAGE,
    Count,
    Entry,
    Kick,
    Limit,
    Message,
    Offset,
    Query,
    RequestId,
    Seconds,
    Sentence,
)

FailureCode = Literal[
    "bad_request", "busy", "changed", "denied", "duplicate", "gone", "internal", "limit",
    "not_found", "not_shared", "offline", "unsupported_key",
]  # fmt: skip
GoodbyeCode = Literal[
    "done", "stopping", "idle", "replaced", "kicked", "protocol", "version", "too_many", "refused",
    "clock", "internal",
]  # fmt: skip


class Failure(Message, frozen=True, tag="failure"):
    """The answer to a request that could not be met. `place` is a place in a queue, from 1."""

    id: RequestId
    code: FailureCode
    text: Sentence = ""
    place: Count = 0


class Goodbye(Message, frozen=True, tag="goodbye"):
    """The last message of a connection: why it is closed."""

    code: GoodbyeCode
    text: Sentence = ""
    until: Seconds = 0
    """When it may come back, in seconds since 1970, for a member that is kicked; 0: never."""


class Ping(Message, frozen=True, tag="ping"):
    """Are you there? Answered by `Pong` with the same id."""

    id: RequestId


class Pong(Message, frozen=True, tag="pong"):
    """Answer to `Ping`."""

    id: RequestId


class KickList(Message, frozen=True, tag="kick_list"):
    """The numbered list of kicked members, signed by the CA over `number ‖ msgpack(kicks)`."""

    number: Count
    kicks: Annotated[tuple[Kick, ...], Meta(max_length=2000)]
    signature: Annotated[bytes, Meta(max_length=256)]


class ListFiles(Message, frozen=True, tag="list_files"):
    """Ask a host for its own list (*discover*; between peers too). Answered by `Listing`."""

    id: RequestId
    text: Query = ""
    offset: Offset = 0
    limit: Limit = MAX_PAGE


class Listing(Message, frozen=True, tag="listing"):
    """A page of a member's list: answer to `Browse`, and the host's own answer to `ListFiles`."""

    id: RequestId
    entries: Annotated[tuple[Entry, ...], Meta(max_length=MAX_PAGE)]
    total: Count
