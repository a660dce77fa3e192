from tracker.attempts import MAX_ADDRESSES, MAX_FAILURES, PAUSE_S, WINDOW_S, Attempts


def fail(attempts: Attempts, address: str, times: int, now: float) -> None:
    for _ in range(times):
        attempts.failed(address, now)


def test_five_in_a_minute_are_the_end_for_a_minute() -> None:
    attempts = Attempts()
    fail(attempts, "1.2.3.4", MAX_FAILURES - 1, 100.0)
    assert attempts.pause_left("1.2.3.4", 100.0) == 0
    fail(attempts, "1.2.3.4", 1, 110.0)
    assert attempts.pause_left("1.2.3.4", 110.0) == PAUSE_S
    assert attempts.pause_left("1.2.3.5", 110.0) == 0
    assert attempts.pause_left("1.2.3.4", 110.0 + PAUSE_S) == 0


def test_failures_that_are_far_apart_add_up_to_nothing() -> None:
    attempts = Attempts()
    for turn in range(20):
        attempts.failed("1.2.3.4", turn * WINDOW_S / 2)
        assert attempts.pause_left("1.2.3.4", turn * WINDOW_S / 2) == 0


def test_an_ipv6_network_is_one_caller() -> None:
    attempts = Attempts()
    for host in range(MAX_FAILURES):
        attempts.failed(f"2001:db8::{host + 1}", 100.0)
    assert attempts.pause_left("2001:db8::ffff", 100.0) > 0
    assert attempts.pause_left("2001:db8:0:1::1", 100.0) == 0


def test_the_table_has_an_end() -> None:
    attempts = Attempts()
    for number in range(MAX_ADDRESSES + 100):
        attempts.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", float(number))
    assert len(attempts._failures) == MAX_ADDRESSES
