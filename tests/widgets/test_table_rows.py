"""Sources of rows: lists, rows made when looked at, and pages that are brought."""

import pytest

from p2ptui.widgets.table_rows import LazySource, ListSource, PagedSource, RowData


def row(number: int) -> RowData:
    return RowData(number, (f"row {number}",))


def page(offset: int, size: int) -> list[RowData]:
    return [row(number) for number in range(offset, offset + size)]


def test_a_list_answers_by_place_and_by_key() -> None:
    source = ListSource([row(7), row(3)])
    assert source.count == 2
    assert source.row(1) == row(3)
    assert source.index_of(3) == 1
    assert source.index_of(99) is None


@pytest.mark.parametrize("index", [-1, 2])
def test_a_list_has_no_row_outside(index: int) -> None:
    assert ListSource([row(1), row(2)]).row(index) is None
    assert LazySource(2, row).row(index) is None


def test_lazy_rows_are_made_when_they_are_asked_for() -> None:
    made: list[int] = []

    def make(index: int) -> RowData:
        made.append(index)
        return row(index)

    source = LazySource(1_000_000, make)
    assert not made
    assert source.row(999_999) == row(999_999)
    assert made == [999_999]


def test_pages_answer_for_what_was_put_and_say_what_is_missing() -> None:
    source = PagedSource(10)
    source.put(0, page(0, 10), 35)
    assert source.count == 35
    assert source.row(9) == row(9)
    assert source.row(10) is None
    assert source.missing(5, 24) == [10, 20]
    source.put(10, page(10, 10), 35)
    assert source.missing(5, 24) == [20]
    assert source.index_of(13) == 13
    assert source.index_of(30) is None


def test_the_first_page_is_missing_before_anything_is_known() -> None:
    assert PagedSource(10).missing(0, 20) == [0]


def test_nothing_beyond_the_total_is_missing() -> None:
    source = PagedSource(10)
    source.put(0, page(0, 10), 12)
    assert source.missing(0, 500) == [10]


def test_a_page_that_came_short_leaves_its_other_rows_missing_and_does_not_fail() -> None:
    source = PagedSource(10)
    source.put(0, page(0, 4), 10)
    assert source.row(3) == row(3)
    assert source.row(4) is None


def test_only_the_pages_used_last_are_kept() -> None:
    source = PagedSource(10, keep=2)
    source.put(0, page(0, 10), 100)
    source.put(10, page(10, 10), 100)
    assert source.row(0) is not None  # used: the other one goes
    source.put(20, page(20, 10), 100)
    assert source.row(0) is not None
    assert source.row(10) is None
    assert source.missing(0, 29) == [10]


def test_a_cleared_source_has_nothing() -> None:
    source = PagedSource(10)
    source.put(0, page(0, 10), 10)
    source.clear()
    assert source.count == 0
    assert source.row(0) is None
