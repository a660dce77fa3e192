"""TrafficGraph: arithmetic and blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.traffic_graph import LEAST_SCALE, TrafficGraph, columns_of, heights_of
from tests.widgets.stage import Stage, colours, shown

MB = 1_000_000.0


def test_one_sample_a_cell_stands_at_the_right() -> None:
    assert columns_of([1, 2, 3], 3, 5, 5) == [0, 0, 1, 2, 3]


def test_a_narrow_graph_shows_means() -> None:
    assert columns_of([1, 3, 5, 7], 4, 4, 2) == [2, 6]


def test_a_wide_graph_repeats_samples() -> None:
    assert columns_of([1, 2], 2, 2, 4) == [1, 1, 2, 2]


def moved(capacity: int, width: int, more: int) -> tuple[list[float], list[float]]:
    """The columns of 1, 2, 3, …, and again one sample later."""
    samples = [float(number + 1) for number in range(capacity * 2 + more)]
    before = columns_of(samples[-capacity - 1 : -1], len(samples) - 1, capacity, width)
    after = columns_of(samples[-capacity:], len(samples), capacity, width)
    assert len(before) == len(after) == width
    return before, after


@given(st.integers(1, 80), st.integers(0, 100), st.integers(0, 300))
def test_columns_of_several_samples_move_and_do_not_change(
    width: int, wider: int, more: int
) -> None:
    before, after = moved(width + wider, width, more)
    # The first lost a sample, the last may have got one.
    assert set(before[1:-1]) <= set(after)
    assert after[-1] >= before[-1]


@given(st.integers(1, 80), st.integers(0, 100), st.integers(0, 300))
def test_a_stretched_graph_shows_the_newest_samples_in_turn(
    capacity: int, wider: int, more: int
) -> None:
    newest = float(capacity * 2 + more)
    _, after = moved(capacity, capacity + wider, more)
    assert after[-1] == newest
    assert sorted(set(after)) == [newest - back for back in reversed(range(capacity))]
    assert after == sorted(after)


@pytest.mark.parametrize("width", [0, -1])
def test_no_room_has_no_columns(width: int) -> None:
    assert columns_of([1.0], 1, 60, width) == []


def test_the_peak_fills_the_height_and_something_is_never_nothing() -> None:
    assert heights_of([0, 1, 50 * MB, 100 * MB], 2) == [0, 1, 8, 16]


def test_a_trickle_does_not_look_like_a_flood() -> None:
    assert heights_of([LEAST_SCALE / 10], 1) == [1]
    assert heights_of([], 1) == []


async def test_down_is_above_and_up_below_each_by_its_own_peak() -> None:
    graph = TrafficGraph(samples=4)
    app = Stage(graph)
    async with app.run_test(size=(6, 6)) as pilot:
        graph.extend([(0, 4 * MB), (50 * MB, 4 * MB), (100 * MB, 2 * MB), (25 * MB, 0)])
        await pilot.pause()
        assert shown(graph) == ["   █  ", "  ██▄ ", " ██   ", " ███  "]
        assert graph.peaks == (100 * MB, 4 * MB)
        down, up = app.theme_variables["down"].lower(), app.theme_variables["up"].lower()
        assert down in {colour.lower() for _, colour in colours(graph, 0)}
        assert up in {colour.lower() for _, colour in colours(graph, 2)}


async def test_an_odd_height_gives_the_row_to_down_and_one_row_shows_down_alone() -> None:
    graph = TrafficGraph(samples=2)
    app = Stage(graph)
    async with app.run_test(size=(4, 6)) as pilot:
        graph.extend([(MB, MB), (MB, MB)])
        for height, lines in {3: 3, 1: 1}.items():
            graph.styles.height = height
            await pilot.pause()
            assert shown(graph) == [" ██ "] * lines


async def test_without_samples_it_is_blank_and_in_ascii_it_is_ascii() -> None:
    graph = TrafficGraph()
    async with Stage(graph).run_test(size=(20, 6)) as pilot:
        assert "".join(shown(graph)).strip() == ""
        assert graph.peaks == (0, 0)
        graph.set_glyphs(ASCII)
        graph.add(MB, MB / 3)
        await pilot.pause()
        drawn = "".join(shown(graph))
        assert drawn.strip()
        assert drawn.isascii()
