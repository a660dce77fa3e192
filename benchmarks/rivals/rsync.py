"""rsync from its daemon, without encryption: it compares no content and syncs nothing."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import (
    HOST,
    finished,
    free_port,
    require_program,
    running,
    wait_for_port,
)

_MODULE = "offered"


@dataclass(frozen=True, slots=True)
class Rsync:
    """An rsync process for each turn."""

    program: str
    url: str
    folder: Path
    name: str = "rsync from its daemon"

    async def take(self, number: int) -> Path:
        """Copy the tree into a new folder."""
        copy = self.folder / f"copy{number}"
        await finished([self.program, "--archive", self.url, f"{copy}/"], self.folder / "rsync.log")
        return copy


@asynccontextmanager
async def open_rsync(folder: Path, tree: Path) -> AsyncIterator[Rsync]:
    """A daemon that offers a tree. Raises `Missing`."""
    program = require_program("rsync", debian="rsync")
    folder.mkdir(parents=True)
    port = free_port()
    settings = folder / "rsyncd.conf"
    owner = f"uid = {os.getuid()}\ngid = {os.getgid()}\n"
    settings.write_text(
        f"use chroot = no\n{owner}[{_MODULE}]\npath = {tree}\nread only = yes\n", encoding="utf-8"
    )
    command = [program, "--daemon", "--no-detach", f"--config={settings}", f"--port={port}"]
    async with running([*command, f"--address={HOST}"], folder / "rsyncd.log"):
        await wait_for_port(port, "rsync")
        yield Rsync(program, f"rsync://{HOST}:{port}/{_MODULE}/", folder)
