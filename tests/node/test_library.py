"""The library: listing, hashing, changes on the disk, serving (F80, F88, F100)."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from p2ptui.base.errors import storage_error
from p2ptui.base.ids import content_id_text
from p2ptui.net.loop import Threads
from p2ptui.net.wire.share_digest import ShareDigest
from p2ptui.node import hashing, reconcile, scan
from p2ptui.node.api import Page
from p2ptui.node.events import FileProblem, HashingFinished, ShareScanned
from p2ptui.node.hasher import HashJob, HashProgress, HashResult, hash_files
from p2ptui.node.library import Library
from p2ptui.node.partial import Partial
from p2ptui.node.shared_files import ShareFolder
from p2ptui.node.storage_errors import ContentChanged
from p2ptui.node.store import NodeStore
from p2ptui.node.store_changes import FileChanges, Hashed
from p2ptui.node.store_values import FileRecord, Fingerprint
from tests.support.contents import MIB, make_bytes, make_manifest
from tests.support.fake_time import FakeClock
from tests.support.library import running_library, write_files


async def test_the_repository_is_made_and_all_in_it_is_shared(tmp_path: Path) -> None:
    async with running_library(tmp_path) as run:
        assert (tmp_path / "repo").is_dir()
        assert await run.shared() == set()
        write_files(tmp_path / "repo", "a", "sub/b")
        assert await run.settle() == 2
        assert await run.shared() == {"a", "sub/b"}
        (share,) = await run.library.shares()
        assert (share.kind, share.name, share.files, share.bytes) == ("repository", "", 2, 6)
        entries, _ = await run.library.entries("", 0, 10)
        assert entries[0].content == make_manifest(b"a").content_id
        assert run.library.digest == bytes(ShareDigest.of(entries))
        assert run.library.changed.is_set()
        finished = [event for event in run.events if isinstance(event, HashingFinished)]
        assert [(event.files, event.bytes) for event in finished] == [(2, 6)]
        scanned = [event for event in run.events if isinstance(event, ShareScanned)]
        assert (scanned[-1].files, scanned[-1].changes) == (2, 2)


async def test_the_next_run_hashes_only_what_changed(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "a", "b", "c")
    async with running_library(tmp_path) as run:
        revision = run.library.revision
    (tmp_path / "repo" / "b").write_bytes(b"other")
    (tmp_path / "repo" / "c").unlink()
    async with running_library(tmp_path) as run:
        assert await run.shared() == {"a", "b"}
        finished = [event for event in run.events if isinstance(event, HashingFinished)]
        assert [event.files for event in finished] == [1]
        changes = await run.library.changes_since(revision, 10)
        assert [entry.path for entry in changes.added] == [("b",)]
        assert changes.removed == (("c",),)


async def test_a_rescan_of_unchanged_files_changes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "a", "sub/b")
    async with running_library(tmp_path) as run:
        before = run.library.revision
        run.library.changed.clear()
        assert await run.settle() == 0
        assert run.library.revision == before
        assert not run.library.changed.is_set()


async def test_work_goes_to_threads(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", *(f"{number % 7}/f{number}" for number in range(700)))
    threads = Threads(4, "test")
    try:
        async with running_library(tmp_path, offload=threads, hash_threads=2) as run:
            assert len((await run.library.library(Page(limit=1000))).rows) == 700
            assert run.library.counts().files == 700
            await run.shared()
    finally:
        threads.close()


async def test_a_large_folder_that_comes_in_slices_is_compared_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "SLICE_FILES", 4)
    names = [f"f{number}" for number in range(19)]
    write_files(tmp_path / "repo", *names, "sub/x")
    async with running_library(tmp_path) as run:
        assert await run.shared() == {*names, "sub/x"}
        for name in names[::2]:
            (tmp_path / "repo" / name).unlink()
        write_files(tmp_path / "repo", "new")
        assert await run.settle() == 11
        assert await run.shared() == {*names[1::2], "new", "sub/x"}


async def test_folders_that_are_gone_take_their_files_with_them(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "a", "sub/b", "sub/deep/c", "subway/d")
    async with running_library(tmp_path) as run:
        (tmp_path / "repo" / "sub").rename(tmp_path / "elsewhere")
        assert await run.settle() == 2
        assert await run.shared() == {"a", "subway/d"}


async def test_a_content_is_opened_and_read(tmp_path: Path) -> None:
    data = make_bytes(MIB + 5)
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "file").write_bytes(data)
    manifest = make_manifest(data)
    async with running_library(tmp_path) as run:
        opened = await run.library.open_content(manifest.content_id)
        assert opened is not None
        assert opened.manifest == manifest
        assert opened.read(0) + opened.read(1) == data
        opened.close()
        other = make_manifest(b"other").content_id
        assert await run.library.open_content(other) is None
        assert await run.library.have([manifest.content_id, other]) == {manifest.content_id}
        assert await run.library.manifest(manifest.content_id) == manifest
        assert await run.library.paths_of(manifest.content_id) == [tmp_path / "repo" / "file"]
        assert await run.library.paths_of(other) == []


@pytest.mark.parametrize("how", ["rewrite", "delete", "link", "pipe"])
async def test_f80_a_file_that_is_no_longer_the_one_is_withdrawn_when_asked_for(
    tmp_path: Path, how: str
) -> None:
    write_files(tmp_path / "repo", "file", "other")
    path = tmp_path / "repo" / "file"
    content = make_manifest(b"file").content_id
    async with running_library(tmp_path) as run:
        path.unlink()
        if how == "rewrite":
            path.write_bytes(b"new content")
        elif how == "link":
            (tmp_path / "secret").write_bytes(b"file")
            path.symlink_to(tmp_path / "secret")
        elif how == "pipe":
            os.mkfifo(path)
        assert await run.library.open_content(content) is None
        await run.library.wait_hashed()
        assert content not in await run.library.have([content])
        assert await run.shared() == ({"file", "other"} if how == "rewrite" else {"other"})
        if how == "rewrite":
            assert await run.library.have([make_manifest(b"new content").content_id])
        elif how in {"link", "pipe"}:
            assert (await run.states())["file"] == "error"


async def test_f80_another_copy_is_served_when_one_changed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_files(tmp_path / "repo", name)
        (tmp_path / "repo" / name).write_bytes(b"same")
    async with running_library(tmp_path) as run:
        (tmp_path / "repo" / "a").write_bytes(b"different")
        opened = await run.library.open_content(make_manifest(b"same").content_id)
        assert opened is not None
        assert opened.name == "b"
        opened.close()


async def test_f80_a_changed_file_that_is_asked_for_many_times_is_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "repo", "file", "other")
    content, other = (make_manifest(data).content_id for data in (b"file", b"other"))
    async with running_library(tmp_path) as run:
        (tmp_path / "repo" / "file").write_bytes(b"new content")
        looks: list[str] = []
        opened, marked = ShareFolder.open, ShareFolder.mark

        def count_open(self: ShareFolder, folder: str, name: str) -> int:
            looks.append(f"open {name}")
            return opened(self, folder, name)

        def count_mark(self: ShareFolder, folder: str, name: str) -> Fingerprint:
            looks.append(f"mark {name}")
            return marked(self, folder, name)

        monkeypatch.setattr(ShareFolder, "open", count_open)
        monkeypatch.setattr(ShareFolder, "mark", count_mark)
        found = await run.library.contents.read_small([content] * 512 + [other] * 2, 100)
        assert found.given == [None] * 512 + [b"other"] * 2
        await run.library.wait_hashed()
        assert looks.count("mark file") == 1
        assert looks.count("open file") <= 2, "to be read, and to be hashed again"


async def test_f80_a_change_that_an_upload_saw_is_hashed_again(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "file")
    content = make_manifest(b"file").content_id
    async with running_library(tmp_path) as run:
        opened = await run.library.open_content(content)
        assert opened is not None
        (tmp_path / "repo" / "file").write_bytes(b"changed")
        with pytest.raises(ContentChanged):
            opened.read(0)
        opened.close()
        await run.library.content_changed(content)
        assert not await run.library.have([content])
        await run.library.wait_hashed()
        assert await run.library.have([make_manifest(b"changed").content_id])


async def test_f92_a_file_that_cannot_be_read_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "repo", "good", "locked")
    opened = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "locked":
            raise PermissionError(13, "Permission denied", path)
        return opened(path, flags, mode, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        async with running_library(tmp_path) as run:
            assert await run.states() == {"good": "shared", "locked": "error"}
            page = await run.library.library(Page(filter="locked"))
            assert "permission" in page.rows[0].reason
            assert run.library.counts().skipped == 1
            await run.settle()
            problems = [event for event in run.events if isinstance(event, FileProblem)]
            assert [event.path for event in problems] == [str(tmp_path / "repo" / "locked")]
            patch.setattr(os, "open", opened)
            await run.settle()
            assert await run.shared() == {"good", "locked"}
            assert run.library.counts().skipped == 0


async def test_f50_skipped_files_are_counted(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "good", ".hidden", "new\nline")
    (tmp_path / "repo" / "link").symlink_to("good")
    async with running_library(tmp_path) as run:
        assert await run.shared() == {"good"}
        assert run.library.counts().skipped == 2
        assert [event.skipped for event in run.events if isinstance(event, ShareScanned)] == [2]


async def test_f88_a_download_is_shared_when_it_is_complete_and_not_hashed_again(
    tmp_path: Path,
) -> None:
    data = make_bytes(MIB + 1)
    manifest = make_manifest(data)
    async with running_library(tmp_path) as run:
        repository = tmp_path / "repo"
        partial = Partial.open(repository, manifest, clock=FakeClock())
        assert partial.accept_chunk(0, data[:MIB])
        assert await run.settle() == 0
        assert partial.accept_chunk(1, data[MIB:])
        path = partial.finish("film.mkv", 1_000_000_000)
        row = await run.library.adopt(path, manifest)
        assert row is not None
        assert (row.name, row.state, row.path) == ("film.mkv", "shared", str(path))
        assert row.content_id == content_id_text(manifest.content_id)
        assert await run.settle() == 0
        assert not [event for event in run.events if isinstance(event, HashingFinished)]
        opened = await run.library.open_content(manifest.content_id)
        assert opened is not None
        assert opened.read(1) == data[MIB:]
        opened.close()


async def test_a_download_that_was_already_being_hashed_is_shared_once(tmp_path: Path) -> None:
    data = b"content"
    async with running_library(tmp_path) as run:
        path = tmp_path / "repo" / "file"
        path.write_bytes(data)
        await run.library.rescan()
        await run.library.adopt(path, make_manifest(data))
        await run.library.wait_hashed()
        assert await run.shared() == {"file"}
        assert run.library.revision == 1


async def test_a_download_outside_all_shares_is_not_shared(tmp_path: Path) -> None:
    async with running_library(tmp_path) as run:
        write_files(tmp_path, "elsewhere/file", "repo/.hidden/file")
        for place in ("elsewhere/file", "repo/.hidden/file"):
            manifest = make_manifest((tmp_path / place).read_bytes())
            assert await run.library.adopt(tmp_path / place, manifest) is None
        assert await run.shared() == set()


async def test_f100_a_disk_that_vanishes_is_withdrawn_and_not_hashed_again(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    write_files(disk, "a", "sub/b")
    write_files(tmp_path / "repo", "mine")
    async with running_library(tmp_path) as run:
        await run.library.add_share(disk)
        await run.library.wait_hashed()
        assert await run.shared() == {"mine", "disk/a", "disk/sub/b"}
        disk.rename(tmp_path / "unplugged")
        assert await run.settle() == 2
        assert await run.shared() == {"mine"}
        assert (await run.states())["disk/a"] == "error"
        revision = run.library.revision
        assert await run.settle() == 0, "told once"
        assert run.library.revision == revision
        (tmp_path / "unplugged").rename(disk)
        run.events.clear()
        assert await run.settle() == 2
        assert await run.shared() == {"mine", "disk/a", "disk/sub/b"}
        assert not [event for event in run.events if isinstance(event, HashingFinished)]


async def test_f100_the_empty_folder_under_an_unmounted_disk_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    write_files(disk, "a", "sub/b")
    async with running_library(tmp_path) as run:
        await run.library.add_share(disk)
        await run.library.wait_hashed()

        class Unmounted(scan.Walk):
            """The same place on another device, as it is below a mount point."""

            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments)  # type: ignore[arg-type]
                self.identity = (self.identity[0] + 1, self.identity[1])

            def still_there(self) -> bool:
                return True

        disk.rename(tmp_path / "unplugged")
        disk.mkdir()
        with monkeypatch.context() as patch:
            patch.setattr(reconcile, "Walk", Unmounted)
            await run.settle()
        assert await run.shared() == set()
        assert set((await run.states()).values()) == {"error"}
        disk.rmdir()
        (tmp_path / "unplugged").rename(disk)
        run.events.clear()
        await run.settle()
        assert await run.shared() == {"disk/a", "disk/sub/b"}
        assert not [event for event in run.events if isinstance(event, HashingFinished)]


async def test_f100_a_folder_that_cannot_be_read_is_withdrawn_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "repo", "a", "sub/b", "sub/deep/c", "subway/d")
    async with running_library(tmp_path) as run:
        listed = os.scandir

        def refuse(handle: int) -> object:
            found = os.fstat(handle)
            there = (tmp_path / "repo" / "sub").stat()
            if (found.st_dev, found.st_ino) == (there.st_dev, there.st_ino):
                raise OSError(5, "Input/output error")
            return listed(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "scandir", refuse)
            await run.settle()
        assert await run.shared() == {"a", "subway/d"}
        run.events.clear()
        await run.settle()
        assert await run.shared() == {"a", "sub/b", "sub/deep/c", "subway/d"}
        assert not [event for event in run.events if isinstance(event, HashingFinished)]


async def test_files_that_keep_changing_are_hashed_once_they_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "FIRST_DELAY_S", 0.001)
    write_files(tmp_path / "repo", "file")
    path = tmp_path / "repo" / "file"
    runs: list[int] = []

    def meddle(jobs: Sequence[HashJob], progress: HashProgress) -> list[HashResult]:
        if len(runs) < 3:
            runs.append(1)
            path.write_bytes(b"x" * (len(runs) + 10))
        return hash_files(jobs, progress)

    monkeypatch.setattr(hashing, "hash_files", meddle)
    async with running_library(tmp_path) as run:
        assert len(runs) == 3
        assert await run.library.have([make_manifest(b"x" * 13).content_id])


async def test_f91_hashed_files_that_cannot_be_noted_are_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "FIRST_DELAY_S", 0.001)
    write_files(tmp_path / "repo", "a", "b")
    settle, tries = FileChanges.settle, []

    async def fail_twice(self: FileChanges, hashed: Sequence[Hashed]) -> list[FileRecord]:
        tries.append(len(hashed))
        if len(tries) <= 2:
            raise storage_error("the database is full")
        return await settle(self, hashed)

    monkeypatch.setattr(FileChanges, "settle", fail_twice)
    async with running_library(tmp_path) as run:
        assert await run.shared() == {"a", "b"}
        assert len(tries) >= 3


async def test_progress_is_told_while_it_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "repo", "first")
    started, go_on = threading.Event(), threading.Event()

    def pause(jobs: Sequence[HashJob], progress: HashProgress) -> list[HashResult]:
        progress.file, progress.done, progress.total = jobs[0].id, 3, 3
        started.set()
        assert go_on.wait(10)
        progress.total = 0
        return hash_files(jobs, progress)

    threads = Threads(2, "test")
    async with running_library(tmp_path, offload=threads) as run:
        assert run.library.hashing().files_total == 0
        monkeypatch.setattr(hashing, "hash_files", pause)
        write_files(tmp_path / "repo", "second")
        await run.library.rescan()
        assert await threads(started.wait, 10)
        now = run.library.hashing()
        assert (now.files_done, now.files_total, now.bytes_done, now.bytes_total) == (0, 1, 3, 6)
        assert now.current == "second"
        (row,) = (await run.library.library(Page(filter="second"))).rows
        assert (row.state, row.done) == ("hashing", 3)
        go_on.set()
        await run.library.wait_hashed()
        assert (await run.states())["second"] == "shared"
    threads.close()


async def test_closing_stops_hashing_at_once(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    with (tmp_path / "repo" / "huge").open("wb") as file:
        file.truncate(2**40)
    threads = Threads(2, "test")
    store = await NodeStore.open(tmp_path / "node.db")
    library = Library(store, tmp_path / "repo", threads, FakeClock(), lambda _event: None)
    await library.start()
    while not library.hashing().bytes_done:
        await library.rescans.once.wait()
        await store.setting("nothing")  # lets the loop and the thread go on
    await library.close()
    await store.close()
    threads.close()
