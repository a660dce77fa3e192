"""A fetch and its sources: honest, lying, slow, silent, vanishing (F73 to F79, F85)."""

import asyncio
import functools
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import PeerId
from p2ptui.net.wire import messages as m
from p2ptui.node import rows
from p2ptui.node.crew import FRUITLESS_S, MAX_SOURCES
from p2ptui.node.fetch import Fetch, FetchFailure
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.source import SILENT_S, SLOW_S
from tests.support.contents import MIB, make_bytes, make_manifest
from tests.support.eventually import eventually, stays
from tests.support.fake_time import virtual_time
from tests.support.fetch_rig import fetching
from tests.support.members import Member
from tests.support.memory_net import MemoryLink
from tests.support.offers import MemoryOffers

SONG = make_bytes(6 * MIB + 11, seed=7)
SMALL = make_bytes(300 * 1024, seed=8)


@virtual_time
async def test_from_one_source(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        fetch, run = rig.start()
        path = await run
        assert path == tmp_path / "song.mp3"
        assert path.read_bytes() == SONG
        assert not (tmp_path / ".p2ptui-partial").exists()
        assert sorted(rig.asked) == list(range(7)), "each chunk was asked for once"
        assert [state for state, _ in rig.states] == ["active", "finishing"]
        assert rig.told == ["prepared", "placed song.mp3"]
        assert (fetch.done, fetch.known) == (len(SONG), 1)
        assert fetch.meter.total == len(SONG)
        assert rig.lost == []


@virtual_time
async def test_from_several_sources_at_once(tmp_path: Path) -> None:
    async with fetching(tmp_path, make_bytes(24 * MIB), ["anna", "bert", "cara"]) as rig:
        for peer in rig.peers:
            peer.chunk_s = 0.2
        fetch, run = rig.start()
        assert (await run).read_bytes() == rig.data
        shares = [len(set(peer.asked)) for peer in rig.peers]
        assert min(shares) >= 5, "everybody had a part in it"
        assert len(rig.asked) <= 24 + 3 * 6, "only the last chunks are asked of two"
        assert fetch.meter.total <= 1.1 * len(rig.data), "and withdrawn before they are sent"
        done = [source.done for source in fetch.sources.values()]
        assert sum(done) == len(rig.data)


@virtual_time
async def test_f85_an_empty_file(tmp_path: Path) -> None:
    async with fetching(tmp_path, b"", ["anna"]) as rig:
        _, run = rig.start()
        assert (await run).read_bytes() == b""


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1])
@virtual_time
async def test_f85_sizes_around_a_chunk(tmp_path: Path, size: int) -> None:
    async with fetching(tmp_path, make_bytes(size), ["anna", "bert"]) as rig:
        _, run = rig.start()
        assert (await run).read_bytes() == rig.data


@virtual_time
async def test_a_source_that_joins_while_it_runs_is_used(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG) as rig:
        fetch, run = rig.start()
        await eventually(lambda: fetch.state == "stalled")
        assert rig.states[-1] == ("stalled", "nobody has it now")
        await rig.peer("anna")
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_f104_a_source_that_does_not_answer_is_told_while_it_is_dialled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        answering = asyncio.Event()
        dial = rig.taker.host.dial_peer

        async def frozen(endpoint: m.Endpoint, expect: PeerId | None) -> MemoryLink:
            await answering.wait()
            return await dial(endpoint, expect)

        monkeypatch.setattr(rig.taker.host, "dial_peer", frozen)
        fetch, run = rig.start()
        await eventually(lambda: fetch.state == "stalled")
        assert rig.states[-1] == ("stalled", "anna does not answer yet")
        answering.set()
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_we_are_no_source_of_our_own(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        endpoint = rig.peers[0].listening.endpoint
        rig.tracker.join(m.Source(rig.taker.id, "taker", (endpoint,)))
        fetch, run = rig.start()
        await run
        assert set(fetch.sources) == {rig.peers[0].host.peer_id}


@virtual_time
async def test_from_one_address_without_the_tracker(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        other = await rig.peer("bert", known=False)
        _, run = rig.start(rig.fetch(endpoint=other.listening.endpoint))
        assert (await run).read_bytes() == SONG
        assert not rig.peers[0].asked


@virtual_time
async def test_an_address_where_nobody_answers_is_told_at_once(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG) as rig:
        _, run = rig.start(rig.fetch(endpoint=m.Endpoint("10.9.9.9", 7071)))
        with pytest.raises(P2PError) as failure:
            await run
        assert failure.value.exit_code is ExitCode.UNREACHABLE


@virtual_time
async def test_a_download_that_began_waits_for_its_only_address(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG) as rig:
        fetch, run = rig.start(
            rig.fetch(endpoint=m.Endpoint("10.0.1.2", 7071), manifest=rig.manifest)
        )
        await eventually(lambda: fetch.state == "stalled")
        assert (await rig.peer("bert", known=False)).listening.endpoint == fetch.job.endpoint
        assert (await run).read_bytes() == SONG


# --- wrong data -----------------------------------------------------------------------------------


@virtual_time
async def test_f73_one_wrong_chunk_drops_its_source_and_the_file_is_right(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["liar", "anna"]) as rig:
        liar, anna = rig.peers
        liar.lies = {3}
        anna.chunk_s = 1.0
        fetch, run = rig.start()
        assert (await run).read_bytes() == SONG
        source = fetch.sources[liar.host.peer_id]
        assert (source.state, source.reason) == ("dropped", "sent wrong data")
        assert rig.lost == [(liar.host.peer_id, "sent wrong data")], "told once"
        assert not rig.taker.peers.barred(liar.host.peer_id)
        assert 3 in anna.asked


@virtual_time
async def test_f73_a_second_wrong_chunk_of_a_member_bars_it(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["liar", "anna"]) as rig:
        liar, anna = rig.peers
        liar.lies = set(range(7))
        anna.chunk_s = 1.0
        rig.taker.peers.blame(liar.host.peer_id)  # in another download
        fetch, run = rig.start()
        assert (await run).read_bytes() == SONG
        assert rig.taker.peers.barred(liar.host.peer_id)
        assert fetch.sources[liar.host.peer_id].done == 0
        assert "an hour" in fetch.sources[liar.host.peer_id].reason
        assert len(rig.lost) == 1


@virtual_time
async def test_f74_all_sources_lie(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["one", "two", "three"]) as rig:
        for peer in rig.peers:
            peer.lies = {2, 5}
        fetch, run = rig.start()
        with pytest.raises(FetchFailure) as failure:
            await run
        assert failure.value.message == "3 sources sent wrong data"
        assert failure.value.exit_code is ExitCode.NOT_FOUND
        kept = fetch.done
        honest = await rig.peer("honest")
        _again, run = rig.start(rig.fetch(manifest=fetch.manifest))
        assert (await run).read_bytes() == SONG
        assert sum(len(rig.data[i * MIB : (i + 1) * MIB]) for i in honest.asked) <= len(SONG) - kept


@virtual_time
async def test_f75_data_at_the_wrong_place_is_as_wrong_data(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["mad", "anna"]) as rig:
        mad, anna = rig.peers
        mad.misplaced = set(range(7))
        anna.chunk_s = 1.0
        fetch, run = rig.start()
        assert (await run).read_bytes() == SONG
        assert fetch.sources[mad.host.peer_id].state == "dropped"
        assert "broke the protocol" in rig.lost[0][1]


@virtual_time
async def test_f75_a_short_chunk_is_asked_of_another(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["stingy", "anna"]) as rig:
        stingy, anna = rig.peers
        stingy.short = set(range(7))
        anna.chunk_s = 12.0
        _, run = rig.start()
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_f80_of_several_refusals_the_first_is_told(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        rig.peers[0].chunk_refusals.extend(("changed", *("not_shared",) * 5))
        _, run = rig.start()
        assert (await run).read_bytes() == SONG
        assert rig.lost[0][1] == "changed"


@virtual_time
async def test_f76_a_wrong_manifest_drops_its_source(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG) as rig:
        forger = await rig.peer("forger")
        forger.manifest = rig.manifest.of(len(SONG), bytes(7 * 32))
        fetch, run = rig.start()
        with pytest.raises(FetchFailure):
            await run
        assert fetch.sources[forger.host.peer_id].reason == "sent a wrong manifest"
        assert rig.told == [], "nothing was begun on its word"
        assert not (tmp_path / ".p2ptui-partial").exists()
        await rig.peer("anna")
        _, run = rig.start()
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_a_map_of_another_size_drops_its_source(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["mad", "anna"]) as rig:
        rig.peers[0].bitmap = b"\xff\xff\xff"
        rig.peers[1].chunk_s = 1.0
        fetch, run = rig.start()
        assert (await run).read_bytes() == SONG
        assert fetch.sources[rig.peers[0].host.peer_id].reason == "sent a wrong chunk map"


# --- slow and silent ------------------------------------------------------------------------------


@virtual_time
async def test_f77_a_silent_source_loses_its_chunks(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["mute", "anna"]) as rig:
        mute, anna = rig.peers
        mute.silent = set(range(7))
        anna.has = {0}
        _fetch, run = rig.start()
        await eventually(lambda: mute.asked)
        began = rig.clock.monotonic()
        await eventually(lambda: rig.lost)
        assert SILENT_S <= rig.clock.monotonic() - began <= SILENT_S + 2
        assert rig.lost[0] == (mute.host.peer_id, "silent for 30 s")
        anna.gain(range(1, 7))
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_f77_a_dripping_source_loses_its_chunks_to_a_faster_one(tmp_path: Path) -> None:
    async with fetching(tmp_path, make_bytes(16 * MIB), ["drip", "anna"]) as rig:
        drip, anna = rig.peers
        drip.drip_bps = 1.0
        anna.chunk_s = 2.0
        began = rig.clock.monotonic()
        _, run = rig.start()
        await eventually(lambda: rig.lost)
        assert rig.clock.monotonic() - began <= SLOW_S + 3
        assert "under 16 KiB/s" in rig.lost[0][1]
        assert (await run).read_bytes() == rig.data


@virtual_time
async def test_f77_a_drip_is_seen_within_a_frame_that_is_not_complete(tmp_path: Path) -> None:
    async with fetching(tmp_path, make_bytes(16 * MIB), ["drip", "anna"]) as rig:
        drip, anna = rig.peers
        drip.drip_bps = 8 * 1024.0
        drip.drips_within_frames = True
        anna.chunk_s = 2.0
        began = rig.clock.monotonic()
        fetch, run = rig.start()
        await eventually(
            lambda: any(s.meter.total for s in fetch.sources.values() if s.nick == "drip")
        )
        assert rig.clock.monotonic() - began <= 3, "its first bytes are counted at once"
        await eventually(lambda: rig.lost)
        assert rig.clock.monotonic() - began <= SLOW_S + 3
        assert "under 16 KiB/s" in rig.lost[0][1]
        assert (await run).read_bytes() == rig.data
        assert fetch.meter.total >= len(rig.data)


@virtual_time
async def test_a_slow_source_is_kept_when_it_is_the_only_one(tmp_path: Path) -> None:
    async with fetching(tmp_path, SMALL, ["snail"]) as rig:
        rig.peers[0].drip_bps = 2048.0
        _, run = rig.start()
        assert (await run).read_bytes() == SMALL
        assert rig.lost == []
        assert len(rig.asked) == 1


@virtual_time
async def test_two_slow_sources_do_not_chase_each_other_away(tmp_path: Path) -> None:
    async with fetching(tmp_path, make_bytes(2 * MIB), ["snail", "slug"]) as rig:
        for peer in rig.peers:
            peer.drip_bps = 12 * 1024.0
        began = rig.clock.monotonic()
        _, run = rig.start()
        assert (await run).read_bytes() == rig.data
        assert rig.lost == []
        assert rig.clock.monotonic() - began < 200


@virtual_time
async def test_our_own_rate_limit_costs_no_source(tmp_path: Path) -> None:
    async with fetching(tmp_path, SMALL, ["anna"]) as rig:
        rig.fair_bps = 4096.0
        rig.peers[0].chunk_s = 70.0
        _, run = rig.start()
        assert (await run).read_bytes() == SMALL
        assert rig.lost == []


@virtual_time
async def test_the_last_chunks_are_asked_of_two_and_the_slower_is_told(tmp_path: Path) -> None:
    async with fetching(tmp_path, make_bytes(8 * MIB), ["slow", "fast"]) as rig:
        slow, fast = rig.peers
        slow.drip_bps = 64 * 1024.0
        fast.chunk_s = 0.3
        began = rig.clock.monotonic()
        _, run = rig.start()
        assert (await run).read_bytes() == rig.data
        assert rig.clock.monotonic() - began < 16, "nobody waited for the slow one"
        assert set(slow.asked) & set(fast.asked)
        await eventually(lambda: slow.cancelled)


@virtual_time
async def test_a_chunk_brought_by_another_frees_its_slower_source(tmp_path: Path) -> None:
    async with fetching(tmp_path, make_bytes(8 * MIB), ["slow", "fast"]) as rig:
        slow, fast = rig.peers
        fast.has = set(range(7))
        slow.silent = set(range(7))
        fetch, run = rig.start()
        # The silent source holds six chunks; chunk 7 is with it alone and must still come.
        await asyncio.wait({run}, timeout=SILENT_S - 5)
        slow.silent = set()
        assert (await run).read_bytes() == rig.data
        assert fetch.sources[slow.host.peer_id].done >= MIB


# --- gone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunks", range(1, 8))
@virtual_time
async def test_f79_a_source_that_vanishes_again_and_again(tmp_path: Path, chunks: int) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        anna = rig.peers[0]
        anna.leaves_after = chunks

        def recover() -> None:
            anna.sent = 0

        _, run = rig.start()
        while not run.done():
            await asyncio.wait({run}, timeout=1)
            recover()
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_f79_others_go_on_when_one_vanishes(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna", "bert"]) as rig:
        anna, bert = rig.peers
        anna.leaves_after = 1
        anna.chunk_s = bert.chunk_s = 0.2
        _, run = rig.start()
        assert (await run).read_bytes() == SONG
        assert rig.lost[0][0] == anna.host.peer_id


@virtual_time
async def test_f103_a_cut_cable_is_noticed_and_mended(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        rig.peers[0].chunk_s = 1.0
        fetch, run = rig.start()
        await eventually(lambda: fetch.done >= 2 * MIB)
        rig.network.cut("anna")
        await eventually(lambda: fetch.state == "stalled")
        await asyncio.sleep(600)
        source = fetch.sources[rig.peers[0].host.peer_id]
        await eventually(lambda: source.state == "failed")
        retry, now = rows.next_try(fetch, rig.clock.monotonic()), rig.clock.monotonic()
        assert retry is not None
        assert abs(retry - rig.clock.wall() - (source.next_try - now)) <= 1
        rig.network.mend("anna")
        began = rig.clock.monotonic()
        assert (await run).read_bytes() == SONG
        assert rig.clock.monotonic() - began < 90


@virtual_time
async def test_a_dial_that_fails_is_no_lost_source(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["anna", "bert"]) as rig:
        rig.network.severed.add("bert")
        rig.peers[0].chunk_s = 3.0
        fetch, run = rig.start()
        await run
        assert rig.lost == []
        assert fetch.sources[rig.peers[1].host.peer_id].failures > 1


@virtual_time
async def test_patience_ends_when_nobody_brings_anything(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG) as rig:
        began = rig.clock.monotonic()
        _, run = rig.start(rig.fetch(patience_s=45.0))
        with pytest.raises(FetchFailure) as failure:
            await run
        assert 45 <= rig.clock.monotonic() - began <= 47
        assert failure.value.exit_code is ExitCode.NOT_FOUND


@virtual_time
async def test_patience_ends_although_a_source_is_connected_that_has_nothing(
    tmp_path: Path,
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        rig.peers[0].has = {1}
        fetch, run = rig.start(rig.fetch(patience_s=45.0))
        await eventually(lambda: fetch.state == "stalled")
        assert fetch.reason == "the sources have nothing more of it now"
        with pytest.raises(FetchFailure):
            await run
        assert fetch.done == MIB


@virtual_time
async def test_f62_a_source_that_has_nothing_of_what_it_claims(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["boaster"]) as rig:
        boaster = rig.peers[0]
        boaster.gone = set(range(7))
        fetch, run = rig.start(rig.fetch(patience_s=20.0))
        with pytest.raises(FetchFailure):
            await run
        assert sorted(boaster.asked) == list(range(7)), "each was asked for once"
        assert fetch.done == 0


@pytest.mark.parametrize("code", ["busy", "changed", "not_shared", "internal"])
@virtual_time
async def test_a_refusing_source_is_tried_again_later(tmp_path: Path, code: m.FailureCode) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        anna = rig.peers[0]
        anna.refusal = code
        fetch, run = rig.start()
        await eventually(lambda: fetch.sources and fetch.sources[anna.host.peer_id].failures >= 3)
        assert fetch.sources[anna.host.peer_id].reason == code
        anna.refusal = None
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_a_source_that_the_tracker_no_longer_names_is_not_dialled_again(
    tmp_path: Path,
) -> None:
    async with fetching(tmp_path, SONG, ["anna"]) as rig:
        anna = rig.peers[0]
        anna.chunk_s = 1.0
        fetch, run = rig.start()
        await eventually(lambda: fetch.done)
        rig.tracker.leave(anna.host.peer_id)
        await stays(lambda: fetch.sources[anna.host.peer_id].state == "active", 2)
        anna.vanish()
        await eventually(lambda: fetch.state == "stalled")
        asked = len(anna.asked)
        await asyncio.sleep(300)
        assert len(anna.asked) == asked
        rig.tracker.join(anna.source())
        assert (await run).read_bytes() == SONG


# --- partial sources ------------------------------------------------------------------------------


@virtual_time
async def test_what_a_source_gains_is_asked_of_it(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["leecher"]) as rig:
        leecher = rig.peers[0]
        leecher.has = set()
        fetch, run = rig.start()
        for index in (4, 2, 0, 1, 6, 5, 3):
            await asyncio.sleep(20)
            leecher.gain([index])
            await eventually(functools.partial(_has, fetch, index))
        assert (await run).read_bytes() == SONG
        assert leecher.asked == [4, 2, 0, 1, 6, 5, 3]


@virtual_time
async def test_what_a_source_gains_right_behind_its_map_is_not_lost(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG, ["leecher"]) as rig:
        rig.peers[0].has = {0, 1}
        rig.peers[0].more = {0: tuple(range(2, 7))}
        _, run = rig.start(rig.fetch(patience_s=30))
        assert (await run).read_bytes() == SONG


@virtual_time
async def test_sources_that_have_nothing_give_their_place_to_one_that_has(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG) as rig:
        for number in range(MAX_SOURCES + 4):
            (await rig.peer(f"leecher {number}")).has = set()
        seed = await rig.peer("seed")
        began = rig.clock.monotonic()
        _, run = rig.start()
        assert (await run).read_bytes() == SONG
        assert rig.clock.monotonic() - began < 10 * FRUITLESS_S
        assert len(seed.asked) >= 7
        assert rig.lost == [], "being laid off is no loss"


# --- what must not happen -------------------------------------------------------------------------


@virtual_time
async def test_a_failure_of_our_own_ends_one_source_and_not_the_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fetching(tmp_path, SONG, ["anna", "bert"]) as rig:
        honest = PeerSession.interest
        anna = rig.peers[0].host.peer_id

        async def broken(self: PeerSession, *args: object) -> m.Have:
            if self.peer_id == anna:
                raise RuntimeError("a bug")
            return await honest(self, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(PeerSession, "interest", broken)
        fetch, run = rig.start()
        assert (await run).read_bytes() == SONG
        assert fetch.sources[anna].state == "failed"


@virtual_time
async def test_many_downloads_from_one_peer_do_not_overrun_it(tmp_path: Path) -> None:
    async with fetching(tmp_path, SONG) as rig:
        contents = [make_bytes(2 * MIB + 4096, seed=100 + number) for number in range(32)]
        anna = Member(rig.network, "anna", offers=MemoryOffers(*contents))
        endpoint = await anna.listen()
        runs = []
        for number, data in enumerate(contents):
            rig.manifest = make_manifest(data)
            fetch = rig.fetch(endpoint=endpoint, name=f"file {number}")
            runs.append(rig.start(fetch)[1])
        paths = await asyncio.gather(*runs)
        assert [path.read_bytes() for path in paths] == contents
        assert rig.lost == [], "nobody was told to be busy"
        assert len(rig.taker.peers.sessions) == 1
        await anna.close()


def _has(fetch: Fetch, index: int) -> bool:
    return fetch.picker is not None and fetch.picker.have.has(index)
