"""docs/commands.md, written from the table of commands: `python -m p2ptui.command_reference`."""

import sys
from collections.abc import Iterator

from p2ptui.base.errors import ExitCode
from p2ptui.commands import (
    DEMO,
    PEER,
    PEER_COMMANDS,
    TRACKER_COMMANDS,
    TRACKER_PROGRAM,
    Command,
)

_EXITS = {
    ExitCode.DONE: "done",
    ExitCode.UNEXPECTED: "something unexpected; the details are in the log file",
    ExitCode.USAGE: "a wrong command, argument or setting",
    ExitCode.SECURITY: "security stop: somebody could not prove who they are",
    ExitCode.NOT_FOUND: "not found, no source, or content that does not verify",
    ExitCode.UNREACHABLE: "tracker or peer not reachable",
    ExitCode.STORAGE: "no space, or not writable",
    ExitCode.INTERRUPTED: "interrupted",
}
_INTRODUCTION = """\
# Commands

Every command works from the system's shell as `p2ptui COMMAND` (those of a tracker as
`p2ptui tracker COMMAND`), and at the prompt of `p2ptui --shell` and `p2ptui tracker --shell`, where
a leading `/` may stand or not. From the system's shell a command uses the running node of its home;
with none, it opens one for as long as it runs.

This page is written from the program's own table; `p2ptui COMMAND --help` shows the same.

## For scripts

- `P2PTUI_HOME=DIR` puts everything of one identity into DIR.
- Results go to stdout, everything else to stderr. With `--json` each row is one JSON object on a
  line of its own: bytes, seconds, bytes per second, times in RFC 3339. An error is one object on
  stderr with `error`, `message`, `hint` and `exit_code`.
- A fetch is waited for, unless `--no-wait` is given. In a pipe the shell runs one command after the
  other; its exit code is that of the first that failed.
- Exit codes:
"""


def reference() -> str:
    """The whole page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield from ("| code | meaning |", "|---|---|")
    yield from (f"| {int(code)} | {meaning} |" for code, meaning in _EXITS.items())
    yield from ("", "## Programs", "")
    for program in (PEER, TRACKER_PROGRAM, DEMO):
        yield from _entry(program, "p2ptui ")
    yield from _section("Commands of a peer", PEER_COMMANDS)
    yield from _section("Commands of a tracker", TRACKER_COMMANDS)


def _section(title: str, commands: tuple[Command, ...]) -> Iterator[str]:
    yield from (f"## {title}", "")
    group = ""
    for command in commands:
        if command.group != group:
            group = command.group
            yield from (f"### {group}", "")
        yield from _entry(command, "")


def _entry(command: Command, prefix: str) -> Iterator[str]:
    yield f"**`{command.usage(prefix)}`**{_where(command)}  "
    stop = "" if command.help.endswith("?") else "."
    yield f"{command.help[0].upper()}{command.help[1:]}{stop} {command.more}".rstrip()
    if command.aliases:
        yield f"Also: {', '.join(f'`{alias}`' for alias in command.aliases)}."
    yield ""
    for param in command.params:
        yield f"- `{param.name}` {param.help}"
    for option in command.options:
        shown = f"{option.name} {option.metavar}".rstrip()
        setting = f" (setting `{option.setting}`)" if option.setting else ""
        yield f"- `{shown}` {option.help}{setting}"
    if command.params or command.options:
        yield ""


def _where(command: Command) -> str:
    if command.group == "Programs":
        return ""
    if "cli" not in command.places:
        return " (at a prompt only)"
    if "shell" not in command.places:
        return " (from the system's shell only)"
    return ""


if __name__ == "__main__":
    sys.stdout.write(reference())
