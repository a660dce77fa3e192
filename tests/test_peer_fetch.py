"""The fetch command against a fake node: who has it, what is waited for, how it ends."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import TransferId
from p2ptui.node.api import FetchRequest, TransferRow
from p2ptui.node.events import FetchFailed, FetchStateChanged, Stopped
from p2ptui.peer_commands import HANDLERS
from tests.support.command_run import Desk, Shown, until
from tests.support.fake_node import (
    CONTENT,
    OTHER_CONTENT,
    TIME,
    FakeNode,
    finished,
    hit,
    transfer,
)


@pytest.fixture
async def node() -> FakeNode:
    return FakeNode()


def begins_with(state: Any, *events: Any) -> Any:
    """A fetch that is in a state, and of which these events follow."""

    def begin(node: FakeNode, _request: FetchRequest) -> TransferRow:
        for event in events:
            node.emit(event)
        return transfer(1, state)

    return begin


async def test_fetch_tells_who_has_it_and_what_came_of_it(node: FakeNode) -> None:
    node.fetched = begins_with("queued", finished(7), finished(1))
    desk = Desk(node)
    await desk.run(HANDLERS, "fetch song.flac")
    assert desk.err == ["song.flac (2.0 MB) is at bert (bbbbbbbb) 10.0.0.2:7071"]
    assert desk.out == [
        "fetched song.flac: 2.0 MB in 4.0 s, 500.0 KB/s, from 2 sources -> /repo/song.flac"
    ]
    request = next(call[1] for call in node.calls if call[0] == "fetch")
    assert isinstance(request, FetchRequest)
    assert (request.target, request.address, request.patience_s) == (CONTENT, "", 900.0)


async def test_fetch_from_one_address_asks_no_one_else(node: FakeNode, tmp_path: Path) -> None:
    node.fetched = begins_with("queued", finished())
    await Desk(node).run(HANDLERS, f"fetch my song.flac 10.0.0.2 7071 --to {tmp_path}")
    assert node.calls == [
        ("fetch", FetchRequest(target="my song.flac", address="10.0.0.2:7071",
                               folder=str(tmp_path), patience_s=900.0)),
    ]  # fmt: skip


async def test_a_fetch_that_failed_has_the_node_s_reason_and_code(node: FakeNode) -> None:
    failed = FetchFailed(
        time=TIME, id=TransferId(1), name="song.flac", content_id=CONTENT, reason="disk full",
        hint="Make room.", exit_code=6,
    )  # fmt: skip
    node.fetched = begins_with("active", failed)
    with pytest.raises(P2PError, match="disk full") as caught:
        await Desk(node).run(HANDLERS, "fetch song.flac")
    assert (caught.value.exit_code, caught.value.hint) == (ExitCode.STORAGE, "Make room.")


async def test_a_fetch_that_somebody_cancelled(node: FakeNode) -> None:
    cancelled = FetchStateChanged(time=TIME, id=TransferId(1), name="song.flac", state="cancelled")
    node.fetched = begins_with("active", cancelled)
    with pytest.raises(P2PError, match="Cancelled") as caught:
        await Desk(node).run(HANDLERS, "fetch song.flac")
    assert caught.value.exit_code is ExitCode.INTERRUPTED


async def test_f91_a_full_disk_ends_the_waiting_and_not_the_fetch(node: FakeNode) -> None:
    full = FetchStateChanged(
        time=TIME, id=TransferId(1), name="song.flac", state="no_space", reason="needs 5 MB"
    )
    for begin in (begins_with("active", full), begins_with("no_space")):
        node.fetched = begin
        with pytest.raises(P2PError, match="No space for song") as caught:
            await Desk(node).run(HANDLERS, "fetch song.flac")
        assert caught.value.exit_code is ExitCode.STORAGE
        assert "goes on if there is room within 15 min" in caught.value.hint


async def test_a_node_that_stops_in_the_middle(node: FakeNode) -> None:
    node.fetched = begins_with("active", Stopped(time=TIME))
    with pytest.raises(P2PError, match="The node stopped"):
        await Desk(node).run(HANDLERS, "fetch song.flac")


async def test_f54_nobody_who_has_it_is_online(node: FakeNode) -> None:
    node.owners = ()
    with pytest.raises(P2PError, match="No source") as caught:
        await Desk(node).run(HANDLERS, "fetch song.flac")
    assert caught.value.exit_code is ExitCode.NOT_FOUND
    assert not any(call[0] == "fetch" for call in node.calls)


async def test_what_is_here_already_needs_no_source(node: FakeNode) -> None:
    node.owners = ()
    node.hits = [msgspec.structs.replace(hit(), have="have")]
    node.fetched = lambda _node, _request: transfer(1, "finished", 2_000_000)
    desk = Desk(node)
    await desk.run(HANDLERS, "fetch song.flac")
    assert desk.out == ["song.flac is here already: /repo/song.flac"]


async def test_a_fetch_that_is_not_waited_for(node: FakeNode) -> None:
    desk = Desk(node)
    await desk.run(HANDLERS, "fetch song.flac --no-wait")
    desk.wait = False
    await desk.run(HANDLERS, "fetch song.flac")
    assert desk.out == ["fetching song.flac, 2.0 MB (transfer 1)"] * 2
    requests = [call[1] for call in node.calls if call[0] == "fetch"]
    assert all(isinstance(r, FetchRequest) and r.patience_s is None for r in requests)


async def test_after_a_gap_in_the_events_the_node_is_asked(node: FakeNode) -> None:
    def begin(fake: FakeNode, _request: FetchRequest) -> TransferRow:
        fake.rows = [transfer(1, "finished", 2_000_000)]
        for number in range(2_000):
            fake.emit(finished(number + 100))
        return transfer(1, "active")

    node.fetched = begin
    desk = Desk(node)
    await desk.run(HANDLERS, "fetch song.flac")
    assert desk.out[0].startswith("fetched song.flac")
    assert ("transfer", 1) in node.calls


async def test_progress_is_shown_and_wiped_before_the_result(node: FakeNode) -> None:
    def begin(fake: FakeNode, _request: FetchRequest) -> TransferRow:
        fake.rows = [transfer(1, "active", 500_000), transfer(9, "active", 1)]
        return fake.rows[0]

    node.fetched = begin
    desk = Desk(node)
    desk.progress = shown = Shown()
    task = asyncio.get_running_loop().create_task(desk.run(HANDLERS, "fetch song.flac"))
    await until(lambda: shown.all)
    assert shown.all[0].done == 500_000
    node.emit(finished())
    await task
    assert shown.cleared


async def test_an_interrupted_fetch_says_how_it_goes_on(node: FakeNode) -> None:
    desk = Desk(node)
    task = asyncio.get_running_loop().create_task(desk.run(HANDLERS, "fetch song.flac"))
    await until(lambda: any(call[0] == "fetch" for call in node.calls))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "goes on with it" in desk.err[-1]
    assert node.bus.followers == 0


async def test_several_contents_of_one_name_are_the_node_s_to_list(node: FakeNode) -> None:
    node.hits = [hit(), hit(content_id=OTHER_CONTENT)]
    node.trouble["sources"] = P2PError("Several contents are called song.flac", "a 1 MB; b 2 MB")
    with pytest.raises(P2PError, match="Several contents"):
        await Desk(node).run(HANDLERS, "fetch song.flac")
