"""The arithmetic and the looks of the benchmarks' table; nothing is measured here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.table import HEADINGS, AtLeast, Fraction, Limit, Line, Ratio, format_table

MB = 1_000_000


def ratio(ours: tuple[float, ...], theirs: tuple[float, ...], at_least: float = 1.0) -> Ratio:
    return Ratio("T1", "one source", "curl", ours, theirs, at_least)


def test_a_ratio_is_the_median_of_the_rounds_and_not_of_the_rates() -> None:
    # The machine was slow in the second round, for both: that says nothing about either.
    found = ratio((400.0, 100.0, 500.0), (200.0, 50.0, 100.0))
    assert found.each == (2.0, 2.0, 5.0)
    assert "2.00× (2.00 to 5.00)" in found.cells()


@pytest.mark.parametrize(
    ("ours", "at_least", "met"), [(300.0, 3.0, True), (299.0, 3.0, False), (301.0, 3.0, True)]
)
def test_a_ratio_is_held_against_its_target(ours: float, at_least: float, met: bool) -> None:
    found = ratio((ours,), (100.0,), at_least)
    assert found.met is met
    assert found.cells()[-1] == ("met" if met else "MISSED")


def test_rounds_of_unequal_number_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        _ = ratio((1.0, 2.0), (1.0,)).each


@pytest.mark.parametrize(("value", "met"), [(79.0, True), (80.0, True), (80.1, False)])
def test_a_limit_is_held_by_the_median(value: float, met: bool) -> None:
    found = Limit("T12", "--help", (1.0, value, 500.0), 80.0, "milliseconds")
    assert found.met is met


@pytest.mark.parametrize(
    ("line", "figure", "target"),
    [
        (Limit("T12", "--help", (31.4, 30.1, 38.0), 80.0, "milliseconds"), "31 ms", "≤ 80 ms"),
        (Limit("T13", "memory", (117.0 * MB,), 200.0 * MB, "bytes"), "117 MB", "≤ 200 MB"),
        (ratio((795.0 * MB,), (770.0 * MB,), 1.5), "795.0 MB/s", "≥ 1.5×"),
    ],
)
def test_figures_bear_their_unit(line: Line, figure: str, target: str) -> None:
    cells = line.cells()
    assert cells[HEADINGS.index("ours")] == figure
    assert cells[HEADINGS.index("target")] == target


def test_columns_are_aligned_and_no_line_ends_in_blanks() -> None:
    lines: list[Line] = [
        ratio((795.0 * MB, 800.0 * MB), (70.0 * MB, 80.0 * MB)),
        Limit("T12", "p2ptui --help", (31.0,), 80.0, "milliseconds"),
    ]
    table = format_table(lines).splitlines()
    assert len(table) == 3
    assert all(line == line.rstrip() for line in table)
    assert len({line.index("T1") for line in table[1:]}) == 1
    begin = table[0].index("what")
    assert [line[begin:].split("  ")[0] for line in table] == [
        "what",
        "one source",
        "p2ptui --help",
    ]
    end = table[0].index("target") + len("target")
    assert [line[:end].endswith(("≥ 1×", "≤ 80 ms")) for line in table[1:]] == [True, True]


def test_a_table_of_nothing_is_its_headings() -> None:
    assert format_table([]).split() == [heading for heading in HEADINGS if heading]


@given(st.lists(st.tuples(st.floats(1, 1e10), st.floats(1, 1e10)), min_size=1, max_size=9))
def test_the_ratio_lies_between_its_extremes(rounds: list[tuple[float, float]]) -> None:
    ours, theirs = zip(*rounds, strict=True)
    each = [our / their for our, their in rounds]
    assert ratio(ours, theirs, at_least=min(each)).met
    assert not ratio(ours, theirs, at_least=max(each) * 1.01).met


@pytest.mark.parametrize(("value", "met"), [(15_000.0, True), (14_999.0, False)])
def test_how_many_a_second_is_held_against_its_target(value: float, met: bool) -> None:
    found = AtLeast("T9", "entries", (1.0, value, 90_000.0), 15_000.0)
    assert found.met is met
    assert f"{value:.0f}/s" in found.cells()


@pytest.mark.parametrize(
    ("values", "bounds", "met"),
    [
        ((0.9, 0.96, 1.0), {"at_least": 0.95}, True),
        ((0.9, 0.94, 1.0), {"at_least": 0.95}, False),
        ((1.1, 1.3, 2.0), {"at_most": 1.3}, True),
        ((1.1, 1.31, 2.0), {"at_most": 1.3}, False),
    ],
)
def test_a_fraction_has_a_bound_from_above_or_from_below(
    values: tuple[float, ...], bounds: dict[str, float], met: bool
) -> None:
    found = Fraction("T5", "publisher sends", values, "a copy", **bounds)
    assert found.met is met
    cells = found.cells()
    assert len(cells) == len(HEADINGS)
    assert f"{values[1]:.2f}× ({values[0]:.2f} to {values[2]:.2f})" in cells
    assert cells[-2] == ("≥ 0.95×" if "at_least" in bounds else "≤ 1.3×")


def test_a_ratio_may_be_one_of_files() -> None:
    found = Ratio("T6", "small files", "rsync", (4500.0,), (9000.0,), 0.5, unit="files")
    assert found.met
    assert found.cells()[2:6] == ("4500 files/s", "rsync", "9000 files/s", "0.50× (0.50 to 0.50)")
