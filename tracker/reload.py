"""Reading the settings again at run time: what may change at once does, the rest is told.

A key counts as changed when the file says something else than when it was last read: what an admin
changed by command meanwhile stays, until somebody edits that key. Flags and variables that the
tracker was started with go on standing above the file.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from p2ptui.base.settings import Settings, TrackerSettings, load_settings
from p2ptui.net.loop import Offload

Read = Callable[[], TrackerSettings]
"""Reads the settings anew (blocks). Raises a usage error that names file, line and key."""
Apply = Callable[[Any], Awaitable[None]]
"""Puts a new value in force. May raise `P2PError`; then the old one is."""


class Reloaded(NamedTuple):
    """What came of it: keys as `tracker.motd`."""

    in_force: tuple[str, ...]
    at_restart: tuple[str, ...]
    """Changed, and of no effect before the tracker is started again."""


class Reload:
    """The settings of a running tracker."""

    def __init__(
        self,
        read: Read,
        settings: TrackerSettings,
        apply: Mapping[str, Apply],
        offload: Offload,
    ) -> None:
        """`settings`: those of the start. `apply`: by name, those that may fail before the others.

        When one fails, those behind it are not changed.
        """
        self._read = read
        self._started_with = settings
        self._now = settings
        self._apply = apply
        self._offload = offload
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self) -> Reloaded:
        """Read the settings and put them in force. Raises `P2PError`: a wrong file changes nothing.

        What could not be put in force is tried again at the next call.
        """
        async with self._one_at_a_time:
            return await self._read_and_apply()

    async def _read_and_apply(self) -> Reloaded:
        read = await self._offload(self._read)
        in_force = []
        for name, apply in self._apply.items():
            value = getattr(read, name)
            if value != getattr(self._now, name):
                await apply(value)
                self._now = _with(self._now, name, value)
                in_force.append(f"tracker.{name}")
        at_restart = [
            f"tracker.{name}"
            for name in read.__struct_fields__
            if name not in self._apply and getattr(read, name) != getattr(self._started_with, name)
        ]
        return Reloaded(tuple(in_force), tuple(at_restart))


def read_again(path: Path, settings: Settings) -> TrackerSettings:
    """The file's settings now, below the flags and variables that `settings` came from (blocks)."""
    firm = {
        key: getattr(settings.tracker, key.removeprefix("tracker."))
        for key, origin in settings.origins.items()
        if key.startswith("tracker.") and origin in {"environment", "flag"}
    }
    return load_settings(path, {}, firm).tracker


def _with(settings: TrackerSettings, name: str, value: object) -> TrackerSettings:
    fields = {field: getattr(settings, field) for field in settings.__struct_fields__}
    return TrackerSettings(**(fields | {name: value}))
