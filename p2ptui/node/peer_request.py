"""Peer request: one request of ours to another member, from asking to its answer and payloads."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from p2ptui.base.ids import ContentId
from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m

ANSWER_TIMEOUT_S = 30.0

Answer = m.Manifest | m.Have | m.Listing | m.Contents


@dataclass(slots=True, eq=False)
class PeerRequest:
    """A request of ours that is not answered yet."""

    answer: asyncio.Future[Answer | None]
    """The answer's message; None for a chunk, whose answer is its bytes."""
    expects: type[Answer] | None
    wanted: tuple[ContentId, int] | None = None
    """The chunk that was asked for; None when none was."""
    chunk: memoryview | None = None
    """Where it goes; or where small contents go that were asked for together."""
    hashes: bytearray | None = None
    """Chunk hashes so far; None when no manifest was asked for."""
    filled: int = 0
    frame: bytearray = field(default_factory=bytearray)
    head: m.Manifest | m.Contents | None = None
    patience: asyncio.Timeout | None = None
    """Ends the request unless something of it comes in time."""
    on_bytes: Callable[[int], None] | None = None
    counted: int = 0
    """Bytes of the payload under way that `on_bytes` was told of."""

    def note(self, length: int) -> None:
        """A payload came."""
        self.filled += length
        if self.patience is not None:
            self.patience.reschedule(asyncio.get_running_loop().time() + ANSWER_TIMEOUT_S)
        if self.on_bytes is not None:
            self.on_bytes(length - self.counted)
        self.counted = 0

    def note_part(self, length: int) -> None:
        """So much of a payload is here."""
        if self.on_bytes is not None and length > self.counted:
            self.on_bytes(length - self.counted)
            self.counted = length

    def succeed(self, message: Answer | None) -> None:
        """It is answered, unless it is over."""
        if not self.answer.done():
            self.answer.set_result(message)

    def fail(self, error: Exception) -> None:
        """It ends so, unless it is over."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def check_whole(self) -> None:
        """The message and its payload may come in either order."""
        if isinstance(self.head, m.Manifest) and self.filled >= self.head.hash_bytes:
            self.succeed(self.head)
        elif isinstance(self.head, m.Contents):
            given = sum(size or 0 for size in self.head.sizes)
            if self.chunk is None or given > len(self.chunk) or self.filled > given:
                self.fail(RequestFailed("bad_request", "more than was asked for"))
            elif self.filled == given:
                self.succeed(self.head)
