"""The command line: finds out what is wanted, loads that and nothing else, turns errors into exits.

Help comes from the table of commands alone, so that it is there at once.
"""

import os
import sys
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from p2ptui import __version__
from p2ptui.commands import (
    DEMO,
    PEER,
    TRACKER_PROGRAM,
    Command,
    Side,
    find_command,
    overview,
    program_help,
)

if TYPE_CHECKING:
    from p2ptui.base.errors import P2PError
    from p2ptui.base.paths import Home
    from p2ptui.base.settings import Settings
    from p2ptui.command_line import Parsed
    from p2ptui.output import Output

HELP = frozenset({"-h", "--help"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; the exit code (INTERFACE.md, contract for scripts)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows few letters shows escapes rather than ending the program (F118).
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if words and words[0] in HELP:
        return _print(program_help(__version__))
    if words == ["--version"]:
        return _print(f"p2ptui {__version__}\n")
    return _guarded(words)


def _guarded(words: list[str]) -> int:
    from p2ptui.base.errors import ExitCode, P2PError  # noqa: PLC0415  (help needs none of it)
    from p2ptui.command_line import HelpAskedFor  # noqa: PLC0415

    try:
        return _dispatch(words)
    except HelpAskedFor as asked:
        return _print(str(asked))
    except P2PError as error:
        return _expected(words, error)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our results has enough: nothing went wrong. Python's own flush must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except Exception as error:  # noqa: BLE001  (the last border; the traceback goes to the log)
        return _unexpected(words, error)


def _expected(words: list[str], error: "P2PError") -> int:
    """What a person can act on goes to stderr, or to the front-end that started this engine."""
    from p2ptui.launch import REPORT_FLAG, report_start  # noqa: PLC0415
    from p2ptui.output import standard_output  # noqa: PLC0415

    if REPORT_FLAG in words:
        report_start(error)
    else:
        standard_output(as_json="--json" in words).error(error)
    return int(error.exit_code)


def _dispatch(words: list[str]) -> int:
    """Find the command and run it."""
    first = words[0] if words else ""
    if not first or first.startswith("-"):
        return _run_peer(words)
    if first == PEER.name:
        return _run_peer(words[1:])
    if first == TRACKER_PROGRAM.name:
        return _run_tracker(words[1:])
    if first == DEMO.name:
        return _run_demo(words[1:])
    return _run_one(first, words[1:])


def _run_peer(words: list[str]) -> int:
    from p2ptui.command_line import parse_arguments  # noqa: PLC0415

    detached, words = _take_detached(words)
    args = parse_arguments(PEER, words, "cli")
    home, settings = _surroundings(PEER, args)
    if args.flag("headless"):
        from p2ptui.peer_program import run_node  # noqa: PLC0415

        return _run_engine(
            run_node(
                home,
                settings,
                as_json=args.flag("json"),
                detached=detached,
                trust=args.text("trust"),
            )
        )
    if _full_screen(args):
        from p2ptui.peer_app import run_peer_app  # noqa: PLC0415

        return _run_front_end(run_peer_app(home, settings, args))
    from p2ptui.peer_shell import run_peer_shell  # noqa: PLC0415

    return _run_front_end(run_peer_shell(home, settings, args))


def _full_screen(args: "Parsed") -> bool:
    """Whether there is a terminal that a screen can be drawn on, and nothing else was asked for."""
    lines = args.flag("shell") or args.flag("json") or os.environ.get("TERM", "dumb") == "dumb"
    return not lines and sys.stdin.isatty() and sys.stdout.isatty()


def _run_tracker(words: list[str]) -> int:
    from p2ptui.command_line import parse_arguments, unknown_command  # noqa: PLC0415

    detached, words = _take_detached(words)
    if words and not words[0].startswith("-"):
        command = find_command(words[0], "tracker", "cli")
        if command is None:
            raise unknown_command(words[0], "tracker", "cli")
        return _run_tracker_command(command, words[1:])
    args = parse_arguments(TRACKER_PROGRAM, words, "cli")
    home, settings = _surroundings(TRACKER_PROGRAM, args)
    if args.flag("check"):
        from p2ptui.tracker_home import run_check  # noqa: PLC0415

        return _run_front_end(run_check(home, settings, _output(args)))
    if args.flag("headless"):
        from p2ptui.tracker_program import run_tracker  # noqa: PLC0415

        return _run_engine(
            run_tracker(
                home,
                settings,
                as_json=args.flag("json"),
                detached=detached,
                new_swarm=args.flag("new_swarm"),
            )
        )
    if _full_screen(args):
        from p2ptui.tracker_app import run_tracker_app  # noqa: PLC0415

        return _run_front_end(run_tracker_app(home, settings, args))
    from p2ptui.tracker_program import run_tracker_shell  # noqa: PLC0415

    return _run_front_end(run_tracker_shell(home, args))


def _run_tracker_command(command: Command, words: list[str]) -> int:
    from p2ptui.command_line import parse_arguments  # noqa: PLC0415

    args = parse_arguments(command, words, "cli")
    if command.name == "help":
        return _help(args, "tracker")
    home, _ = _surroundings(TRACKER_PROGRAM, args)
    if command.name == "restore":
        from p2ptui.tracker_home import run_restore  # noqa: PLC0415

        return _run_front_end(run_restore(home, args, _output(args)))
    from p2ptui.tracker_program import run_tracker_command  # noqa: PLC0415

    return _run_front_end(run_tracker_command(home, command, args))


def _run_one(word: str, words: list[str]) -> int:
    from p2ptui.command_line import parse_arguments, unknown_command  # noqa: PLC0415

    command = find_command(word, "peer", "cli")
    if command is None:
        raise unknown_command(word, "peer", "cli")
    args = parse_arguments(command, words, "cli")
    if command.name == "help":
        return _help(args, "peer")
    if command.name == "hash":
        from p2ptui.hashing import run_hash  # noqa: PLC0415

        run_hash(args, _output(args), progress=True)
        return 0
    home, settings = _surroundings(PEER, args)
    if command.name == "doctor":
        from p2ptui.doctor import run_doctor  # noqa: PLC0415

        return _run_front_end(run_doctor(home, settings, _output(args)))
    from p2ptui.peer_program import run_command  # noqa: PLC0415

    return _run(run_command(home, settings, command, args))


def _run_demo(words: list[str]) -> int:
    from p2ptui.command_line import parse_arguments  # noqa: PLC0415

    args = parse_arguments(DEMO, words, "cli")
    from p2ptui.demo import run_demo  # noqa: PLC0415

    shown = sys.stdout.isatty() and sys.stdin.isatty() and os.environ.get("TERM", "") != "dumb"
    screen = shown and not args.flag("headless") and not args.flag("json")
    return run_demo(as_json=args.flag("json"), screen=screen)


def _help(args: "Parsed", side: Side) -> int:
    from p2ptui.command_line import command_help, unknown_command  # noqa: PLC0415

    word = args.word(0)
    if not word:
        text = program_help(__version__) if side == "peer" else overview("tracker", "cli")
        return _print(text.rstrip() + "\n")
    programs = {command.name: command for command in (PEER, TRACKER_PROGRAM, DEMO)}
    command = find_command(word, side, "cli") or programs.get(word)
    if command is None:
        raise unknown_command(word, side, "cli")
    return _print(command_help(command, "cli") + "\n")


def _surroundings(program: Command, args: "Parsed") -> "tuple[Home, Settings]":
    """The home, and the settings with the flags that were given."""
    from p2ptui.base.paths import Home  # noqa: PLC0415
    from p2ptui.base.settings import load_settings  # noqa: PLC0415
    from p2ptui.command_context import absolute_path  # noqa: PLC0415

    flags: dict[str, object] = {}
    for option in program.options:
        if not option.setting:
            continue
        if option.repeat:
            flags[option.setting] = tuple(map(absolute_path, args.many(option.key))) or None
        elif text := args.text(option.key):
            flags[option.setting] = absolute_path(text) if option.metavar == "DIR" else text
    if args.flag("invite_only"):
        flags["tracker.open"] = False
    home = Home.locate(os.environ)
    return home, load_settings(home.settings, os.environ, flags)


def _output(args: "Parsed") -> "Output":
    from p2ptui.output import standard_output  # noqa: PLC0415

    return standard_output(as_json=args.flag("json"))


def _take_detached(words: list[str]) -> tuple[bool, list[str]]:
    """Whether a front-end started us; its flag is not for people and not in the table."""
    from p2ptui.launch import REPORT_FLAG  # noqa: PLC0415

    return REPORT_FLAG in words, [word for word in words if word != REPORT_FLAG]


def _run_engine(work: Coroutine[Any, Any, int]) -> int:
    """Run an engine until it is stopped; a signal is an ordinary way to do that."""
    from p2ptui.base.errors import ExitCode  # noqa: PLC0415

    code = _run(work)
    return ExitCode.DONE if code == ExitCode.INTERRUPTED else code


def _run(work: Coroutine[Any, Any, int]) -> int:
    """Run a command that may have to open an engine."""
    from p2ptui.net.loop import run  # noqa: PLC0415

    return _interruptible(run, work)


def _run_front_end(work: Coroutine[Any, Any, int]) -> int:
    """Run what only talks to an engine, on the plain loop: it is there sooner."""
    import asyncio  # noqa: PLC0415
    import logging  # noqa: PLC0415

    # The engine has a log; what a front-end has to say, it says to its user.
    logging.getLogger().addHandler(logging.NullHandler())
    return _interruptible(asyncio.run, work)


def _interruptible(run: Any, work: Coroutine[Any, Any, int]) -> int:
    from p2ptui.base.errors import ExitCode  # noqa: PLC0415
    from p2ptui.running import Interrupted, interruptible  # noqa: PLC0415

    try:
        return int(run(interruptible(work)))
    except Interrupted:
        return int(ExitCode.INTERRUPTED)


def _unexpected(words: list[str], error: Exception) -> int:
    """A bug: its traceback goes to the log file, a plain sentence to the user."""
    import logging  # noqa: PLC0415

    from p2ptui.base.errors import P2PError  # noqa: PLC0415
    from p2ptui.base.logs import configure_logs  # noqa: PLC0415
    from p2ptui.base.paths import Home  # noqa: PLC0415

    home = Home.locate(os.environ)
    log = home.tracker.log if words[:1] == ["tracker"] else home.node.log
    hint = f"The details are in {log}"
    try:
        configure_logs(log)
        logging.getLogger(__name__).error("unexpected", exc_info=error)
    except P2PError as unwritten:
        hint = f"The details could not be written: {unwritten}"
    title = "Something unexpected went wrong"
    return _expected(words, P2PError(title, f"{type(error).__name__}: {error}", hint))


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
