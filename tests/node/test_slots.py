"""Upload slots: places, turns, and nobody who waits for ever."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from p2ptui.node.slots import HOLD_S, MAX_QUEUE, PLACE_S, TURN_S, Slots


def test_who_comes_first_has_a_slot_and_the_others_their_place() -> None:
    slots = Slots[str](2)
    assert [slots.ask(taker, 0.0) for taker in ("a", "b", "c", "d")] == [0, 0, 1, 2]
    assert (slots.free, slots.waiting) == (0, 2)
    assert slots.ask("a", 1.0) == 0, "it has its slot for all that it takes"
    assert slots.ask("d", 1.0) == 2


def test_the_next_one_gets_the_slot_of_who_leaves_and_is_called() -> None:
    slots = Slots[str](1)
    for taker in ("a", "b", "c"):
        slots.ask(taker, 0.0)
    slots.leave("a")
    assert slots.look(1.0) == ["b"]
    assert slots.look(1.0) == [], "once"
    assert slots.place("c") == 1
    assert slots.ask("b", 2.0) == 0


def test_who_asks_before_it_is_called_is_not_called() -> None:
    slots = Slots[str](1)
    slots.ask("a", 0.0)
    slots.ask("b", 0.0)
    slots.leave("a")
    assert slots.ask("b", 0.5) == 0
    assert slots.look(1.0) == []


def test_a_slot_that_is_not_used_goes_to_the_next() -> None:
    slots = Slots[str](1)
    slots.ask("a", 0.0)
    slots.begin("a")
    slots.ask("b", 0.0)
    assert slots.look(HOLD_S + 1) == [], "a chunk is on its way, however slowly"
    slots.end("a", HOLD_S + 1)
    assert slots.look(2 * HOLD_S) == []
    assert slots.look(2 * HOLD_S + 1) == ["b"]


def test_a_place_is_kept_for_who_asks_again() -> None:
    slots = Slots[str](1)
    for taker in ("a", "b", "c"):
        slots.ask(taker, 0.0)
    slots.begin("a")
    slots.ask("c", PLACE_S - 1)
    slots.look(PLACE_S)
    assert (slots.place("b"), slots.place("c")) == (0, 1)


def test_a_slow_one_holds_nobody_up() -> None:
    slots = Slots[str](1)
    slots.ask("slow", 0.0)
    slots.begin("slow")
    slots.ask("b", 1.0)
    assert slots.ask("slow", TURN_S - 1) == 0
    assert slots.ask("slow", TURN_S) == 1, "its turn is over: it goes to the end"
    assert slots.look(TURN_S) == ["b"]
    assert slots.ask("b", TURN_S + 1) == 0


def test_nobody_loses_a_slot_while_nobody_waits() -> None:
    slots = Slots[str](1)
    assert slots.ask("a", 0.0) == 0
    assert slots.ask("a", 100 * TURN_S) == 0


def test_more_slots_are_given_at_once_and_fewer_when_they_are_free() -> None:
    slots = Slots[str](1)
    for taker in "abc":
        slots.ask(taker, 0.0)
    slots.set_count(2)
    assert slots.look(0.0) == ["b"]
    slots.set_count(1)
    assert slots.ask("b", 1.0) == 0
    slots.leave("a")
    assert slots.look(1.0) == []
    slots.leave("b")
    assert slots.look(1.0) == ["c"]


def test_the_queue_is_bounded() -> None:
    slots = Slots[int](1)
    for taker in range(MAX_QUEUE + 5):
        slots.ask(taker, 0.0)
    assert slots.waiting == MAX_QUEUE
    assert slots.place(MAX_QUEUE + 3) == 0
    assert slots.ask(MAX_QUEUE + 3, 0.0) == MAX_QUEUE + 1


@given(count=st.integers(1, 4), takers=st.integers(1, 12), seed=st.integers(0, 2**32))
def test_everybody_who_goes_on_asking_gets_a_turn(count: int, takers: int, seed: int) -> None:
    random = Random(seed)
    slots = Slots[int](count)
    served: set[int] = set()
    now = 0.0
    for _ in range(100 * takers):
        now += random.uniform(1, 10)
        taker = random.randrange(takers)
        if slots.ask(taker, now) == 0:
            served.add(taker)
            slots.begin(taker)
            slots.end(taker, now)
        else:
            assert 1 <= slots.place(taker) <= slots.waiting
        slots.look(now)
        assert slots.free >= 0
    assert served == set(range(takers))
