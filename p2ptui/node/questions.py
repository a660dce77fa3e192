"""Questions: what the tracker may be asked, and whoever answers in its place.

What a user says is brought within the bounds of the protocol here, and a page of ours is gathered
out of several messages.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from p2ptui.base.errors import usage_error
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.wire import messages as m

MAX_PAGE = 1000
"""Rows of a page that a front-end may ask for."""
GATHER_S = 10.0
"""After that long no further message is asked for: the page is shorter than it may be."""
MAX_LIST_MESSAGES = 50
"""Messages for a page of a member's list; the longest names there are need no more."""
_MAX_OFFSET = 2**40

AnswerT = TypeVar("AnswerT", bound=m.Message)
PageT = TypeVar("PageT", m.Hits, m.MemberPage, m.Listing)
RowT = TypeVar("RowT")


class Answerer(Protocol):
    """Whoever answers the questions: the link to the tracker, or its stand-in."""

    @property
    def reached(self) -> int | None:
        """How many members the last answer is from; None: it is the tracker's."""
        ...

    async def ask(self, make: Callable[[int], object], answer: type[AnswerT]) -> AnswerT:
        """The answer to a question. Raises `P2PError`."""
        ...

    def release(self, content: ContentId) -> None:
        """Have no more sources of a content pushed."""
        ...

    def places_of(self, peer: PeerId) -> tuple[m.Endpoint, ...] | None:
        """Where a member is, as far as that is known here; None: it has to be asked."""
        ...


async def gather(
    ask: Callable[[int, int], Awaitable[PageT]],
    rows_of: Callable[[PageT], tuple[RowT, ...]],
    offset: int,
    limit: int,
    messages: int = MAX_PAGE,
) -> tuple[list[RowT], PageT]:
    """The rows of a page out of several messages, at most so many, and the last of these."""
    begin = min(max(offset, 0), _MAX_OFFSET - MAX_PAGE)
    wanted = min(max(limit, 1), MAX_PAGE)
    rows: list[RowT] = []
    loop = asyncio.get_running_loop()
    until = loop.time() + GATHER_S
    while True:
        messages -= 1
        found = await ask(begin + len(rows), min(wanted - len(rows), m.MAX_PAGE))
        rows += rows_of(found)
        # A message may hold fewer rows than were asked for: long names fill it.
        if len(rows) >= wanted or not rows_of(found) or begin + len(rows) >= found.total:
            return rows, found
        # Whoever answers with one row at a time does not hold up the page for ever.
        if messages <= 0 or loop.time() >= until:
            return rows, found


def checked(text: str) -> str:
    """What a user looks for. Raises a usage error when it is too long."""
    text = sendable(text)
    if len(text.encode()) > m.MAX_QUERY_BYTES:
        raise usage_error(
            "Too long a search", f"It may have {m.MAX_QUERY_BYTES} bytes.", "Use fewer words."
        )
    return text


def sendable(text: str) -> str:
    """Without NUL, and without what was no UTF-8 on the command line."""
    return text.replace("\0", "").encode(errors="replace").decode()


def query_of(name: str) -> str:
    """The words of a name or path, cut to what a search may have."""
    text = " ".join(sendable(name).split("/"))[: m.MAX_QUERY_BYTES]
    while len(text.encode()) > m.MAX_QUERY_BYTES:
        text = text[:-1]
    return text
