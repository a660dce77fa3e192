"""RateGraph: words and columns."""

from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.rate_graph import RateGraph
from tests.widgets.stage import Stage, shown


async def test_the_newest_sample_stands_at_the_right() -> None:
    graph = RateGraph("searches", "down")
    async with Stage(graph).run_test(size=(22, 6)) as pilot:
        graph.show("8.0", [1.0, 2.0, 4.0, 8.0], total=4, capacity=20)
        await pilot.pause()
        words, upper, middle, lower = shown(graph)
        assert words.strip() == "searches 8.0 /s"
        assert upper == f"{' ' * 20}█ "
        assert middle == f"{' ' * 19}▄█ "
        assert lower == f"{' ' * 17}▃▆██ "


async def test_little_is_no_peak_and_nothing_is_nothing() -> None:
    graph = RateGraph("searches", "down", glyphs=ASCII)
    async with Stage(graph).run_test(size=(22, 6)) as pilot:
        assert shown(graph)[0].strip() == "searches - /s"
        graph.show("0.1", [0.0, 0.1], total=2, capacity=20)
        await pilot.pause()
        _, *columns, lowest = shown(graph)
        assert "".join(columns).strip() == ""
        assert lowest.strip() == "."


async def test_a_narrow_graph_leaves_the_unit_out() -> None:
    graph = RateGraph("searches", "down")
    async with Stage(graph).run_test(size=(15, 6)) as pilot:
        graph.show("1 204", [1.0], total=1, capacity=20)
        await pilot.pause()
        assert shown(graph)[0].strip() == "searches 1 20"
