"""Rescans: the shares are looked through again and again."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from p2ptui.base.errors import P2PError

log = logging.getLogger(__name__)


class Rescans:
    """Looks at the start, and then every `every_s` seconds; 0: not again."""

    def __init__(self, rescan: Callable[[], Awaitable[object]], every_s: float) -> None:
        self._rescan = rescan
        self._every_s = every_s
        self._changed = asyncio.Event()
        self.once = asyncio.Event()
        """Set when the first look is over."""

    def set_every(self, every_s: float) -> None:
        """Look this often from now on."""
        self._every_s = every_s
        self._changed.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self._rescan()
            except P2PError as error:
                log.warning("scanning failed: %s", error)
            self.once.set()
            await self._wait()

    async def _wait(self) -> None:
        """Until it is time; a change counts from itself."""
        while True:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s if self._every_s > 0 else None):
                    await self._changed.wait()
                    continue
            return
