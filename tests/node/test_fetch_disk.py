"""A fetch and its disk: resuming, full and failing disks, and being stopped at any moment.

F84 a part that was changed, F86 and F91 full disks, F87 another process, F92 errors, F94 kills.
"""

import asyncio
import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.node.fetch import Fetch, FetchFailure
from p2ptui.node.fetch_disk import FetchDisk
from p2ptui.node.partial import CHECKPOINT_S, PARTIALS, Partial
from p2ptui.node.storage_errors import NoSpace
from tests.support.contents import MIB, chunks_of, make_bytes
from tests.support.eventually import eventually, stays
from tests.support.fake_time import virtual_time
from tests.support.fetch_rig import FetchRig, fetching
from tests.support.simulated_disk import ROOT, SimulatedDisk

SONG = make_bytes(6 * MIB + 11, seed=7)


async def stop(run: asyncio.Task[Path]) -> None:
    """Pause a fetch."""
    run.cancel()
    await asyncio.wait({run})


def names_in(folder: Path) -> list[str]:
    """All names in a folder, hidden ones too."""
    return [path.name for path in folder.iterdir()]


def simulated(rig: FetchRig, capacity: int = 2**40) -> SimulatedDisk:
    """Have the rig's fetches work on a disk in memory."""
    rig.folder = ROOT
    rig.disk = disk = SimulatedDisk(capacity)
    return disk


def failing(code: int, calls: set[str], times: list[int]) -> Callable[[int, str], None]:
    """Trouble with these calls as long as `times` has something left in its only place."""

    def trouble(_count: int, call: str) -> None:
        if call in calls and times[0] > 0:
            times[0] -= 1
            raise OSError(code, os.strerror(code))

    return trouble


# --- taking up again ------------------------------------------------------------------------------


@virtual_time
async def test_a_paused_fetch_asks_for_nothing_twice(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        anna = rig.peers[0]
        anna.chunk_s = 1.0
        fetch, run = rig.start()
        await eventually(lambda: fetch.done >= 3 * MIB)
        await stop(run)
        kept = fetch.picker
        assert kept is not None
        here = set(kept.have.present())
        anna.asked.clear()
        again, run = rig.start(rig.fetch(manifest=rig.manifest))
        await eventually(lambda: again.picker is not None)
        assert again.done == fetch.done
        assert (await run).read_bytes() == SONG
        assert not here & set(anna.asked)
        assert not (tmp_path / PARTIALS).exists()


@virtual_time
async def test_f84_after_an_unclean_end_what_is_claimed_is_looked_at(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        before = rig.open_partial(tmp_path, rig.manifest)
        for index in (0, 2, 4, 6):
            before.write_chunk(index, chunks_of(SONG)[index])
        before.checkpoint()
        before._files.close()  # killed: the journal has no clean end
        (part,) = (tmp_path / PARTIALS).glob("*.part")
        with part.open("r+b") as file:
            file.seek(2 * MIB + 5)
            file.write(b"somebody edited it")
        _, run = rig.start(rig.fetch(manifest=rig.manifest))
        assert (await run).read_bytes() == SONG
        assert sorted(rig.peers[0].asked) == [1, 2, 3, 5]


@virtual_time
async def test_chunks_are_fetched_while_the_claimed_ones_are_looked_at(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        before = rig.open_partial(tmp_path, rig.manifest)
        for index in (0, 1, 2):
            before.write_chunk(index, chunks_of(SONG)[index])
        before.checkpoint()
        before._files.close()
        rig.offload.shut("recheck")
        fetch, run = rig.start(rig.fetch(manifest=rig.manifest, patience_s=20.0))
        await eventually(lambda: fetch.done >= 3 * MIB + 11)
        assert set(rig.peers[0].asked) == {3, 4, 5, 6}
        await stays(lambda: not run.done(), 60)  # looking counts as progress
        rig.offload.open("recheck")
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_f87_another_process_fetches_the_same(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        other = rig.open_partial(tmp_path, rig.manifest)
        _, run = rig.start()
        with pytest.raises(P2PError, match="Already being fetched") as failure:
            await run
        assert failure.value.exit_code is ExitCode.STORAGE
        other.close()


@virtual_time
async def test_a_killed_run_that_had_placed_its_file_is_finished_not_repeated(
    tmp_path: Path,
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        before = rig.open_partial(tmp_path, rig.manifest)
        for index, chunk in enumerate(chunks_of(SONG)):
            before.write_chunk(index, chunk)
        before.place("song.mp3", 0.0)
        before._files.close()
        _, run = rig.start(rig.fetch(manifest=rig.manifest))
        assert await run == tmp_path / "song.mp3"
        assert names_in(tmp_path) == ["song.mp3"]
        assert rig.peers[0].asked == []


# --- full disks -----------------------------------------------------------------------------------


@virtual_time
async def test_f86_a_disk_that_is_too_small_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        disk = simulated(rig, capacity=4 * MIB)
        rig.free = 4 * MIB
        fetch, run = rig.start()
        await eventually(lambda: fetch.state == "no_space")
        assert "needs 6.3 MB and has 4.2 MB" in fetch.reason
        assert "write" not in disk.calls
        await stays(lambda: fetch.state == "no_space", 30)
        disk.capacity, rig.free = 2**40, 2**40
        await run
        waited = fetch.waited_s(rig.clock.monotonic())
        assert 30 <= waited <= 40, "and that is not counted in how long it took"
        assert disk.file("song.mp3") == SONG
        told = [state for state, _ in rig.states]
        assert told == ["no_space", "locating", "active", "finishing"]


@virtual_time
async def test_f91_a_disk_that_runs_full_is_waited_for(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna", "bert"]) as rig:
        disk = simulated(rig)
        rig.free = 0
        left = [1000]
        disk.trouble = failing(errno.ENOSPC, {"write"}, left)
        fetch, run = rig.start()
        await eventually(lambda: fetch.state == "no_space")
        asked = len(rig.asked)
        await stays(lambda: fetch.state == "no_space", 50)
        assert len(rig.asked) == asked, "nobody is asked for what has no place"
        left[0], rig.free = 0, 2**40
        await run
        assert disk.file("song.mp3") == SONG
        assert rig.lost == [], "it is not the sources' fault"


@virtual_time
async def test_f91_a_full_quota_is_tried_again_though_the_disk_has_room(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        disk = simulated(rig)
        rig.free = 0  # it never shows
        left = [3]
        disk.trouble = failing(errno.EDQUOT, {"write"}, left)
        _, run = rig.start()
        await run
        assert disk.file("song.mp3") == SONG


@virtual_time
async def test_patience_ends_with_a_disk_that_stays_full(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        disk = simulated(rig)
        rig.free = 0
        disk.trouble = failing(errno.ENOSPC, {"write"}, [10**9])
        _, run = rig.start(rig.fetch(patience_s=100.0))
        with pytest.raises(NoSpace):
            await run
        assert 100 <= rig.clock.monotonic() - 1000 <= 170


@virtual_time
async def test_f91_a_disk_that_is_full_for_the_last_step(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        disk = simulated(rig)
        rig.free = 0
        left = [2]
        disk.trouble = failing(errno.ENOSPC, {"link"}, left)
        fetch, run = rig.start()
        await eventually(lambda: fetch.state == "no_space")
        assert fetch.done == len(SONG)
        rig.free = 2**40
        await run
        assert disk.file("song.mp3") == SONG
        assert sorted(rig.asked) == list(range(7))


# --- failing disks --------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write", "create", "allocate", "link"])
@virtual_time
async def test_f92_f93_an_error_of_the_disk_ends_it_with_a_message(
    tmp_path: Path, call: str
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        disk = simulated(rig)
        disk.trouble = failing(errno.EIO, {call}, [1])
        _, run = rig.start()
        with pytest.raises(P2PError) as failure:
            await run
        assert failure.value.exit_code is ExitCode.STORAGE
        assert "/downloads" in failure.value.title
        assert not disk._open, "a descriptor was left open"
        disk.trouble = lambda _count, _call: None
        _, run = rig.start(rig.fetch(manifest=rig.manifest))
        await run
        assert disk.file("song.mp3") == SONG


@virtual_time
async def test_f95_what_a_failed_sync_may_have_lost_is_fetched_again(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        anna, disk = rig.peers[0], simulated(rig)
        anna.chunk_s = CHECKPOINT_S
        disk.trouble = failing(errno.ENOSPC, {"fdatasync"}, [1])
        fetch, run = rig.start()
        await run
        assert disk.file("song.mp3") == SONG
        assert len(anna.asked) > 7
        assert ("no_space") in {state for state, _ in rig.states}
        assert fetch.done == len(SONG)


@virtual_time
async def test_f95_a_sync_that_fails_at_the_end_loses_nothing(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        disk = simulated(rig)
        disk.trouble = failing(errno.ENOSPC, {"fdatasync"}, [1])
        _, run = rig.start()
        await run
        assert disk.file("song.mp3") == SONG


@virtual_time
async def test_a_folder_that_vanished_is_told_while_waiting_for_space(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        disk = simulated(rig)
        disk.trouble = failing(errno.ENOSPC, {"write"}, [10**9])

        def gone(_folder: Path) -> int:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")

        rig.free_space = gone
        _, run = rig.start()
        with pytest.raises(P2PError) as failure:
            await run
        assert failure.value.exit_code is ExitCode.STORAGE


@virtual_time
async def test_a_failure_of_our_own_while_storing_ends_the_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:

        async def broken(self: FetchDisk, index: int, buffer: memoryview) -> bool:
            raise RuntimeError("a bug")

        monkeypatch.setattr(FetchDisk, "accept", broken)
        _, run = rig.start()
        with pytest.raises(P2PError, match="Internal error"):
            await run


# --- being stopped --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@virtual_time
async def test_it_can_be_stopped_at_any_moment_and_goes_on(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with fetching(tmp_path, SONG, ["anna", "bert"]) as rig:
        for peer in rig.peers:
            peer.chunk_s = 0.1
        manifest = None
        for _ in range(chance.randrange(3, 8)):
            fetch, run = rig.start(rig.fetch(manifest=manifest))
            if chance.random() < 0.3:
                for _ in range(chance.randrange(40)):
                    await asyncio.sleep(0)
            else:
                await asyncio.sleep(chance.random() * 0.4)
            await stop(run)
            manifest = fetch.manifest or manifest
            assert fetch.partial is None
            assert rig.buffers.in_use == 0
            if not run.cancelled():
                break
        else:
            _, run = rig.start(rig.fetch(manifest=manifest))
        assert (await run).read_bytes() == SONG
        assert names_in(tmp_path) == ["song.mp3"]


@virtual_time
async def test_stopped_while_its_partial_is_being_opened_it_leaves_no_lock(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        rig.offload.shut("open_partial")
        _, run = rig.start()
        await eventually(lambda: rig.offload.waiting)
        run.cancel()
        await stays(lambda: not run.done(), 5)
        rig.offload.open("open_partial")
        await asyncio.wait({run})
        assert run.cancelled()
        rig.open_partial(tmp_path, rig.manifest).close()


@virtual_time
async def test_a_source_dismissed_while_it_opens_the_partial_harms_nobody(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna", "bert"]) as rig:
        rig.offload.shut("open_partial")
        fetch, run = rig.start()
        await eventually(lambda: len(rig.offload.waiting) == 1)
        fetch.crew._lay_off(fetch.sources[rig.peers[0].host.peer_id])
        await asyncio.sleep(1)
        rig.offload.open("open_partial")
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_stopped_twice_it_still_closes_what_is_open(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        rig.peers[0].chunk_s = 1.0
        fetch, run = rig.start()
        await eventually(lambda: fetch.done)
        rig.offload.shut("close")
        run.cancel()
        await eventually(lambda: rig.offload.waiting)
        run.cancel()
        await asyncio.wait({run})
        rig.offload.open("close")
        await asyncio.sleep(1)
        rig.open_partial(tmp_path, rig.manifest).close()


@virtual_time
async def test_a_chunk_being_written_when_it_is_stopped_is_written_to_its_end(
    tmp_path: Path,
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        rig.offload.shut("accept_chunk")
        fetch, run = rig.start()
        await eventually(lambda: rig.offload.waiting)
        run.cancel()
        await stays(lambda: not run.done() and rig.buffers.in_use > 0, 5)
        rig.offload.open("accept_chunk")
        await asyncio.wait({run})
        again = rig.open_partial(tmp_path, rig.manifest)
        assert again.chunkmap.count > 0
        assert again.chunkmap == getattr(fetch.picker, "have", None)
        again.close()


@virtual_time
async def test_stopped_while_its_file_is_placed_it_is_finished_all_the_same(
    tmp_path: Path,
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        rig.offload.shut("place")
        fetch, run = rig.start()
        await eventually(lambda: fetch.state == "finishing" and rig.offload.waiting)
        run.cancel()
        await stays(lambda: not run.done(), 5)
        rig.offload.open("place")
        assert await run == tmp_path / "song.mp3"
        assert rig.told[-1] == "placed song.mp3"
        assert names_in(tmp_path) == ["song.mp3"]


@virtual_time
async def test_stopped_while_placing_fails_it_is_stopped(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        disk = simulated(rig)
        disk.trouble = failing(errno.EIO, {"link"}, [1])
        rig.offload.shut("place")
        fetch, run = rig.start()
        await eventually(lambda: fetch.state == "finishing" and rig.offload.waiting)
        run.cancel()
        await asyncio.sleep(1)
        rig.offload.open("place")
        await asyncio.wait({run})
        assert run.cancelled()
        assert disk.visible == set()


@virtual_time
async def test_f91_an_error_of_the_books_leaves_the_file_to_be_finished_again(
    tmp_path: Path,
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:

        async def full(_fetch: Fetch, _path: Path) -> None:
            raise P2PError("Cannot use the node's database")

        rig.on_placed = full
        _, run = rig.start()
        with pytest.raises(P2PError, match="database"):
            await run
        rig.on_placed = None
        _, run = rig.start(rig.fetch(manifest=rig.manifest))
        assert await run == tmp_path / "song.mp3"
        assert names_in(tmp_path) == ["song.mp3"]


@virtual_time
async def test_progress_is_checkpointed_while_it_runs(tmp_path: Path) -> None:
    # Far more than can come, over all lanes, before the checkpoint is looked for.
    async with fetching(tmp_path, make_bytes(32 * MIB), ["anna"]) as rig:
        rig.peers[0].chunk_s = 5.0
        fetch, run = rig.start(rig.fetch(patience_s=5.0))
        await eventually(lambda: fetch.done >= 3 * MIB)
        await asyncio.sleep(CHECKPOINT_S + 2)
        (journal,) = (tmp_path / PARTIALS).glob("*.journal")
        assert journal.stat().st_size > 0
        rig.peers[0].silent = set(range(32))
        rig.peers[0].vanish()
        rig.network.severed.add("anna")
        with pytest.raises(FetchFailure):
            await run
        reopened: Partial = rig.open_partial(tmp_path, rig.manifest)
        assert reopened.done == fetch.done
        reopened.close()
