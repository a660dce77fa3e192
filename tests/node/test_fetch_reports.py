"""What the tracker hears of downloads: once, in batches, when it can, and only what is finished."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from p2ptui.base.errors import unreachable
from p2ptui.base.ids import TransferId
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node import fetch_reports
from p2ptui.node.announcer import Announcer
from p2ptui.node.api import PeerPart
from p2ptui.node.download import Download
from p2ptui.node.fetch_reports import FetchReports, fetched_of, tell_fetches
from p2ptui.node.history import with_parts
from p2ptui.node.store_values import TransferRecord
from p2ptui.node.tracker_link import TrackerLink
from tests.node.test_announcer import Share
from tests.node.test_tracker_link import Handler
from tests.support.eventually import eventually
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import MemoryNetwork, peer_id_of
from tests.support.scripted_tracker import ScriptedTracker
from tests.support.tracker_rig import content_of

SONG = content_of("song")
ANNA = peer_id_of("anna")
PIN = "p" * 32


def record(name: str = "song.flac", *, gave: int = 100, **changes: object) -> TransferRecord:
    """A download that is finished."""
    found = TransferRecord(
        id=TransferId(7),
        direction="down",
        content=SONG,
        name=name,
        size=100,
        done=100,
        state="finished",
        finished=1_000.7,
        seconds=2.00049,
        peers=with_parts(b"", [PeerPart(peer_id=ANNA, nick="anna", bytes=gave)]),
        swarm=PIN,
    )
    return msgspec.structs.replace(found, **changes)


class Tracker:
    """Hears reports, or refuses them."""

    def __init__(self) -> None:
        self.heard: list[m.Fetched] = []
        self.batches: list[int] = []
        self.posted: list[object] = []
        self.failing = False

    async def ask(self, make: Callable[[int], object], _answer: type[m.Noted]) -> m.Noted:
        await asyncio.sleep(0.01)
        if self.failing:
            raise unreachable("away")
        report = make(1)
        assert isinstance(report, m.Report)
        self.heard += report.fetches
        self.batches.append(len(report.fetches))
        return m.Noted(1)


@asynccontextmanager
async def telling(reports: FetchReports, tracker: Tracker) -> AsyncIterator[None]:
    task = spawn(reports.tell(tracker.ask, tracker.posted.append), name="tell")
    yield
    task.cancel()
    await asyncio.wait({task})


def test_what_is_told_of_a_download() -> None:
    assert fetched_of(record()) == m.Fetched(
        SONG, ("song.flac",), 100, 2.0, 1_000, (m.Giver(ANNA, 100),)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "up"}, {"state": "failed"}, {"state": "cancelled"}, {"peers": b""},
        {"gave": 0}, {"files": 3, "content": b"", "peers": b""},
    ],
)  # fmt: skip
def test_of_others_nothing_is_told(changes: dict[str, object]) -> None:
    assert fetched_of(record(**changes)) is None  # type: ignore[arg-type]


def test_of_many_givers_those_that_gave_most_are_told() -> None:
    parts = [
        PeerPart(peer_id=peer_id_of(str(number)), nick="x", bytes=number) for number in range(40)
    ]
    told = fetched_of(record(peers=with_parts(b"", parts)))
    assert told is not None
    assert [giver.bytes for giver in told.givers] == list(range(39, 39 - m.MAX_GIVERS, -1))


def test_a_name_that_may_not_go_over_the_wire_is_not_told() -> None:
    told = fetched_of(record("a\x07b"))
    assert told is not None
    assert told.path == (fetch_reports.UNTOLD_NAME,)


@virtual_time
async def test_what_ends_at_one_time_goes_in_one_message() -> None:
    reports, tracker = FetchReports(), Tracker()
    async with telling(reports, tracker):
        for number in range(m.MAX_REPORTS + 3):
            reports.add(record(str(number)))
        await eventually(lambda: not len(reports))
        assert tracker.batches == [m.MAX_REPORTS, 3]
        assert [each.path[0] for each in tracker.heard] == [
            str(number) for number in range(m.MAX_REPORTS + 3)
        ]
        reports.add(record("last"))
        await eventually(lambda: not len(reports))
        assert tracker.heard[-1].path == ("last",)


@virtual_time
async def test_what_ends_while_the_tracker_is_away_is_told_when_it_is_back() -> None:
    reports, tracker = FetchReports(), Tracker()
    reports.add(record("before"))
    await reports.flush()  # nobody to tell: the end does not wait
    tracker.failing = True
    async with telling(reports, tracker):
        await asyncio.sleep(1)
        reports.add(record("meanwhile"))
        assert len(reports) == 2
        tracker.failing = False
        await asyncio.sleep(fetch_reports.RETRY_S + 1)
    assert [each.path[0] for each in tracker.heard] == ["before", "meanwhile"]


@virtual_time
async def test_of_too_many_the_first_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_reports, "MAX_KEPT", 3)
    reports, tracker = FetchReports(), Tracker()
    for number in range(5):
        reports.add(record(str(number)))
    async with telling(reports, tracker):
        await eventually(lambda: not len(reports))
    assert [each.path[0] for each in tracker.heard] == ["2", "3", "4"]


@virtual_time
async def test_the_end_tells_what_is_left_at_once() -> None:
    reports, tracker = FetchReports(), Tracker()
    began = asyncio.get_running_loop().time()
    async with telling(reports, tracker):
        reports.add(record())
        await asyncio.sleep(0)
        await reports.flush()
        assert len(tracker.heard) == 1
        assert asyncio.get_running_loop().time() - began < fetch_reports.PACE_S


@virtual_time
async def test_the_end_waits_for_no_silent_tracker() -> None:
    reports, tracker = FetchReports(), Tracker()
    tracker.failing = True
    began = asyncio.get_running_loop().time()
    async with telling(reports, tracker):
        reports.add(record())
        await asyncio.sleep(0)
        await reports.flush()
    assert asyncio.get_running_loop().time() - began <= fetch_reports.FLUSH_S


@virtual_time
async def test_f62_a_failed_claim_is_told_at_once_or_never() -> None:
    reports, tracker = FetchReports(), Tracker()
    reports.claim_failed(SONG, ANNA)
    async with telling(reports, tracker):
        await asyncio.sleep(1)
        assert tracker.posted == []
        reports.claim_failed(SONG, ANNA)
        assert tracker.posted == [m.ClaimFailed(SONG, ANNA)]
    reports.claim_failed(SONG, ANNA)
    assert len(tracker.posted) == 1


class Outcomes:
    def __init__(self) -> None:
        self.heard: list[TransferRecord] = []
        self.over: Callable[[Sequence[TransferRecord]], None] = self.heard.extend


class Wishes:
    tell_history = True


class Swarms:
    """One swarm at work, with the pin of `record`."""

    def __init__(self) -> None:
        self.pin = PIN
        self.reports = FetchReports()

    def tracker(self) -> "Swarms | None":
        return self if self.pin else None


def finished_in(*swarms: str) -> TransferRecord:
    """A download that got some bytes in each of these swarms, one after the other."""
    download = Download(record(peers=b"", swarm=""))
    for swarm in swarms:
        download.enter(swarm)
        download.note(peers=record().peers)
    return download.record


@virtual_time
async def test_a_user_who_does_not_wish_it_has_nothing_told() -> None:
    outcomes, wishes, swarms = Outcomes(), Wishes(), Swarms()
    tell_fetches(outcomes, swarms, wishes)
    outcomes.over([record(), record(state="failed")])
    assert len(swarms.reports) == 1
    wishes.tell_history = False
    outcomes.over([record()])
    swarms.pin = ""
    wishes.tell_history = True
    outcomes.over([record()])
    assert len(swarms.reports) == 1
    assert len(outcomes.heard) == 4


async def test_a_tracker_hears_of_what_its_own_swarm_gave_alone() -> None:
    outcomes, swarms = Outcomes(), Swarms()
    tell_fetches(outcomes, swarms, Wishes())
    outcomes.over([finished_in(PIN), finished_in(PIN, PIN)])
    assert len(swarms.reports) == 2
    outcomes.over(
        [
            finished_in("other"),
            finished_in("other", PIN),
            finished_in(PIN, "other", PIN),
            record(swarm=""),
        ]
    )
    assert len(swarms.reports) == 2


async def test_a_download_that_had_nothing_in_another_swarm_is_told() -> None:
    outcomes, swarms = Outcomes(), Swarms()
    tell_fetches(outcomes, swarms, Wishes())
    download = Download(record(swarm="other", peers=b""))
    download.enter(PIN)
    download.note(peers=record().peers)
    outcomes.over([download.record])
    assert len(swarms.reports) == 1


@virtual_time
@pytest.mark.parametrize("features", [(m.REPORTS, "later"), ()])
async def test_a_tracker_that_does_not_take_reports_hears_none(features: tuple[str, ...]) -> None:
    clock = FakeClock()
    network = MemoryNetwork(clock)
    tracker, share = ScriptedTracker(network), Share()
    tracker.features = features
    handler = Handler(network, share)
    link = TrackerLink(handler, Announcer(share, clock, lambda _s: None), clock, seed=1)
    await tracker.start()
    task = spawn(link.run(), name="link")
    await eventually(link.up.is_set)
    link.reports.add(record())
    link.reports.claim_failed(SONG, ANNA)
    await asyncio.sleep(2)
    told = tracker.told(m.Report) + tracker.told(m.ClaimFailed)
    assert len(told) == (2 if features else 0)
    handler.held = {SONG}
    tracker.push(m.Check(5, SONG))
    tracker.push(m.Check(6, content_of("other")))
    await eventually(lambda: len(tracker.told(m.Checked)) == 2)
    assert tracker.told(m.Checked) == [m.Checked(5, True), m.Checked(6, False)]
    await link.close()
    task.cancel()
    await asyncio.wait({task})
    await tracker.stop()
