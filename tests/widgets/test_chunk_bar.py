"""ChunkBar: bitmaps as blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.node.chunkmap import ChunkMap
from p2ptui.widgets.chunk_bar import ChunkBar, chunk_levels
from tests.widgets.stage import Stage, shown


def bitmap(count: int, have: set[int]) -> bytes:
    chunks = ChunkMap(count)
    for chunk in have:
        chunks.set(chunk)
    return chunks.to_bytes()


def test_a_cell_for_each_chunk() -> None:
    assert chunk_levels(bitmap(5, {0, 2, 4}), 5, 5) == [8, 0, 8, 0, 8]


def test_a_cell_of_many_chunks_fills_in_eighths() -> None:
    assert chunk_levels(bitmap(32, set(range(20))), 32, 2) == [8, 2]


def test_fewer_chunks_than_cells_are_stretched() -> None:
    assert chunk_levels(bitmap(2, {1}), 2, 6) == [0, 0, 0, 8, 8, 8]


def test_one_of_many_is_seen_and_one_that_is_missing_too() -> None:
    assert chunk_levels(bitmap(1000, {0}), 1000, 1) == [1]
    assert chunk_levels(bitmap(1000, set(range(999))), 1000, 1) == [7]


@pytest.mark.parametrize(("count", "cells"), [(0, 3), (5, 0), (-1, 3)])
def test_nothing_to_show_is_empty(count: int, cells: int) -> None:
    assert chunk_levels(b"\xff", count, cells) == [0] * cells


def test_a_bitmap_that_is_too_short_lacks_what_it_does_not_say() -> None:
    assert chunk_levels(b"\xff", 16, 4) == [8, 8, 0, 0]


@given(st.integers(1, 300), st.integers(1, 120), st.data())
def test_full_and_empty_are_told_honestly(count: int, cells: int, data: st.DataObject) -> None:
    have = data.draw(st.sets(st.integers(0, count - 1)))
    levels = chunk_levels(bitmap(count, have), count, cells)
    assert len(levels) == cells
    assert (set(levels) == {8}) == (len(have) == count)
    assert (set(levels) == {0}) == (not have)


async def test_a_map_is_drawn_over_its_rows() -> None:
    bar = ChunkBar(bitmap(8, {0, 1, 2, 7}), 8)
    async with Stage(bar).run_test(size=(4, 5)) as pilot:
        assert shown(bar) == ["█▄ ▄"]
        bar.styles.height = 2
        await pilot.pause()
        assert shown(bar) == ["███ ", "   █"]
        bar.show_map(bitmap(8, set(range(8))), 8, "good")
        await pilot.pause()
        assert shown(bar) == ["████", "████"]
