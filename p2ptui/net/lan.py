"""Lan: discovery by way of zeroconf. The library is loaded when it is first used, off the loop.

Where there is no multicast (a container, a phone's network) nothing is found, and the log says so.
"""

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from p2ptui.base.ids import short_peer_id
from p2ptui.net.discovery import MAX_FOUND, Card, Kind, OnCard, card_of, properties_of
from p2ptui.net.tasks import TaskSet

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

TYPES: dict[Kind, str] = {"tracker": "_p2ptui._tcp.local.", "member": "_p2ptui-peer._tcp.local."}
ASK_S = 3.0
"""How long an instance has to say what it is."""
TTL_S = 120
"""How long what we say of ourselves is believed: one that is killed says no goodbye."""
CHECK_S = 45.0
"""How often those that were found are asked again whether they are there, when that is over."""
log = logging.getLogger(__name__)


class ZeroconfLan:
    """Implements `Lan` on the networks of these addresses of this machine."""

    def __init__(self, hosts: Sequence[str]) -> None:
        """`hosts`: addresses of ours; without any nothing is sent or heard."""
        four = tuple(host for host in hosts if ":" not in host)
        self._interfaces = four or tuple(hosts)
        """Over IPv4 addresses of both families are told; one socket per network is enough."""
        self._opening = asyncio.Lock()
        self._zeroconf: AsyncZeroconf | None = None
        self._closed = False
        self._own: dict[Kind, AsyncServiceInfo] = {}
        self._browsers: list[AsyncServiceBrowser] = []
        self._named: dict[str, str] = {}
        """Instances that were named to us, with their types; some may be gone without a word."""
        self._tasks = TaskSet()

    async def advertise(self, card: Card) -> None:
        """Be found, until closed."""
        zeroconf = await self._open()
        if zeroconf is None:
            return
        from zeroconf import Error  # noqa: PLC0415  (loaded by now)
        from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415

        kind = TYPES[card.kind]
        label = short_peer_id(card.peer or card.pin)
        info = AsyncServiceInfo(
            kind,
            f"p2ptui-{label}.{kind}",
            addresses=[ipaddress.ip_address(each.host).packed for each in card.endpoints],
            port=card.endpoints[0].port,
            properties=properties_of(card),
            host_ttl=TTL_S,
            other_ttl=TTL_S,
            # Its own: two trackers of one swarm must not share a host's name.
            server=f"p2ptui-{label}-{secrets.token_hex(4)}.local.",
        )
        try:
            old = self._own.pop(card.kind, None)
            if old is not None:
                await zeroconf.async_unregister_service(old)
            await zeroconf.async_register_service(info, allow_name_change=True)
        except (Error, OSError) as error:
            log.warning("not to be found on the local network: %s", error)
        else:
            self._own[card.kind] = info

    async def browse(self, kind: Kind, on_card: OnCard) -> None:
        """Tell of everybody of a kind who is there or comes, until closed."""
        zeroconf = await self._open()
        if zeroconf is None:
            return
        from zeroconf import DNSQuestionType, ServiceStateChange  # noqa: PLC0415  (loaded by now)
        from zeroconf.asyncio import AsyncServiceBrowser  # noqa: PLC0415

        def changed(
            zeroconf: "Zeroconf",
            service_type: str,
            name: str,
            state_change: "ServiceStateChange",
        ) -> None:
            if state_change is ServiceStateChange.Removed:
                self._named.pop(name, None)
                on_card(name, None)
            elif len(self._tasks) < MAX_FOUND:
                if len(self._named) < MAX_FOUND:
                    self._named[name] = service_type
                asking = self._ask(zeroconf, kind, service_type, name, on_card)
                self._tasks.spawn(asking, name="lan-instance")

        # Answers by multicast: others go to one alone of several programs on a machine.
        browser = AsyncServiceBrowser(
            zeroconf.zeroconf,
            TYPES[kind],
            handlers=[changed],
            question_type=DNSQuestionType.QM,
        )
        self._browsers.append(browser)
        self._tasks.spawn(self._check(zeroconf.zeroconf, kind, on_card), name="lan-check")

    async def close(self) -> None:
        """Say goodbye, and hear no more."""
        self._closed = True
        await self._tasks.cancel_all()
        async with self._opening:
            zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is None:
            return
        for browser in self._browsers:
            await browser.async_cancel()
        await zeroconf.async_close()

    async def _check(self, zeroconf: "Zeroconf", kind: Kind, on_card: OnCard) -> None:
        """Ask again those whose word is too old: the library believes a name for 19 minutes."""
        while True:
            await asyncio.sleep(CHECK_S)
            for name, service_type in tuple(self._named.items()):
                if service_type == TYPES[kind]:
                    await self._ask(zeroconf, kind, service_type, name, on_card)

    async def _ask(
        self, zeroconf: "Zeroconf", kind: Kind, service_type: str, name: str, on_card: OnCard
    ) -> None:
        from zeroconf import BadTypeInNameException, DNSQuestionType  # noqa: PLC0415
        from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415

        try:
            info = AsyncServiceInfo(service_type, name)
        except BadTypeInNameException:
            return
        if not await info.async_request(zeroconf, ASK_S * 1000, DNSQuestionType.QM):
            on_card(name, None)
            return
        card = card_of(kind, info.properties, info.parsed_addresses(), info.port)
        if card is None:
            log.info("somebody on the local network says to be a %s, and is none", kind)
        else:
            on_card(name, card)

    async def _open(self) -> "AsyncZeroconf | None":
        async with self._opening:
            if self._zeroconf is not None or self._closed or not self._interfaces:
                return self._zeroconf
            await asyncio.to_thread(import_module, "zeroconf.asyncio")
            from zeroconf.asyncio import AsyncZeroconf  # noqa: PLC0415  (loaded by now)

            try:
                self._zeroconf = AsyncZeroconf(interfaces=list(self._interfaces))
            except (OSError, RuntimeError) as error:
                log.warning("no discovery on the local network: %s", error)
            return self._zeroconf
