"""Downloads: events in order, pausing, resuming, ending, and every race between them."""

import asyncio
import dataclasses
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError, storage_error
from p2ptui.base.ids import TransferId
from p2ptui.net.tasks import spawn
from p2ptui.node import downloads as downloads_module
from p2ptui.node.download import Download
from p2ptui.node.events import (
    FetchFailed,
    FetchFinished,
    FetchStarted,
    FetchStateChanged,
    NodeEvent,
    SourceLost,
)
from p2ptui.node.partial import PARTIALS
from p2ptui.node.store_values import SEVERAL, TransferRecord
from tests.support.contents import MIB, make_bytes, make_manifest
from tests.support.download_rig import DownloadRig, downloading
from tests.support.eventually import eventually, stays
from tests.support.fake_time import virtual_time

SONG = make_bytes(5 * MIB + 3, seed=11)


def story(events: list[NodeEvent]) -> list[str]:
    """What was told, in short."""
    told = []
    for event in events:
        match event:
            case FetchStarted():
                told.append(f"started {event.resumed // MIB}")
            case FetchStateChanged():
                told.append(event.state)
            case FetchFinished():
                told.append("finished")
            case FetchFailed():
                told.append(f"failed {event.exit_code}")
            case SourceLost():
                told.append("lost")
    return told


async def under_way(rig: DownloadRig, chunks: int = 2) -> Download:
    """A download from one slow source that has brought some chunks."""
    if not rig.fetches.peers:
        (await rig.fetches.peer("anna")).chunk_s = 1.0
    download = await rig.downloads.add(rig.of_data(), None)
    await eventually(lambda: download.fetch is not None and download.fetch.done >= chunks * MIB)
    return download


def record_of(rig: DownloadRig, download: Download) -> TransferRecord:
    """What the store has of it."""
    return rig.table.records[download.record.id]


async def over(rig: DownloadRig) -> None:
    await eventually(lambda: not rig.downloads.current)


# --- from beginning to end ------------------------------------------------------------------------


@virtual_time
async def test_a_download_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await under_way(rig)
        assert rig.downloads.running(rig.fetches.manifest.content_id) is download.fetch
        assert rig.downloads.sources_at_work == 1
        await over(rig)
        await eventually(lambda: "finished" in story(rig.events))
        assert story(rig.events) == ["started 0", "active", "finished"]
        finished = rig.events[-1]
        assert isinstance(finished, FetchFinished)
        assert (finished.name, finished.bytes, finished.sources) == ("song.mp3", len(SONG), 1)
        assert finished.seconds >= 5
        saved = record_of(rig, download)
        assert (saved.state, saved.done, saved.path) == (
            "finished", len(SONG), str(tmp_path / "song.mp3"),
        )  # fmt: skip
        assert saved.finished is not None
        assert rig.adopted == [tmp_path / "song.mp3"]
        assert rig.downloads.running(rig.fetches.manifest.content_id) is None


@virtual_time
async def test_it_is_noted_in_which_swarm_a_download_ran(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        tools = rig.downloads._tools
        assert tools is not None

        async def move_to(swarm: str) -> None:
            await rig.downloads.disconnect()
            rig.downloads.connect(dataclasses.replace(tools, swarm=swarm))

        await move_to("one")
        download = await under_way(rig)
        assert download.record.swarm == "one"
        await move_to("one")
        await eventually(lambda: download.fetch is not None)
        assert download.record.swarm == "one"
        await move_to("two")
        await over(rig)
        assert record_of(rig, download).swarm == SEVERAL


@virtual_time
async def test_the_same_content_is_fetched_once(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        (await rig.fetches.peer("anna")).chunk_s = 1.0
        downloads = await asyncio.gather(
            *(rig.downloads.add(rig.of_data(), None) for _ in range(10))
        )
        assert len(set(map(id, downloads))) == 1
        assert len(rig.table.records) == 1


@virtual_time
async def test_a_failure_is_kept_and_told_with_its_exit_code(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await rig.downloads.add(rig.of_data(), 5.0)
        await over(rig)
        await eventually(lambda: "failed 4" in story(rig.events))
        assert record_of(rig, download).state == "failed"
        assert "No source answered" in record_of(rig, download).reason
        assert story(rig.events) == ["stalled", "failed 4"]


@virtual_time
async def test_f53_another_size_than_the_published_one_is_taken_only_when_asked_again(
    tmp_path: Path,
) -> None:
    async with downloading(tmp_path, SONG) as rig:
        (await rig.fetches.peer("anna")).chunk_s = 0.1
        wanted = msgspec.structs.replace(rig.of_data(), size=5)
        download = await rig.downloads.add(wanted, None)
        await over(rig)
        await eventually(lambda: story(rig.events) == ["failed 4"])
        told = record_of(rig, download)
        assert "published were 5 B" in told.reason
        assert not [*tmp_path.glob("**/*.part")], "nothing was begun"
        await rig.downloads.retry(download.record.id)
        await over(rig)
        await eventually(lambda: "finished" in story(rig.events))
        assert (tmp_path / "song.mp3").read_bytes() == SONG


@virtual_time
async def test_a_failure_of_our_own_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    async with downloading(tmp_path, SONG) as rig:
        monkeypatch.setattr(downloads_module, "stored_manifest", broken)
        download = await rig.downloads.add(rig.of_data(), None)
        await over(rig)
        await eventually(lambda: story(rig.events) == ["failed 1"])
        assert record_of(rig, download).reason == "Internal error: The log says more."


@virtual_time
async def test_a_store_that_cannot_be_written_stops_no_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with downloading(tmp_path, SONG) as rig:

        async def full(*_: TransferRecord) -> None:
            raise storage_error("Cannot use the node's database", "disk full")

        (await rig.fetches.peer("anna")).chunk_s = 3.0
        download = await rig.downloads.add(rig.of_data(), None)
        monkeypatch.setattr(rig.table, "save", full)
        await eventually(lambda: "finished" in story(rig.events))
        assert download.record.state == "finished"


@virtual_time
async def test_progress_is_written_down_while_it_runs(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        peer = await rig.fetches.peer("anna")
        peer.has = {0, 1, 2}
        download = await rig.downloads.add(rig.of_data(), None)
        await eventually(lambda: record_of(rig, download).done == 3 * MIB, 20)


# --- pausing and resuming ---------------------------------------------------------------------


@virtual_time
async def test_pause_keeps_what_there_is_and_resume_goes_on(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await under_way(rig)
        number = download.record.id
        assert (await rig.downloads.pause(number)) is download
        assert (download.task, download.fetch) == (None, None)
        saved = record_of(rig, download)
        assert saved.state == "paused"
        assert saved.done >= 2 * MIB
        assert saved.seconds >= 2
        await stays(lambda: download.record.state == "paused", 60)
        await rig.downloads.pause(number)
        await rig.downloads.resume(number)
        await over(rig)
        await eventually(lambda: "finished" in story(rig.events))
        assert story(rig.events) == [
            "started 0", "active", "paused", f"started {saved.done // MIB}", "active", "finished",
        ]  # fmt: skip
        assert 5 <= record_of(rig, download).seconds <= 12, "the pause is left out"


@virtual_time
async def test_asking_again_goes_on_with_a_paused_one(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await under_way(rig)
        await rig.downloads.pause(download.record.id)
        assert await rig.downloads.add(rig.of_data(), None) is download
        await over(rig)


@virtual_time
async def test_a_paused_one_is_not_started_by_what_others_do(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await under_way(rig)
        rig.fetches.offload.shut("close")
        pausing = spawn(rig.downloads.pause(download.record.id), name="pause")
        await eventually(lambda: rig.fetches.offload.waiting)
        rig.downloads._start_waiting()  # another one ended just now
        rig.fetches.offload.open("close")
        await pausing
        rig.downloads._start_waiting()
        await stays(lambda: download.task is None, 5)


@virtual_time
async def test_one_that_is_stopped_before_it_ran_can_run_again(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        await rig.fetches.peer("anna")
        download = await rig.downloads.add(rig.of_data(), None)
        assert download.task is not None
        await rig.downloads.pause(download.record.id)
        assert download.task is None
        assert not rig.downloads._running
        await rig.downloads.resume(download.record.id)
        await over(rig)


@virtual_time
async def test_a_failed_one_can_be_taken_up_again(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await rig.downloads.add(rig.of_data(), 5.0)
        await over(rig)
        await rig.fetches.peer("anna")
        again = await rig.downloads.resume(download.record.id)
        assert again.record.id == download.record.id
        await over(rig)
        saved = record_of(rig, again)
        assert (saved.state, saved.reason) == ("finished", "")


@virtual_time
async def test_commands_about_what_is_not_there(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        number = TransferId(77)
        for command in (rig.downloads.pause, rig.downloads.resume, rig.downloads.cancel):
            with pytest.raises(P2PError) as failure:
                await command(number)
            assert failure.value.exit_code is ExitCode.NOT_FOUND
        (await rig.fetches.peer("anna")).chunk_s = 0.0
        download = await rig.downloads.add(rig.of_data(), None)
        await over(rig)
        with pytest.raises(P2PError):
            await rig.downloads.resume(download.record.id)


# --- ending ---------------------------------------------------------------------------------------


@virtual_time
async def test_cancel_ends_it_and_its_places_in_the_books(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await under_way(rig)
        await rig.downloads.cancel(download.record.id)
        assert rig.downloads.current == ()
        assert rig.downloads.of_content(download.record.content) is None
        assert record_of(rig, download).state == "cancelled"
        assert story(rig.events)[-1] == "cancelled"
        assert not rig.downloads._running


@pytest.mark.parametrize("command", ["pause", "cancel"])
@virtual_time
async def test_a_command_that_comes_too_late_finds_it_finished(
    tmp_path: Path, command: str
) -> None:
    async with downloading(tmp_path, SONG) as rig:
        await rig.fetches.peer("anna")
        rig.fetches.offload.shut("place")  # the file is just getting its name
        download = await rig.downloads.add(rig.of_data(), None)
        await eventually(lambda: rig.fetches.offload.waiting)
        stopping = spawn(getattr(rig.downloads, command)(download.record.id), name=command)
        await stays(lambda: not stopping.done(), 5)
        rig.fetches.offload.open("place")
        assert (await stopping) is download
        assert story(rig.events)[-1] == "finished", "and nothing after it"
        assert record_of(rig, download).state == "finished"
        assert (tmp_path / "song.mp3").read_bytes() == SONG
        assert not (tmp_path / PARTIALS).exists()


@virtual_time
async def test_a_caller_that_gives_up_leaves_the_download_to_its_end(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await under_way(rig)
        rig.fetches.offload.shut("close")
        pausing = spawn(rig.downloads.pause(download.record.id), name="pause")
        await eventually(lambda: rig.fetches.offload.waiting)
        pausing.cancel()
        await asyncio.wait({pausing})
        assert pausing.cancelled()
        rig.fetches.offload.open("close")
        await over(rig)
        await eventually(lambda: "finished" in story(rig.events))


# --- the swarm comes and goes --------------------------------------------------------------------


@virtual_time
async def test_without_a_swarm_they_wait(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG, connected=False) as rig:
        await rig.fetches.peer("anna")
        download = await rig.downloads.add(rig.of_data(), None)
        await stays(lambda: download.task is None, 10)
        rig.connect()
        await over(rig)


@virtual_time
async def test_another_swarm_goes_on_with_them(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await under_way(rig)
        await rig.downloads.disconnect()
        assert record_of(rig, download).state == "queued"
        assert download.fetch is None
        done = download.record.done
        assert done >= 2 * MIB
        rig.connect()
        await over(rig)
        assert f"started {done // MIB}" in story(rig.events)


@virtual_time
async def test_leaving_stops_all_at_once(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        await rig.add(*(f"content {number}" for number in range(40)))
        await eventually(lambda: len(rig.downloads._running) == downloads_module.MAX_RUNNING)
        began = rig.fetches.clock.monotonic()
        await rig.downloads.disconnect()
        assert rig.fetches.clock.monotonic() == began
        assert not rig.downloads._running
        assert all(each.record.state == "queued" for each in rig.downloads.current)


@virtual_time
async def test_leaving_just_when_they_start_leaves_nothing_running(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG, connected=False) as rig:
        await rig.add("a", "b")
        rig.connect()
        await rig.downloads.disconnect()
        assert not rig.downloads._running
        rig.connect()
        await rig.until_running("a", "b")


@virtual_time
async def test_the_next_run_takes_up_what_was_not_over(tmp_path: Path) -> None:
    async with downloading(tmp_path, SONG) as rig:
        download = await under_way(rig)
        paused, cancelled, _ = await rig.add("paused", "cancelled", "waiting")
        await rig.downloads.pause(paused)
        await rig.downloads.cancel(cancelled)
        await rig.downloads.close()
        rig.downloads = rig.run()
        await rig.downloads.load()
        states = {each.record.name: each.record.state for each in rig.downloads.current}
        assert states == {"song.mp3": "queued", "paused": "paused", "waiting": "queued"}
        rig.connect()
        await eventually((tmp_path / "song.mp3").exists)
        assert (tmp_path / "song.mp3").read_bytes() == SONG
        assert record_of(rig, download).state == "finished"


@virtual_time
async def test_only_so_many_run_at_a_time_and_each_gets_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads_module, "MAX_RUNNING", 3)
    async with downloading(tmp_path, SONG) as rig:
        contents = [make_bytes(100, seed=number) for number in range(20)]
        for number, data in enumerate(contents):
            rig.fetches.manifest, rig.fetches.data = make_manifest(data), data
            await rig.fetches.peer(f"peer {number}", known=False)
            record = rig.of_data()
            endpoint = rig.fetches.peers[-1].listening.endpoint
            await rig.downloads.add(
                TransferRecord(
                    direction="down",
                    content=record.content,
                    name=f"file {number}",
                    folder=str(tmp_path),
                    address=f"{endpoint.host}:{endpoint.port}",
                ),
                None,
            )
            assert len(rig.downloads._running) <= 3
        await over(rig)
        for number, data in enumerate(contents):
            assert (tmp_path / f"file {number}").read_bytes() == data
