"""Editing the settings file: one key is changed, comments and order stay. Pure but for `write`.

The text is changed line by line and then read again: unless the result says exactly what was meant,
and all else as before, nothing is written. So an unusual way of writing is refused, never broken.
"""

import contextlib
import copy
import os
import re
import secrets
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from p2ptui.base.errors import P2PError, storage_error, usage_error
from p2ptui.base.settings_file import MAX_SETTINGS_BYTES, scan_line
from p2ptui.base.settings_text import toml_string

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_LONGEST_VALUE = 1000
"""Lines that one value may have."""


def with_setting(text: str, table: str, key: str, value: str | None) -> str:
    """The text of a settings file with a key set to a TOML value; None takes the key out.

    Raises a usage error when the file cannot be edited so.
    """
    lines = text.split("\n")
    before = _parsed(text)
    after = copy.deepcopy(before)
    place = _find(lines, table, key)
    if value is None:
        after.get(table, {}).pop(key, None)
        if place is not None:
            del lines[place[0] : place[1]]
    else:
        after.setdefault(table, {})[key] = tomllib.loads(f"x = {value}")["x"]
        if place is not None:
            _replace(lines, place, value)
        else:
            _insert(lines, table, f"{_key_text(key)} = {value}")
    edited = "\n".join(lines)
    result = _parsed(edited)
    if {name: part for name, part in result.items() if part != {}} != {
        name: part for name, part in after.items() if part != {}
    }:
        raise _unusual(f"{table}.{key}")
    return edited


def read(path: Path) -> str:
    """The text of a settings file; empty when there is none. Raises a storage error."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SETTINGS_BYTES + 1)
        if len(data) > MAX_SETTINGS_BYTES:
            raise storage_error("Cannot change the settings", f"{path} is too large")
        return data.decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise storage_error("Cannot change the settings", f"{path} is not UTF-8") from error
    except OSError as error:
        raise storage_error(
            "Cannot read the settings", f"{path}: {error.strerror or error}"
        ) from error


def write(path: Path, text: str) -> None:
    """Put a new text in place of the old one, whole or not at all. Raises a storage error.

    A link to another place is followed: the user put the file there.
    """
    path = Path(os.path.realpath(path))
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with open(handle, "wb") as file:  # noqa: PTH123  (a descriptor)
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
    except OSError as error:
        raise storage_error(
            "Cannot write the settings", f"{path}: {error.strerror or error}"
        ) from error


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise usage_error(
            "Cannot change the settings",
            f"the settings file is wrong: {error}",
            "Correct the file, or move it away.",
        ) from error


def _find(lines: Sequence[str], table: str, key: str) -> tuple[int, int] | None:
    """First line of a key and the line behind its value."""
    current: tuple[str, ...] = ()
    for number, line in enumerate(lines):
        parts, is_table = scan_line(line)
        if is_table:
            current = parts
        elif parts and ".".join((*current, *parts)) == f"{table}.{key}":
            return number, _end(lines, number)
    return None


def _end(lines: Sequence[str], first: int) -> int:
    for end in range(first + 1, min(first + _LONGEST_VALUE, len(lines)) + 1):
        if _is_whole("\n".join(lines[first:end])):
            return end
    return first + 1


def _is_whole(text: str) -> bool:
    try:
        tomllib.loads(text.removeprefix("\ufeff").replace("\r", ""))
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True


def _replace(lines: list[str], place: tuple[int, int], value: str) -> None:
    """A new value for a key; what stands before it and a comment behind it are kept."""
    first, end = place
    old = "\n".join(lines[first:end])
    comment = ""
    for match in re.finditer(r"\s*#", old):
        if _is_whole(old[: match.start()]):
            comment = old[match.start() :]
            break
    else:
        comment = "\r" if old.endswith("\r") else ""
    # The `=` that ends the key: whatever follows it is a value.
    name, rest = next(
        (old[: at.end()], old[at.end() :])
        for at in re.finditer("=", old)
        if _is_whole(f"{old[: at.end()]} 0")
    )
    space = rest[: len(rest) - len(rest.lstrip(" \t"))]
    lines[first:end] = f"{name}{space}{value}{comment}".split("\n")


def _insert(lines: list[str], table: str, line: str) -> None:
    """A new key behind the last one of its table; a new table at the end."""
    current: tuple[str, ...] = ()
    at = -1
    for number, text in enumerate(lines):
        parts, is_table = scan_line(text)
        if is_table:
            current = parts
        if current == (table,) and text.strip() and not text.lstrip().startswith("#"):
            at = number + 1
    ending = "\r" if any(text.endswith("\r") for text in lines) else ""
    if at >= 0:
        lines.insert(at, line + ending)
        return
    while lines and not lines[-1].strip():
        lines.pop()
    gap = [ending] if lines else []
    lines += [*gap, f"[{table}]{ending}", line + ending, ""]


def _key_text(key: str) -> str:
    return key if _BARE.match(key) else toml_string(key)


def _unusual(key: str) -> P2PError:
    return usage_error(
        "Cannot change the settings",
        f"{key} is written in an unusual way in the settings file",
        "Change it there by hand.",
    )
