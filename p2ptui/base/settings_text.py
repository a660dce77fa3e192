"""Settings as text: how a value is shown, how it is written to the file, what it is for. Pure.

What `value_text` gives is read back by `parse_value` as the same value.
"""

import ast
import functools
import inspect
import itertools
import json
import os
from collections.abc import Mapping
from typing import Any

from p2ptui.base.settings_values import mark_of

_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "KB"), (1, "B"))


def value_text(kind: Any, value: Any) -> str:
    """A value as a person writes it: `20 MB/s`, `off`, `300s`, `on`; a list as in PATH."""
    mark = mark_of(kind)
    if mark == "rate":
        return "off" if value is None else f"{_size(value)}/s"
    if mark == "bytes":
        return _size(value)
    if mark == "duration":
        return f"{value:.15g}s"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return os.pathsep.join(value)
    return str(value)


def value_of_text(kind: Any, text: str) -> object:
    """What `parse_value` takes for a text of one line: a list is split as in PATH."""
    if kind == tuple[str, ...]:
        return tuple(part for part in text.split(os.pathsep) if part)
    return text


def toml_text(kind: Any, value: Any) -> str:
    """A value as it stands in the settings file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_string, value))}]"
    if isinstance(value, int) and not mark_of(kind):
        return str(value)
    return toml_string(value_text(kind, value))


def toml_string(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@functools.cache
def field_help(part: type) -> Mapping[str, str]:
    """The docstring below each field of a part of the settings; empty without its source."""
    try:
        tree = ast.parse(inspect.getsource(part))
    except (OSError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, text in itertools.pairwise(body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                found[name] = inspect.cleandoc(said)
            case _:
                pass
    return found


def _size(count: int) -> str:
    """A number of bytes in the largest unit that leaves it whole."""
    size, unit = next((size, unit) for size, unit in _UNITS if count % size == 0 and count >= size)
    return f"{count // size} {unit}"
