"""Composition root of the full-screen peer: the node of a home, the commands, the looks.

A node that has to be started starts while Textual is loaded, which takes as long.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from p2ptui.base.errors import P2PError, unreachable
from p2ptui.base.logs import configure_logs
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.command_context import Context
from p2ptui.command_line import Parsed
from p2ptui.launch import Started, spawn_engine, wait_gone
from p2ptui.node.api import NodeApi
from p2ptui.node.remote import RemoteNode
from p2ptui.peer_program import prepare
from p2ptui.peer_shell import begin_with, completer, engine_arguments, typed_handlers
from p2ptui.running import on_signals

if TYPE_CHECKING:
    from p2ptui.screens.session import Attached, Looks

END_SIGNALS = ("SIGTERM", "SIGHUP")


class Gateway:
    """The way to the node of a home: attaches to it, starts it where none runs."""

    def __init__(self, home: Home, arguments: list[str]) -> None:
        self._home = home.node
        self._arguments = arguments
        self._api: RemoteNode | None = None
        self._started: Started | None = None

    async def approach(self) -> None:
        """Begin: connect, or have a node started meanwhile."""
        self._api = await RemoteNode.connect(self._home.control)
        if self._api is None:
            self._started = spawn_engine(self._arguments, self._home.log)

    async def attach(self) -> "Attached":
        """The node. Raises the `P2PError` that its start ended with."""
        from p2ptui.screens.session import Attached  # noqa: PLC0415  (Textual is loaded by now)

        if self._api is None and self._started is None:
            await self.approach()
        api, started = self._api, self._started
        self._api = self._started = None
        if started is not None:
            await started.serving()
            api = await RemoteNode.connect(self._home.control)
        if api is None:
            raise unreachable(
                "The node does not answer",
                "It was started, but its control endpoint cannot be reached.",
                f"Its log may tell why: {self._home.log}",
            )
        return Attached(api, api.close, self._ended(started), started=started is not None)

    def _ended(self, started: Started | None) -> "Callable[[], Awaitable[bool]]":
        async def ended() -> bool:
            return await (started.ended() if started else wait_gone(self._home.lock))

        return ended


async def run_peer_app(home: Home, settings: Settings, args: Parsed | None = None) -> int:
    """`p2ptui peer` on a terminal; the exit code. Raises the `P2PError` that it could not begin by.

    `args` are those of `p2ptui peer`; without, it attaches to the home's node as it is.
    """
    args = args or Parsed()
    gateway = Gateway(home, engine_arguments(args))
    await gateway.approach()
    from p2ptui.app import PeerApp  # noqa: PLC0415  (slow to load: after the node was started)
    from p2ptui.screens.session import Language  # noqa: PLC0415

    # What goes wrong is told by a log of its own: the node, another process, writes to its own.
    configure_logs(home.node.log.with_name("screen.log"), "WARNING")

    async def begin(context: Context[NodeApi], was_running: bool) -> None:
        await begin_with(context, args, was_running=was_running)

    async def start_tracker() -> str:
        from p2ptui.tracker_program import start_tracker_here  # noqa: PLC0415  (once in a lifetime)

        return await start_tracker_here(home)

    handlers = typed_handlers(home, settings)
    language = Language(handlers, prepare, completer, begin, start_tracker)
    app = PeerApp(gateway.attach, language, _looks(home, settings, args))
    mouse = settings.look.mouse and not args.flag("no_mouse")
    with on_signals(lambda: app.exit(0), END_SIGNALS):
        code = await app.run_async(mouse=mouse)
    with suppress(P2PError, TimeoutError):
        async with asyncio.timeout(1):
            await app.detach()
    if app.failure is not None:
        raise app.failure
    return code or app.return_code or 0


def _looks(home: Home, settings: Settings, args: Parsed) -> "Looks":
    """How it is drawn. Raises a usage error when two keys of the settings clash."""
    from p2ptui.screens.keys import keymap_of, remap  # noqa: PLC0415
    from p2ptui.screens.session import Looks  # noqa: PLC0415
    from p2ptui.widgets.glyphs import ASCII, UNICODE  # noqa: PLC0415

    unicode = "utf" in (sys.stdout.encoding or "").lower()
    plain = settings.look.ascii or args.flag("ascii") or not unicode
    return Looks(
        theme=settings.look.theme,
        glyphs=ASCII if plain else UNICODE,
        keys=remap(settings.keys, str(home.settings)),
        keymap=keymap_of(settings.keys),
    )
