"""The fair queue: bytes, not items and not connections, decide who is next."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.fair_queue import FairQueue


def test_one_flow_is_in_order() -> None:
    queue = FairQueue[int]()
    for number in range(5):
        queue.push("a", 10, number)
    assert [queue.pop() for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(queue) == 0
    with pytest.raises(IndexError):
        queue.pop()


def test_many_items_of_one_flow_do_not_hold_another_one_up() -> None:
    queue = FairQueue[str]()
    for _ in range(10):
        queue.push("greedy", 100, "greedy")
    queue.push("late", 100, "late")
    assert [queue.pop() for _ in range(3)].count("late") == 1


def test_several_small_ones_pass_for_a_large_one() -> None:
    queue = FairQueue[str]()
    for _ in range(10):
        queue.push("large", 100, "L")
    for _ in range(100):
        queue.push("small", 10, "s")
    first = [queue.pop() for _ in range(55)]
    assert 4 <= first.count("L") <= 6


def test_who_was_quiet_has_saved_up_nothing() -> None:
    queue = FairQueue[str]()
    for _ in range(100):
        queue.push("busy", 100, "b")
        queue.pop()
    for _ in range(10):
        queue.push("quiet", 100, "q")
        queue.push("busy", 100, "b")
    assert 4 <= [queue.pop() for _ in range(10)].count("q") <= 6


def test_what_passed_without_waiting_counts() -> None:
    queue = FairQueue[str]()
    queue.pass_by("a", 1000)
    queue.push("a", 1, "a")
    queue.push("b", 1, "b")
    assert queue.pop() == "b"


@given(flows=st.integers(2, 6), seed=st.integers(0, 2**32))
def test_flows_that_always_wait_get_the_same_within_one_amount_each(flows: int, seed: int) -> None:
    random = Random(seed)
    queue = FairQueue[tuple[int, int]]()
    passed = [0] * flows

    def push(flow: int) -> None:
        amount = random.randint(1, 100)
        queue.push(flow, amount, (flow, amount))

    for flow in range(flows):
        for _ in range(flow + 1):  # some have more connections
            push(flow)
    for _ in range(500):
        flow, amount = queue.pop()
        passed[flow] += amount
        push(flow)
    assert max(passed) - min(passed) <= 2 * 100


def test_flows_of_quiet_times_are_forgotten() -> None:
    queue = FairQueue[int]()
    for number in range(10_000):
        queue.pass_by(number, 1)
    assert len(queue._ends) == 1
