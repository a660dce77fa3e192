"""The picker: one source a chunk, rarest first, end game; what comes back is asked for again."""

import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from p2ptui.base.ids import PeerId
from p2ptui.node.chunkmap import ChunkMap
from p2ptui.node.picker import END_GAME_BELOW, MAX_SOURCES_PER_CHUNK, Picker
from tests.support.memory_net import peer_id_of

ANNA, BERT, CARA = (peer_id_of(name) for name in ("anna", "bert", "cara"))
SIZE = 12
INDEXES = st.integers(0, SIZE - 1)


def map_of(size: int, indexes: Iterable[int]) -> ChunkMap:
    made = ChunkMap(size)
    for index in indexes:
        made.set(index)
    return made


def drain(picker: Picker, source: PeerId) -> list[int]:
    """All that the source is asked for when nothing is ever answered."""
    found: list[int] = []
    while (index := picker.pick(source)) is not None:
        found.append(index)
    return found


def test_every_chunk_is_asked_once_from_the_starting_point_on() -> None:
    picker = Picker(ChunkMap(5), start=3)
    picker.add_source(ANNA, None)
    assert drain(picker, ANNA) == [3, 4, 0, 1, 2]
    assert picker.in_flight(ANNA) == {0, 1, 2, 3, 4}


def test_what_is_here_already_is_not_asked_for() -> None:
    picker = Picker(map_of(4, [1, 2]))
    picker.add_source(ANNA, None)
    assert drain(picker, ANNA) == [0, 3]


def test_an_empty_content_is_complete_at_once() -> None:
    picker = Picker(ChunkMap(0), start=7)
    picker.add_source(ANNA, None)
    assert picker.complete
    assert picker.pick(ANNA) is None


def test_rarest_chunks_go_first() -> None:
    picker = Picker(ChunkMap(4))
    picker.add_source(ANNA, None)
    picker.add_source(BERT, map_of(4, [0, 1, 3]))
    picker.add_source(CARA, map_of(4, [0, 1]))
    assert drain(picker, ANNA) == [2, 3, 0, 1]


def test_a_partial_source_is_asked_for_what_it_has_and_for_more_as_it_grows() -> None:
    picker = Picker(ChunkMap(4))
    picker.add_source(ANNA, map_of(4, [2]))
    assert drain(picker, ANNA) == [2]
    picker.extend_source(ANNA, [0, 2, 99])
    assert drain(picker, ANNA) == [0]


def test_two_sources_share_the_work_until_the_end_game() -> None:
    picker = Picker(ChunkMap(4))
    picker.add_source(ANNA, None)
    picker.add_source(BERT, None)
    first = [picker.pick(source) for source in (ANNA, BERT, ANNA, BERT)]
    assert sorted(index for index in first if index is not None) == [0, 1, 2, 3]
    assert picker.pick(ANNA) is None, "she has enough to do with her own"
    for index in first[::2]:
        assert index is not None
        picker.settle(ANNA, index)
    doubled = drain(picker, ANNA)
    assert set(doubled) == {index for index in first[1::2] if index is not None}
    picker.add_source(CARA, None)
    assert picker.pick(CARA) is None, "a chunk is asked of two sources at most"
    for index in doubled:
        picker.give_back(ANNA, index)
    assert sorted(drain(picker, CARA)) == sorted(doubled)


def test_there_is_no_end_game_while_something_was_not_asked_for() -> None:
    picker = Picker(ChunkMap(3))
    picker.add_source(ANNA, map_of(3, [0]))
    picker.add_source(BERT, map_of(3, [0]))
    assert picker.pick(ANNA) == 0
    assert picker.pick(BERT) is None, "chunks 1 and 2 are still to be asked of somebody"


def test_the_slower_of_two_askers_is_named_when_a_chunk_is_settled() -> None:
    picker = Picker(ChunkMap(1))
    picker.add_source(ANNA, None)
    picker.add_source(BERT, None)
    assert picker.pick(ANNA) == picker.pick(BERT) == 0
    assert picker.settle(BERT, 0) == {ANNA}
    assert picker.in_flight(ANNA) == frozenset()
    assert picker.complete


def test_a_chunk_comes_back_to_the_front_when_its_source_fails() -> None:
    picker = Picker(ChunkMap(4))
    picker.add_source(ANNA, None)
    assert [picker.pick(ANNA), picker.pick(ANNA)] == [0, 1]
    picker.give_back(ANNA, 0)
    assert picker.pick(ANNA) == 0
    picker.remove_source(ANNA)
    picker.add_source(BERT, None)
    assert set(drain(picker, BERT)) == {0, 1, 2, 3}


def test_a_refused_chunk_is_asked_of_others_only() -> None:
    picker = Picker(ChunkMap(2))
    picker.add_source(ANNA, None)
    picker.add_source(BERT, None)
    assert picker.pick(ANNA) == 0
    picker.give_back(ANNA, 0, refused=True)
    assert drain(picker, ANNA) == [1]
    assert picker.pick(BERT) == 0


def test_giving_back_what_was_not_asked_changes_nothing() -> None:
    picker = Picker(ChunkMap(2))
    picker.add_source(ANNA, None)
    picker.give_back(ANNA, 1)
    picker.give_back(BERT, 1)
    assert drain(picker, ANNA) == [0, 1]


def test_withheld_chunks_are_asked_for_only_when_they_are_not_here_after_all() -> None:
    picker = Picker(ChunkMap(3))
    picker.withhold([0, 1])
    picker.add_source(ANNA, None)
    assert drain(picker, ANNA) == [2]
    picker.release(0, here=True)
    picker.release(1, here=False)
    assert drain(picker, ANNA) == [1]
    picker.settle(ANNA, 1)
    picker.settle(ANNA, 2)
    assert picker.complete


def test_a_lost_chunk_is_asked_for_again() -> None:
    picker = Picker(ChunkMap(1))
    picker.add_source(ANNA, None)
    assert picker.pick(ANNA) == 0
    picker.settle(ANNA, 0)
    picker.lose(0)
    assert not picker.complete
    assert picker.pick(ANNA) == 0
    picker.lose(0)
    assert drain(picker, ANNA) == [], "what is not here cannot be lost"


def test_a_source_that_says_anew_what_it_has_is_counted_once() -> None:
    picker = Picker(ChunkMap(3))
    picker.add_source(ANNA, map_of(3, [0, 1]))
    picker.add_source(ANNA, map_of(3, [1, 2]))
    picker.add_source(BERT, map_of(3, [1]))
    picker.add_source(CARA, None)
    assert drain(picker, CARA) == [0, 2, 1]


def test_a_source_with_nothing_to_give_is_not_looked_through_for_again() -> None:
    size = 2000
    looks = 0

    class CountingMap(ChunkMap):
        def has(self, index: int) -> bool:
            nonlocal looks
            looks += 1
            return super().has(index)

    picker = Picker(ChunkMap(size))
    picker.add_source(ANNA, CountingMap(size))
    assert picker.pick(ANNA) is None
    looks = 0
    for _ in range(100):
        assert picker.pick(ANNA) is None
    assert looks <= 100
    picker.extend_source(ANNA, [7])
    assert picker.pick(ANNA) == 7


@given(
    size=st.integers(1, 40),
    start=st.integers(0, 40),
    holdings=st.lists(st.sets(st.integers(0, 39)), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
)
def test_everything_that_somebody_has_is_fetched(
    size: int, start: int, holdings: list[set[int]], seed: int
) -> None:
    chance = random.Random(seed)
    picker = Picker(ChunkMap(size), start=start)
    peers = [peer_id_of(f"peer-{number}") for number in range(len(holdings))]
    for peer, holding in zip(peers, holdings, strict=True):
        picker.add_source(peer, map_of(size, {index for index in holding if index < size}))
    there = {index for holding in holdings for index in holding if index < size}
    for _ in range(200 * size):
        peer = chance.choice(peers)
        if (index := picker.pick(peer)) is None:
            in_flight = sorted(picker.in_flight(peer))
            if not in_flight:
                continue
            index = chance.choice(in_flight)
        if chance.random() < 0.2:
            picker.give_back(peer, index)
        else:
            picker.settle(peer, index)
        if picker.have.count == len(there):
            break
    assert set(picker.have.present()) == there


class PickerMachine(RuleBasedStateMachine):
    """Any order of events; what holds at all times is in the invariants."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = random.Random(0)
        self.picker = Picker(ChunkMap(SIZE), start=5)
        self.has: dict[PeerId, set[int]] = {}
        self.refused: dict[PeerId, set[int]] = {}
        self.flying: dict[PeerId, set[int]] = {}
        self.here: set[int] = set()
        self.withheld = {0, 1}
        self.picker.withhold(self.withheld)

    def askers(self, index: int) -> int:
        return sum(index in flying for flying in self.flying.values())

    @rule(peer=st.sampled_from([ANNA, BERT, CARA]), chunks=st.none() | st.sets(INDEXES))
    def join(self, peer: PeerId, chunks: set[int] | None) -> None:
        has = None if chunks is None else map_of(SIZE, chunks)
        self.picker.add_source(peer, has)
        self.has[peer] = set(range(SIZE)) if chunks is None else set(chunks)
        self.refused.setdefault(peer, set())
        self.flying.setdefault(peer, set())

    @rule(peer=st.sampled_from([ANNA, BERT, CARA]), chunks=st.sets(INDEXES))
    def extend(self, peer: PeerId, chunks: set[int]) -> None:
        self.picker.extend_source(peer, chunks)
        if peer in self.has:
            self.refused[peer] -= chunks - self.has[peer]
            self.has[peer] |= chunks

    @precondition(lambda self: self.has)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        peer = data.draw(st.sampled_from(sorted(self.has)))
        self.picker.remove_source(peer)
        for kept in (self.has, self.refused, self.flying):
            del kept[peer]

    @precondition(lambda self: self.has)
    @rule(data=st.data())
    def pick(self, data: st.DataObject) -> None:
        peer = data.draw(st.sampled_from(sorted(self.has)))
        missing = set(range(SIZE)) - self.here - self.withheld
        unasked = {index for index in missing if not self.askers(index)}
        can_give = self.has[peer] - self.refused[peer]
        index = self.picker.pick(peer)
        if index is None:
            assert not unasked & can_give, "something was left to be asked for"
            if not unasked and len(self.flying[peer]) < END_GAME_BELOW:
                doubled = {each for each in missing if self.askers(each) < MAX_SOURCES_PER_CHUNK}
                assert not (doubled & can_give) - self.flying[peer], "the end game was forgotten"
            return
        assert index in missing & can_give
        assert index not in self.flying[peer]
        if self.askers(index):
            assert not unasked, "the end game began too early"
            assert len(self.flying[peer]) < END_GAME_BELOW, "it has enough to do"
            assert self.askers(index) < MAX_SOURCES_PER_CHUNK
        self.flying[peer].add(index)

    @precondition(lambda self: any(self.flying.values()))
    @rule(data=st.data(), outcome=st.sampled_from(["settle", "back", "refused"]))
    def answer(self, data: st.DataObject, outcome: str) -> None:
        pairs = sorted((peer, index) for peer, all_ in self.flying.items() for index in all_)
        peer, index = data.draw(st.sampled_from(pairs))
        if outcome == "settle":
            others = self.picker.settle(peer, index)
            assert others == {each for each, all_ in self.flying.items() if index in all_} - {peer}
            for flying in self.flying.values():
                flying.discard(index)
            self.here.add(index)
            return
        self.picker.give_back(peer, index, refused=outcome == "refused")
        self.flying[peer].discard(index)
        if outcome == "refused":
            self.refused[peer].add(index)

    @precondition(lambda self: self.withheld)
    @rule(here=st.booleans())
    def release(self, here: bool) -> None:
        index = min(self.withheld)
        self.picker.release(index, here=here)
        self.withheld.discard(index)
        if here:
            self.here.add(index)

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        index = data.draw(st.sampled_from(sorted(self.here)))
        self.picker.lose(index)
        self.here.discard(index)

    @invariant()
    def the_books_agree(self) -> None:
        assert set(self.picker.have.present()) == self.here
        assert set(self.picker.sources) == set(self.has)
        for peer, flying in self.flying.items():
            assert self.picker.in_flight(peer) == flying
        assert self.picker.complete == (len(self.here) == SIZE)


TestPickerMachine = PickerMachine.TestCase
TestPickerMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
