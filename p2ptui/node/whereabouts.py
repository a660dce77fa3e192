"""Whereabouts: the addresses at which this machine can be dialled, and their changes (F106)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from p2ptui.base.addresses import is_loopback, is_unspecified
from p2ptui.net.loop import Offload
from p2ptui.net.own_address import own_addresses

CHECK_S = 10.0
log = logging.getLogger(__name__)


class Whereabouts:
    """The addresses of a node that listens on `host`."""

    def __init__(
        self,
        offload: Offload,
        host: Callable[[], str],
        system: Callable[[], tuple[str, ...]] = own_addresses,
    ) -> None:
        """`host` says where the node listens; `system` asks for this machine's addresses."""
        self._offload = offload
        self._host = host
        self._system = system

    async def addresses(self) -> tuple[str, ...]:
        """Where others may dial us; none when we listen to this machine alone."""
        host = self._host()
        if is_unspecified(host):
            return await self._offload(self._system)
        return () if is_loopback(host) else (host,)

    async def watch(self, on_change: Callable[[], Awaitable[None]]) -> None:
        """Call back whenever the addresses have changed."""
        before = await self.addresses()
        while True:
            await asyncio.sleep(CHECK_S)
            now = await self.addresses()
            if now != before:
                before = now
                log.info("the addresses of this machine are %s now", ", ".join(now) or "none")
                await on_change()
