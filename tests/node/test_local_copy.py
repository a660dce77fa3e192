"""What is here under another name is copied: by the system, by hand, or fetched when it changed."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from p2ptui.base.ids import ContentId
from p2ptui.node.fetch import Fetch
from p2ptui.node.local_copy import LocalContent
from p2ptui.node.storage_errors import ContentChanged
from tests.support.contents import MIB, chunks_of, make_bytes, make_manifest
from tests.support.fake_time import virtual_time
from tests.support.fetch_rig import FetchRig, fetching

DATA = make_bytes(3 * MIB + 5)


class Here:
    """A shared file of ours; changes after so many chunks, if a test says so."""

    def __init__(self, path: Path, *, by_system: bool = True) -> None:
        path.write_bytes(DATA)
        self.manifest = make_manifest(DATA)
        self.log: list[str] = []
        self.changes_after = 99
        self.closed = False
        self._by_system = by_system
        self._handle = os.open(path, os.O_RDWR)

    def read(self, index: int) -> bytes:
        self._look("read")
        return chunks_of(DATA)[index]

    def copy(self, _index: int, into: Callable[[int], bool]) -> bool:
        self._look("copy")
        return self._by_system and into(self._handle)

    def spoil(self, index: int) -> None:
        """Have other bytes in a chunk, without anybody noticing."""
        os.pwrite(self._handle, bytes(100), index * MIB)

    def close(self) -> None:
        assert not self.closed
        self.closed = True
        os.close(self._handle)

    def _look(self, doing: str) -> None:
        if len(self.log) >= self.changes_after:
            raise ContentChanged("here")
        self.log.append(doing)


def fetch_with(rig: FetchRig, here: Here) -> Fetch:
    async def open_local(_content: ContentId) -> LocalContent | None:
        return None if here.closed else here

    fetch = rig.fetch()
    fetch.tools = dataclasses.replace(fetch.tools, open_local=open_local)
    fetch.disk._tools = fetch.tools
    return fetch


@virtual_time
async def test_the_system_copies_and_nobody_is_asked(tmp_path: Path) -> None:
    here = Here(tmp_path / "other name")
    async with fetching(tmp_path, DATA, ["anna"]) as rig:
        _, run = rig.start(fetch_with(rig, here))
        path = await run
        assert path.read_bytes() == DATA
        assert path.stat().st_nlink == 1, "never a hard link"
        assert rig.asked == []
        assert here.closed
        assert here.log[0] == "copy"


@virtual_time
async def test_where_the_system_cannot_each_chunk_is_read_and_written(tmp_path: Path) -> None:
    here = Here(tmp_path / "other name", by_system=False)
    async with fetching(tmp_path, DATA, ["anna"]) as rig:
        _, run = rig.start(fetch_with(rig, here))
        assert (await run).read_bytes() == DATA
        assert here.log == ["copy", *["read"] * 4], "it is not asked again what it cannot"
        assert rig.asked == []


@pytest.mark.parametrize("by_system", [True, False])
@virtual_time
async def test_f80_a_file_that_changes_meanwhile_is_left_and_the_rest_is_fetched(
    tmp_path: Path, by_system: bool
) -> None:
    here = Here(tmp_path / "other name", by_system=by_system)
    here.changes_after = 3
    async with fetching(tmp_path, DATA, ["anna"]) as rig:
        _, run = rig.start(fetch_with(rig, here))
        assert (await run).read_bytes() == DATA
        assert 0 < len(rig.asked) < 4, "what was copied is kept"


@virtual_time
async def test_f73_wrong_bytes_in_a_file_here_are_noticed(tmp_path: Path) -> None:
    here = Here(tmp_path / "other name")
    here.spoil(1)
    async with fetching(tmp_path, DATA, ["anna"]) as rig:
        _, run = rig.start(fetch_with(rig, here))
        assert (await run).read_bytes() == DATA
        assert 1 in rig.asked or here.log.count("read") > 1
