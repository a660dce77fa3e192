"""VirtualTable: rows, cursor, marks, sources and what is painted."""

from collections.abc import Sequence

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.table_messages import MarksChanged, RowHighlighted, RowSelected, RowsNeeded
from p2ptui.widgets.table_rows import Bar, LazySource, ListSource, PagedSource, RowData, Toned
from p2ptui.widgets.theme import LIGHT
from p2ptui.widgets.virtual_table import VirtualTable
from tests.widgets.stage import HOSTILE, Stage, colours, shown

COLUMNS = (Column("name", "Name"), Column("size", "Size", 7, "right"))
SIZE = (40, 11)
"""A header and ten rows."""


def row(number: int) -> RowData:
    return RowData(number, (f"file {number}", f"{number} MB"))


def rows(*numbers: int) -> ListSource:
    return ListSource([row(number) for number in numbers])


class Painted(VirtualTable):
    """Notes which lines are painted."""

    def __init__(self, source: ListSource | LazySource | PagedSource, *, empty: str = "") -> None:
        super().__init__(COLUMNS, empty=empty)
        self.painted: list[int] = []
        self.set_source(source)

    def render_line(self, y: int) -> Strip:
        self.painted.append(y)
        return super().render_line(y)


async def settled(pilot: Pilot[None]) -> None:
    """Let messages, scrolling and painting finish."""
    await pilot.pause()
    await pilot.pause()


# --- what it shows --------------------------------------------------------------------------------


async def test_a_header_and_rows_stand_in_their_columns() -> None:
    table = Painted(rows(1, 2))
    async with Stage(table).run_test(size=SIZE):
        assert shown(table)[:4] == [
            " Name                              Size ",
            "▌file 1                            1 MB ",
            " file 2                            2 MB ",
            " " * 40,
        ]


async def test_an_empty_table_says_what_helps() -> None:
    table = Painted(rows(), empty="Nothing is shared yet: press p.")
    async with Stage(table).run_test(size=SIZE) as pilot:
        assert shown(table)[1].strip() == "Nothing is shared yet: press p."
        table.set_empty("Nothing matches.")
        await settled(pilot)
        assert shown(table)[1].strip() == "Nothing matches."
        assert (table.cursor_key, table.cursor_row, table.chosen) == (None, None, ())
        await pilot.press("down", "up", "pagedown", "end", "enter", "space", "A", "i", "left")
        assert table.cursor == 0


@pytest.mark.parametrize(("name", "literal"), list(HOSTILE.items()))
async def test_f42_f43_f44_a_hostile_name_is_literal_text(name: str, literal: str) -> None:
    table = VirtualTable((Column("name", name), Column("from", "", 36)), empty=name)
    app = Stage(table)
    async with app.run_test(size=(80, 5)) as pilot:
        assert shown(table)[1].strip() == literal
        table.set_source(ListSource([RowData(1, (name, Toned(name, "bad")))]))
        await settled(pilot)
        header, line = shown(table)[:2]
        assert header.strip() == literal
        assert line[1:].split("  ")[0] == literal
        assert line.rstrip().endswith(literal)
        await pilot.click(table, offset=(2, 1))
        assert app.is_running
        assert "\x1b" not in "".join(shown(table))


async def test_tones_have_the_themes_colours_and_another_theme_repaints() -> None:
    table = VirtualTable((Column("a", "A", 4), Column("b", "B", 4), Column("c", "C", 8)))
    table.set_source(
        ListSource([RowData(1, ("x",) * 3), RowData(2, (Toned("y", "bad"), "z", Bar(1, "up")))])
    )
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        drawn = dict(colours(table, 2))
        assert (drawn["y   "], drawn["━" * 8]) == ("#f77171", "#8b7bff")
        app.theme = LIGHT
        await settled(pilot)
        assert dict(colours(table, 2))["y   "] == "#bf2626"


async def test_the_ascii_set_draws_nothing_else() -> None:
    table = VirtualTable((Column("n", "N", 8), Column("b", "B", 8)), glyphs=ASCII)
    table.sort = ("n", True)
    table.set_source(ListSource([RowData(1, ("x", Bar(0.5, "up")), expander="open")]))
    async with Stage(table).run_test(size=SIZE):
        assert all(line.isascii() for line in shown(table))


async def test_a_narrow_table_leaves_columns_out() -> None:
    table = VirtualTable((Column("n", "Name"), Column("i", "Id", 6, min_table_width=30)))
    table.set_source(ListSource([RowData(1, ("file", "abcdef"))]))
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        assert "abcdef" in shown(table)[1]
        await pilot.resize_terminal(25, 11)
        await settled(pilot)
        assert shown(table)[1] == "▌file" + " " * 20


# --- cursor ---------------------------------------------------------------------------------------


async def test_the_cursor_moves_by_keys_and_stays_in_view() -> None:
    table = Painted(rows(*range(100)))
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        for key, place in {
            "down": 1, "j": 2, "up": 1, "k": 0, "pagedown": 10, "end": 99, "pageup": 89, "home": 0,
        }.items():  # fmt: skip
            await pilot.press(key)
            await settled(pilot)
            assert table.cursor == place
            assert table.scroll_offset.y <= place < table.scroll_offset.y + 10
            assert any(line.startswith(f"▌file {place} ") for line in shown(table))
        await pilot.press("up")
        assert table.cursor == 0
        assert app.said(RowHighlighted)[-1].key == 0


async def test_the_terminals_cursor_is_on_the_cursors_row() -> None:
    table = Painted(rows(*range(100)))
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("end", "up")
        await settled(pilot)
        assert app.cursor_position.y == 9


async def test_without_focus_the_row_has_no_edge() -> None:
    table, other = Painted(rows(1)), Painted(rows(2))
    async with Stage(table, other).run_test(size=SIZE) as pilot:
        assert shown(table)[1].startswith("▌")
        other.focus()
        await settled(pilot)
        assert shown(table)[1].startswith(" ")
        assert shown(other)[1].startswith("▌")


async def test_the_cursor_stays_on_its_row_when_rows_move() -> None:
    table = Painted(rows(1, 2, 3))
    async with Stage(table).run_test(size=SIZE) as pilot:
        await pilot.press("down")
        table.set_source(rows(3, 9, 8, 2, 1))
        await settled(pilot)
        assert (table.cursor_key, table.cursor) == (2, 3)


async def test_the_cursor_stays_in_view_when_its_row_moves_far() -> None:
    table = Painted(rows(*range(100)))
    async with Stage(table).run_test(size=SIZE) as pilot:
        table.set_source(rows(*reversed(range(100))))
        await settled(pilot)
        assert table.cursor == 99
        assert any(line.startswith("▌file 0 ") for line in shown(table))


async def test_rows_that_move_do_not_scroll_away_what_is_being_read() -> None:
    table = Painted(rows(*range(100)))
    async with Stage(table).run_test(size=SIZE) as pilot:
        table.scroll_to(y=50, animate=False)
        await settled(pilot)
        table.set_source(rows(*range(100)))
        await settled(pilot)
        assert table.scroll_offset.y == 50


async def test_when_its_row_goes_the_cursor_takes_the_one_in_its_place() -> None:
    table = Painted(rows(1, 2, 3))
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("end")
        app.said(RowHighlighted)
        table.set_source(rows(1, 2))
        await settled(pilot)
        assert table.cursor_key == 2
        assert [message.key for message in app.said(RowHighlighted)] == [2]


async def test_moving_to_a_key_shows_its_row_even_when_it_was_scrolled_away() -> None:
    table = Painted(rows(*range(100)))
    async with Stage(table).run_test(size=SIZE) as pilot:
        assert table.move_to(50)
        table.scroll_to(y=0, animate=False)
        await settled(pilot)
        assert table.move_to(50)
        await settled(pilot)
        assert any(line.startswith("▌file 50 ") for line in shown(table))
        assert not table.move_to("gone")


async def test_enter_selects_the_row() -> None:
    table = Painted(rows(1, 2))
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "enter")
        assert [(message.key, message.control) for message in app.said(RowSelected)] == [(2, table)]


# --- marks ----------------------------------------------------------------------------------------


async def test_marks_are_set_taken_away_and_turned_round() -> None:
    table = Painted(rows(1, 2, 3))
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        assert table.chosen == (1,)
        await pilot.press("space")
        assert (table.marked, table.cursor, table.chosen) == ({1}, 1, (1,))
        assert shown(table)[1].startswith("•file 1")
        await pilot.press("i")
        assert table.marked == {2, 3}
        await pilot.press("A")
        assert table.marked == {1, 2, 3}
        await pilot.press("A")
        assert table.marked == set()
        assert len(app.said(MarksChanged)) == 4
        table.marked = {2}
        table.clear_marks()
        table.clear_marks()
        await settled(pilot)
        assert len(app.said(MarksChanged)) == 1


async def test_a_mark_goes_with_its_row_so_that_no_action_reaches_what_is_not_seen() -> None:
    table = Painted(rows(1, 2, 3))
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space", "space")
        app.said(MarksChanged)
        table.set_source(rows(3, 2))
        await settled(pilot)
        assert table.marked == {2}
        assert len(app.said(MarksChanged)) == 1


# --- sources --------------------------------------------------------------------------------------


async def test_missing_rows_are_asked_for_once_and_shown_when_they_come() -> None:
    source = PagedSource(20)
    source.put(0, [row(number) for number in range(20)], 100)
    table = Painted(source)
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert app.said(RowsNeeded) == []
        await pilot.press("end")
        await settled(pilot)
        table.refresh()
        await settled(pilot)
        assert [(ask.first, ask.last) for ask in app.said(RowsNeeded)] == [(90, 99)]
        assert {line.strip() for line in shown(table)[1:]} == {"…"}
        source.put(80, [row(number) for number in range(80, 100)], 100)
        table.rows_changed()
        await settled(pilot)
        assert shown(table)[10].startswith("▌file 99 ")
        assert (app.said(RowsNeeded), table.cursor_key) == ([], 99)
        await pilot.press("home")
        table.scroll_to(y=40, animate=False)
        await settled(pilot)
        assert [(ask.first, ask.last) for ask in app.said(RowsNeeded)] == [(40, 49)]


async def test_what_happens_while_the_screen_acts_reaches_the_screen() -> None:
    table = Painted(rows(1))
    told: list[object] = []

    class Tells(Screen[None]):
        def compose(self) -> ComposeResult:
            yield table

        def on_row_highlighted(self, message: RowHighlighted) -> None:
            told.append(message.key)

        def on_key(self) -> None:
            table.set_source(rows(7))

    app = Stage()
    async with app.run_test(size=SIZE) as pilot:
        await app.push_screen(Tells())
        await pilot.press("x")
        await settled(pilot)
        assert told == [1, 7]


async def test_f119_of_a_million_rows_only_the_visible_ones_are_formatted() -> None:
    made: list[int] = []

    def make(index: int) -> RowData:
        made.append(index)
        return row(index)

    table = Painted(LazySource(1_000_000, make))
    async with Stage(table).run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert set(made) <= set(range(10))
        made.clear()
        await pilot.press("end")
        await settled(pilot)
        assert set(made) <= {0, *range(999_990, 1_000_000)}
        assert shown(table)[10].startswith("▌file 999999 ")


async def test_only_rows_that_changed_and_are_visible_are_painted() -> None:
    source = rows(*range(100))
    table = Painted(source)
    async with Stage(table).run_test(size=SIZE) as pilot:
        table.scroll_to(y=20, animate=False)
        await settled(pilot)
        table.painted.clear()
        table.update_rows([22, 25, 90, "gone"])
        await settled(pilot)
        assert sorted(set(table.painted)) == [3, 6]


async def test_a_step_of_the_cursor_paints_two_lines() -> None:
    table = Painted(rows(*range(5)))
    async with Stage(table).run_test(size=SIZE) as pilot:
        await settled(pilot)
        table.painted.clear()
        await pilot.press("down")
        await settled(pilot)
        assert sorted(set(table.painted)) == [1, 2]


def sequence(*numbers: int) -> Sequence[RowData]:
    return [row(number) for number in numbers]


async def test_f118_a_storm_of_sizes_down_to_nothing_does_no_harm() -> None:
    table = Painted(ListSource(sequence(*range(50))))
    async with Stage(table).run_test(size=SIZE) as pilot:
        for size in [(20, 5), (1, 1), (2, 2), (300, 80), (3, 1), (40, 11)]:
            await pilot.resize_terminal(*size)
            await pilot.press("pagedown")
            await settled(pilot)
        assert any(line.startswith("▌file 49 ") or "file" in line for line in shown(table))
