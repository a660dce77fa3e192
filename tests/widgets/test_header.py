"""HeaderBar and the line of parts that it is made of."""

from dataclasses import replace

import pytest
from textual.content import Content

from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.header import HeaderBar, HeaderState
from p2ptui.widgets.status_line import Part, StatusLine, fit_parts
from tests.widgets.stage import HOSTILE, Stage, shown

STATE = HeaderState(
    nick="leo-x1",
    address="10.0.4.21:4500",
    tracker="lab.example",
    tracker_tone="good",
    tracker_word="connected",
    reach="reachable",
    down_bps=184.6e6,
    up_bps=31.2e6,
)


async def header(state: HeaderState, width: int) -> str:
    bar = HeaderBar()
    async with Stage(bar).run_test(size=(width, 3)) as pilot:
        bar.state = state
        await pilot.pause()
        return shown(bar)[0]


async def test_a_wide_header_shows_everything() -> None:
    line = await header(STATE, 120)
    assert line.startswith(" ◆ p2ptui  leo-x1 10.0.4.21:4500   ● lab.example connected")
    assert "lab.example connected  ● reachable  " in line
    assert line.endswith("↓ 184.6 MB/s  ↑  31.2 MB/s ")


async def test_at_80_columns_the_less_important_vanishes() -> None:
    line = await header(STATE, 80)
    assert line.startswith(" ◆ p2ptui  leo-x1   ● lab.example connected  ")
    assert line.endswith("↓ 184.6 MB/s  ↑  31.2 MB/s ")
    assert len(line) == 80


@pytest.mark.parametrize("width", [80, 120])
async def test_rates_stand_still_while_they_change(width: int) -> None:
    slow = await header(replace(STATE, down_bps=0, up_bps=999), width)
    fast = await header(replace(STATE, down_bps=999.9e6, up_bps=1e9), width)
    assert slow.index("↓") == fast.index("↓")
    assert slow.index("↑") == fast.index("↑")


async def test_a_state_that_is_not_good_is_told_by_words_however_narrow_it_gets() -> None:
    state = replace(STATE, tracker_tone="bad", tracker_word="again in 12 s", reach="not reachable")
    assert "● lab.example again in 12 s" in await header(state, 70)
    assert "● not reachable" in await header(state, 120)


async def test_without_a_tracker_it_says_so() -> None:
    assert "● no tracker" in await header(HeaderState(nick="leo"), 80)


async def test_limits_and_slow_mode_are_shown_where_there_is_room() -> None:
    state = replace(STATE, up_limit_bps=40_000_000, slow=True)
    wide = await header(state, 120)
    assert wide.endswith("↑  31.2 MB/s of 40.0 MB/s ")
    assert "slow mode" in wide
    assert "slow mode" in await header(state, 80)


async def test_a_tiny_header_is_cut_and_does_no_harm() -> None:
    for width in (3, 5, 20):
        assert len(await header(STATE, width)) == width


async def test_the_ascii_set_draws_nothing_else() -> None:
    bar = HeaderBar(glyphs=ASCII)
    async with Stage(bar).run_test(size=(120, 3)) as pilot:
        bar.state = STATE
        await pilot.pause()
        assert shown(bar)[0].isascii()


@pytest.mark.parametrize(("name", "literal"), list(HOSTILE.items()))
async def test_f42_f43_f44_a_hostile_tracker_name_is_literal(name: str, literal: str) -> None:
    state = replace(STATE, tracker=name, address=name)
    assert f"● {literal} connected" in await header(state, 200)


def test_parts_vanish_by_rank_and_those_of_rank_zero_never() -> None:
    left = [Part("aaaa"), Part("bbbb", rank=1), Part("cccc", rank=2)]
    right = [Part("dddd"), Part("eeee", rank=2)]
    assert fit_parts(left, right, 27) == (left, right)
    assert fit_parts(left, right, 26) == (left[:2], right[:1])
    assert fit_parts(left, right, 16) == (left[:1], right[:1])
    assert fit_parts(left, right, 1) == (left[:1], right[:1])


async def test_the_same_parts_are_not_painted_again() -> None:
    painted: list[int] = []

    class Counted(StatusLine):
        def render(self) -> Content:
            painted.append(1)
            return super().render()

    line = Counted()
    async with Stage(line).run_test(size=(40, 3)) as pilot:
        line.show_parts([Part("a")], [])
        await pilot.pause()
        painted.clear()
        line.show_parts([Part("a")], [])
        await pilot.pause()
        assert painted == []
        line.show_parts([Part("b")], [])
        await pilot.pause()
        assert painted
