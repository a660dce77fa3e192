"""TabStrip and KeyFooter: one row each, fitted and clicked."""

from p2ptui.widgets.key_footer import PALETTE, KeyFooter, KeyHint, fit_hints
from p2ptui.widgets.tabs import Tab, TabStrip
from tests.widgets.stage import Stage, colours, shown

TABS = (Tab("library", "Library", "1"), Tab("search", "Search", "2"), Tab("log", "[b]Log[/b]", "4"))
HINTS = tuple(
    KeyHint(key, label, f"do_{label.lower()}")
    for key, label in {
        "/": "Search", "p": "Publish", "f": "Fetch", "spc": "Pause", "x": "Cancel", ":": "Cmd",
        "?": "Help",
    }.items()
)  # fmt: skip


async def test_a_strip_shows_titles_and_the_active_one_in_the_accent() -> None:
    strip = TabStrip(TABS)
    app = Stage(strip)
    async with app.run_test(size=(60, 3)) as pilot:
        assert shown(strip)[0].rstrip() == " 1 Library   2 Search   4 [b]Log[/b]"
        accent = app.theme_variables["primary"].lower()
        assert ("1 Library", accent) in [(t, c.lower()) for t, c in colours(strip, 0)]
        strip.active = "search"
        await pilot.pause()
        assert ("2 Search", accent) in [(t, c.lower()) for t, c in colours(strip, 0)]


async def test_a_click_on_a_title_chooses_it_and_between_titles_nothing() -> None:
    strip = TabStrip(TABS)
    app = Stage(strip)
    async with app.run_test(size=(60, 3)) as pilot:
        for x in (1, 9, 11, 13, 20, 40):
            await pilot.click(strip, offset=(x, 0))
        chosen = [(said.key, said.control) for said in app.said(TabStrip.Chosen)]
        assert chosen == [(key, strip) for key in ("library", "library", "search", "search")]


async def test_the_footer_fits_80_columns_with_seven_keys() -> None:
    footer = KeyFooter(HINTS)
    async with Stage(footer).run_test(size=(80, 3)):
        line = shown(footer)[0]
        assert line.startswith(
            " / Search  p Publish  f Fetch  spc Pause  x Cancel  : Cmd  ? Help  "
        )
        assert line.endswith("^p palette ")
        assert len(line) == 80


async def test_hints_are_left_out_at_the_end_and_never_cut() -> None:
    assert [hint.key for _, hint in fit_hints(HINTS, PALETTE, 39)] == ["/", "p", "^p"]
    assert fit_hints(HINTS, PALETTE, 3) == []
    assert [hint.key for _, hint in fit_hints(HINTS, None, 10)] == ["/"]


async def test_a_click_on_a_hint_tells_its_action() -> None:
    footer = KeyFooter(HINTS)
    app = Stage(footer)
    async with app.run_test(size=(80, 3)) as pilot:
        await pilot.click(footer, offset=(12, 0))
        await pilot.click(footer, offset=(78, 0))
        await pilot.click(footer, offset=(67, 0))  # between
        assert [said.hint.action for said in app.said(KeyFooter.Chosen)] == [
            "do_publish",
            "app.command_palette",
        ]
