"""The token bucket and the rate meter, with time as an argument."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.rates import RateMeter, TokenBucket


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=5, burst=20, now=100)
    assert sum(bucket.try_take(1, 100) for _ in range(50)) == 20
    assert not bucket.try_take(1, 100.1)
    assert bucket.wait_for(1, 100.1) == pytest.approx(0.1)
    assert bucket.try_take(1, 100.2)
    assert sum(bucket.try_take(1, 1000) for _ in range(50)) == 20


def test_taking_more_than_there_is_makes_those_after_wait() -> None:
    bucket = TokenBucket(rate=10, burst=10, now=0)
    assert bucket.take(10, 0) == 0
    assert bucket.take(20, 0) == pytest.approx(2)
    assert bucket.take(10, 1) == pytest.approx(2)
    assert bucket.available(4) == pytest.approx(10)


def test_more_than_the_burst_is_waited_for_until_the_bucket_is_full() -> None:
    bucket = TokenBucket(rate=1, burst=4, now=0)
    bucket.take(4, 0)
    assert bucket.wait_for(100, 0) == pytest.approx(4)


def test_f110_a_clock_that_goes_back_changes_nothing() -> None:
    bucket = TokenBucket(rate=1, burst=1, now=1000)
    bucket.take(1, 1000)
    assert bucket.available(10) == 0
    assert bucket.available(1000.5) == pytest.approx(0.5)


def test_a_new_rate_holds_from_now_on() -> None:
    bucket = TokenBucket(rate=1, burst=100, now=0)
    bucket.take(50, 0)
    bucket.set_rate(10, 20, 10)
    assert bucket.available(10) == 20
    assert (bucket.rate, bucket.burst) == (10, 20)
    with pytest.raises(ValueError, match="positive"):
        bucket.set_rate(0, 1, 10)


def test_a_bucket_without_rate_is_no_bucket() -> None:
    with pytest.raises(ValueError, match="positive"):
        TokenBucket(rate=0, burst=1, now=0)


@given(
    st.floats(1, 1e6),
    st.floats(1, 1e6),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1e6)), max_size=50),
)
def test_never_more_than_burst_plus_rate_times_time(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    bucket = TokenBucket(rate, burst, 0)
    now = passed = 0.0
    for wait, amount in steps:
        now += wait
        if bucket.try_take(amount, now):
            passed += amount
    assert passed <= (burst + rate * now) * (1 + 1e-9)


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1e6)), min_size=1, max_size=50))
def test_taking_with_waiting_keeps_to_the_rate(steps: list[tuple[float, float]]) -> None:
    bucket = TokenBucket(1000, 1000, 0)
    now = passed = 0.0
    for pause, amount in steps:
        now += pause
        now += bucket.take(amount, now)
        passed += amount
        assert passed <= (1000 + 1000 * now) * (1 + 1e-6)


def test_a_meter_tells_the_rate_of_a_steady_stream() -> None:
    meter = RateMeter(started=50)
    for tick in range(1, 1001):
        meter.add(50 + tick / 100, 100)
    assert meter.rate(60) == pytest.approx(10_000, rel=0.02)
    assert meter.total == 100_000


def test_a_meter_does_not_boast_of_the_first_packet() -> None:
    meter = RateMeter(started=0)
    meter.add(0.001, 1_000_000)
    assert meter.rate(0.001) == pytest.approx(2_000_000)


def test_a_meter_falls_to_zero_when_nothing_comes() -> None:
    meter = RateMeter(started=0)
    meter.add(1, 1000)
    assert meter.rate(1) > 0
    assert meter.rate(3) == pytest.approx(1000 / 3)
    assert meter.rate(8) == 0


def test_a_meter_shows_a_change_within_its_window() -> None:
    meter = RateMeter(started=0)
    for tick in range(1000):
        meter.add(tick / 100, 10)
    for tick in range(1000, 1600):
        meter.add(tick / 100, 50)
    assert meter.rate(16) == pytest.approx(5000, rel=0.05)


def test_a_meter_keeps_little_however_much_is_counted() -> None:
    meter = RateMeter(started=0)
    for tick in range(20_000):
        meter.add(tick / 10, 1)
    assert len(meter._counts) <= 12


def test_a_meter_may_start_with_its_first_amount() -> None:
    meter = RateMeter()
    assert meter.rate(100) == 0
    meter.add(100, 1000)
    meter.add(101, 1000)
    assert meter.rate(102) == pytest.approx(1000)
