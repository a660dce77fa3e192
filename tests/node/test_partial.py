"""Partials on a real disk: taking up again, locking, finishing (PROTOCOL.md 5, on disk)."""

import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import content_id_text
from p2ptui.node.disk import PosixDisk
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import PARTIALS, Partial, PartialClosed, stored_manifest
from p2ptui.node.storage_errors import NoSpace, PartialBusy
from tests.support.contents import MIB, chunks_of, make_bytes, make_manifest
from tests.support.fake_time import FakeClock

DATA = make_bytes(4 * MIB + 3)
MANIFEST = make_manifest(DATA)
CHUNKS = chunks_of(DATA)
LAST = len(CHUNKS) - 1


def open_partial(
    folder: Path, manifest: Manifest = MANIFEST, clock: FakeClock | None = None
) -> Partial:
    return Partial.open(folder, manifest, clock=clock or FakeClock())


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[Partial]:
    opened = open_partial(tmp_path)
    yield opened
    opened.close()


def fill(partial: Partial, *indexes: int) -> None:
    for index in indexes or range(len(CHUNKS)):
        assert partial.accept_chunk(index, CHUNKS[index])


def part_of(folder: Path, manifest: Manifest = MANIFEST) -> Path:
    return folder / PARTIALS / f"{content_id_text(manifest.content_id)}.part"


def test_a_complete_content_gets_its_name_and_leaves_nothing_behind(
    partial: Partial, tmp_path: Path
) -> None:
    fill(partial)
    assert partial.complete
    assert partial.done == len(DATA)
    path = partial.finish("Song.ogg", 1_000_000_000.7)
    assert path == tmp_path / "Song.ogg"
    assert path.read_bytes() == DATA
    found = path.stat()
    assert found.st_mtime == 1_000_000_000
    assert found.st_nlink == 1
    assert not found.st_mode & 0o111
    assert list(tmp_path.iterdir()) == [path]


def test_partials_lie_in_a_private_folder_without_remote_names(
    partial: Partial, tmp_path: Path
) -> None:
    fill(partial, 0)
    partial.checkpoint()
    folder = tmp_path / PARTIALS
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    text = content_id_text(MANIFEST.content_id)
    assert {path.name for path in folder.iterdir()} == {
        f"{text}.{kind}" for kind in ("part", "journal", "manifest", "lock")
    }


def test_after_an_orderly_stop_the_journal_is_trusted(tmp_path: Path) -> None:
    partial = open_partial(tmp_path)
    fill(partial, 0, 2, LAST)
    partial.close()
    partial.close()
    again = open_partial(tmp_path)
    assert list(again.chunkmap.present()) == [0, 2, LAST]
    assert again.unverified() == []
    assert again.done == 2 * MIB + 3
    fill(again, 1, 3)
    assert again.finish("x", 0).read_bytes() == DATA


def test_f94_after_a_kill_claimed_chunks_are_looked_at(tmp_path: Path) -> None:
    partial = open_partial(tmp_path)
    fill(partial, 0, 1)
    partial.checkpoint()
    fill(partial, 2)
    abandon(partial)
    again = open_partial(tmp_path)
    assert again.chunkmap.count == 0
    assert again.unverified() == [0, 1]
    assert again.recheck(0)
    assert again.recheck(1)
    assert again.unverified() == []
    assert list(again.chunkmap.present()) == [0, 1]
    again.close()


def test_f84_a_part_edited_by_another_program_is_found_out(tmp_path: Path) -> None:
    partial = open_partial(tmp_path)
    fill(partial, 0, 1)
    partial.close()
    with part_of(tmp_path).open("r+b") as file:
        file.seek(MIB + 17)
        file.write(b"edited")
    again = open_partial(tmp_path)
    assert again.unverified() == [0, 1]
    assert again.recheck(0)
    assert not again.recheck(1)
    again.close()
    # What was found wrong stays withdrawn, also over an orderly end.
    third = open_partial(tmp_path)
    assert list(third.chunkmap.present()) == [0]
    assert third.unverified() == []
    fill(third, 1, 2, 3, 4)
    assert third.finish("x", 0).read_bytes() == DATA


def test_f83_a_part_with_another_name_is_not_trusted(tmp_path: Path) -> None:
    partial = open_partial(tmp_path)
    fill(partial, 0)
    partial.close()
    os.link(part_of(tmp_path), tmp_path / "other")
    again = open_partial(tmp_path)
    assert again.unverified() == [0]
    again.close()


def test_a_stop_before_everything_was_looked_at_trusts_nothing(tmp_path: Path) -> None:
    partial = open_partial(tmp_path)
    fill(partial, 0, 1)
    partial.checkpoint()
    abandon(partial)
    again = open_partial(tmp_path)
    assert again.recheck(0)
    again.close()
    third = open_partial(tmp_path)
    assert third.unverified() == [0, 1]
    third.close()


def test_f87_a_content_is_fetched_once_into_a_folder(partial: Partial, tmp_path: Path) -> None:
    with pytest.raises(PartialBusy) as caught:
        open_partial(tmp_path)
    assert caught.value.exit_code is ExitCode.STORAGE
    partial.discard()
    open_partial(tmp_path).close()


def test_f87_a_lock_whose_file_was_removed_locks_nothing(tmp_path: Path) -> None:
    class Racing(PosixDisk):
        """The one that had the lock removes it between our opening and our locking."""

        raced = False

        def try_lock(self, handle: int) -> bool:
            if not self.raced:
                self.raced = True
                lock = part_of(tmp_path).with_suffix(".lock")
                lock.unlink()
                lock.touch()
            return super().try_lock(handle)

    first = Partial.open(tmp_path, MANIFEST, clock=FakeClock(), disk=Racing())
    with pytest.raises(PartialBusy):
        open_partial(tmp_path)
    first.close()


def test_f86_more_than_the_disk_holds_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    class Small(PosixDisk):
        def free(self, folder: int) -> int:
            return 3 * MIB

    with pytest.raises(NoSpace) as caught:
        Partial.open(tmp_path, MANIFEST, clock=FakeClock(), disk=Small(), reserve_bytes=MIB)
    assert caught.value.needed == len(DATA) + MIB
    assert caught.value.free == 3 * MIB
    assert "5.2 MB" in str(caught.value)
    assert "3.1 MB" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1])
def test_f85_every_size_comes_out_right(tmp_path: Path, size: int) -> None:
    data = make_bytes(size, seed=size)
    partial = open_partial(tmp_path, make_manifest(data))
    for index, chunk in enumerate(chunks_of(data)):
        assert partial.accept_chunk(index, memoryview(bytearray(chunk)))
    assert partial.done == size
    assert partial.finish("file", 0).read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_f75_a_wrong_chunk_is_not_written(partial: Partial, tmp_path: Path) -> None:
    assert not partial.accept_chunk(0, CHUNKS[1])
    assert not partial.accept_chunk(0, CHUNKS[0][:-1])
    with pytest.raises(ValueError, match="chunk 0"):
        partial.write_chunk(0, b"short")
    assert partial.chunkmap.count == 0
    assert not any(part_of(tmp_path).read_bytes())


def test_a_chunk_that_is_there_is_served_on(partial: Partial) -> None:
    fill(partial, 1, LAST)
    assert partial.read_chunk(1) == CHUNKS[1]
    assert partial.read_chunk(LAST) == CHUNKS[LAST]
    assert partial.read_chunk(0) is None
    with pytest.raises(IndexError):
        partial.read_chunk(LAST + 1)


def test_f82_a_link_in_place_of_the_partial_folder_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / PARTIALS).symlink_to(elsewhere)
    with pytest.raises(P2PError) as caught:
        open_partial(folder)
    assert caught.value.exit_code is ExitCode.STORAGE
    assert list(elsewhere.iterdir()) == []


def test_f82_a_link_in_place_of_the_part_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / PARTIALS).mkdir(mode=0o700)
    part_of(tmp_path).symlink_to(victim)
    with pytest.raises(P2PError):
        open_partial(tmp_path)
    assert victim.read_bytes() == b"precious"


def test_f82_the_folder_swapped_for_a_link_gets_nothing(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "downloads", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    partial = open_partial(folder)
    fill(partial)
    folder.rename(tmp_path / "moved")
    folder.symlink_to(elsewhere)
    partial.finish("file", 0)
    assert list(elsewhere.iterdir()) == []
    assert (tmp_path / "moved" / "file").read_bytes() == DATA


def test_f93_a_folder_that_is_not_there_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(P2PError, match="missing") as caught:
        open_partial(tmp_path / "missing")
    assert caught.value.exit_code is ExitCode.STORAGE
    assert caught.value.hint


def test_checkpoints_are_due_after_5_s(tmp_path: Path) -> None:
    clock = FakeClock()
    partial = open_partial(tmp_path, clock=clock)
    assert not partial.checkpoint_due
    clock.advance(6)
    assert not partial.checkpoint_due, "nothing was written"
    fill(partial, 0)
    assert partial.checkpoint_due
    partial.checkpoint()
    fill(partial, 1)
    assert not partial.checkpoint_due
    clock.advance(5)
    assert partial.checkpoint_due
    partial.close()


def test_checkpoints_are_due_after_16_mib(tmp_path: Path) -> None:
    chunk = bytes(MIB)
    manifest = make_manifest(bytes(17 * MIB))
    partial = open_partial(tmp_path, manifest)
    for index in range(15):
        partial.write_chunk(index, chunk)
    assert not partial.checkpoint_due
    partial.write_chunk(15, chunk)
    assert partial.checkpoint_due
    assert partial.unclaimed_bytes == 16 * MIB
    partial.checkpoint()
    assert partial.unclaimed_bytes == 0
    partial.discard()


def test_the_manifest_is_kept_for_the_next_run(partial: Partial, tmp_path: Path) -> None:
    assert stored_manifest(tmp_path, MANIFEST.content_id) == MANIFEST
    kept = part_of(tmp_path).with_suffix(".manifest")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert stored_manifest(tmp_path, MANIFEST.content_id) is None
    kept.unlink()
    assert stored_manifest(tmp_path, MANIFEST.content_id) is None
    assert stored_manifest(tmp_path / "missing", MANIFEST.content_id) is None


def test_writes_from_many_threads_lose_nothing(partial: Partial) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(partial.accept_chunk, range(len(CHUNKS)), CHUNKS))
        list(threads.map(lambda _: partial.checkpoint(), range(3)))
    assert partial.complete
    assert partial.finish("x", 0).read_bytes() == DATA


def test_close_waits_for_a_thread_that_writes(tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    class Slow(PosixDisk):
        def write(self, handle: int, data: bytes | bytearray | memoryview, offset: int) -> None:
            if len(data) == MIB:
                entered.set()
                assert leave.wait(10)
            super().write(handle, data, offset)

    partial = Partial.open(tmp_path, MANIFEST, clock=FakeClock(), disk=Slow())
    with ThreadPoolExecutor(2) as threads:
        writing = threads.submit(partial.write_chunk, 0, CHUNKS[0])
        assert entered.wait(10)
        closing = threads.submit(partial.close)
        with pytest.raises(PartialClosed):
            write_again_and_again(partial)
        assert not closing.done()
        leave.set()
        writing.result(10)
        closing.result(10)
    again = open_partial(tmp_path)
    assert again.chunkmap.has(0), "what the thread wrote was kept by the close"
    again.close()


def test_after_the_end_every_call_says_so(tmp_path: Path) -> None:
    partial = open_partial(tmp_path)
    fill(partial)
    partial.discard()
    partial.discard()
    partial.close()
    assert list(tmp_path.iterdir()) == []
    for call in (
        lambda: partial.read_chunk(0),
        partial.checkpoint,
        lambda: partial.place("x", 0),
        lambda: partial.recheck(0),
    ):
        with pytest.raises(PartialClosed):
            call()


def test_a_partial_that_nobody_holds_is_unlocked(tmp_path: Path) -> None:
    open_partial(tmp_path)
    open_partial(tmp_path).close()


def test_an_incomplete_content_gets_no_name(partial: Partial) -> None:
    fill(partial, 0)
    with pytest.raises(ValueError, match="complete"):
        partial.place("x", 0)


def write_again_and_again(partial: Partial) -> None:
    """Until somebody closes it."""
    while True:
        partial.write_chunk(LAST, CHUNKS[LAST])


def abandon(partial: Partial) -> None:
    """What a kill leaves: descriptors closed, nothing said."""
    partial._files.close()
