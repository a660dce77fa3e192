"""Composition root of the tracker's console: the tracker of a home, the commands, the looks."""

from p2ptui.base.logs import configure_logs
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.command_line import Parsed
from p2ptui.gateway import Gateway, shown
from p2ptui.looks import looks_of
from p2ptui.tracker_commands import HANDLERS
from p2ptui.tracker_program import begin_with, completer, engine_arguments, prepare
from tracker.remote import RemoteTracker


async def run_tracker_app(home: Home, settings: Settings, args: Parsed) -> int:
    """`p2ptui tracker` on a terminal; the exit code. Raises the `P2PError` that it ended with."""
    gateway = Gateway("tracker", home.tracker, RemoteTracker, engine_arguments(args))
    await gateway.approach()
    from p2ptui.screens.session import Language  # noqa: PLC0415  (slow to load: it starts meanwhile)
    from p2ptui.screens.tracker_console import TrackerConsole  # noqa: PLC0415
    from p2ptui.screens.tracker_keys import TRACKER_KEYS  # noqa: PLC0415

    # What goes wrong is told by a log of its own: the tracker, another process, writes to its own.
    configure_logs(home.tracker.log.with_name("console.log"), "WARNING")
    language = Language(HANDLERS, prepare, completer, begin_with(args))
    app = TrackerConsole(gateway.attach, language, looks_of(home, settings, args, TRACKER_KEYS))
    mouse = settings.look.mouse and not args.flag("no_mouse")
    return await shown(app, mouse=mouse)
