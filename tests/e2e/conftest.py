"""Fixtures: a world of real processes for one test, or a swarm for a whole module."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import Peer, Tracker, World, opened, random_file
from tests.support.tmux import Terminal, terminal


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from opened(tmp_path)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="p2ptui-") as folder:
        yield Path(folder)


@pytest.fixture
def screen(short_folder: Path) -> Iterator[Terminal]:
    """A terminal of 120 by 36."""
    with terminal(short_folder) as found:
        yield found


class Swarm:
    """A tracker, anna who has files and ben who has none."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tracker: Tracker = world.tracker()
        self.files = world.folder / "files"
        self.files.mkdir()
        random_file(self.files / "big.bin", 5_000_000, seed=1)
        (self.files / "note.txt").write_text("a note\n")
        (self.files / "empty.txt").touch()
        self.anna: Peer = world.peer("anna", self.tracker.link, "--share", self.files)
        self.ben: Peer = world.peer("ben", self.tracker.link)


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    for world in opened(tmp_path_factory.mktemp("swarm")):
        yield Swarm(world)


@contextmanager
def disk_of(folder: Path, size: str) -> Iterator[Path]:
    """A disk of so many bytes, as `16m`, mounted there; skips where that is not allowed."""
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.decode()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    with disk_of(tmp_path / "tiny", "1m") as disk:
        yield disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB."""
    with disk_of(tmp_path / "small", "16m") as disk:
        yield disk
