"""Keys that are pressed before the rows came that they are for."""

import asyncio
import time

import pytest

from p2ptui.node.api import FetchRequest, FolderPage, Page
from p2ptui.screens import key_queue
from p2ptui.screens.past_transfer import PastTransfer
from tests.support import scene
from tests.support.screen_rig import Rig


def slow_folders(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Have the node answer about folders only once the event is set."""
    gate, folder = asyncio.Event(), rig.node.folder

    async def held(name: str, page: Page) -> FolderPage:
        await gate.wait()
        return await folder(name, page)

    monkeypatch.setattr(rig.node, "folder", held)
    return gate


async def test_what_is_pressed_behind_a_folder_that_opens_is_for_its_rows(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.press("1", "home")
    gate = slow_folders(rig, monkeypatch)
    for key in ("right", "down", "down", "r"):
        await rig.pilot.press(key)
    assert not rig.node.named("remove")
    gate.set()
    await rig.until(lambda: rig.node.named("remove"), "the removal")
    assert rig.node.named("remove") == [("remove", "Documents/thesis-final.pdf")]


async def test_rows_that_do_not_come_hold_no_key_for_ever(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.press("1", "home")
    slow_folders(rig, monkeypatch)
    began = time.monotonic()
    await rig.pilot.press("right")
    await rig.pilot.press("3")
    await rig.until(lambda: rig.screen.active == "transfers", "the transfers")
    assert time.monotonic() - began >= key_queue.ROWS_S / 2


async def test_esc_waits_for_no_rows(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_queue, "ROWS_S", 3_600.0)
    await rig.press("1", "home")
    slow_folders(rig, monkeypatch)
    await rig.pilot.press("right")
    await rig.pilot.press("3")
    assert rig.screen.active == "library"
    await rig.pilot.press("escape")
    await rig.until(lambda: rig.screen.active == "transfers", "the transfers")


async def test_enter_behind_the_key_of_the_history_is_for_its_first_row(rig: Rig) -> None:
    gate = rig.node.hold("history")
    await rig.pilot.press("h")
    await rig.pilot.press("enter")
    gate.set()
    await rig.until_on(PastTransfer)
    assert "fedora-workstation-44.iso" in rig.text


async def test_f_behind_a_search_is_for_what_it_finds(rig: Rig) -> None:
    await rig.press("2", "slash")
    gate = rig.node.hold("search")
    await rig.enter("0007")
    await rig.pilot.press("enter")
    await rig.pilot.press("f")
    assert not rig.node.named("fetch")
    gate.set()
    await rig.until(lambda: rig.node.named("fetch"), "the fetch")
    wanted = next(row for row in scene.hits() if "-0007" in row.name)
    assert rig.node.named("fetch") == [("fetch", FetchRequest(target=wanted.content_id))]
