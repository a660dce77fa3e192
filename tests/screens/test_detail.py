"""Owners of a content, sources of a transfer with the chunk map, and what they become."""

import msgspec

from p2ptui.base.errors import not_found
from p2ptui.base.ids import TransferId
from p2ptui.screens.detail import DetailDialog
from p2ptui.screens.targets import Target
from p2ptui.widgets.chunk_bar import ChunkBar
from tests.support.fake_node import CONTENT, HOSTILE
from tests.support.screen_rig import Rig


async def test_o_on_a_hit_shows_who_has_it(rig: Rig) -> None:
    await rig.until(lambda: rig.table("search").source.count)
    await rig.press("2", "o")
    await rig.until_on(DetailDialog)
    await rig.until_seen("10.0.4.30:7071")
    assert "owners online" in rig.text
    assert not rig.widget(ChunkBar).display
    await rig.press("escape")
    assert rig.app.screen is rig.screen


async def test_o_on_a_transfer_shows_sources_and_the_chunk_map(rig: Rig) -> None:
    await rig.press("3", "home", "o")
    await rig.until_on(DetailDialog)
    await rig.until_seen("61.0 MB/s")
    assert "of 64 chunks · active" in rig.text
    assert "timed out" not in rig.text  # the story is what `w` tells
    assert rig.widget(ChunkBar).display
    assert "█" in rig.text


async def test_a_tick_brings_it_anew(rig: Rig) -> None:
    row = rig.node.rows[0]
    await rig.press("3", "home", "o")
    dialog = await rig.until_on(DetailDialog)
    await rig.until_seen("· active")
    rig.node.put_row(msgspec.structs.replace(row, state="stalled", reason="nobody is online"))
    rig.node.source_rows = ()
    dialog.tick()
    await rig.until_seen("· stalled")
    assert "nobody is online" in rig.text
    assert "No source is known now." in rig.text


async def test_a_content_that_is_gone_is_told_in_place(rig: Rig) -> None:
    rig.node.trouble["sources"] = not_found("No such file", "Nobody offers it.", "Try search.")
    rig.app.push_screen(DetailDialog(rig.node, Target("x", content_id=CONTENT), ticking=False))
    await rig.until_seen("Nobody offers it. Try search.")


async def test_f42_f43_f44_names_of_others_are_shown_and_never_obeyed(rig: Rig) -> None:
    rig.node.source_rows = tuple(
        msgspec.structs.replace(source, nick=HOSTILE) for source in rig.node.source_rows
    )
    number = TransferId(rig.node.rows[0].id)
    target = Target(HOSTILE, content_id=CONTENT, transfer=number)
    rig.app.push_screen(DetailDialog(rig.node, target, ticking=False))
    await rig.until_seen(r"\x1b[2J\u202egpj.exe\n[red]")
    assert "\x1b" not in rig.text
