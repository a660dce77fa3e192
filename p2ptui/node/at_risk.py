"""At risk: what a fetch would have to fetch again if its process were killed now, and its bound.

That is what was asked for, what is being verified, and what is written but not in the journal yet.
"""

import asyncio
from collections.abc import Callable

AGAIN_BYTES = 64 * 2**20
"""Most that a kill costs (F94); one chunk that is larger passes alone."""


class AtRisk:
    """Lets chunks be asked for in the order of coming, as far as the bound leaves room."""

    def __init__(
        self,
        unclaimed: Callable[[], int],
        press: Callable[[], None],
        *,
        most_bytes: int = AGAIN_BYTES,
    ) -> None:
        """`unclaimed`: bytes written and not in the journal; `press` asks for a checkpoint."""
        self._unclaimed = unclaimed
        self._press = press
        self._most = most_bytes
        self._asked = 0
        self._line = asyncio.Lock()
        self._less = asyncio.Event()
        self.pressed = False
        """Whether somebody waits for a checkpoint."""

    @property
    def bytes(self) -> int:
        """What a kill would cost now."""
        return self._asked + self._unclaimed()

    async def take(self, length: int) -> None:
        """Wait until a chunk may be asked for; `settle` it whatever becomes of it."""
        async with self._line:
            try:
                while self.bytes and self.bytes + length > self._most:
                    self.pressed = True
                    self._less.clear()
                    self._press()
                    await self._less.wait()
            finally:
                self.pressed = False
            self._asked += length

    def settle(self, length: int) -> None:
        """A chunk is written, or will not come."""
        self._asked -= length
        self._less.set()

    def look(self) -> None:
        """A checkpoint was made: there may be room."""
        self._less.set()
