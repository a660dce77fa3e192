"""What a transfer waits for: on its pane, and in its story."""

import msgspec
import pytest

from p2ptui.base.ids import TransferId
from p2ptui.node.api import TransferDetail, TransferState
from p2ptui.screens.why import transfer_story
from p2ptui.widgets.dialog import Paragraph, Question
from tests.support import scene
from tests.support.screen_node import LOST, NOT_JOINED
from tests.support.screen_rig import Rig

NAME = "a-film.mkv"


async def show(rig: Rig, state: TransferState, **more: object) -> None:
    """A single transfer, under the cursor."""
    rig.node.rows = [scene.down(1, NAME, scene.GB, 300 * scene.MB, state, **more)]
    await rig.press("3", "home")
    await rig.told()


def story(rig: Rig) -> str:
    """What the dialog on top says, before it is wrapped."""
    return "\n".join(str(each.content) for each in rig.app.screen.query(Paragraph))


@pytest.mark.parametrize(
    ("state", "more", "on_pane", "in_story"),
    [
        ("paused", {}, "you paused it: s lets it go on", "You paused it. s lets it go on."),
        ("queued", {"turn": 3}, "waits for its turn, 2 before it", "peer.max_downloads"),
        (
            "no_space",
            {"reason": "needs 1.2 GB and has 300 MB in /d"},
            "goes on with more room: needs 1.2 GB and has 300 MB",
            "It goes on by itself once there is room.",
        ),
        (
            "stalled",
            {"reason": "timed out", "retry": scene.TIME + 24},
            "next try at 08:00:24: timed out",
            "next try at 08:00:24: timed out",
        ),
        (
            "active",
            {"place": 2, "known": 4},
            "place 2 in the queue of a source",
            "you have place 2 in the queue",
        ),
    ],
)
async def test_what_is_missing_and_when_it_goes_on(
    rig: Rig, state: TransferState, more: dict[str, object], on_pane: str, in_story: str
) -> None:
    await show(rig, state, **more)
    await rig.until_seen(f"3 Transfers: {on_pane}")
    await rig.press("w")
    await rig.until_on(Question)
    assert in_story in story(rig)


async def test_a_place_in_a_queue_stands_where_the_rate_would(rig: Rig) -> None:
    await show(rig, "active", place=2)
    await rig.until_seen("place 2 ")
    assert "0 B/s" not in next(line for line in rig.text.split("\n") if NAME in line)


async def test_while_the_tracker_is_away_its_next_try_is_told(rig: Rig) -> None:
    rig.node.tracker = LOST
    await show(rig, "stalled", reason="the tracker is away and no source is known")
    await rig.until_seen("next try in 12 s: the tracker is away")
    await rig.press("w")
    await rig.until_on(Question)
    assert "next try in 12 s: the tracker is away" in story(rig)


async def test_without_a_tracker_a_download_waits_for_one(rig: Rig) -> None:
    rig.node.tracker = NOT_JOINED
    await show(rig, "queued", turn=1)
    await rig.until_seen("no tracker is joined: it begins once one is")


async def test_the_remark_follows_the_cursor(rig: Rig) -> None:
    rows = [
        scene.down(1, NAME, scene.GB, 0, "paused"),
        scene.down(2, "b", scene.GB, 0, rate_bps=1_000, sources=1),
    ]
    rig.node.rows = rows
    await rig.press("3", "home")
    await rig.told()
    await rig.until_seen("3 Transfers: you paused it")
    await rig.press("down")
    assert "3 Transfers ─" in rig.text
    rig.node.put_row(msgspec.structs.replace(rows[1], id=TransferId(2), state="no_space"))
    await rig.told()
    await rig.until_seen("3 Transfers: goes on with more room: the disk is full")


async def test_a_source_that_has_gone_silent_is_told_before_it_is_given_up(rig: Rig) -> None:
    await show(rig, "active", rate_bps=0, sources=1, known=1)
    await rig.press("w")
    await rig.until_on(Question)
    assert "Nothing comes now." in story(rig)


async def test_an_upload_that_is_over_is_told_as_past(rig: Rig) -> None:
    upload = scene.up(1, NAME, scene.GB, scene.GB, 1, "mira-nas")
    over = msgspec.structs.replace(upload, state="finished", rate_bps=0, finished=scene.TIME)
    rig.app.push_screen(transfer_story(TransferDetail(row=over, sources=(), chunks=0, bitmap=b"")))
    await rig.until_on(Question)
    assert f"{upload.peer} took 1.0 GB of it from you." in story(rig)
