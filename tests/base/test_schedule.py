"""Schedules of slow mode."""

from datetime import datetime

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.schedule import parse_schedule

MONDAY = "2026-06-01"
SATURDAY = "2026-06-06"
SUNDAY = "2026-06-07"


def covers(text: str, day: str, time: str) -> bool:
    return parse_schedule(text).covers(datetime.fromisoformat(f"{day} {time}"))


@pytest.mark.parametrize(
    ("text", "day", "time", "expected"),
    [
        ("", MONDAY, "12:00", False),
        ("mon-fri 08:00-18:00", MONDAY, "07:59", False),
        ("mon-fri 08:00-18:00", MONDAY, "08:00", True),
        ("mon-fri 08:00-18:00", MONDAY, "17:59:59", True),
        ("mon-fri 08:00-18:00", MONDAY, "18:00", False),
        ("mon-fri 08:00-18:00", SATURDAY, "12:00", False),
        ("Mon - Fri  8:00 - 18:00; sat 10:00-12:00", SATURDAY, "11:00", True),
        ("08:00-18:00", SUNDAY, "12:00", True),
        ("daily 00:00-24:00", SUNDAY, "23:59", True),
        ("sat-mon 10:00-11:00", MONDAY, "10:30", True),
        ("sat-mon 10:00-11:00", SATURDAY, "10:30", True),
        ("monday 10:00-11:00", MONDAY, "10:30", True),
        ("sun 22:00-06:00", SUNDAY, "23:00", True),
        ("sun 22:00-06:00", MONDAY, "05:59", True),
        ("sun 22:00-06:00", MONDAY, "06:00", False),
        ("sun 22:00-06:00", SUNDAY, "05:00", False),
    ],
)
def test_times_of_the_week(text: str, day: str, time: str, *, expected: bool) -> None:
    assert covers(text, day, time) is expected


@pytest.mark.parametrize(
    "text",
    ["always", "mon", "mon-fri", "xyz 08:00-09:00", "08:00", "25:00-26:00", "08:60-09:00", "8-9"],
)
def test_what_is_no_schedule_is_a_usage_error(text: str) -> None:
    with pytest.raises(P2PError) as caught:
        parse_schedule(text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert "mon-fri 08:00-18:00" in caught.value.hint
