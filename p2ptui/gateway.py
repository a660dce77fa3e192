"""The way of a full-screen program to the engine of its home: attaches to it, or starts it.

An engine that has to be started starts while Textual is loaded, which takes as long.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic

from p2ptui.base.errors import P2PError, unreachable
from p2ptui.launch import Started, spawn_engine, wait_gone
from p2ptui.running import on_signals
from p2ptui.shell_program import Api, Place

if TYPE_CHECKING:
    from p2ptui.screens.engine_app import EngineApp
    from p2ptui.screens.session import Attached

END_SIGNALS = ("SIGTERM", "SIGHUP")


class Gateway(Generic[Api]):
    """The way to one engine (`what`: node, tracker)."""

    def __init__(self, what: str, place: Place, remote: type[Api], arguments: list[str]) -> None:
        """`arguments`: the command line that starts it."""
        self._what = what
        self._place = place
        self._remote = remote
        self._arguments = arguments
        self._api: Api | None = None
        self._started: Started | None = None

    async def approach(self) -> None:
        """Begin: connect, or have an engine started meanwhile."""
        self._api = await self._remote.connect(self._place.control)
        if self._api is None:
            self._started = spawn_engine(self._arguments, self._place.log)

    async def attach(self) -> "Attached[Api]":
        """The engine. Raises the `P2PError` that its start ended with."""
        from p2ptui.screens.session import Attached  # noqa: PLC0415  (Textual is loaded by now)

        if self._api is None and self._started is None:
            await self.approach()
        api, started = self._api, self._started
        self._api = self._started = None
        if started is not None:
            await started.serving()
            api = await self._remote.connect(self._place.control)
        if api is None:
            raise unreachable(
                f"The {self._what} does not answer",
                "It was started, but its control endpoint cannot be reached.",
                f"Its log may tell why: {self._place.log}",
            )
        return Attached(api, api.close, self._ended(started), started=started is not None)

    def _ended(self, started: Started | None) -> Callable[[], Awaitable[bool]]:
        async def ended() -> bool:
            return await (started.ended() if started else wait_gone(self._place.lock))

        return ended


async def shown(app: "EngineApp[Any]", *, mouse: bool) -> int:
    """Run a full-screen program to its end; the exit code. Raises the `P2PError` it ended with."""
    with on_signals(lambda: app.exit(0), END_SIGNALS):
        code = await app.run_async(mouse=mouse)
    with suppress(P2PError, TimeoutError):
        async with asyncio.timeout(1):
            await app.detach()
    if app.failure is not None:
        raise app.failure
    return code or app.return_code or 0
