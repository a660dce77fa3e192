"""Kills, power cuts and full disks at every step of a download, on a simulated disk."""

import errno
import random
from collections.abc import Callable

import pytest

from p2ptui.base.errors import P2PError
from p2ptui.node.partial import Partial
from p2ptui.node.storage_errors import NoSpace
from tests.support.contents import MIB, chunks_of, make_bytes, make_manifest
from tests.support.fake_time import FakeClock
from tests.support.simulated_disk import ROOT, Killed, SimulatedDisk

DATA = make_bytes(2 * MIB + 100)
MANIFEST = make_manifest(DATA)
CHUNKS = chunks_of(DATA)
NAME = "film.mkv"


def open_partial(disk: SimulatedDisk) -> Partial:
    return Partial.open(ROOT, MANIFEST, clock=FakeClock(), disk=disk)


def download(disk: SimulatedDisk) -> int:
    """A whole download, from wherever it stands; how many chunks had to be fetched."""
    partial = open_partial(disk)
    for index in partial.unverified():
        partial.recheck(index)
    fetched = 0
    for index in list(partial.chunkmap.missing()):
        assert partial.accept_chunk(index, CHUNKS[index])
        fetched += 1
        partial.checkpoint()
    partial.finish(NAME, 1_000_000_000)
    return fetched


def count_steps() -> int:
    disk = SimulatedDisk()
    download(disk)
    return len(disk.calls)


STEPS = count_steps()


def at_step(step: int, error: BaseException) -> Callable[[int, str], None]:
    def trouble(count: int, _call: str) -> None:
        if count >= step:
            raise error

    return trouble


@pytest.mark.parametrize("step", range(STEPS))
def test_f94_a_kill_at_any_step_costs_one_checkpoint_at_most(step: int) -> None:
    disk = SimulatedDisk()
    disk.trouble = at_step(step, Killed())
    with pytest.raises(Killed):
        download(disk)
    written = disk.calls.count("fdatasync") // 2
    disk.kill()
    whole = NAME in disk.visible
    if whole:
        assert disk.file(NAME) == DATA
    if whole and not disk.root.names.keys() - {NAME, ".p2ptui-partial"} and not parts(disk):
        return  # all was over but for the tidying up
    assert download(disk) <= len(CHUNKS) - written
    assert disk.visible == {NAME}
    assert disk.file(NAME) == DATA


@pytest.mark.parametrize("step", range(STEPS))
def test_f95_a_power_cut_at_any_step_loses_no_claimed_chunk(step: int) -> None:
    for seed in range(8):
        disk = SimulatedDisk()
        disk.trouble = at_step(step, Killed())
        with pytest.raises(Killed):
            download(disk)
        claimed = disk.calls.count("fdatasync") // 2
        placed = disk.calls.count("link") and "fsync" in disk.calls[disk.calls.index("link") :]
        disk.cut_power(seed)
        if placed:
            assert disk.file(NAME) == DATA, "once its folder is synced a file is there for good"
        for name in disk.visible:
            assert disk.file(name) == DATA, "no wrong file under a final name"
        if placed:
            continue
        partial = open_partial(disk)
        found = [index for index in partial.unverified() if partial.recheck(index)]
        assert len(found) >= claimed, "the journal claims what is there"
        partial.close()
        download(disk)
        assert disk.visible <= {NAME, "film (2).mkv"}
        assert all(disk.file(name) == DATA for name in disk.visible)


@pytest.mark.parametrize("step", range(STEPS))
def test_f91_a_full_disk_at_any_step_is_told_and_gone_on_from(step: int) -> None:
    disk = SimulatedDisk()
    disk.trouble = at_step(step, OSError(errno.ENOSPC, "no space left on device"))
    partial: Partial | None = None
    with pytest.raises(NoSpace) if step < last_needed_step() else pytest.raises(ZeroDivisionError):
        partial = open_partial(disk)
        for index, chunk in enumerate(CHUNKS):
            partial.write_chunk(index, chunk)
            partial.checkpoint()
        partial.finish(NAME, 0)
        raise ZeroDivisionError  # it went through: only tidying up was hindered
    disk.trouble = lambda _count, _call: None
    if NAME in disk.visible:
        assert disk.file(NAME) == DATA
        return
    if partial is None:
        partial = open_partial(disk)
    for index in partial.unverified():
        partial.recheck(index)
    for index in list(partial.chunkmap.missing()):
        partial.write_chunk(index, CHUNKS[index])
    partial.finish(NAME, 0)
    assert disk.visible == {NAME}
    assert disk.file(NAME) == DATA


def last_needed_step() -> int:
    disk = SimulatedDisk()
    download(disk)
    return len(disk.calls) - disk.calls[::-1].index("fsync")


def parts(disk: SimulatedDisk) -> list[str]:
    folder = disk.root.names.get(".p2ptui-partial")
    names = getattr(folder, "names", {})
    return [name for name in names if name.endswith(".part")]


def test_f91_a_disk_that_fills_up_says_how_much_is_missing() -> None:
    disk = SimulatedDisk(capacity=MIB)
    with pytest.raises(NoSpace) as caught:
        open_partial(disk)
    assert caught.value.missing >= len(DATA) - MIB
    assert disk.visible == set()
    assert not disk.root.names, "nothing is left of a download that never began"
    disk.capacity = 4 * MIB
    assert download(disk) == len(CHUNKS)


def test_f91_what_a_journal_lacks_is_told_as_more_than_a_byte() -> None:
    disk = SimulatedDisk()
    partial = open_partial(disk)
    partial.write_chunk(0, CHUNKS[0])
    disk.capacity -= disk.free(disk.open_folder(partial.folder))
    syncs = []

    def fail_second_sync(_count: int, call: str) -> None:
        syncs.append(call)
        if syncs.count("fdatasync") == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    disk.trouble = fail_second_sync
    with pytest.raises(NoSpace) as caught:
        partial.checkpoint()
    assert (caught.value.free, caught.value.missing) == (0, 64 * 1024)


def test_f95_chunks_whose_sync_failed_are_fetched_again() -> None:
    disk = SimulatedDisk()
    partial = open_partial(disk)
    partial.write_chunk(0, CHUNKS[0])
    partial.checkpoint()
    partial.write_chunk(1, CHUNKS[1])

    def fail(_count: int, call: str) -> None:
        if call == "fdatasync":
            raise OSError(errno.EIO, "Input/output error")

    disk.trouble = fail
    with pytest.raises(P2PError, match="the disk reports an error"):
        partial.checkpoint()
    disk.trouble = lambda _count, _call: None
    assert list(partial.chunkmap.present()) == [0], "the system may have dropped those pages"
    partial.write_chunk(1, CHUNKS[1])
    partial.write_chunk(2, CHUNKS[2])
    partial.finish(NAME, 0)
    assert disk.file(NAME) == DATA


def test_claims_that_could_not_be_written_are_written_next_time() -> None:
    disk = SimulatedDisk()
    partial = open_partial(disk)
    partial.write_chunk(0, CHUNKS[0])
    partial.checkpoint()
    partial.write_chunk(1, CHUNKS[1])
    syncs = []

    def fail_second_sync(_count: int, call: str) -> None:
        if call == "fdatasync":
            syncs.append(call)
            if len(syncs) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")

    disk.trouble = fail_second_sync
    with pytest.raises(NoSpace):
        partial.checkpoint()
    disk.trouble = lambda _count, _call: None
    assert partial.chunkmap.has(1), "the chunk itself is safe"
    partial.checkpoint()
    disk.kill()
    again = open_partial(disk)
    assert again.unverified() == [0, 1]


def test_a_claimed_chunk_is_never_written_again() -> None:
    chance = random.Random(7)
    disk = SimulatedDisk()
    claimed: set[int] = set()
    for _ in range(20):
        partial = open_partial(disk)
        for index in partial.unverified():
            assert partial.recheck(index)
        before = {number: len(writes) for number, writes in disk.writes.items()}
        for index in chance.sample(range(len(CHUNKS)), 2):
            partial.write_chunk(index, CHUNKS[index])
        for number, writes in disk.writes.items():
            for offset, length in writes[before.get(number, 0) :]:
                if length >= 100:
                    assert offset // MIB not in claimed
        partial.checkpoint()
        claimed = set(partial.chunkmap.present())
        if chance.random() < 0.5:
            partial.close()
        else:
            disk.kill()
