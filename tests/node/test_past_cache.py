"""Large contents are written past the page cache where that is possible, and rightly where not."""

import errno
import os
from pathlib import Path

import pytest

from p2ptui.node import partial as partial_module
from p2ptui.node.buffers import ChunkBuffers
from p2ptui.node.disk import BLOCK_BYTES, PosixDisk
from p2ptui.node.partial import Partial
from p2ptui.node.storage_errors import NoSpace
from tests.support.contents import MIB, chunks_of, make_bytes, make_manifest
from tests.support.fake_time import FakeClock

DATA = make_bytes(4 * MIB + 3)
MANIFEST = make_manifest(DATA)
CHUNKS = chunks_of(DATA)
LAST = len(CHUNKS) - 1


class Watched(PosixDisk):
    """A disk with a way past the cache, on any file system, that notes what takes it."""

    def __init__(self, trouble: OSError | None = None) -> None:
        self.trouble = trouble
        self.past: int | None = None
        self.offsets: list[int] = []

    def open_past_cache(self, folder: int, name: str) -> int | None:
        self.past = os.open(name, os.O_WRONLY, dir_fd=folder)
        return self.past

    def write(self, handle: int, data: bytes | bytearray | memoryview, offset: int) -> None:
        if handle == self.past:
            assert offset % BLOCK_BYTES == len(data) % BLOCK_BYTES == 0
            self.offsets.append(offset)
            if self.trouble is not None:
                raise self.trouble
        super().write(handle, data, offset)


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_module, "CACHED_BYTES", len(DATA) - 1)


def open_partial(folder: Path, disk: PosixDisk) -> Partial:
    return Partial.open(folder, MANIFEST, clock=FakeClock(), disk=disk)


async def fill(partial: Partial, *indexes: int) -> None:
    """Chunks as a fetch has them: in buffers of its own."""
    buffers = ChunkBuffers()
    for index in indexes:
        buffer = await buffers.take(len(CHUNKS[index]))
        buffer[:] = CHUNKS[index]
        assert partial.accept_chunk(index, buffer)
        buffers.give_back(buffer, clean=True)


async def test_whole_chunks_go_past_the_cache_and_the_end_does_not(tmp_path: Path) -> None:
    disk = Watched()
    partial = open_partial(tmp_path, disk)
    await fill(partial, 2, LAST, 0, 3)
    partial.checkpoint()
    assert partial.accept_chunk(1, CHUNKS[1]), "memory that the disk cannot take as it is"
    assert disk.offsets == [2 * MIB, 0, 3 * MIB]
    assert partial.finish("song", 0).read_bytes() == DATA
    assert disk.past is not None
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.fstat(disk.past)


async def test_on_a_real_disk_the_file_is_right_whatever_it_can(tmp_path: Path) -> None:
    partial = open_partial(tmp_path, PosixDisk())
    await fill(partial, *range(len(CHUNKS)))
    assert partial.read_chunk(1) == CHUNKS[1]
    assert partial.finish("song", 0).read_bytes() == DATA


async def test_what_others_take_from_us_stays_in_the_cache(tmp_path: Path) -> None:
    disk = Watched()
    partial = open_partial(tmp_path, disk)
    await fill(partial, 0)
    assert partial.read_chunk(1) is None, "not here: nobody got anything"
    await fill(partial, 1)
    assert partial.read_chunk(0) == CHUNKS[0]
    await fill(partial, 2, 3, LAST)
    assert disk.offsets == [0, MIB]
    assert partial.finish("song", 0).read_bytes() == DATA


async def test_a_disk_of_larger_blocks_is_written_to_as_usual(tmp_path: Path) -> None:
    disk = Watched(OSError(errno.EINVAL, "not aligned"))
    partial = open_partial(tmp_path, disk)
    await fill(partial, *range(len(CHUNKS)))
    assert disk.offsets == [0], "tried once"
    assert partial.finish("song", 0).read_bytes() == DATA


async def test_f86_a_disk_that_is_full_says_so_past_the_cache_as_well(tmp_path: Path) -> None:
    partial = open_partial(tmp_path, Watched(OSError(errno.ENOSPC, "full")))
    with pytest.raises(NoSpace):
        await fill(partial, 0)
    assert not partial.chunkmap.has(0)
    partial.close()


@pytest.mark.parametrize("known", [True, False])
async def test_a_system_without_a_way_past_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    if known:
        refuse = OSError(errno.EINVAL, "not on this file system")
        really = os.open

        def open_or_not(name: str, flags: int, *rest: int, **where: int) -> int:
            if flags & os.O_DIRECT:
                raise refuse
            return really(name, flags, *rest, **where)

        monkeypatch.setattr(os, "open", open_or_not)
    else:
        monkeypatch.delattr(os, "O_DIRECT", raising=False)
    partial = open_partial(tmp_path, PosixDisk())
    await fill(partial, *range(len(CHUNKS)))
    assert partial.finish("song", 0).read_bytes() == DATA


async def test_small_contents_stay_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial_module, "CACHED_BYTES", len(DATA))
    disk = Watched()
    partial = open_partial(tmp_path, disk)
    await fill(partial, *range(len(CHUNKS)))
    assert disk.past is None
    assert partial.finish("song", 0).read_bytes() == DATA
