"""VirtualTable: trees, titles and the pointer."""

from p2ptui.widgets.columns import Column
from p2ptui.widgets.table_messages import RowSelected, RowToggled, SortRequested
from p2ptui.widgets.table_rows import ListSource, RowData
from p2ptui.widgets.virtual_table import VirtualTable
from tests.widgets.stage import Stage, shown

SIZE = (40, 11)


def tree() -> VirtualTable:
    """An open folder with a file and a closed folder in it, and a file below."""
    table = VirtualTable(
        (
            Column("name", "Name"),
            Column("size", "Size", 7, "right"),
            Column("x", "", 3, sortable=False),
        )
    )
    table.set_source(
        ListSource([
            RowData("music", ("Music", "", ""), expander="open"),
            RowData("song", ("song.ogg", "4 MB", ""), depth=1),
            RowData("live", ("Live", "", ""), depth=1, expander="closed"),
            RowData("notes", ("notes.md", "18 KB", "")),
        ])
    )  # fmt: skip
    return table


async def test_a_tree_is_drawn_with_steps_and_signs() -> None:
    table = tree()
    async with Stage(table).run_test(size=SIZE):
        assert [line[:16].rstrip() for line in shown(table)[1:5]] == [
            "▌▾ Music",
            "     song.ogg",
            "   ▸ Live",
            " notes.md",
        ]


async def test_right_opens_left_closes_and_enter_turns() -> None:
    table = tree()
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("right")  # open already
        assert app.said(RowToggled) == []
        await pilot.press("left", "less_than_sign", "enter")
        assert [(said.key, said.opened) for said in app.said(RowToggled)] == [("music", False)] * 3
        table.move_to("live")
        await pilot.press("right", "greater_than_sign", "enter")
        assert [(said.key, said.opened) for said in app.said(RowToggled)] == [("live", True)] * 3
        assert app.said(RowSelected) == []


async def test_left_goes_to_the_folder_of_a_row() -> None:
    table = tree()
    async with Stage(table).run_test(size=SIZE) as pilot:
        for key in ("song", "live"):
            table.move_to(key)
            await pilot.press("left")
            assert table.cursor_key == "music"
        table.move_to("notes")
        await pilot.press("left")
        assert table.cursor_key == "notes"


async def test_a_click_chooses_a_row_and_a_double_click_opens_it() -> None:
    table = tree()
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(table, offset=(10, 4))
        assert (table.cursor_key, app.said(RowSelected)) == ("notes", [])
        await pilot.double_click(table, offset=(10, 4))
        assert [said.key for said in app.said(RowSelected)] == ["notes"]
        await pilot.click(table, offset=(10, 9))  # below the last row
        assert table.cursor_key == "notes"


async def test_a_click_on_the_sign_folds_once_and_a_double_click_on_the_name_too() -> None:
    table = tree()
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(table, offset=(3, 3))
        assert [(said.key, said.opened) for said in app.said(RowToggled)] == [("live", True)]
        await pilot.double_click(table, offset=(12, 3))
        assert [said.key for said in app.said(RowToggled)] == ["live"]


async def test_a_click_on_a_title_asks_for_the_sort_and_the_sign_shows_it() -> None:
    table = tree()
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(table, offset=(2, 0))
        await pilot.click(table, offset=(30, 0))
        await pilot.click(table, offset=(38, 0))  # not sortable
        assert [said.column for said in app.said(SortRequested)] == ["name", "size"]
        table.sort = ("size", True)
        await pilot.pause()
        assert "Size ▼" in shown(table)[0]
        table.sort = ("name", False)
        await pilot.pause()
        assert shown(table)[0].startswith(" Name ▲")


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    table = VirtualTable((Column("name", "Name"),))
    table.set_source(ListSource([RowData(number, (f"file {number}",)) for number in range(50)]))
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        table.action_scroll_down()
        await pilot.pause()
        table.action_scroll_down()
        await pilot.pause()
        assert (table.scroll_offset.y, table.cursor) == (2, 0)
        assert not any(line.startswith("▌") for line in shown(table))
        await pilot.click(table, offset=(3, 1))
        assert table.cursor_key == 2
