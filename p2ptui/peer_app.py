"""Composition root of the full-screen peer: the node of a home, the commands, the looks."""

from p2ptui.base.logs import configure_logs
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.command_context import Context
from p2ptui.command_line import Parsed
from p2ptui.gateway import Gateway, shown
from p2ptui.looks import looks_of
from p2ptui.node.api import NodeApi
from p2ptui.node.remote import RemoteNode
from p2ptui.peer_program import prepare
from p2ptui.peer_shell import begin_with, completer, engine_arguments, typed_handlers


async def run_peer_app(home: Home, settings: Settings, args: Parsed | None = None) -> int:
    """`p2ptui peer` on a terminal; the exit code. Raises the `P2PError` that it could not begin by.

    `args` are those of `p2ptui peer`; without, it attaches to the home's node as it is.
    """
    args = args or Parsed()
    gateway = Gateway("node", home.node, RemoteNode, engine_arguments(args))
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
    app = PeerApp(gateway.attach, language, looks_of(home, settings, args))
    mouse = settings.look.mouse and not args.flag("no_mouse")
    return await shown(app, mouse=mouse)
