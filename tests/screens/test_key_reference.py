"""docs/keys.md is the program's own table; the help of each pane has room for every word of it."""

from pathlib import Path

import pytest

from p2ptui.screens.key_reference import reference
from p2ptui.screens.keys import KEYS, PANES, TABLE_KEYS, help_of
from tests.support.screen_node import ScreenNode
from tests.support.screen_rig import NARROW, Ways, opened

ROOT = Path(__file__).parent.parent.parent


def test_the_page_of_keys_is_what_the_program_has() -> None:
    written = ROOT.joinpath("docs", "keys.md").read_text(encoding="utf-8")
    assert written == reference(), "python -m p2ptui.screens.key_reference > docs/keys.md"


def test_every_key_is_in_the_page() -> None:
    lines = reference().splitlines()
    for key in (*KEYS, *TABLE_KEYS):
        assert [line for line in lines if line.endswith(f"| {key.help} | `{key.id}` |")], key.id


@pytest.mark.parametrize("pane", PANES)
async def test_the_help_of_a_pane_has_every_word(pane: str, tmp_path: Path) -> None:
    async with opened(Ways(ScreenNode()), tmp_path, NARROW) as rig:
        await rig.press(str(PANES.index(pane) + 1), "question_mark")
        seen = rig.text
        for _ in range(4):
            await rig.press("pagedown")
            seen += rig.text
        for shown, help_text in help_of(pane):
            assert help_text in seen, help_text
            assert shown in seen
