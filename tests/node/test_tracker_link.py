"""The link to the tracker: kept up for ever, asked and listened to (F61, F68, F69, F70, F113)."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from p2ptui.base.errors import ExitCode, P2PError, security_stop, storage_error, unreachable
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.base.text import local_minute
from p2ptui.net.link import Link
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.announcer import Announcer
from p2ptui.node.tracker_end import BAN_CHECK_S, MAX_BAN_CHECK_S
from p2ptui.node.tracker_link import (
    ANSWER_TIMEOUT_S,
    FIRST_JITTER_S,
    HELLO_TIMEOUT_S,
    MAX_BACKOFF_S,
    Pushed,
    TrackerLink,
)
from tests.node.test_announcer import Share
from tests.support.eventually import eventually, stays
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import TRACKER_HOST, TRACKER_PORT, MemoryNetwork, peer_id_of
from tests.support.messages import KICKS
from tests.support.scripted_tracker import HEARTBEAT_S, ScriptedTracker
from tests.support.tracker_rig import content_of, entry

SONG = content_of("song")
ANNA = m.Source(peer_id_of("anna"), "anna", (m.Endpoint("10.0.1.9", 7071),))
BERT = m.Source(peer_id_of("bert"), "bert", ())


class Handler:
    """The node, as far as the link knows it."""

    def __init__(self, network: MemoryNetwork, share: Share) -> None:
        self.host = network.host("node")
        self.share = share
        self.welcomes: list[tuple[m.Welcome, str]] = []
        self.losses: list[tuple[str, float | None]] = []
        self.messages: list[object] = []
        self.dials = 0
        self.failure: Exception | None = None
        """What dialling raises."""
        self.list_failure: P2PError | None = None
        self.leaves: list[bytes] = []
        self.held: set[ContentId] = set()
        self.broken = False

    async def dial(self, *, renew: bool = False) -> tuple[Link, str]:
        self.dials += 1
        if self.failure is not None:
            raise self.failure
        return await self.host.dial_tracker(TRACKER_HOST, TRACKER_PORT), "10.0.0.1:7070"

    async def hello(self) -> m.Hello:
        revision, digest = self.share.revision, self.share.digest
        return m.Hello(0, (), "test", "node", 7071, (), 0, 0, revision, digest)

    def connected(self, welcome: m.Welcome, address: str) -> None:
        self.welcomes.append((welcome, address))
        if self.broken:
            raise RuntimeError("a bug")

    def disconnected(self, reason: str, retry_s: float | None) -> None:
        self.losses.append((reason, retry_s))

    def heard(self, message: Pushed) -> None:
        self.messages.append(message)

    async def list_files(self, request: m.ListFiles) -> m.Listing:
        if self.list_failure is not None:
            raise self.list_failure
        return m.Listing(request.id, (entry("mine"),), 1)

    async def holds(self, content: ContentId) -> bool:
        return content in self.held

    async def renew(self, ask: Callable[[bytes], Awaitable[bytes]]) -> None:
        self.leaves.append(await ask(b"csr"))


class Watcher:
    """Somebody who wants to know who has a content."""

    def __init__(self) -> None:
        self.story: list[object] = []

    def sources_found(self, sources: Sequence[m.Source], known: int) -> None:
        self.story.append([source.nick for source in sources])

    def source_joined(self, source: m.Source) -> None:
        self.story.append(f"+{source.nick}")

    def source_left(self, peer: PeerId) -> None:
        self.story.append(f"-{peer[:4]}")


class Run:
    """A link at work against a scripted tracker."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.network = MemoryNetwork(self.clock)
        self.tracker = ScriptedTracker(self.network)
        self.share = Share()
        self.published: list[float] = []
        self.handler = Handler(self.network, self.share)
        announcer = Announcer(self.share, self.clock, self.published.append)
        self.link = TrackerLink(self.handler, announcer, self.clock, seed=1)

    @property
    def up(self) -> bool:
        return self.link.up.is_set()

    async def until_up(self, patience_s: float = 200) -> None:
        await eventually(lambda: self.up, patience_s)

    async def search(self) -> m.Hits:
        return await self.link.ask(lambda number: m.Search(number, "x"), m.Hits)


@asynccontextmanager
async def linked(*, started: bool = True) -> AsyncIterator[Run]:
    run = Run()
    if started:
        await run.tracker.start()
    task = spawn(run.link.run(), name="tracker-link")
    if started:
        await run.until_up()
    yield run
    await run.link.close()
    task.cancel()
    await asyncio.wait({task})
    await run.tracker.stop()
    assert not run.up
    assert not len(run.link._tasks), "something is still at work"


@virtual_time
async def test_it_greets_announces_renews_and_tells_that_it_is_up() -> None:
    async with linked() as run:
        status = run.link.status
        assert (status.state, status.swarm, status.observed, status.motd) == (
            "connected", "test swarm", "10.0.1.1", "hello",
        )  # fmt: skip
        assert run.handler.welcomes[0][1] == "10.0.0.1:7070"
        await eventually(lambda: run.published and run.handler.leaves)
        assert run.handler.leaves == [b"fresh leaf"]
        assert run.handler.losses == []


@virtual_time
async def test_questions_are_answered_and_refusals_told() -> None:
    async with linked() as run:
        run.tracker.hits = (m.Hit(SONG, 5, (("song",),), 1, 1),)
        assert (await run.search()).hits == run.tracker.hits
        run.tracker.refusals[m.Search] = ["limit", "not_found", "denied"]
        for title, code in (
            ("The tracker asks to wait", ExitCode.UNEXPECTED),
            ("Not found", ExitCode.NOT_FOUND),
            ("The tracker refused", ExitCode.UNEXPECTED),
        ):
            with pytest.raises(P2PError) as refusal:
                await run.search()
            assert (refusal.value.title, refusal.value.exit_code) == (title, code)


@virtual_time
async def test_a_question_without_an_answer_ends() -> None:
    async with linked() as run:
        run.tracker.silent.add(m.Search)
        began = run.clock.monotonic()
        with pytest.raises(P2PError, match="did not answer"):
            await run.search()
        assert run.clock.monotonic() - began == ANSWER_TIMEOUT_S
        assert run.up


@virtual_time
async def test_questions_under_way_end_with_the_link_and_later_ones_at_once() -> None:
    async with linked() as run:
        run.tracker.silent.add(m.Search)
        asking = spawn(run.search(), name="search")
        await asyncio.sleep(1)
        await run.tracker.stop()
        with pytest.raises(P2PError) as failure:
            await asking
        assert failure.value.exit_code is ExitCode.UNREACHABLE
        with pytest.raises(P2PError, match="Not connected"):
            await run.search()


@virtual_time
async def test_f31_what_nobody_asked_for_is_dropped() -> None:
    async with linked() as run:
        run.tracker.push(m.Accepted(999, 5))
        run.tracker.push(m.Hits(998, (), 0, False, 0))
        await stays(lambda: run.up, 5)


# --- lost and found -------------------------------------------------------------------------------


@virtual_time
async def test_f68_a_tracker_that_restarts_is_found_again_and_told_what_is_new() -> None:
    async with linked() as run:
        watcher = Watcher()
        run.link.watch(SONG, watcher)
        await eventually(lambda: watcher.story == [[]])
        await run.tracker.stop()
        await eventually(lambda: run.handler.losses)
        assert run.link.status.state == "waiting"
        assert run.link.status.retry_s is not None
        run.share.add("new")
        run.tracker.sources[SONG] = (ANNA,)
        await asyncio.sleep(300)
        await run.tracker.start()
        await run.until_up(MAX_BACKOFF_S + 1)
        await eventually(lambda: watcher.story[-1] == ["anna"])
        await eventually(lambda: run.tracker.revision == run.share.revision)


@virtual_time
async def test_f69_members_come_back_spread_over_ten_seconds() -> None:
    waits = []
    for seed in range(20):
        run = Run()
        run.link = TrackerLink(run.handler, run.link._announcer, run.clock, seed=seed)
        await run.tracker.start()
        task = spawn(run.link.run(), name="tracker-link")
        await run.until_up()
        run.tracker.crash()
        await eventually(functools.partial(_more, run.handler.losses, 1))
        waits.append(run.handler.losses[0][1] or 0.0)
        task.cancel()
        await asyncio.wait({task})
        await run.tracker.stop()
    assert all(0 < wait <= FIRST_JITTER_S for wait in waits)
    assert max(waits) - min(waits) > FIRST_JITTER_S / 2


@virtual_time
async def test_a_tracker_that_is_away_is_tried_more_and_more_rarely() -> None:
    async with linked(started=False) as run:
        await asyncio.sleep(600)
        waits = [wait or 0.0 for _, wait in run.handler.losses]
        assert 10 < len(waits) < 30
        assert waits[0] <= 1.0
        assert max(waits) <= MAX_BACKOFF_S
        assert min(waits[-3:]) >= MAX_BACKOFF_S / 2
        await run.tracker.start()
        run.link.retry()
        await run.until_up(1)


@virtual_time
async def test_a_frozen_tracker_is_given_up() -> None:
    async with linked() as run:
        run.network.cut("tracker")
        await eventually(lambda: not run.up, 4 * HEARTBEAT_S)
        run.network.mend("tracker")
        await run.until_up()


@virtual_time
async def test_a_quiet_link_stays_up() -> None:
    async with linked() as run:
        await stays(lambda: run.up, 600)
        assert run.handler.losses == []


@pytest.mark.parametrize("words", [None, m.Notice("info", "hi")])
@virtual_time
async def test_who_does_not_welcome_is_left(words: object) -> None:
    async with linked(started=False) as run:
        run.tracker.welcomes = words is not None
        run.tracker.first_words = words
        await run.tracker.start()
        await eventually(lambda: run.handler.losses, HELLO_TIMEOUT_S + 10)
        assert not run.handler.welcomes
        run.tracker.welcomes, run.tracker.first_words = True, None
        await run.until_up()


@virtual_time
async def test_a_failure_of_our_own_ends_one_connection_and_not_the_link() -> None:
    async with linked(started=False) as run:
        run.handler.broken = True
        await run.tracker.start()
        await eventually(lambda: run.handler.losses)
        assert "internal error" in run.handler.losses[0][0]
        run.handler.broken = False
        await run.until_up()


# --- the end --------------------------------------------------------------------------------------


@virtual_time
async def test_f113_a_proof_that_fails_is_a_hard_stop() -> None:
    async with linked(started=False) as run:
        run.handler.failure = security_stop("Not the tracker that we know", "another key")
        run.link.retry()
        await eventually(lambda: run.link.status.state == "stopped")
        dials = run.handler.dials
        assert run.handler.losses[-1] == ("Not the tracker that we know: another key", None)
        run.handler.failure = None
        await run.tracker.start()
        run.link.retry()
        await asyncio.sleep(600)
        assert run.handler.dials == dials


@virtual_time
async def test_f70_a_ban_for_good_is_final() -> None:
    async with linked() as run:
        run.tracker.goodbye = m.Goodbye("kicked", "spam")
        await run.tracker.links[0].close("kicked", "spam")
        await eventually(lambda: run.link.status.state == "stopped")
        assert run.handler.losses == [("banned for good: spam", None)]
        await asyncio.sleep(300)
        assert run.handler.dials == 1


@virtual_time
async def test_f70_a_ban_for_a_time_is_waited_for_and_told() -> None:
    async with linked() as run:
        until = int(run.clock.wall()) + 3600
        run.tracker.goodbye = m.Goodbye("kicked", "spam", until)
        await run.tracker.links[0].close("kicked", "spam", until)
        await eventually(lambda: run.handler.losses)
        reason, wait_s = run.handler.losses[0]
        assert reason == f"banned until {local_minute(until)}: spam"
        assert wait_s is not None
        assert BAN_CHECK_S <= wait_s <= BAN_CHECK_S + FIRST_JITTER_S
        assert run.link.status.state == "waiting"
        await asyncio.sleep(3590)
        assert 4 <= run.handler.dials <= 6, "it does not hammer"
        run.tracker.goodbye = None
        await run.until_up(30)


@virtual_time
async def test_f70_a_ban_that_is_lifted_early_is_noticed_soon() -> None:
    async with linked() as run:
        until = int(run.clock.wall()) + 7 * 86400
        run.tracker.goodbye = m.Goodbye("kicked", "spam", until)
        await run.tracker.links[0].close("kicked", "spam", until)
        await eventually(lambda: run.handler.losses)
        run.tracker.goodbye = None
        await run.until_up(BAN_CHECK_S + FIRST_JITTER_S + 1)


@virtual_time
async def test_f70_a_long_ban_is_asked_about_ever_less_often() -> None:
    async with linked() as run:
        until = int(run.clock.wall()) + 7 * 86400
        run.tracker.goodbye = m.Goodbye("kicked", "spam", until)
        await run.tracker.links[0].close("kicked", "spam", until)
        await asyncio.sleep(86400)
        assert 48 <= run.handler.dials <= 54
        run.tracker.goodbye = None
        await run.until_up(MAX_BAN_CHECK_S + MAX_BACKOFF_S)


@virtual_time
async def test_f70_a_kick_is_told_as_one_and_over_after_a_minute() -> None:
    async with linked() as run:
        until = int(run.clock.wall()) + 60
        await run.tracker.links[0].close("kicked", "", until)
        await eventually(lambda: run.handler.losses)
        assert run.handler.losses[0][0] == "kicked, for 60 s"
        await run.until_up(75)


@virtual_time
async def test_a_tracker_that_drains_is_told_and_tried_again() -> None:
    async with linked(started=False) as run:
        run.tracker.goodbye = m.Goodbye("stopping", "come back in a few minutes")
        await run.tracker.start()
        await eventually(lambda: any("come back" in loss[0] for loss in run.handler.losses))
        run.tracker.goodbye = None
        await run.until_up(MAX_BACKOFF_S + 1)


@virtual_time
async def test_f70_a_ban_for_good_before_the_welcome_is_final_too() -> None:
    async with linked(started=False) as run:
        run.tracker.goodbye = m.Goodbye("kicked", "spam")
        await run.tracker.start()
        await eventually(lambda: run.link.status.state == "stopped")


@virtual_time
async def test_f61_an_identity_in_use_twice_is_told_and_waits() -> None:
    async with linked() as run:
        await run.tracker.links[0].close("replaced")
        await eventually(lambda: run.handler.losses)
        reason, wait_s = run.handler.losses[0]
        assert "in use twice" in reason
        assert wait_s == MAX_BACKOFF_S, "or both would chase each other away"
        await run.until_up(MAX_BACKOFF_S + 1)


@virtual_time
async def test_leaving_says_goodbye_and_tries_no_more() -> None:
    async with linked() as run:
        other = run.tracker.links[0]
        await run.link.close()
        await eventually(lambda: other.closed)
        assert run.handler.losses == [("this node leaves", None)]
        await asyncio.sleep(100)
        assert run.handler.dials == 1


@virtual_time
async def test_greeting_again_is_no_loss() -> None:
    async with linked() as run:
        await run.link.greet_again()
        await eventually(lambda: len(run.tracker.hellos) == 2)
        await run.until_up()
        assert run.handler.losses == []


# --- sources --------------------------------------------------------------------------------------


@virtual_time
async def test_who_watches_hears_who_comes_and_goes() -> None:
    async with linked() as run:
        first, second, other = Watcher(), Watcher(), Watcher()
        run.tracker.sources[SONG] = (ANNA,)
        run.link.watch(SONG, first)
        run.link.watch(content_of("other"), other)
        await eventually(lambda: first.story and other.story)
        run.link.watch(SONG, second)
        await eventually(lambda: second.story)
        run.tracker.push(m.SourceJoined(SONG, BERT))
        run.tracker.push(m.SourceLeft(SONG, ANNA.peer))
        await eventually(lambda: len(second.story) == 3)
        assert second.story == [["anna"], "+bert", f"-{ANNA.peer[:4]}"]
        assert first.story[-2:] == second.story[-2:]
        assert other.story == [[]]
        run.link.unwatch(SONG, first)
        assert not run.tracker.told(m.Unlocate)
        run.link.unwatch(SONG, second)
        run.link.unwatch(SONG, second)
        await eventually(lambda: run.tracker.told(m.Unlocate))
        run.tracker.push(m.SourceJoined(SONG, BERT))
        await asyncio.sleep(5)
        assert len(second.story) == 3


@virtual_time
async def test_a_search_for_sources_that_is_refused_is_tried_again() -> None:
    async with linked() as run:
        run.tracker.refusals[m.Locate] = ["limit", "internal", "busy"]
        run.tracker.sources[SONG] = (ANNA,)
        watcher = Watcher()
        run.link.watch(SONG, watcher)
        await eventually(lambda: watcher.story == [["anna"]], 60)
        assert len(run.tracker.told(m.Locate)) == 4


@virtual_time
async def test_a_search_for_sources_ends_with_the_interest_in_them() -> None:
    async with linked() as run:
        run.tracker.refusals[m.Locate] = ["limit"] * 1000
        watcher = Watcher()
        run.link.watch(SONG, watcher)
        await asyncio.sleep(10)
        run.link.unwatch(SONG, watcher)
        await asyncio.sleep(60)
        asked = len(run.tracker.told(m.Locate))
        await asyncio.sleep(300)
        assert len(run.tracker.told(m.Locate)) == asked


# --- what the tracker says ------------------------------------------------------------------------


@virtual_time
async def test_notices_and_kick_lists_are_passed_on() -> None:
    async with linked() as run:
        notice = m.Notice("warning", "the tracker restarts soon")
        run.tracker.push(notice)
        run.tracker.push(KICKS)
        await eventually(lambda: run.handler.messages == [notice, KICKS])


@virtual_time
async def test_discover_is_answered_even_when_it_cannot_be() -> None:
    async with linked() as run:
        run.tracker.push(m.ListFiles(5))
        await eventually(lambda: run.tracker.told(m.Listing))
        assert run.tracker.told(m.Listing) == [m.Listing(5, (entry("mine"),), 1)]
        run.handler.list_failure = storage_error("Cannot use the node's database")
        run.tracker.push(m.ListFiles(6))
        await eventually(lambda: run.tracker.told(m.Failure))
        (failure,) = run.tracker.told(m.Failure)
        assert isinstance(failure, m.Failure)
        assert (failure.id, failure.code) == (6, "internal")


@virtual_time
async def test_a_dial_that_fails_in_any_way_is_weather() -> None:
    async with linked(started=False) as run:
        for failure in (unreachable("Nobody answers"), TimeoutError(), OSError("odd")):
            run.handler.failure = failure
            before = len(run.handler.losses)
            await eventually(functools.partial(_more, run.handler.losses, before + 2))
        run.handler.failure = None
        await run.tracker.start()
        await run.until_up()


def _more(items: list[tuple[str, float | None]], count: int) -> bool:
    return len(items) >= count
