"""ButtonRow: what is drawn, and what a click tells."""

from p2ptui.widgets.buttons import ButtonRow
from p2ptui.widgets.key_footer import KeyFooter, KeyHint
from tests.widgets.stage import Stage, shown

HINTS = (KeyHint("p", "Ping", "act('ping')"), KeyHint("d", "Discover", "act('discover')"))


async def test_each_button_has_its_key_and_a_ground_of_its_own() -> None:
    row = ButtonRow(HINTS)
    async with Stage(row).run_test(size=(40, 3)):
        assert shown(row)[0].rstrip() == "  p Ping    d Discover"
        grounds = [span.style.background for span in row.render().spans if span.start < 8]  # type: ignore[union-attr]
        assert grounds[0] is not None


async def test_a_click_tells_what_its_key_does() -> None:
    row = ButtonRow(HINTS)
    stage = Stage(row)
    async with stage.run_test(size=(40, 3)) as pilot:
        for x in (0, 1, 8, 9, 11, 21, 30):
            await pilot.click(offset=(x, 0))
        chosen = [message.hint.action for message in stage.said(KeyFooter.Chosen)]
        assert chosen == ["act('ping')"] * 2 + ["act('discover')"] * 2


async def test_what_does_not_fit_is_left_out() -> None:
    row = ButtonRow(HINTS)
    async with Stage(row).run_test(size=(16, 3)):
        assert shown(row)[0].rstrip() == "  p Ping"
