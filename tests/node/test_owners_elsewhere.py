"""How many others have our files: told at once from what is known, asked for behind that."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

from p2ptui.base.errors import P2PError, unreachable
from p2ptui.base.ids import ContentId, content_id_text
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import decode, encode
from p2ptui.node.api import FileRow
from p2ptui.node.owners_elsewhere import FRESH_S, MAX_WANTED, PAUSE_S, OwnersElsewhere
from p2ptui.node.tracker_link import TrackerLink
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.tracker_rig import content_of

T = TypeVar("T")
SONG, FILM = content_of("song"), content_of("film")


class CountingTracker:
    """A link to a tracker that takes a second to count."""

    def __init__(self) -> None:
        self.counts: dict[ContentId, int] = {}
        self.asked: list[tuple[ContentId, ...]] = []
        self.failure: P2PError | None = None
        self.up = asyncio.Event()
        self.up.set()

    async def ask(self, make: Callable[[int], object], answer: type[T]) -> T:
        asked = decode(m.FromMember, encode(make(7)))
        assert isinstance(asked, m.CountOwners)
        self.asked.append(asked.contents)
        await asyncio.sleep(1)
        if self.failure is not None:
            raise self.failure
        counts = tuple(self.counts.get(content, 0) for content in asked.contents)
        found = decode(m.ToMember, encode(m.OwnerCounts(7, counts)))
        assert isinstance(found, answer)
        return found


class Run:
    """The counts, and the tracker that they come from."""

    def __init__(self) -> None:
        self.first = CountingTracker()
        self.tracker: CountingTracker | None = self.first
        self.owners = OwnersElsewhere(lambda: cast("TrackerLink | None", self.tracker), FakeClock())


@virtual_time
async def test_the_first_look_does_not_wait_and_the_next_one_knows() -> None:
    run = Run()
    run.first.counts = {SONG: 3}
    assert run.owners.of((SONG, FILM)) == {}
    await asyncio.sleep(0.5)
    assert run.owners.of((SONG, FILM)) == {}
    await asyncio.sleep(2)
    assert run.owners.of((SONG, FILM)) == {SONG: 3, FILM: 0}
    assert run.first.asked == [(SONG, FILM)]


@virtual_time
async def test_rows_are_filled_and_those_without_an_id_are_left() -> None:
    run = Run()
    run.first.counts = {SONG: 3}
    row = FileRow(
        name="song", size=1, content_id=content_id_text(SONG), state="shared", path="/song"
    )
    waiting = FileRow(name="new", size=1, content_id="", state="listed", path="/new")
    assert run.owners.fill((row, waiting)) == (row, waiting)
    await asyncio.sleep(2)
    assert [each.owners for each in run.owners.fill((row, waiting, row))] == [3, None, 3]


@virtual_time
async def test_an_old_count_is_shown_until_the_new_one_is_there() -> None:
    run = Run()
    run.owners.of((SONG,))
    await asyncio.sleep(FRESH_S)
    run.first.counts = {SONG: 1}
    assert run.owners.of((SONG,)) == {SONG: 0}
    assert len(run.first.asked) == 1  # not old yet: it was told a second after it was asked for
    await asyncio.sleep(1)
    assert run.owners.of((SONG,)) == {SONG: 0}
    await asyncio.sleep(2)
    assert run.owners.of((SONG,)) == {SONG: 1}
    assert len(run.first.asked) == 2


@virtual_time
async def test_questions_are_bounded_and_go_one_after_the_other() -> None:
    run = Run()
    many = [content_of(f"{number}") for number in range(MAX_WANTED + 500)]
    run.owners.of(many)
    await asyncio.sleep(0.5)
    assert [len(batch) for batch in run.first.asked] == [m.MAX_PAGE]
    await asyncio.sleep(60)
    assert {content for batch in run.first.asked for content in batch} == set(many[500:])
    assert max(map(len, run.first.asked)) == m.MAX_PAGE


@virtual_time
async def test_a_tracker_that_does_not_answer_is_left_in_peace_for_a_while() -> None:
    run = Run()
    run.first.failure = unreachable("The tracker did not answer")
    run.owners.of((SONG,))
    await asyncio.sleep(2)
    assert run.owners.of((SONG,)) == {}
    await asyncio.sleep(1)
    assert len(run.first.asked) == 1
    await asyncio.sleep(PAUSE_S)
    run.first.failure = None
    run.owners.of((SONG,))
    await asyncio.sleep(2)
    assert run.owners.of((SONG,)) == {SONG: 0}


@virtual_time
async def test_without_a_tracker_nobody_knows_and_another_swarm_counts_anew() -> None:
    run = Run()
    run.first.counts = {SONG: 3}
    run.owners.of((SONG,))
    await asyncio.sleep(2)
    run.first.up.clear()
    assert run.owners.of((SONG,)) == {}
    run.first.up.set()
    assert run.owners.of((SONG,)) == {SONG: 3}
    run.tracker = None
    assert run.owners.of((SONG,)) == {}
    run.tracker = CountingTracker()
    assert run.owners.of((SONG,)) == {}
    await asyncio.sleep(2)
    assert run.owners.of((SONG,)) == {SONG: 0}


@virtual_time
async def test_an_answer_of_the_swarm_before_counts_for_nothing() -> None:
    run = Run()
    run.first.counts = {SONG: 3}
    run.owners.of((SONG,))
    await asyncio.sleep(0.5)
    run.tracker = CountingTracker()
    run.owners.of((SONG,))
    await asyncio.sleep(3)
    run.owners.of((SONG,))
    await asyncio.sleep(3)
    assert run.owners.of((SONG,)) == {SONG: 0}


@virtual_time
async def test_the_end_of_the_node_ends_the_question() -> None:
    run = Run()
    run.owners.of((SONG,))
    await asyncio.sleep(0.5)
    await run.owners.close()
    await asyncio.sleep(2)
    assert run.owners.of((SONG,)) == {}
