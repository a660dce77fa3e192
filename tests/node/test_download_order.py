"""The queue of downloads: priorities, places, retries, and what is told of past runs."""

from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import TransferId
from p2ptui.node import downloads as downloads_module
from p2ptui.node import queue, rows
from p2ptui.node.events import FetchStateChanged
from p2ptui.node.queue import MAX_PRIORITY
from tests.support.contents import MIB, make_bytes
from tests.support.download_rig import downloading
from tests.support.eventually import eventually, stays
from tests.support.fake_time import virtual_time


@pytest.fixture(autouse=True)
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads_module, "MAX_RUNNING", 2)


@virtual_time
async def test_a_more_important_one_takes_the_place_of_one_that_runs(tmp_path: Path) -> None:
    async with downloading(tmp_path) as rig:
        _, b, c = await rig.add("a", "b", "c")
        await rig.until_running("a", "b")
        download = await rig.downloads.prioritise(c, 1)
        assert download.record.priority == 1
        await rig.until_running("a", "c")
        waiting = rig.downloads.find(b)
        assert (waiting.record.state, waiting.record.reason) == (
            "queued", "more important ones go first",
        )  # fmt: skip
        assert any(
            isinstance(event, FetchStateChanged) and (event.id, event.state) == (b, "queued")
            for event in rig.events
        )
        assert rig.order == ["c", "a", "b"]
        await stays(lambda: rig.running == {"a", "c"}, 5.0)
        await rig.downloads.cancel(c)
        await rig.until_running("a", "b")


@virtual_time
async def test_one_that_becomes_less_important_gives_its_place_up(tmp_path: Path) -> None:
    async with downloading(tmp_path) as rig:
        a, *_ = await rig.add("a", "b", "c")
        await rig.until_running("a", "b")
        await rig.downloads.prioritise(a, -1)
        await rig.until_running("b", "c")
        assert rig.downloads.find(a).record.state == "queued"


@virtual_time
async def test_equal_ones_do_not_overtake_each_other(tmp_path: Path) -> None:
    async with downloading(tmp_path) as rig:
        _, _, c, d = await rig.add("a", "b", "c", "d")
        await rig.until_running("a", "b")
        await rig.downloads.move(d, earlier=True)
        assert rig.order == ["a", "b", "d", "c"]
        await rig.downloads.move(c, earlier=False)
        assert rig.order == ["a", "b", "d", "c"], "it is the last one already"
        await rig.downloads.move(d, earlier=True)
        assert rig.order == ["a", "d", "b", "c"]
        await stays(lambda: rig.running == {"a", "b"}, 5.0)
        await rig.downloads.pause(TransferId(1))
        await rig.until_running("b", "d")


@virtual_time
async def test_the_order_survives_a_restart(tmp_path: Path) -> None:
    async with downloading(tmp_path, connected=False) as rig:
        a, b, c = await rig.add("a", "b", "c")
        await rig.downloads.prioritise(c, 3)
        await rig.downloads.move(b, earlier=True)
        await rig.downloads.prioritise(a, -20)
        assert rig.downloads.find(a).record.priority == -MAX_PRIORITY
        await rig.downloads.close()
        rig.downloads = rig.run()
        await rig.downloads.load()
        assert rig.order == ["c", "b", "a"]
        rig.connect()
        await rig.until_running("b", "c")


@virtual_time
async def test_what_is_over_or_unknown_has_no_place(tmp_path: Path) -> None:
    async with downloading(tmp_path) as rig:
        (a,) = await rig.add("a")
        await rig.downloads.cancel(a)
        for call in (
            rig.downloads.prioritise(a, 1),
            rig.downloads.move(a, earlier=True),
            rig.downloads.retry(TransferId(99)),
        ):
            with pytest.raises(P2PError) as caught:
                await call
            assert caught.value.exit_code is ExitCode.NOT_FOUND


@virtual_time
async def test_a_fetch_to_another_folder_does_not_attach_in_silence(tmp_path: Path) -> None:
    async with downloading(tmp_path) as rig:
        (a,) = await rig.add("a")
        elsewhere = rig.record("a", tmp_path / "elsewhere")
        with pytest.raises(P2PError, match=f"transfer {a} puts a into") as caught:
            await rig.downloads.add(elsewhere, None, only_there=True)
        assert caught.value.exit_code is ExitCode.USAGE
        assert f"cancel {a}" in caught.value.hint
        assert (await rig.downloads.add(elsewhere, None)).record.id == a
        same = rig.record("a")
        assert (await rig.downloads.add(same, None, only_there=True)).record.id == a


@virtual_time
async def test_of_one_content_one_is_at_work_and_its_twins_wait(tmp_path: Path) -> None:
    async with downloading(tmp_path) as rig:
        await rig.add("a")
        records = [rig.record(name) for name in ("a", "b", "c", "b")]
        added = await rig.downloads.add_files(records)
        assert [each.twin for each in added] == [True, False, False, True]
        rig.downloads.set_max_running(9)
        await rig.until_running("a", "b", "c")
        first = rig.downloads.of_content(records[1].content)
        assert first is added[1]
        await rig.downloads.cancel(added[1].record.id)
        assert rig.downloads.of_content(records[1].content) is added[3]
        await eventually(lambda: added[3].fetch is not None)
        await rig.downloads.cancel(added[0].record.id)
        assert rig.downloads.of_content(records[0].content) is not None


@virtual_time
async def test_many_are_paused_taken_up_and_ended_at_once(tmp_path: Path) -> None:
    async with downloading(tmp_path) as rig:
        over: list[str] = []
        rig.downloads.outcomes.over = lambda records: over.extend(each.name for each in records)
        await rig.add("a", "b", "c", "d")
        await rig.until_running("a", "b")
        some = [each for each in rig.downloads.current if each.record.name != "c"]
        await rig.downloads.set_all(some, "paused")
        await rig.until_running("c")
        await rig.downloads.set_all(some, "queued")
        await eventually(lambda: len(rig.running) == 2)
        await rig.downloads.set_all(some, "cancelled")
        assert over == ["a", "b", "d"]
        await rig.until_running("c")
        assert rig.order == ["c"]


@virtual_time
async def test_retry_takes_up_what_failed_or_was_cancelled(tmp_path: Path) -> None:
    async with downloading(tmp_path) as rig:
        failed = (await rig.downloads.add(rig.record("a"), 5.0)).record.id
        await eventually(lambda: not rig.downloads.current)
        assert rig.table.records[failed].state == "failed"
        download = await rig.downloads.retry(failed)
        assert download.record.state == "queued"
        await rig.until_running("a")
        await rig.downloads.cancel(failed)
        await rig.downloads.retry(failed)
        await rig.until_running("a")


@virtual_time
async def test_retry_of_one_that_runs_tries_its_sources_now(tmp_path: Path) -> None:
    async with downloading(tmp_path, make_bytes(2 * MIB)) as rig:
        peer = await rig.fetches.peer("anna")
        peer.refusal = "busy"
        download = await rig.downloads.add(rig.of_data(), None)
        await eventually(lambda: download.fetch is not None and download.fetch.sources)
        assert download.fetch is not None
        (source,) = download.fetch.sources.values()
        await eventually(lambda: source.failures >= 6)
        row = rows.detail(download, rig.fetches.clock.monotonic()).sources[0]
        assert row.state == "failed"
        assert row.retry_s is not None
        assert row.retry_s > 5
        assert len(row.story) >= 6
        assert [line.time for line in row.story] == sorted(line.time for line in row.story)
        peer.refusal = None
        asked = rig.fetches.clock.monotonic()
        await rig.downloads.retry(download.record.id)
        await eventually(lambda: source.done == 2 * MIB, row.retry_s - 1)
        assert rig.fetches.clock.monotonic() - asked < row.retry_s
        await eventually(lambda: not rig.downloads.current)


@virtual_time
async def test_the_sources_of_a_finished_download_are_remembered(tmp_path: Path) -> None:
    async with downloading(tmp_path, make_bytes(3 * MIB)) as rig:
        await rig.fetches.peer("anna")
        download = await rig.downloads.add(rig.of_data(), None)
        await eventually(lambda: not rig.downloads.current and download.fetch is None)
        (row,) = rig.downloads.past.of(download.record.id)
        assert (row.nick, row.done, row.state, row.rate_bps) == ("anna", 3 * MIB, "", 0)
        assert [line.text for line in row.story] == ["connected"]
        assert row.retry_s is None
        assert rig.adopted == [tmp_path / "song.mp3"]


@virtual_time
async def test_what_a_cancelled_one_has_stays_until_it_is_discarded(tmp_path: Path) -> None:
    data = make_bytes(4 * MIB)
    async with downloading(tmp_path, data) as rig:
        peer = await rig.fetches.peer("anna")
        peer.has = {0, 1}
        download = await rig.downloads.add(rig.of_data(), None)
        await eventually(lambda: download.fetch is not None and download.fetch.done == 2 * MIB)
        number, content = download.record.id, download.record.content
        await rig.downloads.cancel(number)
        again = await rig.downloads.resume(number)
        await eventually(lambda: again.fetch is not None and again.fetch.done == 2 * MIB)
        await rig.downloads.discard(tmp_path, content)
        await stays(lambda: again.fetch is not None and again.fetch.done == 2 * MIB, 1.0)
        assert list(tmp_path.glob(".p2ptui-partial/*.part")), "it goes on with it"
        await rig.downloads.cancel(number)
        await rig.downloads.discard(tmp_path, content)
        assert not list(tmp_path.glob(".p2ptui-partial/*.part"))


@virtual_time
async def test_those_that_wait_have_a_turn_and_a_twin_says_what_it_waits_for(
    tmp_path: Path,
) -> None:
    async with downloading(tmp_path) as rig:
        a, b, c, d = await rig.add("a", "b", "c", "d")
        await rig.until_running("a", "b")
        assert queue.turns(rig.downloads.current) == {c: 1, d: 2}
        await rig.downloads.move(d, earlier=True)
        assert queue.turns(rig.downloads.current) == {d: 1, c: 2}
        await rig.downloads.pause(d)
        turns = queue.turns(rig.downloads.current)
        assert turns == {c: 1}
        row = rows.download_row(rig.downloads.find(c), rig.fetches.clock.monotonic(), turns[c])
        assert (row.state, row.turn) == ("queued", 1)
        again = msgspec.structs.replace(
            rig.downloads.find(a).record, folder="/elsewhere", state="queued"
        )
        (twin,) = await rig.downloads.add_files([again])
        assert rows.download_row(twin, 0.0).reason == rows.TWIN
        assert rows.download_row(rig.downloads.find(b), 0.0).turn == 0
