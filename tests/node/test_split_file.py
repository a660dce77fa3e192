"""A large file that several threads hash: the same hashes, whoever helps and whatever fails."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2ptui.base.ids import content_id_text
from p2ptui.net.loop import Threads
from p2ptui.node import hasher, split_file
from p2ptui.node.api import Page
from p2ptui.node.hasher import FileChanged, HashCancelled, HashProgress, hash_handle
from p2ptui.node.shared_files import mark_of
from p2ptui.node.split_file import SplitFile
from tests.support.contents import MIB, make_bytes, make_manifest
from tests.support.library import running_library

DATA = make_bytes(5 * MIB + 7, seed=8)


@pytest.fixture
def handle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The file, of which two chunks are a stretch and all are worth to be split."""
    monkeypatch.setattr(split_file, "STRETCH_BYTES", 2 * MIB)
    monkeypatch.setattr(hasher, "SPLIT_BYTES", MIB)
    (tmp_path / "film").write_bytes(DATA)
    opened = os.open(tmp_path / "film", os.O_RDWR)
    yield opened
    os.close(opened)


def test_a_thread_alone_hashes_all_of_it(handle: int) -> None:
    progress = HashProgress()
    assert hash_handle(handle, mark_of(os.fstat(handle)), progress) == make_manifest(DATA)
    assert (progress.done, progress.total) == (len(DATA), len(DATA))
    assert progress.split is None, "nobody helps any more"


@pytest.mark.parametrize("helpers", [1, 3])
def test_helpers_take_stretches_of_it(handle: int, helpers: int) -> None:
    progress = HashProgress()
    threads: list[threading.Thread] = []

    def call_helpers() -> None:
        split = progress.split
        assert split is not None
        assert split.has_more
        threads.extend(threading.Thread(target=split.help) for _ in range(helpers))
        for thread in threads:
            thread.start()

    progress.on_split = call_helpers
    assert hash_handle(handle, mark_of(os.fstat(handle)), progress) == make_manifest(DATA)
    for thread in threads:
        thread.join()
    assert progress.done == len(DATA)


def test_all_of_it_may_be_done_by_a_helper(handle: int) -> None:
    progress = HashProgress()
    split = SplitFile(handle, len(DATA), progress)
    split.help()
    assert not split.has_more
    assert b"".join(split.hash() or []) == make_manifest(DATA).hashes


def test_who_comes_to_help_too_late_does_nothing(handle: int) -> None:
    progress = HashProgress()
    split = SplitFile(handle, len(DATA), progress)
    split.hash()
    os.ftruncate(handle, 0)
    split.help()  # it would fail now
    assert progress.done == len(DATA)


def test_a_cancelled_one_ends_between_chunks(handle: int) -> None:
    progress = HashProgress()

    def cancel() -> None:
        progress.cancelled = True

    progress.on_split = cancel
    with pytest.raises(HashCancelled):
        hash_handle(handle, mark_of(os.fstat(handle)), progress)
    assert progress.done == 0


def test_f80_a_file_that_becomes_shorter_meanwhile_has_changed(handle: int) -> None:
    mark = mark_of(os.fstat(handle))
    progress = HashProgress(on_split=lambda: os.ftruncate(handle, 3 * MIB))
    with pytest.raises(FileChanged):
        hash_handle(handle, mark, progress)


def test_trouble_of_a_helper_is_told_to_the_owner(handle: int) -> None:
    split = SplitFile(handle, len(DATA) + MIB, HashProgress())
    split.help()
    assert not split.has_more
    with pytest.raises(OSError, match="ends before its size"):
        split.hash()


async def test_threads_of_the_library_that_have_nothing_else_to_do_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hasher, "SPLIT_BYTES", MIB)
    helped, honest = threading.Event(), SplitFile.help
    owners: list[SplitFile] = []

    def hash_once_helped(split: SplitFile) -> list[bytes] | None:
        owners.append(split)
        assert helped.wait(20), "nobody came to help"
        monkeypatch.setattr(SplitFile, "help", honest)
        return honest_hash(split)

    def note(split: SplitFile) -> None:
        honest(split)
        helped.set()

    honest_hash = SplitFile.hash
    monkeypatch.setattr(SplitFile, "hash", hash_once_helped)
    monkeypatch.setattr(SplitFile, "help", note)
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/film").write_bytes(DATA)
    threads = Threads(2, "hash")
    try:
        async with running_library(tmp_path, offload=threads, hash_threads=2) as run:
            (row,) = (await run.library.library(Page())).rows
            assert row.content_id == content_id_text(make_manifest(DATA).content_id)
    finally:
        threads.close()
    assert len(owners) == 1
