"""Claims that others found to be wrong: what it takes, for how long, and how it ends (F62)."""

from p2ptui.base.ids import ContentId
from tests.support.memory_net import peer_id_of
from tests.support.tracker_rig import content_of
from tracker import doubts
from tracker.doubts import MEMORY_S, NEEDED, Doubts

SONG, FILM = content_of("song"), content_of("film")
LIAR, ANNA, BERT, CARL, DORA = map(peer_id_of, ("liar", "anna", "bert", "carl", "dora"))


def accused(book: Doubts, content: ContentId = SONG, now: float = 0.0) -> bool:
    """Three members speak against the liar; what came of the last one's word."""
    return [book.failed(content, LIAR, who, now) for who in (ANNA, BERT, CARL)][-1]


def test_f62_one_member_puts_an_owner_last_for_itself_alone() -> None:
    book = Doubts()
    assert not book.failed(SONG, LIAR, ANNA, 0)
    assert book.low(SONG, ANNA, 1) == {LIAR}
    assert book.low(SONG, BERT, 1) == frozenset()
    assert book.low(FILM, ANNA, 1) == frozenset()
    assert book.low(SONG, ANNA, MEMORY_S) == frozenset()


def test_f62_one_member_counts_once_however_often_it_speaks() -> None:
    book = Doubts()
    assert not any(book.failed(SONG, LIAR, ANNA, now) for now in range(100))
    assert not book.failed(SONG, LIAR, BERT, 100)
    assert book.low(SONG, DORA, 100) == frozenset()


def test_f62_three_members_within_an_hour_make_the_owner_be_asked() -> None:
    book = Doubts()
    assert NEEDED == 3
    assert accused(book, now=10)
    assert book.low(SONG, DORA, 10) == {LIAR}
    assert book.withheld(SONG) == frozenset()
    assert book.low(SONG, DORA, 10 + MEMORY_S) == frozenset()


def test_f62_what_was_said_more_than_an_hour_ago_counts_no_more() -> None:
    book = Doubts()
    book.failed(SONG, LIAR, ANNA, 0)
    book.failed(SONG, LIAR, BERT, MEMORY_S - 1)
    assert not book.failed(SONG, LIAR, CARL, MEMORY_S)
    assert book.failed(SONG, LIAR, DORA, MEMORY_S + 1)


def test_f62_an_owner_that_was_asked_is_asked_again_after_three_more() -> None:
    book = Doubts()
    accused(book)
    assert not book.failed(SONG, LIAR, DORA, 1)
    assert not book.failed(SONG, LIAR, ANNA, 1)
    assert book.failed(SONG, LIAR, BERT, 1)


def test_f62_a_claim_that_its_owner_denies_is_withheld_until_it_announces_it_again() -> None:
    book = Doubts()
    accused(book)
    assert book.withhold(SONG, LIAR)
    assert book.withheld(SONG) == {LIAR}
    assert not accused(book, now=5)
    book.announced(LIAR, {FILM})
    book.announced(ANNA, {SONG})
    assert book.withheld(SONG) == {LIAR}
    book.announced(LIAR, {FILM, SONG})
    assert book.withheld(SONG) == book.low(SONG, DORA, 5) == frozenset()
    assert len(book) == 0


def test_an_owner_that_announces_it_before_its_answer_comes_is_not_withheld() -> None:
    book = Doubts()
    accused(book)
    book.announced(LIAR, {SONG})
    assert not book.withhold(SONG, LIAR)


def test_claims_are_bounded_and_those_spoken_of_last_stay() -> None:
    book = Doubts()
    contents = [content_of(str(number)) for number in range(doubts.MAX_CLAIMS + 1)]
    for content in contents[:-1]:
        book.failed(content, LIAR, ANNA, 0)
    book.failed(contents[0], LIAR, ANNA, 1)
    book.failed(contents[-1], LIAR, ANNA, 1)
    assert len(book) == doubts.MAX_CLAIMS
    assert book.low(contents[0], ANNA, 1) == book.low(contents[-1], ANNA, 1) == {LIAR}
    assert book.low(contents[1], ANNA, 1) == frozenset()
