"""Figures: two a row, values at the right."""

from p2ptui.widgets.figures import Figure, Figures
from tests.widgets.stage import Stage, shown


async def test_values_are_aligned_at_the_right() -> None:
    figures = Figures()
    async with Stage(figures).run_test(size=(32, 5)) as pilot:
        figures.show([Figure("Files", "12"), Figure("p99", "4 ms", "warn"), Figure("Known", "1")])
        await pilot.pause()
        assert shown(figures) == [
            " Files       12  p99       4 ms ",
            " Known        1                 ",
            " " * 32,
        ]


async def test_a_long_value_leaves_its_name_out_first() -> None:
    figures = Figures()
    async with Stage(figures).run_test(size=(20, 5)) as pilot:
        figures.show([Figure("Searches", "1 234"), Figure("Memory", "186 MB\x1b[2J")])
        await pilot.pause()
        first = shown(figures)[0]
        assert "1 234" in first
        assert "\x1b" not in first
        assert len(first) == 20
