"""The peer's commands while the tracker is away: whose word it is, and what is waited for."""

import asyncio
import json

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.command_line import parse_arguments, parse_line
from p2ptui.commands import find_command
from p2ptui.net.tasks import spawn
from p2ptui.node.api import FetchRequest, NodeStatus, TrackerStatus, TransferRow
from p2ptui.node.events import Disconnected
from p2ptui.peer_commands import HANDLERS
from p2ptui.peer_program import prepare
from p2ptui.peer_tables import tracker_text
from p2ptui.peer_waiting import wait_connected
from tests.support.command_run import Desk, until
from tests.support.fake_node import CONTENT, TIME, FakeNode, finished, transfer

AWAY = TrackerStatus(state="waiting", address="10.0.0.1:7070", reason="refused", retry_s=5)


@pytest.fixture
async def node() -> FakeNode:
    return FakeNode()


def with_members(count: int | None, tracker: TrackerStatus = AWAY) -> TrackerStatus:
    return msgspec.structs.replace(tracker, in_reach=count)


@pytest.mark.parametrize("line", ["search song", "peers", "browse bert", "sources song.flac"])
@pytest.mark.parametrize("as_json", [False, True])
async def test_an_answer_that_is_not_the_tracker_s_says_so(
    node: FakeNode, line: str, as_json: bool
) -> None:
    desk = Desk(node, as_json=as_json)
    await desk.run(HANDLERS, line)
    assert desk.err == []
    plain = list(desk.out)
    node.reached = 3
    desk = Desk(node, as_json=as_json)
    await desk.run(HANDLERS, line)
    assert any("tracker is away" in told and "3 members in reach" in told for told in desk.err)
    assert desk.out == plain, "on stdout the rows alone"
    assert not as_json or json.loads(desk.err[0])["reached"] == 3


async def test_one_member_is_told_in_the_singular(node: FakeNode) -> None:
    node.reached = 1
    desk = Desk(node)
    await desk.run(HANDLERS, "search xyz")
    assert "the one member in reach" in desk.err[0]
    assert "Nothing found" in desk.err[1]


async def test_a_fetch_from_members_in_reach(node: FakeNode) -> None:
    node.reached = 2

    def begin(fake: FakeNode, _request: FetchRequest) -> TransferRow:
        fake.emit(finished(1))
        return transfer(1, "queued")

    node.fetched = begin
    desk = Desk(node)
    await desk.run(HANDLERS, "fetch song.flac")
    assert "2 members in reach" in desk.err[0]
    assert desk.err[1].startswith("song.flac (2.0 MB) is at bert")
    asked = next(call[1] for call in node.calls if call[0] == "fetch")
    assert isinstance(asked, FetchRequest)
    assert asked.target == CONTENT


async def test_that_no_member_in_reach_has_it_is_told_with_what_to_do(node: FakeNode) -> None:
    node.reached, node.owners = 2, ()
    with pytest.raises(P2PError, match="No member in reach has song") as caught:
        await Desk(node).run(HANDLERS, "fetch song.flac")
    assert caught.value.exit_code is ExitCode.NOT_FOUND
    assert "status" in caught.value.hint


# --- what is waited for ---------------------------------------------------------------------------


def test_the_status_counts_the_members_that_may_be_asked() -> None:
    assert tracker_text(with_members(2)).endswith("; 2 members may be asked meanwhile")
    assert "asked" not in tracker_text(with_members(0)) + tracker_text(with_members(None))


@pytest.mark.parametrize("timeout_s", [None, 5.0])
@pytest.mark.parametrize("state", ["waiting", "connecting"])
async def test_members_in_reach_are_as_good_as_a_tracker(
    node: FakeNode, timeout_s: float | None, state: str
) -> None:
    tracker = msgspec.structs.replace(with_members(2), state=state)
    node.tracker = tracker
    await wait_connected(node, timeout_s, or_members=True)


async def test_without_anybody_the_answer_is_the_tracker_s_state_and_that(node: FakeNode) -> None:
    node.tracker = AWAY
    with pytest.raises(P2PError, match="no other member was found") as caught:
        await wait_connected(node, None, or_members=True)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert "refused" in caught.value.message


async def test_a_first_try_and_a_look_around_are_waited_for(node: FakeNode) -> None:
    node.tracker = with_members(None, TrackerStatus(state="connecting"))
    waiting = asyncio.get_running_loop().create_task(wait_connected(node, None, or_members=True))
    await until(lambda: node.bus.followers)
    node.tracker = with_members(None)
    node.emit(Disconnected(time=TIME, reason="refused", retry_s=5))
    await asyncio.sleep(0)
    assert not waiting.done(), "the local network is still looked at"
    node.tracker = with_members(1)
    await waiting


@pytest.mark.parametrize(
    "tracker",
    [
        with_members(3, TrackerStatus(state="none")),
        with_members(3, TrackerStatus(state="stopped", reason="kicked")),
    ],
)
async def test_whoever_is_in_no_swarm_asks_nobody(node: FakeNode, tracker: TrackerStatus) -> None:
    node.tracker = tracker
    with pytest.raises(P2PError):
        await wait_connected(node, None, or_members=True)


@pytest.mark.parametrize(
    ("line", "can"),
    [
        ("search x", True), ("peers", True), ("browse bert", True), ("sources x", True),
        ("fetch x", True), ("fetch anna:/x", True), ("operate invite", False),
    ],
)  # fmt: skip
async def test_what_members_can_answer(node: FakeNode, line: str, can: bool) -> None:
    node.tracker = with_members(1)
    status: NodeStatus = await node.status()
    assert status.tracker.in_reach == 1
    parsed = parse_line(line, "peer")
    assert parsed is not None
    if can:
        await prepare(Desk(node).context, *parsed)
        return
    with pytest.raises(P2PError):
        await prepare(Desk(node).context, *parsed)


# --- folders of a member --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("fetch anna:/music/jazz", ("anna", "music/jazz", "")),
        ("fetch anna:/", ("anna", "", "")),
        ("fetch 'long anna:/my music'", ("long anna", "my music", "")),
        ("fetch long anna:/my music", ("long anna", "my music", "")),
        ("fetch aaaaaaaa:/a:/b --to /got", ("aaaaaaaa", "a:/b", "/got")),
    ],
)
async def test_a_folder_of_a_member_is_asked_for_as_one_job(
    node: FakeNode, line: str, asked: tuple[str, str, str]
) -> None:
    desk = Desk(node)
    await desk.run(HANDLERS, f"{line} --no-wait")
    assert [call[1:] for call in node.calls if call[0] == "fetch_folder"] == [asked]
    assert not any(call[0] in {"fetch", "sources"} for call in node.calls)
    assert node.patience_s is None, "whoever does not wait has all the time"


@pytest.mark.parametrize(("options", "patience_s"), [([], 900.0), (["--timeout", "5m"], 300.0)])
async def test_f79_a_folder_that_is_waited_for_has_the_patience_of_a_file(
    node: FakeNode, options: list[str], patience_s: float
) -> None:
    command = find_command("fetch", "peer", "cli")
    assert command is not None
    args = parse_arguments(command, ["anna:/music", *options], "cli")

    async def run() -> None:
        await HANDLERS["fetch"](Desk(node).context, args)

    running = spawn(run(), name="fetch")
    await until(lambda: any(call[0] == "fetch_folder" for call in node.calls))
    assert node.patience_s == patience_s
    running.cancel()
    await asyncio.wait({running})


async def test_a_folder_says_how_many_files_there_are_and_how_many_are_here(node: FakeNode) -> None:
    desk = Desk(node)
    node.folder_row = msgspec.structs.replace(
        transfer(), name="jazz", content_id="", files=5, files_done=3, path="/repo/jazz"
    )
    await desk.run(HANDLERS, "fetch anna:/music/jazz --no-wait")
    assert desk.err == ["fetching 2 files of anna into /repo/jazz; 3 are here already"]


async def test_a_name_with_a_colon_is_a_name(node: FakeNode) -> None:
    node.hits = [msgspec.structs.replace(node.hits[0], name="a: b.flac", names=("a: b.flac",))]
    await Desk(node).run(HANDLERS, "fetch a: b.flac --no-wait")
    assert not any(call[0] == "fetch_folder" for call in node.calls)
