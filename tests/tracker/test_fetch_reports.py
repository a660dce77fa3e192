"""What a member tells of its downloads: what is kept of it, and what a liar cannot do with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.ids import PeerId
from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from tests.support.memory_net import peer_id_of
from tests.support.tracker_rig import ScriptedMember, TrackerRig, content_of, entry
from tracker.api import FetchRow, Page
from tracker.fetch_reports import MAX_PATH_BYTES, MAX_SECONDS, MAX_SIZE, OLDEST_S
from tracker.limits import REPORT_BURST


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[TrackerRig]:
    rig = await TrackerRig.start(tmp_path)
    yield rig
    await rig.stop()


def fetched(
    *givers: tuple[str, int], name: str = "song.mp3", size: int = 100, seconds: float = 2.0,
    finished: int = 0,
) -> m.Fetched:  # fmt: skip
    parts = tuple(m.Giver(peer_id_of(who), count) for who, count in givers)
    return m.Fetched(content_of(name), ("music", name), size, seconds, finished, parts)


async def tell(member: ScriptedMember, *fetches: m.Fetched) -> None:
    await member.ask(lambda number: m.Report(number, fetches), m.Noted)


async def rows(rig: TrackerRig) -> list[FetchRow]:
    return list((await rig.history.page(Page())).rows)


def given(row: FetchRow) -> list[tuple[PeerId, str, int]]:
    return [(giver.peer_id, giver.nick, giver.bytes) for giver in row.givers]


async def test_a_report_says_who_fetched_what_from_whom_and_how_fast(rig: TrackerRig) -> None:
    anna, _ = await rig.welcomed("anna")
    await rig.welcomed("bert")
    now = int(rig.clock.wall())
    await tell(anna, fetched(("bert", 100), finished=now - 5))
    (row,) = await rows(rig)
    assert (row.peer_id, row.nick, row.name) == (anna.peer, "anna", "music/song.mp3")
    assert (row.time, row.size, row.seconds, row.rate_bps) == (now - 5, 100, 2.0, 50)
    assert given(row) == [(peer_id_of("bert"), "bert", 100)]


async def test_a_welcome_says_that_the_tracker_takes_reports(rig: TrackerRig) -> None:
    _, welcome = await rig.welcomed("anna")
    assert welcome.features == (m.REPORTS,)


async def test_a_giver_that_has_left_is_known_by_the_index(rig: TrackerRig) -> None:
    anna, _ = await rig.welcomed("anna")
    bert, _ = await rig.welcomed("bert")
    await bert.announce(entry("song.mp3"))
    await bert.link.close("done")
    await bert.ended
    await tell(anna, fetched(("bert", 100)))
    assert given((await rows(rig))[0]) == [(bert.peer, "bert", 100)]


async def test_givers_that_nobody_knows_are_left_out_and_so_is_oneself(rig: TrackerRig) -> None:
    anna, _ = await rig.welcomed("anna")
    await rig.welcomed("bert")
    await tell(anna, fetched(("nobody", 30), ("anna", 30), ("bert", 40)))
    await tell(anna, fetched(("nobody", 100), name="other.mp3"))
    (row,) = await rows(rig)
    assert given(row) == [(peer_id_of("bert"), "bert", 40)]


async def test_nobody_gives_more_than_there_is(rig: TrackerRig) -> None:
    anna, _ = await rig.welcomed("anna")
    for name in ("bert", "carl"):
        await rig.welcomed(name)
    await tell(anna, fetched(("bert", 60), ("bert", 30), ("carl", 2**63 - 1)))
    assert given((await rows(rig))[0]) == [
        (peer_id_of("bert"), "bert", 90), (peer_id_of("carl"), "carl", 10),
    ]  # fmt: skip


async def test_numbers_out_of_this_world_are_clamped(rig: TrackerRig) -> None:
    anna, _ = await rig.welcomed("anna")
    await rig.welcomed("bert")
    now = rig.clock.wall()
    await tell(
        anna,
        fetched(("bert", 2**63 - 1), size=2**63 - 1, seconds=1e300, finished=2**53),
        fetched(("bert", 1), name="old.mp3", seconds=0.0, finished=-(2**53)),
    )
    new, old = await rows(rig)
    assert (new.size, new.seconds, new.time) == (MAX_SIZE, MAX_SECONDS, int(now))
    assert (old.time, old.rate_bps) == (int(now) - OLDEST_S, 0)


@pytest.mark.parametrize("ahead_s", [0, 3600, -2 * OLDEST_S], ids=["now", "ahead", "long ago"])
async def test_a_report_that_comes_twice_counts_once_whatever_the_clock_of_its_taker(
    rig: TrackerRig, ahead_s: float
) -> None:
    anna, _ = await rig.welcomed("anna")
    await rig.welcomed("bert")
    report = fetched(("bert", 100), finished=int(rig.clock.wall() + ahead_s))
    await tell(anna, report)
    rig.clock.advance(5)
    await tell(anna, report, report)
    assert (rig.history.files, rig.history.bytes) == (1, 100)


@pytest.mark.parametrize("letter", ["a", "ä", "🎵"])
async def test_of_a_path_without_end_its_last_components_are_kept(
    rig: TrackerRig, letter: str
) -> None:
    anna, _ = await rig.welcomed("anna")
    await rig.welcomed("bert")
    report = fetched(("bert", 100))
    path = (
        *(f"{number:02}" + letter * (253 // len(letter.encode())) for number in range(31)),
        "song.mp3",
    )
    await tell(anna, msgspec.structs.replace(report, path=path))
    (row,) = await rows(rig)
    assert len(row.name.encode()) <= MAX_PATH_BYTES
    cut, *kept = row.name.split("/")
    assert cut == "…"
    assert tuple(kept) == path[-len(kept) :]
    assert len("/".join((cut, path[-len(kept) - 1], *kept)).encode()) > MAX_PATH_BYTES


async def test_too_many_reports_are_refused_and_later_taken(rig: TrackerRig) -> None:
    anna, _ = await rig.welcomed("anna")
    await rig.welcomed("bert")
    batch = [fetched(("bert", 1), name=str(number)) for number in range(m.MAX_REPORTS)]
    for _ in range(int(REPORT_BURST) // m.MAX_REPORTS):
        await tell(anna, *batch)
    with pytest.raises(RequestFailed) as refused:
        await tell(anna, *batch)
    assert refused.value.code == "limit"
    rig.clock.advance(60)
    await tell(anna, *batch)


async def test_a_member_of_an_older_version_is_no_worse_off(rig: TrackerRig) -> None:
    anna, _ = await rig.welcomed("anna", features=())
    assert await anna.announce(entry("song.mp3")) == 1
