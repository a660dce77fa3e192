"""Seeding: what connections are told when several take one content."""

from p2ptui.base.ids import ContentId
from p2ptui.node.chunkmap import ChunkMap
from p2ptui.node.seeding import Seeding
from p2ptui.node.super_seeding import MIN_CHUNKS, MIN_WINDOW
from tests.support.fake_time import FakeClock

SONG = ContentId(bytes(32))
CHUNKS = 40


class Taker:
    """A connection that remembers what it was told."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.followed: list[ContentId] = []

    def show(self, content: ContentId, indexes: tuple[int, ...]) -> None:
        assert content == SONG
        self.shown += indexes

    def follow(self, content: ContentId) -> None:
        self.followed.append(content)


def test_one_alone_is_told_that_all_is_there() -> None:
    seeding, anna = Seeding(FakeClock()), Taker()
    assert seeding.join(anna, SONG, CHUNKS) is None
    assert not anna.followed, "what it gets elsewhere matters to nobody"


def test_a_second_one_is_shown_little_and_more_as_it_gets_it() -> None:
    seeding, anna, bert = Seeding(FakeClock()), Taker(), Taker()
    seeding.join(anna, SONG, CHUNKS)
    bitmap = seeding.join(bert, SONG, CHUNKS)
    assert bitmap is not None
    shown = list(ChunkMap.from_bytes(CHUNKS, bitmap).present())
    assert len(shown) == MIN_WINDOW
    assert anna.followed == bert.followed == [SONG]
    seeding.asked(bert, SONG, shown[0])
    seeding.answered(bert, SONG, shown[0], sent=True)
    assert bert.shown
    assert not set(bert.shown) & set(shown)
    before = len(bert.shown)
    seeding.has(bert, SONG, [shown[1]])
    assert len(bert.shown) > before


def test_who_asks_anew_is_told_what_it_was_shown() -> None:
    seeding, anna, bert = Seeding(FakeClock()), Taker(), Taker()
    seeding.join(anna, SONG, CHUNKS)
    assert seeding.join(bert, SONG, CHUNKS) == seeding.join(bert, SONG, CHUNKS)


def test_the_last_one_is_shown_everything_and_an_empty_room_is_forgotten() -> None:
    seeding, anna, bert = Seeding(FakeClock()), Taker(), Taker()
    seeding.join(anna, SONG, CHUNKS)
    seeding.join(bert, SONG, CHUNKS)
    seeding.leave(anna, SONG)
    assert len(bert.shown) == CHUNKS - MIN_WINDOW
    seeding.leave(bert, SONG)
    assert seeding.join(anna, SONG, CHUNKS) is None


def test_one_that_waits_is_fed() -> None:
    clock = FakeClock()
    seeding, anna, bert = Seeding(clock), Taker(), Taker()
    seeding.join(anna, SONG, CHUNKS)
    seeding.join(bert, SONG, CHUNKS)
    clock.advance(2.0)
    seeding.look()
    assert bert.shown


def test_small_contents_cause_no_talk() -> None:
    seeding, anna, bert = Seeding(FakeClock()), Taker(), Taker()
    for taker in (anna, bert):
        assert seeding.join(taker, SONG, MIN_CHUNKS - 1) is None
    assert not anna.followed
