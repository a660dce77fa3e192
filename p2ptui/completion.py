"""Completion of a shell's line by the table of commands and by what the engine knows."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from p2ptui.base.errors import P2PError
from p2ptui.commands import Command, Completion, Side, commands, find_command
from p2ptui.shell_io import last_word

Provider = Callable[[str], Awaitable[list[str]]]
"""Names that begin with, or hold, a text."""
MOST = 50
ANSWER_S = 2.0


class LineCompleter:
    """Candidates for the last word of a line; none when the engine does not answer in time."""

    def __init__(self, side: Side, providers: Mapping[Completion, Provider]) -> None:
        self._side = side
        self._providers: dict[Completion, Provider] = {
            "path": lambda text: asyncio.to_thread(complete_path, text, folders_only=False),
            "folder": lambda text: asyncio.to_thread(complete_path, text, folders_only=True),
            "command": self._command_names,
            **providers,
        }

    async def __call__(self, line: str) -> list[str]:
        """What may stand in place of the last word."""
        typed = last_word(line)
        before = line[: len(line) - len(typed)].split()
        if not before:
            slash = "/" if typed.startswith("/") else ""
            names = await self._command_names(typed.removeprefix("/"))
            return [f"{slash}{name} " for name in names]
        command = find_command(before[0].removeprefix("/"), self._side, "shell")
        if command is None:
            return []
        if typed.startswith("--"):
            here = (option for option in command.options if "shell" in option.places)
            return [f"{option.name} " for option in here if option.name.startswith(typed)]
        kind = _kind(command, len(before) - 1)
        provider = self._providers.get(kind)
        if provider is None:
            return []
        text = typed.removeprefix('"')
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await provider(text)
        except (P2PError, TimeoutError):
            return []
        matching = [name for name in found if name.lower().startswith(text.lower())]
        return [quoted(name) for name in dict.fromkeys(matching)][:MOST]

    async def _command_names(self, text: str) -> list[str]:
        return [
            command.name
            for command in commands(self._side, "shell")
            if command.name.startswith(text)
        ]


def _kind(command: Command, index: int) -> Completion:
    if not command.params:
        return ""
    param = command.params[min(index, len(command.params) - 1)]
    return param.completion if index < len(command.params) or param.takes == "many" else ""


def complete_path(text: str, *, folders_only: bool) -> list[str]:
    """Local paths that begin with a text; folders end with a separator. Blocks."""
    folder, _, start = text.rpartition(os.sep)
    base = Path(f"{folder}{os.sep}" if os.sep in text else ".").expanduser()
    prefix = text[: len(text) - len(start)]
    found: list[str] = []
    try:
        with os.scandir(base) as entries:
            for entry in entries:
                if not entry.name.startswith(start) or (entry.name[0] == "." and not start):
                    continue
                if entry.is_dir():
                    found.append(f"{prefix}{entry.name}{os.sep}")
                elif not folders_only:
                    found.append(prefix + entry.name)
    except OSError:
        return []
    return sorted(name for name in found if name.isprintable())


def quoted(name: str) -> str:
    """A name as the shell's parser reads it back."""
    if not any(character in " \"'\\#" for character in name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
