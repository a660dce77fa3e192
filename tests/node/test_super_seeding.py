"""Super-seeding: one copy for a room, nobody starves, whoever comes and goes."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptui.node.super_seeding import (
    HUNGRY_S,
    IDLE_S,
    MAX_WINDOW,
    MIN_CHUNKS,
    MIN_WINDOW,
    SuperSeeding,
)

STEP_S = 0.05


def told(rules: SuperSeeding[str], taker: str) -> list[int]:
    """What a taker is told now."""
    return rules.to_show().get(taker, [])


def room(*takers: str, chunks: int = 100) -> SuperSeeding[str]:
    rules = SuperSeeding[str](chunks, now=0.0)
    for taker in takers:
        rules.join(taker, 0.0)
    return rules


def give(rules: SuperSeeding[str], taker: str, index: int, now: float) -> None:
    rules.asked(taker, index, now)
    rules.answered(taker, index, now, sent=True)


# --- single rules -------------------------------------------------------------------------------


def test_one_that_is_alone_sees_everything() -> None:
    rules = room("anna")
    assert rules.shown("anna").complete
    assert told(rules, "anna") == list(range(100))


def test_each_further_one_sees_a_few_that_nobody_else_was_shown() -> None:
    rules = room("anna", "bert", "carl")
    bert, carl = (set(rules.shown(taker).present()) for taker in ("bert", "carl"))
    assert len(bert) == len(carl) == MIN_WINDOW
    assert not bert & carl


def test_small_contents_are_shown_to_everybody() -> None:
    rules = room("anna", "bert", "carl", chunks=MIN_CHUNKS - 1)
    assert rules.shown("carl").complete


def test_what_went_out_is_followed_by_the_next_and_the_quick_see_more_at_a_time() -> None:
    rules = room("anna", "bert", "carl")
    rules.to_show()
    for _ in range(20):
        index = next(i for i in rules.shown("bert").present() if i in told_or_open(rules, "bert"))
        give(rules, "bert", index, now=0.1)
    assert len(told_or_open(rules, "bert")) == MAX_WINDOW
    assert len(told_or_open(rules, "carl")) == MIN_WINDOW
    assert not told_or_open(rules, "bert") & told_or_open(rules, "carl")


def told_or_open(rules: SuperSeeding[str], taker: str) -> set[int]:
    known = rules._takers[taker]
    return set(known.open)


def test_what_came_from_elsewhere_is_followed_by_the_next_too() -> None:
    rules = room("anna", "bert", "carl")
    rules.to_show()
    first = set(rules.shown("bert").present())
    rules.has("bert", first, now=0.1)
    assert len(told(rules, "bert")) == len(first)


def test_who_has_all_leaves_and_the_last_one_sees_everything() -> None:
    rules = room("anna", "bert", "carl")
    rules.has("bert", range(100), now=1.0)
    assert rules.takers == ("anna", "carl")
    rules.leave("anna")
    assert rules.shown("carl").complete


def test_chunks_of_one_that_leaves_are_shown_to_others() -> None:
    rules = room("anna", "bert", "carl", chunks=MIN_CHUNKS)
    lost = set(rules.shown("bert").present())
    rules.leave("bert")
    rules.join("dora", 0.0)
    for now in range(1, 30):
        for index in sorted(told_or_open(rules, "dora")):
            give(rules, "dora", index, float(now))
    assert lost <= set(rules.shown("dora").present())


def test_one_that_stopped_is_shown_everything_and_forgotten() -> None:
    rules = room("anna", "bert", "carl")
    rules.to_show()
    rules.asked("bert", 0, now=1.0)
    rules.look(now=IDLE_S)
    assert rules.takers == ("bert",), "one that waits for a chunk has not stopped"
    shown = rules.to_show()
    assert len(shown["carl"]) == 100 - MIN_WINDOW


def test_one_that_gets_more_from_others_than_it_would_here_is_not_fed() -> None:
    rules = room("anna", "bert", "carl", chunks=40)
    for index in range(40):
        give(rules, "anna", index, now=0.2)
    rules.join("anna2", 0.2)
    rules.to_show()
    rules.look(now=HUNGRY_S)
    rules.has("bert", range(30), now=HUNGRY_S + 0.5)
    rules.to_show()
    rules.look(now=2 * HUNGRY_S)
    shown = rules.to_show()
    assert "bert" not in shown
    assert shown["carl"], "it got nothing in that time"


@pytest.mark.parametrize("index", [-1, 100, 65535])
def test_f89_numbers_that_do_not_exist_change_nothing(index: int) -> None:
    rules = room("anna", "bert")
    rules.asked("bert", index, 0.0)
    rules.answered("bert", index, 0.0, sent=True)
    rules.has("bert", (index,), 0.0)
    assert rules.shown("bert").count == MIN_WINDOW


# --- a whole room -------------------------------------------------------------------------------


class Room:
    """Takers that ask for what they are shown, and have from each other what they can get."""

    def __init__(self, chunks: int, seed: int, *, exchange: int, silent: frozenset[str]) -> None:
        """`exchange`: chunks that a taker gets from others in a step; `silent` never tell us."""
        self.chunks = chunks
        self.random = Random(seed)
        self.exchange = exchange
        self.silent = silent
        self.now = 0.0
        self.rules = SuperSeeding[str](chunks, 0.0)
        self.shown: dict[str, set[int]] = {}
        self.has: dict[str, set[int]] = {}
        self.asked: dict[str, list[int]] = {}
        self.left: set[str] = set()
        self.sent = 0

    def join(self, taker: str) -> None:
        self.has[taker], self.asked[taker] = set(), []
        self.rules.join(taker, self.now)
        self.hear()
        self.shown[taker] = set(self.rules.shown(taker).present())

    def leave(self, taker: str) -> None:
        del self.has[taker], self.asked[taker], self.shown[taker]
        self.rules.leave(taker)
        self.left.add(taker)
        self.hear()

    def hear(self) -> None:
        for taker, indexes in self.rules.to_show().items():
            if taker in self.shown:
                assert not self.shown[taker] & set(indexes), "told twice"
                self.shown[taker] |= set(indexes)

    def gain(self, taker: str, index: int) -> None:
        self.has[taker].add(index)
        if taker not in self.silent:
            self.rules.has(taker, (index,), self.now)

    def held_by_others(self, taker: str) -> set[int]:
        found: set[int] = set()
        for other, has in self.has.items():
            if other != taker:
                found |= has
        return found

    def step(self, uplink: int) -> None:
        """One moment: everybody asks, the uplink serves in turn, the takers exchange."""
        self.now += STEP_S
        order = sorted(self.has)
        self.random.shuffle(order)
        for taker in order:
            asked = self.asked[taker]
            asked[:] = [index for index in asked if index not in self.has[taker]]
            held = self.held_by_others(taker)
            wanted = sorted(
                self.shown[taker] - self.has[taker] - set(asked),
                key=lambda index: (index in held, self.random.random()),
            )
            for index in wanted[: 6 - len(asked)]:
                asked.append(index)
                self.rules.asked(taker, index, self.now)
        for _ in range(uplink):
            waiting = [taker for taker in order if self.asked[taker]]
            if not waiting:
                break
            taker = waiting[0]
            order.append(order.pop(order.index(taker)))
            index = self.asked[taker].pop(0)
            self.sent += 1
            self.rules.answered(taker, index, self.now, sent=True)
            self.has[taker].add(index)
        for taker in order:
            news = sorted(self.held_by_others(taker) - self.has[taker] - set(self.asked[taker]))
            for index in self.random.sample(news, min(self.exchange, len(news))):
                self.gain(taker, index)
        self.rules.look(self.now)
        self.hear()

    @property
    def complete(self) -> bool:
        return all(len(has) == self.chunks for has in self.has.values())


@settings(max_examples=60, deadline=None)
@given(
    chunks=st.integers(1, 80),
    takers=st.integers(1, 8),
    exchange=st.integers(0, 4),
    silent=st.booleans(),
    churn=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_nobody_starves(
    *, chunks: int, takers: int, exchange: int, silent: bool, churn: bool, seed: int
) -> None:
    names = [f"taker{number}" for number in range(takers)]
    quiet = frozenset(names) if silent else frozenset()
    run = Room(chunks, seed, exchange=exchange, silent=quiet)
    for name in names:
        run.join(name)
    for number in range(4000):
        run.step(uplink=2)
        if churn and number % 17 == 5 and len(run.has) > 1:
            run.leave(run.random.choice(sorted(run.has)))
        if churn and number % 23 == 7 and number < 200:
            run.join(f"late{number}")
        if run.complete:
            break
    assert run.complete, f"seed {seed}"


@pytest.mark.parametrize("seed", range(5))
def test_a_room_of_twelve_gets_by_with_little_more_than_one_copy(seed: int) -> None:
    run = Room(256, seed, exchange=3, silent=frozenset())
    for number in range(12):
        run.join(f"taker{number}")
    while not run.complete:
        run.step(uplink=1)
        assert run.now < 256 * STEP_S * 1.6
    assert run.sent <= 256 * 1.15


@pytest.mark.parametrize("seed", range(3))
def test_takers_that_cannot_reach_each_other_are_all_served_at_full_rate(seed: int) -> None:
    run = Room(100, seed, exchange=0, silent=frozenset())
    for number in range(4):
        run.join(f"taker{number}")
    while not run.complete:
        run.step(uplink=1)
        assert run.now < 4 * 100 * STEP_S * 1.6
