"""Copies that the system makes: shared blocks, its own copying, by hand, in this order."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from p2ptui.node.kernel_copy import KernelCopy, copy_blocks, share_blocks
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial
from p2ptui.node.storage_errors import ContentChanged, NoSpace
from tests.support.contents import MIB, chunks_of, make_bytes, make_manifest
from tests.support.fake_time import FakeClock

DATA = make_bytes(3 * MIB + 5)
Call = Callable[[int, int, int, int], None]


class Calls:
    """Stands for one way to copy: works, or fails as it is told."""

    def __init__(self, name: str, log: list[str], error: int = 0) -> None:
        self._name = name
        self._log = log
        self.error = error

    def __call__(self, source: int, target: int, offset: int, length: int) -> None:
        self._log.append(self._name)
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        os.pwrite(target, os.pread(source, length, offset), offset)


@contextmanager
def two_files(folder: Path, data: bytes = DATA) -> Iterator[tuple[int, int]]:
    """A file with something in it, and an empty one of the same size."""
    (folder / "source").write_bytes(data)
    source = os.open(folder / "source", os.O_RDONLY)
    target = os.open(folder / "target", os.O_RDWR | os.O_CREAT)
    os.ftruncate(target, len(data))
    yield source, target
    os.close(source)
    os.close(target)


@pytest.mark.parametrize(
    ("share", "copy", "tried", "way"),
    [
        (0, 0, ["share"], "share"),
        (errno.EOPNOTSUPP, 0, ["share", "copy"], "copy"),
        (errno.EXDEV, 0, ["share", "copy"], "copy"),
        (errno.EXDEV, errno.ENOSYS, ["share", "copy"], "none"),
        (errno.EINVAL, errno.EIO, ["share", "copy"], "none"),
    ],
)
def test_the_ways_are_tried_in_order_and_what_fails_is_not_tried_again(
    tmp_path: Path, share: int, copy: int, tried: list[str], way: str
) -> None:
    log: list[str] = []
    copier = KernelCopy(Calls("share", log, share), Calls("copy", log, copy))
    with two_files(tmp_path) as (source, target):
        done = copier(source, target, 0, MIB)
        assert (log, copier.way, done) == (tried, way, way != "none")
        log.clear()
        assert copier(source, target, MIB, MIB) == done
        assert log == ([way] if done else [])
        there = os.pread(target, 2 * MIB, 0)
        assert there == (DATA[: 2 * MIB] if done else bytes(2 * MIB))


@pytest.mark.parametrize("full", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("way", ["share", "copy"])
def test_f91_a_full_disk_is_not_a_reason_to_try_another_way(
    tmp_path: Path, way: str, full: int
) -> None:
    log: list[str] = []
    errors = {"share": errno.EOPNOTSUPP, "copy": 0} | {way: full}
    copier = KernelCopy(Calls("share", log, errors["share"]), Calls("copy", log, errors["copy"]))
    with two_files(tmp_path) as (source, target), pytest.raises(OSError, match=os.strerror(full)):
        copier(source, target, 0, MIB)


def test_the_system_copies_what_lies_there(tmp_path: Path) -> None:
    if not hasattr(os, "copy_file_range"):
        pytest.skip("this system has no copy_file_range")
    with two_files(tmp_path) as (source, target):
        copy_blocks(source, target, MIB, len(DATA) - MIB)
        assert os.pread(target, len(DATA), 0) == bytes(MIB) + DATA[MIB:]
        with pytest.raises(OSError, match="shorter"):
            copy_blocks(source, target, len(DATA), 1)


def test_without_such_calls_it_is_done_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "plan9")
    monkeypatch.delattr(os, "copy_file_range", raising=False)
    with two_files(tmp_path) as (source, target):
        assert not KernelCopy()(source, target, 0, MIB)


def reflinks(folder: Path) -> str:
    """Why two files in a folder cannot share blocks; empty when they can."""
    with two_files(folder, bytes(MIB)) as (source, target):
        try:
            share_blocks(source, target, 0, MIB)
        except OSError as error:
            return f"the file system of {folder} shares no blocks: {error.strerror}"
    return ""


def test_files_that_share_their_blocks_are_not_one_file(tmp_path: Path) -> None:
    if why := reflinks(tmp_path):
        pytest.skip(why)
    with two_files(tmp_path) as (source, target):
        copier = KernelCopy()
        for offset in range(0, len(DATA), MIB):
            assert copier(source, target, offset, min(MIB, len(DATA) - offset))
        assert copier.way == "share"
        assert os.pread(target, len(DATA) + 1, 0) == DATA
        os.pwrite(target, b"changed", 0)
        assert os.pread(source, 7, 0) == DATA[:7]


# --- into a partial -------------------------------------------------------------------------------


def opened(folder: Path, manifest: Manifest) -> Partial:
    return Partial.open(folder, manifest, clock=FakeClock())


def copying(source: int) -> Callable[[int, Callable[[int], bool]], bool]:
    return lambda _index, into: into(source)


def test_chunks_that_the_system_copied_are_hashed_and_claimed(tmp_path: Path) -> None:
    manifest = make_manifest(DATA)
    with two_files(tmp_path) as (source, _target):
        (tmp_path / "here").mkdir()
        partial = opened(tmp_path / "here", manifest)
        outcomes = [partial.copy_chunk(index, copying(source)) for index in range(4)]
        if outcomes[0] is None:
            pytest.skip("this system copies no files by itself")
        assert outcomes == [True] * 4
        assert partial.complete
        assert partial.unclaimed_bytes == len(DATA)
        path = partial.finish("copy.bin", 0)
        assert path.read_bytes() == DATA
        assert path.stat().st_ino != (tmp_path / "source").stat().st_ino, "never a hard link"
        assert path.stat().st_nlink == 1


def test_f73_what_is_not_that_chunk_is_not_claimed_and_what_is_there_not_touched(
    tmp_path: Path,
) -> None:
    manifest = make_manifest(DATA)
    lie = bytes(MIB) + DATA[MIB:]
    with two_files(tmp_path, lie) as (source, _target):
        (tmp_path / "here").mkdir()
        partial = opened(tmp_path / "here", manifest)
        first = partial.copy_chunk(0, copying(source))
        if first is None:
            pytest.skip("this system copies no files by itself")
        assert first is False
        assert not partial.chunkmap.has(0)
        partial.write_chunk(0, chunks_of(DATA)[0])
        assert partial.copy_chunk(0, copying(source)) is True, "it is here already"
        assert partial.read_chunk(0) == DATA[:MIB]
        partial.close()


def test_a_file_that_changed_under_the_copy_ends_it(tmp_path: Path) -> None:
    def changed(_index: int, _into: Callable[[int], bool]) -> bool:
        raise ContentChanged("source")

    partial = opened(tmp_path, make_manifest(DATA))
    with pytest.raises(ContentChanged):
        partial.copy_chunk(0, changed)
    assert partial.copy_chunk(0, lambda _index, _into: False) is None
    partial.close()


def test_f91_a_disk_that_is_full_is_told_as_such(tmp_path: Path) -> None:
    def full(_index: int, _into: Callable[[int], bool]) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    partial = opened(tmp_path, make_manifest(DATA))
    with pytest.raises(NoSpace):
        partial.copy_chunk(0, full)
    partial.close()
