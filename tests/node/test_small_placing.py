"""Small files that are placed together: kills, power cuts and full disks at every step (F86, F94).

What counts is what a batch promises: no name without all of its bytes, and no two files for one.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import content_id_text
from p2ptui.node.disk import PosixDisk
from p2ptui.node.partial import PARTIALS, Partial
from p2ptui.node.small_placing import PlacedFile, SmallFile, SmallPlacing
from p2ptui.node.storage_errors import NoSpace
from tests.support.contents import make_bytes, make_manifest
from tests.support.fake_time import FakeClock
from tests.support.simulated_disk import ROOT, Folder, Killed, SimulatedDisk

DATA = {f"file{number}": make_bytes(100 * number, seed=number) for number in range(5)}
OLD = 1_600_000_000


def files(folder: Path = ROOT) -> list[SmallFile]:
    return [
        SmallFile(make_manifest(data).content_id, folder, name, OLD, memoryview(data))
        for name, data in DATA.items()
    ]


def download(disk: SimulatedDisk, wanted: list[SmallFile] | None = None) -> list[str]:
    """Place all as a node does: what does not come in the batch comes alone; the final names."""
    wanted = files() if wanted is None else wanted
    batch = SmallPlacing(disk=disk)
    placed = batch.place(wanted)
    names = [
        found.name if found else alone(disk, file)
        for found, file in zip(placed, wanted, strict=True)
    ]
    batch.clear()
    return names


def alone(disk: SimulatedDisk, file: SmallFile) -> str:
    """As an ordinary fetch does it, from wherever it stands."""
    data = bytes(file.data)
    partial = Partial.open(ROOT, make_manifest(data), clock=FakeClock(), disk=disk)
    for index in partial.unverified():
        partial.recheck(index)
    for index in list(partial.chunkmap.missing()):
        assert partial.accept_chunk(index, data)
    return partial.finish(file.name, file.mtime).name


def parts(disk: SimulatedDisk) -> set[str]:
    private = disk.root.names.get(PARTIALS)
    return set(private.names) if isinstance(private, Folder) else set()


def count_steps(*, together: bool) -> int:
    disk = SimulatedDisk(together=together)
    download(disk)
    return len(disk.calls)


def at_step(step: int, error: BaseException) -> Callable[[int, str], None]:
    def trouble(count: int, _call: str) -> None:
        if count >= step:
            raise error

    return trouble


EVERY_STEP = pytest.mark.parametrize(
    ("together", "step"),
    [
        (together, step)
        for together in (True, False)
        for step in range(count_steps(together=together))
    ],
)


@pytest.mark.parametrize("together", [True, False])
def test_a_batch_is_synced_before_it_is_named_and_its_names_before_it_is_told(
    together: bool,
) -> None:
    disk = SimulatedDisk(together=together)
    batch = SmallPlacing(disk=disk)
    placed = batch.place(files())
    assert [found and found.name for found in placed] == list(DATA)
    links = [at for at, call in enumerate(disk.calls) if call == "link"]
    written = max(at for at, call in enumerate(disk.calls) if call in {"write", "utime"})
    synced = [at for at, call in enumerate(disk.calls) if call in {"syncfs", "fsync"}]
    assert any(written < at < links[0] for at in synced)
    assert synced[-1] > links[-1]
    for seed in range(20):
        disk.cut_power(seed)
        assert {name: disk.file(name) for name in disk.visible} == DATA
    assert isinstance(placed[1], PlacedFile)
    assert placed[1].mark.mtime_ns == OLD * 10**9
    batch.clear()
    assert not parts(disk)
    assert disk.calls.count("syncfs" if together else "fsync") < 2 * len(DATA)


@EVERY_STEP
def test_f94_a_power_cut_at_any_step_leaves_no_wrong_file(together: bool, step: int) -> None:
    for seed in range(5):
        disk = SimulatedDisk(together=together)
        disk.trouble = at_step(step, Killed())
        with pytest.raises(Killed):
            download(disk)
        disk.cut_power(seed)
        for name in disk.visible:
            assert disk.file(name) == DATA[name]


@EVERY_STEP
def test_f94_after_a_kill_at_any_step_each_file_comes_once(together: bool, step: int) -> None:
    disk = SimulatedDisk(together=together)
    disk.trouble = at_step(step, Killed())
    with pytest.raises(Killed):
        download(disk)
    disk.kill()
    noted = len(parts(disk)) < len(DATA) and len(disk.visible) == len(DATA)
    if noted:
        return  # all were placed, and noted by the node: only the tidying was left
    download(disk)
    assert {name: disk.file(name) for name in disk.visible} == DATA
    assert not parts(disk)


@EVERY_STEP
def test_a_disk_that_fails_at_any_step_is_told_and_the_next_try_succeeds(
    together: bool, step: int
) -> None:
    disk = SimulatedDisk(together=together)
    batch = SmallPlacing(disk=disk)
    disk.trouble = at_step(step, OSError(errno.EIO, os.strerror(errno.EIO)))
    try:
        batch.place(files())
    except P2PError:
        disk.trouble = lambda _count, _call: None
        download(disk)
    else:
        batch.clear()  # what cannot be tidied up is left, and nobody is troubled with it
    assert {name: disk.file(name) for name in disk.visible} == DATA


def test_f86_a_batch_that_does_not_fit_is_refused_before_anything_is_written() -> None:
    disk = SimulatedDisk(capacity=500)
    with pytest.raises(NoSpace):
        SmallPlacing(disk=disk).place(files())
    assert not disk.visible
    assert "write" not in disk.calls
    reserve = SmallPlacing(disk=SimulatedDisk(capacity=1500), reserve_bytes=600)
    with pytest.raises(NoSpace):
        reserve.place(files())


def test_f86_a_disk_that_runs_full_leaves_no_parts() -> None:
    disk = SimulatedDisk()
    disk.trouble = at_step(6, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(NoSpace):
        SmallPlacing(disk=disk).place(files())
    disk.trouble = lambda _count, _call: None
    download(disk)
    assert {name: disk.file(name) for name in disk.visible} == DATA


def test_a_part_that_is_there_already_is_not_touched() -> None:
    disk = SimulatedDisk()
    first = files()[3]
    other = Partial.open(ROOT, make_manifest(bytes(first.data)), clock=FakeClock(), disk=disk)
    placed = SmallPlacing(disk=disk).place(files())
    assert [found is None for found in placed] == [False, False, False, True, False]
    assert f"{content_id_text(first.content)}.part" in parts(disk)
    other.close()


def test_names_that_are_taken_or_unsafe_are_changed() -> None:
    disk = SimulatedDisk()
    download(disk)
    one, two, *_ = files()
    again = [
        one._replace(name="FILE1", data=memoryview(DATA["file0"])),
        two._replace(name="../file1"),
    ]
    assert download(disk, again) == ["FILE1 (2)", "_._file1"]
    assert disk.visible == {*DATA, "FILE1 (2)", "_._file1"}


def test_without_hard_links_they_are_renamed() -> None:
    disk = SimulatedDisk(hard_links=False)
    assert download(disk) == list(DATA)
    assert {name: disk.file(name) for name in disk.visible} == DATA
    assert not parts(disk)


def test_files_of_many_folders_on_a_real_disk(tmp_path: Path) -> None:
    wanted = []
    for number in range(7):
        folder = tmp_path / f"folder{number}"
        folder.mkdir()
        wanted += files(folder)
    batch = SmallPlacing()
    placed = batch.place(wanted)
    batch.clear()
    for file, found in zip(wanted, placed, strict=True):
        assert found is not None
        path = file.folder / file.name
        assert (found.folder, found.name) == (file.folder, file.name)
        assert path.read_bytes() == bytes(file.data)
        there = path.stat()
        assert (there.st_mtime, there.st_nlink) == (OLD, 1)
        assert found.mark == (there.st_size, there.st_mtime_ns, there.st_ino)
    assert not list(tmp_path.rglob(PARTIALS))


class Recorder(PosixDisk):
    """What is opened, what is synced and how, in order."""

    def __init__(self, *, together: bool) -> None:
        super().__init__()
        self.opened: list[int] = []
        self.asked: list[int] = []
        self.steps: list[str] = []
        self.together = together

    def syncs_together(self, folder: int) -> bool:
        return self.together and folder in self.opened

    def open_folder(self, path: Path) -> int:
        self.opened.append(super().open_folder(path))
        return self.opened[-1]

    def sync(self, handle: int) -> None:
        self.steps.append("sync")
        super().sync(handle)

    def sync_together(self, folder: int) -> None:
        self.asked.append(folder)

    def link(self, folder: int, name: str, target: int, new_name: str) -> None:
        self.steps.append("link")
        super().link(folder, name, target, new_name)


def spread(root: Path, folders: int) -> list[SmallFile]:
    wanted = []
    for number in range(folders):
        folder = root / f"folder{number}"
        folder.mkdir()
        wanted += files(folder)
    return wanted


def test_the_folder_that_was_opened_first_is_asked_for_writes_that_failed(tmp_path: Path) -> None:
    disk = Recorder(together=True)
    SmallPlacing(disk=disk).place(spread(tmp_path, 3))
    assert disk.asked == disk.opened[:1]


def test_f94_where_nothing_is_synced_together_each_file_is_before_any_name(tmp_path: Path) -> None:
    disk = Recorder(together=False)
    wanted = spread(tmp_path, 5)
    SmallPlacing(disk=disk).place(wanted)
    assert not disk.asked
    first, last = disk.steps.index("link"), len(disk.steps) - disk.steps[::-1].index("link")
    assert disk.steps[:first].count("sync") == len(wanted)
    assert disk.steps[last:].count("sync") == 5


def test_whoever_removes_the_private_folder_meanwhile_disturbs_nobody() -> None:
    class Tidier(SimulatedDisk):
        """Somebody else's last part goes right when we have opened the folder for ours."""

        def create_file(self, folder: int, name: str) -> int:
            if not self.gone:
                self.gone = True
                self.root.names.pop(PARTIALS)
                raise FileNotFoundError(errno.ENOENT, "no such folder", name)
            return super().create_file(folder, name)

        gone = False

    disk = Tidier()
    assert download(disk) == list(DATA)
