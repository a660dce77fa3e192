"""Columns: how they share a table's width."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from p2ptui.widgets.columns import GAP, Column, column_at, place_columns

NAME = Column("name", "Name")
SIZE = Column("size", "Size", 7, "right")
ID = Column("id", "Id", 12, min_table_width=60)


def test_the_flexible_column_takes_what_the_others_leave() -> None:
    name, size = place_columns((NAME, SIZE), 40)
    assert (name.start, name.width) == (0, 31)
    assert (size.start, size.width) == (33, 7)


def test_two_flexible_columns_share_alike_and_the_first_has_the_odd_cell() -> None:
    placed = place_columns((NAME, SIZE, Column("path", "Path")), 40)
    assert [place.width for place in placed] == [15, 7, 14]


def test_a_column_vanishes_in_a_narrow_table_and_gives_its_width_away() -> None:
    columns = (NAME, ID, SIZE)
    assert [place.column.key for place in place_columns(columns, 60)] == ["name", "id", "size"]
    narrow = place_columns(columns, 59)
    assert [place.column.key for place in narrow] == ["name", "size"]
    assert narrow[0].width == 50


def test_the_name_never_vanishes_however_narrow_the_table_is() -> None:
    assert place_columns((NAME, SIZE), 3)[0].width == 4


def test_no_columns_take_no_room() -> None:
    assert place_columns((), 80) == ()


@given(
    st.lists(st.one_of(st.none(), st.integers(1, 20)), min_size=1, max_size=8),
    st.integers(0, 300),
)
def test_columns_never_overlap_and_fill_the_width_when_one_is_flexible(
    widths: list[int | None], width: int
) -> None:
    columns = [Column(str(number), "", cells) for number, cells in enumerate(widths)]
    placed = place_columns(columns, width)
    for before, after in pairwise(placed):
        assert after.start == before.start + before.width + GAP
    needed = sum(4 if cells is None else cells for cells in widths) + GAP * (len(widths) - 1)
    if None in widths and width >= needed:
        assert placed[-1].start + placed[-1].width == width


def test_a_cell_belongs_to_the_column_above_it_and_a_gap_to_none() -> None:
    placed = place_columns((NAME, SIZE), 40)
    assert column_at(placed, 0) is NAME
    assert column_at(placed, 30) is NAME
    assert column_at(placed, 31) is None
    assert column_at(placed, 33) is SIZE
    assert column_at(placed, 40) is None
    assert column_at(placed, -1) is None
