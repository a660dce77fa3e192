"""Settings desk: the settings of a running node, read and changed through its api.

A change is checked like the settings file, written there with its comments kept, and then felt at
once where an `Effects` has a way for it. When that fails the file is put back as it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from p2ptui.base import settings_edit
from p2ptui.base.errors import P2PError, not_found, usage_error
from p2ptui.base.settings import (
    KEYS,
    Field,
    LookSettings,
    Origin,
    PeerSettings,
    Settings,
    fields_of,
    unknown_setting,
)
from p2ptui.base.settings_text import (
    field_help,
    toml_string,
    toml_text,
    value_of_text,
    value_text,
)
from p2ptui.base.settings_values import parse_value
from p2ptui.net.loop import Offload
from p2ptui.node.api import SettingRow

Effect = Callable[[Any], Awaitable[None]]
"""Makes a new value felt. Raises `P2PError` when that is not possible."""

_PARTS: Mapping[str, type[msgspec.Struct]] = {"peer": PeerSettings, "look": LookSettings}
_LOOK_NOW = frozenset({"look.theme"})
"""Of those that front-ends look at, the ones that a running one takes over."""
_OVER_FILE: Mapping[Origin, str] = {
    "environment": "an environment variable comes before the file at the next start",
    "flag": "a flag of the command line comes before the file at the next start",
}


class SettingsDesk:
    """All settings that a node and its front-ends have."""

    def __init__(
        self, path: Path, settings: Settings, effects: Mapping[str, Effect], offload: Offload
    ) -> None:
        """`effects`: by key, what makes a change felt at once; others wait for the next start."""
        self._path = path
        self._effects = effects
        self._offload = offload
        self._changing = asyncio.Lock()
        self._fields = {field.key: field for part in _PARTS for field in fields_of(part)}
        self._values: dict[str, Any] = {
            key: getattr(getattr(settings, field.section), field.name)
            for key, field in self._fields.items()
        }
        self._keys = dict(settings.keys)
        self._origins = dict(settings.origins)
        self._started = dict(settings.origins)
        """Where they came from when the node was started."""

    def rows(self) -> tuple[SettingRow, ...]:
        """All settings, in the order of the tables; of the keys those that are changed."""
        keys = (self._key_row(key) for key in sorted(self._keys))
        return (*(self._row(field) for field in self._fields.values()), *keys)

    async def configure(self, key: str, text: str) -> SettingRow:
        """Change a setting. Raises a usage error for a bad value, which changes nothing."""
        async with self._changing:
            if key.startswith(f"{KEYS}."):
                return await self._configure_key(key.removeprefix(f"{KEYS}."), text)
            field = self._fields.get(key)
            if field is None:
                raise unknown_setting("set", key, list(self._fields))
            value = parse_value(field.kind, value_of_text(field.kind, text), key)
            before = await self._write(field.section, field.name, toml_text(field.kind, value))
            effect = self._effects.get(key)
            if effect is not None:
                try:
                    await effect(value)
                except P2PError:
                    await self._offload(settings_edit.write, self._path, before)
                    raise
            self._values[key] = value
            self._origins[key] = "file"
            return self._row(field)

    async def _configure_key(self, name: str, text: str) -> SettingRow:
        """Give something another key; an empty text gives it its own one back."""
        key = f"{KEYS}.{name}"
        text = parse_value(str, text, key)
        if not name:
            raise unknown_setting("set", key, list(self._fields))
        if text:
            await self._write(KEYS, name, toml_string(text))
            self._keys[name] = text
            self._origins[key] = "file"
        elif name in self._keys:
            await self._write(KEYS, name, None)
            del self._keys[name]
            self._origins.pop(key, None)
        else:
            raise not_found("This key is not changed", key)
        return self._key_row(name)

    async def _write(self, table: str, name: str, value: str | None) -> str:
        """Change the file; its text before."""
        if value is not None and not _is_sendable(value):
            raise usage_error("Settings are wrong", f"{table}.{name}: not UTF-8")
        before: str = await self._offload(settings_edit.read, self._path)
        text = settings_edit.with_setting(before, table, name, value)
        await self._offload(settings_edit.write, self._path, text)
        return before

    def _row(self, field: Field) -> SettingRow:
        key, origin = field.key, self._origins.get(field.key, "default")
        changed = origin == "file" and self._started.get(key) not in {None, "file"}
        return SettingRow(
            key=key,
            value=value_text(field.kind, self._values[key]),
            default=value_text(field.kind, field.default),
            help=field_help(_PARTS[field.section]).get(field.name, ""),
            origin=origin,
            applies="now" if key in self._effects or key in _LOOK_NOW else "restart",
            note=_OVER_FILE[self._started[key]] if changed else "",
        )

    def _key_row(self, name: str) -> SettingRow:
        key = f"{KEYS}.{name}"
        return SettingRow(
            key=key,
            value=self._keys.get(name, ""),
            default="",
            help="The key that it has instead of its own one; empty: its own one.",
            origin=self._origins.get(key, "default"),
            applies="restart",
        )


async def change_shares(
    before: Sequence[Path],
    after: Sequence[Path],
    add: Callable[[Path], Awaitable[object]],
    remove: Callable[[Path], Awaitable[object]],
) -> None:
    """Offer the folders that are new, and no longer those that are not named any more.

    Raises `P2PError` when one cannot be offered; then all is as before.
    """
    new: list[Path] = []
    try:
        for path in after:
            if path not in before:
                await add(path)
                new.append(path)
    except P2PError:
        for path in new:
            await remove(path)
        raise
    for path in before:
        if path not in after:
            try:
                await remove(path)
            except P2PError as error:
                if error.exit_code != not_found("").exit_code:
                    raise


def _is_sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
