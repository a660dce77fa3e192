"""Parsing by the table of commands: argparse for the command line and for the shell alike.

Only the parser of the command that was named is built. A mistake is a usage error with the usage
line as its hint; nothing here prints or exits.
"""

import argparse
import ipaddress
import shlex
from typing import NoReturn

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.commands import Command, Option, Param, Place, Side, commands, find_command

_NARGS = {"one": None, "optional": "?", "many": "+", "any": "*"}


class HelpAskedFor(Exception):  # noqa: N818  (a wish, not an error)
    """`--help` was given; the text is the argument."""


class Parsed(argparse.Namespace):
    """Arguments of one command."""

    def text(self, name: str) -> str:
        """An option's value; empty when it was not given."""
        value = getattr(self, name, None)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        """Whether a switch was given."""
        return getattr(self, name, False) is True

    def many(self, name: str) -> tuple[str, ...]:
        """Values of an option that may be repeated."""
        value = getattr(self, name, None)
        return tuple(value) if isinstance(value, list) else ()

    def word(self, index: int) -> str:
        """A parameter as one text; the words of one that takes many are joined by spaces."""
        value = getattr(self, f"param{index}", None)
        if isinstance(value, list):
            return " ".join(value)
        return value if isinstance(value, str) else ""

    def words(self, index: int) -> list[str]:
        """The words of a parameter that takes many."""
        value = getattr(self, f"param{index}", None)
        return list(value) if isinstance(value, list) else []


class _Parser(argparse.ArgumentParser):
    def __init__(self, command: Command, prefix: str) -> None:
        self.line = command.usage(prefix)
        super().__init__(
            prog=prefix + command.name,
            usage=self.line,
            description=f"{command.help[0].upper()}{command.help[1:]}. {command.more}".strip(),
            add_help=False,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )
        self._positionals.title = "arguments"

    def error(self, message: str) -> NoReturn:
        raise usage_error("Wrong arguments", message, f"Usage: {self.line}")


class _Help(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_arguments: object) -> NoReturn:
        raise HelpAskedFor(parser.format_help())


def parse_arguments(command: Command, arguments: list[str], place: Place) -> Parsed:
    """Arguments of a command. Raises a usage error, or `HelpAskedFor`."""
    parser = build_parser(command, place)
    return parser.parse_args(_bound_values(command, arguments), Parsed())


def _bound_values(command: Command, arguments: list[str]) -> list[str]:
    """`--sort -size` as `--sort=-size`: argparse takes every word with a dash for a flag."""
    with_value = {option.name for option in command.options if option.metavar}
    bound: list[str] = []
    words = iter(arguments)
    for word in words:
        bound.append(word)
        if word == "--":
            break
        if word in with_value and (value := next(words, None)) is not None:
            if value.startswith("-") and not value.startswith("--"):
                bound[-1] = f"{word}={value}"
            else:
                bound.append(value)
    return [*bound, *words]


def command_help(command: Command, place: Place) -> str:
    """The full help of one command."""
    return build_parser(command, place).format_help().rstrip()


def build_parser(command: Command, place: Place) -> argparse.ArgumentParser:
    """The parser of one command in one place."""
    prefix = ""
    if place == "cli":
        nested = command.side == "tracker" and command.name != "tracker"
        prefix = "p2ptui tracker " if nested else "p2ptui "
    parser = _Parser(_in(command, place), prefix)
    for index, param in enumerate(command.params):
        _add_param(parser, index, param)
    for option in _in(command, place).options:
        _add_option(parser, option)
    parser.add_argument(
        "-h", "--help", action=_Help, nargs=0, dest=argparse.SUPPRESS, help="show this help"
    )
    return parser


def _in(command: Command, place: Place) -> Command:
    return command._replace(options=tuple(o for o in command.options if place in o.places))


def _add_param(parser: argparse.ArgumentParser, index: int, param: Param) -> None:
    parser.add_argument(
        f"param{index}", metavar=param.name, nargs=_NARGS[param.takes], help=_escaped(param.help)
    )


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    if option.metavar:
        parser.add_argument(
            option.name,
            dest=option.key,
            metavar=option.metavar,
            action="append" if option.repeat else "store",
            help=_escaped(option.help),
        )
    else:
        parser.add_argument(
            option.name, dest=option.key, action="store_true", help=_escaped(option.help)
        )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def parse_line(line: str, side: Side) -> tuple[Command, Parsed] | None:
    """A line of the shell; None when it is empty or a comment. A leading `/` may stand or not."""
    line = line.strip().removeprefix("/").lstrip()
    if not line or line.startswith("#"):
        return None
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise usage_error(
            "A quote is not closed",
            str(error),
            "Put a name with spaces or quotes between double quotes.",
        ) from error
    command = find_command(words[0], side, "shell")
    if command is None:
        raise unknown_command(words[0], side, "shell")
    return command, parse_arguments(command, words[1:], "shell")


def unknown_command(word: str, side: Side, place: Place) -> P2PError:
    """A word that is no command, with the one that was probably meant."""
    import difflib  # noqa: PLC0415  (slow to import, and needed for a mistake only)

    names = [name for c in commands(side, place) for name in (c.name, *c.aliases)]
    if place == "cli" and side == "peer":
        names += ["peer", "tracker", "demo"]
    close = difflib.get_close_matches(word.lower()[:40], names, n=1)
    way = {"cli": "p2ptui --help lists all.", "shell": "/help lists all.", "screen": ""}[place]
    hint = f"Did you mean {close[0]}? {way}" if close else way
    return usage_error("Unknown command", f"{word[:80]!r}", hint.strip())


def split_address(words: list[str]) -> tuple[str, str]:
    """The name of `NAME [IP PORT]`, and `host:port` or nothing.

    A name may be written with its spaces: only an address followed by a number is taken off it.
    """
    if len(words) < 3 or not words[-1].isdecimal():
        return " ".join(words), ""
    try:
        ip = ipaddress.ip_address(words[-2].strip("[]"))
    except ValueError:
        if words[-2] != "localhost":
            return " ".join(words), ""
        ip = ipaddress.ip_address("127.0.0.1")
    port = int(words[-1])
    if not 1 <= port <= 65535:
        raise usage_error("Not a port", words[-1], "A port is a number from 1 to 65535.")
    host = f"[{ip}]" if ip.version == 6 else str(ip)
    return " ".join(words[:-2]), f"{host}:{port}"
