"""Remote text made visible, figures written and read."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.names import is_invisible
from p2ptui.base.text import (
    MAX_MTIME,
    cell_width,
    clamp_mtime,
    display,
    elide_middle,
    format_bytes,
    format_count,
    format_duration,
    format_rate,
    local_clock,
    local_minute,
    local_second,
    parse_duration,
    parse_rate,
    parse_size,
    rfc3339,
)

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=100)
MARKS = st.text(st.sampled_from("ae\u0301\u0300\u20dd\ufe0f\u200d😀\x1b"), max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain text.pdf", "plain text.pdf", id="plain"),
        pytest.param("日本語 ä", "日本語 ä", id="letters"),
        pytest.param("a\nb\rc\td\0", r"a\nb\rc\td\x00", id="f41"),
        pytest.param("\x1b[2J", r"\x1b[2J", id="f42-clear"),
        pytest.param("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07", id="f42-osc-52"),
        pytest.param("\x1b]8;;http://x\x1b\\y", "\\x1b]8;;http://x\\x1b\\y", id="f42-osc-8"),
        pytest.param("\x1bP1;2q", r"\x1bP1;2q", id="f42-dcs"),
        pytest.param("\x9b31m", r"\x9b31m", id="f42-c1"),
        pytest.param("\x7f", r"\x7f", id="f42-del"),
        pytest.param("\u202egpj.exe", r"\u202egpj.exe", id="f43-override"),
        pytest.param("\u2066a\u2069", r"\u2066a\u2069", id="f43-isolate"),
        pytest.param("a\u200bb\ufeffc", r"a\u200bb\ufeffc", id="f43-zero-width"),
        pytest.param("a\u2028b", r"a\u2028b", id="f43-line-separator"),
        pytest.param("a\u3164b", r"a\u3164b", id="f43-hangul-filler"),
        pytest.param("a\U000e0041", r"a\U000e0041", id="f43-tag"),
        pytest.param("[red]x[/foo][@click=app.quit]", "[red]x[/foo][@click=app.quit]", id="f44"),
        pytest.param("a\udc80", r"a\udc80", id="f50"),
        pytest.param("\u0301a", r"\u0301a", id="leading-mark"),
        pytest.param("e\u0301", "e\u0301", id="one-mark"),
        pytest.param("a" + "\u0301" * 6, "a" + "\u0301" * 4 + r"\u0301\u0301", id="smear"),
    ],
)
def test_f41_to_f44_what_cannot_be_seen_is_shown(text: str, expected: str) -> None:
    assert display(text) == expected


@given(ANY_TEXT | MARKS)
def test_f42_f43_displayed_text_holds_nothing_that_acts_or_hides(text: str) -> None:
    shown = display(text)
    assert shown.isprintable()
    assert not any(is_invisible(character) for character in shown)
    assert not shown or unicodedata.category(shown[0]) not in {"Mn", "Me"}
    assert display(shown) == shown
    assert cell_width(shown) <= 10 * len(text)
    shown.encode("utf-8")


def test_f55_a_nick_with_escapes_is_shown_on_one_line() -> None:
    assert display("anna\x1b[31m\n(yuq23opp)") == r"anna\x1b[31m\n(yuq23opp)"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0), ("😀", 2)]
)
def test_width_in_cells(text: str, width: int) -> None:
    assert cell_width(text) == width


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("debian-13.1-amd64.iso", 13, "debian…64.iso"),
        ("short", 5, "short"),
        ("longer", 1, "…"),
        ("longer", 0, ""),
        ("日本語日本語", 7, "日…本語"),
    ],
)
def test_the_middle_is_elided(text: str, width: int, expected: str) -> None:
    assert elide_middle(text, width) == expected


@given(ANY_TEXT.map(display), st.integers(0, 60))
def test_elided_text_fits(text: str, width: int) -> None:
    elided = elide_middle(text, width)
    assert cell_width(elided) <= width
    assert elided == text or "…" in elided or width == 0


@pytest.mark.parametrize(
    ("count", "size", "rate"),
    [
        (0, "0 B", "0 B/s"),
        (999, "999 B", "999 B/s"),
        (1000, "1.0 KB", "1.0 KB/s"),
        (9_960, "10 KB", "10.0 KB/s"),
        (18_000, "18 KB", "18.0 KB/s"),
        (999_499, "999 KB", "999.5 KB/s"),
        (999_999, "1.0 MB", "1.0 MB/s"),
        (4_100_000, "4.1 MB", "4.1 MB/s"),
        (680_000_000, "680 MB", "680.0 MB/s"),
        (3_900_000_000, "3.9 GB", "3.9 GB/s"),
        (2**63 - 1, "9.2 EB", "9.2 EB/s"),
    ],
)
def test_sizes_and_rates(count: int, size: str, rate: str) -> None:
    assert format_bytes(count) == size
    assert format_rate(count) == rate


@given(st.integers(0, 2**63 - 1))
def test_a_size_is_short_and_right_to_a_tenth(count: int) -> None:
    text = format_bytes(count)
    assert len(text) <= 6
    assert math.isclose(parse_size(text), count, rel_tol=0.051, abs_tol=0.5)


def test_counts_are_grouped() -> None:
    assert [format_count(n) for n in (7, 999, 12408, 1284000)] == [
        "7",
        "999",
        "12 408",
        "1 284 000",
    ]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 ms"), (0.038, "38 ms"), (0.9996, "1.0 s"), (1.9, "1.9 s"), (9.96, "10 s"),
        (21.4, "21 s"), (59.6, "1 min 00 s"), (408, "6 min 48 s"), (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"), (86399.8, "1 d"), (273600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, expected: str) -> None:
    assert format_duration(seconds) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4096", 4096), ("0", 0), ("64 MiB", 64 * 2**20), ("64MB", 64_000_000),
        ("1.5g", 1_500_000_000),
        ("2 GiB", 2**31), ("10 B", 10), (" 1 k ", 1000), (".5M", 500_000), ("7 EiB", 7 * 2**60),
    ],
)  # fmt: skip
def test_sizes_are_read(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20M", 20_000_000), ("500 KB/s", 500_000), ("1 MiB/s", 2**20), ("3MBps", 3_000_000)],
)
def test_rates_are_read(text: str, expected: int) -> None:
    assert parse_rate(text) == expected


@pytest.mark.parametrize("text", ["off", "none", "Unlimited", " inf "])
def test_a_rate_may_be_no_limit(text: str) -> None:
    assert parse_rate(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90), ("0", 0), ("30s", 30), ("15m", 900), ("24h", 86400), ("7d", 604800),
        ("2w", 1209600),
        ("1h30m", 5400), ("1h 30m", 5400), ("1.5h", 5400), ("7 D", 604800),
    ],
)  # fmt: skip
def test_durations_are_read(text: str, expected: float) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "-1", "x", "5 apples", "1e9", "1,5 GB", "9" * 65, "99 EB", "٣"]
)
def test_what_is_no_size_is_a_usage_error(text: str) -> None:
    with pytest.raises(P2PError) as caught:
        parse_size(text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "0", "0 MB", "-5M", "fast"])
def test_what_is_no_rate_is_a_usage_error(text: str) -> None:
    with pytest.raises(P2PError, match="Not a rate"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["", "-1", "1x", "h", "30m1h", "1h1h", "9" * 60, "1h 30"])
def test_what_is_no_duration_is_a_usage_error(text: str) -> None:
    with pytest.raises(P2PError, match="Not a duration"):
        parse_duration(text)


def test_an_error_shows_the_wrong_text_safely() -> None:
    with pytest.raises(P2PError) as caught:
        parse_size("\x1b[2J")
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1772600000.1236, "2026-03-04T04:53:20.124Z"),
        (-2177452800, "1901-01-01T00:00:00.000Z"),
        (2**63, "9999-12-31T23:59:59.000Z"),
        (-(2.0**63), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_f57_times_are_shown_in_rfc_3339_whatever_they_are(seconds: float, expected: str) -> None:
    assert rfc3339(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(-2177452800, 0, id="1901"),
        pytest.param(-1, 0, id="negative"),
        pytest.param(1772600000.9, 1772600000, id="now"),
        pytest.param(4291747200, 4291747200, id="2106-01"),
        pytest.param(4323283200, MAX_MTIME, id="2107"),
        pytest.param(2**63, MAX_MTIME, id="2-to-63"),
    ],
)
def test_f57_modification_times_are_clamped(seconds: float, expected: int) -> None:
    assert clamp_mtime(seconds) == expected


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1_700_000_000.0, 2.0**60])
def test_moments_on_this_machines_clock_agree_and_never_fail(seconds: float) -> None:
    whole = local_second(seconds)
    assert whole.startswith(local_minute(seconds))
    assert whole.endswith(f" {local_clock(seconds)}")
