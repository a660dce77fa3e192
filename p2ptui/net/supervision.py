"""Telling a service manager (systemd) how it goes: ready, reloading, stopping, still alive.

One datagram each to the socket that `NOTIFY_SOCKET` names; without one, nothing. A manager that
does not read loses messages, never our time. The watchdog's sign of life comes from the loop
itself: one that hangs gives none.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from p2ptui.net.tasks import TaskSet

SIGNS_A_PERIOD = 3
"""Signs of life in the time after which the manager would take us for dead."""
log = logging.getLogger(__name__)


class Supervisor:
    """The manager that started this process, if any did."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Of an environment `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are read."""
        name = env.get("NOTIFY_SOCKET", "")
        # A path, or a name in Linux's abstract namespace, whose first byte is NUL.
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        if not self._address.startswith(("/", "\0")) or not hasattr(socket, "AF_UNIX"):
            self._address = ""
        self._watchdog_s = _watchdog_s(env) if self._address else 0.0

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """The manager hears that we are ready, gets signs of life, and hears of the end."""
        signs = TaskSet()
        self.ready()
        if self._watchdog_s:
            signs.spawn(self._give_signs(), name="watchdog")
        try:
            yield
        finally:
            self._tell("STOPPING=1")
            await signs.cancel_all()

    def ready(self) -> None:
        """Serving; also: the settings were read again."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The settings are being read again; `ready` follows."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    async def _give_signs(self) -> None:
        while True:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_s / SIGNS_A_PERIOD)

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | _CLOEXEC) as door:
                door.setblocking(False)
                door.sendto(text.encode("ascii"), self._address)
        except OSError as error:
            log.warning("the service manager cannot be told %s: %s", text.partition("=")[0], error)


_CLOEXEC = getattr(socket, "SOCK_CLOEXEC", 0)


def _watchdog_s(env: Mapping[str, str]) -> float:
    """Seconds after which the manager gives us up without a sign; 0: never."""
    usec, pid = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return 0.0
    return int(usec) / 1e6 if usec.isascii() and usec.isdigit() else 0.0
