from p2ptui.base.ids import PeerId
from tracker.limits import MemberLimits, Penalties, check_query

PEER = PeerId("a" * 32)
OTHER = PeerId("b" * 32)


def test_f66_queries_are_bounded_in_bytes_and_words() -> None:
    assert check_query("") == ""
    assert check_query("a b c d e f g h") == ""
    assert "8 words" in check_query("a b c d e f g h i")
    assert check_query("ä" * 128) == ""
    assert "256 bytes" in check_query("ä" * 129)
    assert check_query("%_*.(a+)+$") == ""  # no pattern, just characters


def test_searches_come_in_bursts_of_twenty_and_five_a_second() -> None:
    limits = MemberLimits(100.0)
    assert sum(limits.may_search(100.0) for _ in range(30)) == 20
    assert sum(limits.may_search(101.0) for _ in range(30)) == 5


def test_questions_for_owners_come_in_bursts_of_ten_and_two_a_second() -> None:
    limits = MemberLimits(100.0)
    assert sum(limits.may_count(100.0) for _ in range(30)) == 10
    assert sum(limits.may_count(101.0) for _ in range(30)) == 2
    assert limits.may_search(101.0)  # a budget of its own


def test_f64_announces_are_slowed_down_never_refused() -> None:
    limits = MemberLimits(0.0)
    assert limits.announce_delay(20_000, 0.0) == 0.0
    assert limits.announce_delay(500, 0.0) == 0.025
    assert limits.announce_delay(500, 0.05) == 0.0


def test_three_violations_in_ten_minutes_bar_for_ten() -> None:
    penalties = Penalties()
    for now in (0.0, 100.0):
        penalties.violated(PEER, now)
        assert penalties.wait(PEER, now) == 0.0
    penalties.violated(PEER, 599.0)
    assert penalties.wait(PEER, 600.0) == 599.0
    assert penalties.wait(OTHER, 600.0) == 0.0
    assert penalties.wait(PEER, 1199.0) == 0.0


def test_violations_far_apart_bar_nobody() -> None:
    penalties = Penalties()
    for now in (0.0, 500.0, 601.0):
        penalties.violated(PEER, now)
    assert penalties.wait(PEER, 601.0) == 0.0
