"""Chunk buffers: the memory of all downloads of a node, bounded and used again.

Fresh pages are what a fast download spends most on, so whole buffers go round. A buffer whose
request was abandoned is never reused: late bytes may still arrive in it.

One of whole blocks begins at a page, so that the disk can take it without a copy.
"""

import asyncio
import contextlib
import mmap  # noqa: TID251  (anonymous memory: no file is mapped)
import sys
from collections import deque

from p2ptui.net.link import Buffer
from p2ptui.node.disk import BLOCK_BYTES

CAPACITY_BYTES = 64 << 20
"""Bytes in flight over all downloads (PROTOCOL.md 5)."""

_Memory = bytearray | mmap.mmap


class ChunkBuffers:
    """Gives out buffers up to a capacity; whoever comes when it is used up waits in line."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._free_bytes = capacity_bytes
        self._capacity = capacity_bytes
        self._spare: list[_Memory] = []
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def in_use(self) -> int:
        """Bytes given out."""
        return self._capacity - self._free_bytes

    async def take(self, length: int) -> memoryview:
        """A writable buffer of exactly this length."""
        # A chunk larger than all of the capacity still passes, alone.
        cost = min(length, self._capacity)
        if self._waiting or cost > self._free_bytes:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((cost, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._refund(cost)
                else:
                    # It may have been passed over already between our end and this line.
                    with contextlib.suppress(ValueError):
                        self._waiting.remove((cost, turn))
                    self._wake()
                raise
        else:
            self._free_bytes -= cost
        for position, spare in enumerate(self._spare):
            if len(spare) >= length:
                del self._spare[position]
                return memoryview(spare)[:length]
        return memoryview(_fresh(length))

    def give_back(self, buffer: memoryview, *, clean: bool) -> None:
        """End the use of a buffer; `clean`: nothing can arrive in it any more."""
        length = len(buffer)
        if clean and isinstance(buffer.obj, _Memory):
            self._spare.append(buffer.obj)
            self._trim()
        self._refund(min(length, self._capacity))

    def _refund(self, cost: int) -> None:
        self._free_bytes += cost
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free_bytes:
            cost, turn = self._waiting.popleft()
            if turn.done():
                continue
            self._free_bytes -= cost
            turn.set_result(None)

    def _trim(self) -> None:
        kept = 0
        for position in range(len(self._spare) - 1, -1, -1):
            kept += len(self._spare[position])
            if kept > self._capacity // 2:
                del self._spare[: position + 1]
                return


def is_blocks(data: Buffer) -> bool:
    """Whether the disk can take this memory as it is: whole blocks that begin at a page."""
    if not isinstance(data, memoryview) or not isinstance(data.obj, mmap.mmap):
        return False
    return len(data) % BLOCK_BYTES == 0


def _fresh(length: int) -> _Memory:
    if not length or length % BLOCK_BYTES:
        return bytearray(length)
    if sys.platform == "win32":
        return mmap.mmap(-1, length)
    # Private: pages that are shared with nobody cost less.
    return mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
