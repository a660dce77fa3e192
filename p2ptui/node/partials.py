"""Partials of a node: opened below their destination, with the disk space that is to stay free."""

import os
from collections.abc import Sequence
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.node.live_settings import LiveSettings
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial
from p2ptui.node.small_placing import PlacedFile, SmallFile, SmallPlacing
from p2ptui.node.storage_errors import explain


class Partials:
    """Opens partials as the settings have it now."""

    def __init__(self, clock: Clock, live: LiveSettings) -> None:
        self._clock = clock
        self._live = live

    def open(self, folder: Path, manifest: Manifest) -> Partial:
        """Open or take up the partial of a content in a folder (blocking). Raises `P2PError`."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain(error, folder, "write to") from error
        return Partial.open(
            folder, manifest, clock=self._clock, reserve_bytes=self._live.reserve_bytes
        )

    def place_small(
        self, files: Sequence[SmallFile]
    ) -> tuple[SmallPlacing, list[PlacedFile | None]]:
        """Place small files, and the batch to be cleared (blocking). Raises `P2PError`."""
        for folder in {file.folder for file in files}:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise explain(error, folder, "write to") from error
        batch = SmallPlacing(reserve_bytes=self._live.reserve_bytes)
        return batch, batch.place(files)


def free_space(folder: Path) -> int:
    """Bytes free in a folder (blocking). Raises `OSError`."""
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize
