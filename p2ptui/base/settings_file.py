"""The settings file: TOML with the line of each key, so that an error can point at it."""

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from p2ptui.base.errors import P2PError, usage_error

MAX_SETTINGS_BYTES = 1024 * 1024
"""A settings file that is larger is none: it is refused before it is parsed."""

_KEY = r'(?:[A-Za-z0-9_-]+|"[^"\n]*"|\'[^\'\n]*\')'
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_TABLE_LINE = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]")
_KEY_LINE = re.compile(rf"\s*({_DOTTED})\s*=")
_ONE_KEY = re.compile(_KEY)
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)\Z")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a settings file says, and where."""

    path: Path
    tables: dict[str, Any] = field(default_factory=dict)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Line of each key, from 1; an unusual way of writing may be missing."""

    def where(self, key: tuple[str, ...]) -> str:
        """`file:line` of a key, or the file alone."""
        line = self.lines.get(key)
        return f"{self.path}:{line}" if line else str(self.path)


def read_settings_file(path: Path) -> SettingsFile:
    """Read and parse a settings file; one that is missing is empty. Raises a usage error."""
    text = _read(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        match = _AT_LINE.search(message)
        line = int(match[1]) if match else text.count("\n") + 1
        reason = _AT_LINE.sub("", message)
        raise _wrong(f"{path}:{line}: {reason[:1].lower()}{reason[1:]}") from error
    except RecursionError as error:
        raise _wrong(f"{path}: nested too deeply") from error
    return SettingsFile(path, tables, _find_lines(text))


def nearest(word: str, valid: Iterable[str]) -> str:
    """The valid word that looks most like this one; empty when none is near."""
    matches = difflib.get_close_matches(word[:100], list(valid), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def scan_line(line: str) -> tuple[tuple[str, ...], bool]:
    """The parts of the key that a line begins with, none for another line; whether of a table."""
    if match := _TABLE_LINE.match(line):
        return _parts(match[1]), True
    match = _KEY_LINE.match(line)
    return (_parts(match[1]) if match else ()), False


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SETTINGS_BYTES + 1)
    except FileNotFoundError:
        return ""
    except PermissionError:
        hint = f"chmod u+r {path}; if it belongs to another user: sudo chown YOU {path}"
        raise usage_error("Settings cannot be read", f"{path}: permission denied", hint) from None
    except OSError as error:
        raise _wrong(f"{path}: {(error.strerror or str(error)).lower()}") from error
    if len(data) > MAX_SETTINGS_BYTES:
        raise _wrong(f"{path}: larger than {MAX_SETTINGS_BYTES // 1024} KiB")
    try:
        # A byte order mark and Windows' line ends are what some editors leave behind.
        return data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(f"{path}:{line}: not UTF-8") from error


def _wrong(message: str) -> P2PError:
    return usage_error("Settings are wrong", message, "Correct the file, or move it away.")


def _find_lines(text: str) -> dict[tuple[str, ...], int]:
    """Lines of tables and keys; the first one wins.

    A line inside a multi-line text may look like a key; it is found only if no such key stands
    before it, and then names a line too few, never a wrong value.
    """
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        parts, is_table = scan_line(line)
        if is_table:
            table = key = parts
        else:
            key = (*table, *parts)
        if not parts:
            continue
        for length in range(1, len(key) + 1):
            lines.setdefault(key[:length], number)
    return lines


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _ONE_KEY.findall(dotted))
