"""Settings that an admin changes by command, kept in the settings file for the next start.

Comments and all else in the file stay. A flag or a variable that the tracker is started with comes
before the file then, as ever.
"""

import asyncio
from pathlib import Path

from p2ptui.base import settings_edit
from p2ptui.base.settings_text import toml_string
from p2ptui.net.loop import Offload

TABLE = "tracker"


class KeptSettings:
    """The settings file of a running tracker."""

    def __init__(self, path: Path, offload: Offload) -> None:
        self._path = path
        self._offload = offload
        self._changing = asyncio.Lock()
        self.at_restart: tuple[str, ...] = ()
        """Keys that somebody changed in the file and that count from the next start."""

    async def keep(self, name: str, value: bool | str) -> None:
        """Write a setting down. Raises `P2PError`: then the file is as it was."""
        text = toml_string(value) if isinstance(value, str) else str(value).lower()
        async with self._changing:
            before = await self._offload(settings_edit.read, self._path)
            after = settings_edit.with_setting(before, TABLE, name, text)
            if after != before:
                await self._offload(settings_edit.write, self._path, after)
