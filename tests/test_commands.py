"""The table of commands: complete, consistent, and the source of all that is told about it."""

import subprocess
import sys
from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError
from p2ptui.base.settings import load_settings
from p2ptui.command_line import HelpAskedFor, command_help, parse_arguments
from p2ptui.command_reference import reference
from p2ptui.commands import (
    PEER_COMMANDS,
    PROGRAM_COMMANDS,
    TRACKER_COMMANDS,
    Command,
    Place,
    Side,
    commands,
    find_command,
    overview,
    program_help,
)
from p2ptui.peer_commands import HANDLERS as PEER_HANDLERS
from p2ptui.tracker_commands import HANDLERS as TRACKER_HANDLERS

ROOT = Path(__file__).parent.parent
ALL = (*PROGRAM_COMMANDS, *PEER_COMMANDS, *TRACKER_COMMANDS)
OF_THE_SHELL = {"help", "exit", "detach"}
OF_THE_PROGRAM = {"stop", "doctor", "hash", "restore"}


def title(command: Command) -> str:
    return f"{command.side} {command.name}"


def test_the_documentation_is_what_the_table_says() -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == reference(), "python -m p2ptui.command_reference > docs/commands.md"


@pytest.mark.parametrize("command", ALL, ids=title)
def test_every_command_is_explained(command: Command) -> None:
    assert command.help
    assert not command.help.endswith(".")
    assert all(param.help for param in command.params)
    assert all(option.help for option in command.options)
    for place in command.places - {"screen"}:
        assert command.name in command_help(command, place)
        with pytest.raises(HelpAskedFor):
            parse_arguments(command, ["--help"], place)


@pytest.mark.parametrize("side", ["peer", "tracker"])
@pytest.mark.parametrize("place", ["cli", "shell", "screen"])
def test_no_word_means_two_commands(side: Side, place: Place) -> None:
    words = [word for c in commands(side, place) for word in (c.name, *c.aliases)]
    assert len(words) == len(set(words))
    assert all(find_command(word.upper(), side, place) is not None for word in words)


def test_every_command_has_somebody_who_carries_it_out() -> None:
    peer = {command.name for command in PEER_COMMANDS} - OF_THE_SHELL - OF_THE_PROGRAM
    tracker = {command.name for command in TRACKER_COMMANDS} - OF_THE_SHELL - OF_THE_PROGRAM
    assert set(PEER_HANDLERS) == peer
    assert set(TRACKER_HANDLERS) == tracker


def test_every_flag_overrides_a_setting_that_exists(tmp_path: Path) -> None:
    flags = {
        option.setting: ("x",) if option.repeat else "127.0.0.1:1"
        for command in PROGRAM_COMMANDS
        for option in command.options
        if option.setting
    }
    settings = load_settings(tmp_path / "none.toml", {}, flags)
    assert settings.peer.shares == ("x",)


@pytest.mark.parametrize(
    ("side", "words"),
    [
        ("peer", ["publish", "fetch", "remove", "exit", "stop", "help"]),
        ("tracker", ["discover", "ping", "exit", "stop", "help"]),
    ],
)
def test_the_classic_commands_are_there(side: Side, words: list[str]) -> None:
    assert all(find_command(word, side, "shell") for word in words)


def test_help_names_every_command() -> None:
    text = program_help("1.2.3")
    assert "1.2.3" in text
    for command in (*commands("peer", "cli"), *commands("tracker", "cli"), *PROGRAM_COMMANDS):
        assert f" {command.name}" in text
    for command in commands("tracker", "shell"):
        assert command.name in overview("tracker", "shell")
    assert max(map(len, text.splitlines())) <= 100


def test_a_flag_that_is_not_known_names_the_usage() -> None:
    command = find_command("fetch", "peer", "cli")
    assert command is not None
    with pytest.raises(P2PError) as caught:
        parse_arguments(command, ["x", "--too"], "cli")
    assert "fetch NAME|ID [IP PORT] [--to DIR]" in caught.value.hint


def test_the_table_is_cheap() -> None:
    program = "import sys; before = set(sys.modules); import p2ptui.commands; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(found.stdout.split())
    assert not loaded & {"argparse", "asyncio", "msgspec", "p2ptui.base", "prompt_toolkit"}
