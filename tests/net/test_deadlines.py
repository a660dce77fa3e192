"""Deadlines of a connection, by arithmetic alone."""

import pytest

from p2ptui.net.deadlines import FRAME_S, GREETING_S, STALL_S, Deadline, Deadlines

START = 100.0
IDLE = 120.0


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines(START, idle_s=IDLE, sending_counts=True)


def due(deadlines: Deadlines, now: float) -> tuple[float, str]:
    first = deadlines.next(now)
    return first.at, first.code


def test_without_a_greeting_it_ends_after_5_s_whatever_else_comes(deadlines: Deadlines) -> None:
    deadlines.heard(START + 4)
    assert deadlines.next(START + 4) == Deadline(
        START + GREETING_S, "idle", "no greeting within 5 s"
    )


def test_silence_ends_it(deadlines: Deadlines) -> None:
    deadlines.greeted()
    deadlines.heard(START + 50)
    assert due(deadlines, START + 60) == (START + 50 + IDLE, "idle")


@pytest.mark.parametrize(("counts", "since"), [(True, START + 50), (False, START)])
def test_what_leaves_breaks_the_silence_where_it_counts(counts: bool, since: float) -> None:
    deadlines = Deadlines(START, idle_s=IDLE, sending_counts=counts)
    deadlines.greeted()
    deadlines.sent(START + 50)
    assert due(deadlines, START + 60) == (since + IDLE, "idle")


def test_f19_a_frame_must_be_complete_in_30_s_however_it_drips(deadlines: Deadlines) -> None:
    deadlines.greeted()
    deadlines.frame(3, START + 1)
    deadlines.heard(START + 20)
    deadlines.frame(3, START + 20)
    assert due(deadlines, START + 20) == (START + 1 + FRAME_S, "idle")
    deadlines.frame(4, START + 25)
    assert due(deadlines, START + 25) == (START + 25 + FRAME_S, "idle")
    deadlines.frame(None, START + 26)
    assert due(deadlines, START + 26) == (START + 20 + IDLE, "idle")


def test_time_in_which_we_do_not_read_counts_against_nobody(deadlines: Deadlines) -> None:
    deadlines.hold(START)
    deadlines.hold(START + 2)
    deadlines.resume(START + 10)
    assert due(deadlines, START + 10) == (START + GREETING_S + 10, "idle")
    deadlines.greeted()
    deadlines.frame(1, START + 20)
    deadlines.hold(START + 25)
    assert due(deadlines, START + 600)[0] > START + 600
    deadlines.resume(START + 625)
    assert due(deadlines, START + 625) == (START + 20 + FRAME_S + 600, "idle")


def test_the_silence_before_a_pause_is_forgiven_after_it(deadlines: Deadlines) -> None:
    deadlines.greeted()
    deadlines.hold(START + 100)
    deadlines.resume(START + 300)
    assert due(deadlines, START + 300) == (START + 300 + IDLE, "idle")


def test_f78_a_send_buffer_that_does_not_shrink_ends_it(deadlines: Deadlines) -> None:
    deadlines.greeted()
    deadlines.stall(1000, START + 10)
    deadlines.stall(1000, START + 20)
    deadlines.stall(2000, START + 30)
    assert due(deadlines, START + 30) == (START + 10 + STALL_S, "stalled")
    deadlines.stall(1999, START + 35)
    assert due(deadlines, START + 35) == (START + 35 + STALL_S, "stalled")
    deadlines.sent(START + 40)
    assert due(deadlines, START + 40) == (START + 40 + IDLE, "idle")
