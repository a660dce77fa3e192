"""The peer's commands against a fake node: what they ask, what they write, how they fail."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from p2ptui.base.errors import ExitCode, P2PError, security_stop
from p2ptui.node.api import FileRow, Page, TrackerStatus
from p2ptui.node.events import Connected
from p2ptui.peer_commands import HANDLERS
from p2ptui.peer_waiting import wait_connected
from tests.support.command_run import Desk, Shown, until
from tests.support.fake_node import (
    ANNA,
    CONNECTED,
    CONTENT,
    PIN,
    TIME,
    FakeNode,
    transfer,
)


@pytest.fixture
async def node() -> FakeNode:
    return FakeNode()


def file(number: int) -> FileRow:
    return FileRow(
        name=f"f{number:04}",
        size=number,
        content_id=CONTENT,
        state="shared",
        path=f"/repo/{number}",
    )


# --- lists ----------------------------------------------------------------------------------------


async def test_search_as_text_and_as_json(node: FakeNode) -> None:
    desk = Desk(node)
    await desk.run(HANDLERS, "search song")
    assert desk.out[0].split() == ["name", "size", "owners", "id"]
    assert desk.out[1].split() == ["song.flac", "2.0", "MB", "2", "of", "3", CONTENT[4:12]]
    desk = Desk(node, as_json=True)
    await desk.run(HANDLERS, "search song")
    assert desk.rows[0]["content_id"] == CONTENT
    assert desk.rows[0]["owners"] == 2


async def test_a_search_that_finds_nothing_is_no_failure(node: FakeNode) -> None:
    desk = Desk(node)
    await desk.run(HANDLERS, "search xyz")
    assert (desk.out, desk.err) == ([], ["Nothing found for 'xyz'."])


@pytest.mark.parametrize(
    ("line", "shown", "told"),
    [
        ("files", 200, True),
        ("files --limit 3", 3, True),
        ("files --limit 450", 450, False),
        ("files --limit 0", 450, False),
        ("files f00 --limit 0", 100, False),
    ],
)
async def test_long_lists_are_read_in_pages(
    node: FakeNode, line: str, shown: int, told: bool
) -> None:
    node.files = [file(number) for number in range(450)]
    desk = Desk(node)
    await desk.run(HANDLERS, line)
    assert len(desk.out) == shown + 1
    assert bool(desk.err) == told
    asked = [call[1] for call in node.calls if call[0] == "library"]
    assert all(isinstance(page, Page) and page.limit <= 200 for page in asked)


async def test_a_sort_and_a_filter_reach_the_node(node: FakeNode) -> None:
    await Desk(node).run(HANDLERS, "files two words --sort -size")
    assert node.calls[0] == (
        "library", Page(offset=0, limit=200, filter="two words", sort="-size"),
    )  # fmt: skip


async def test_transfers_and_history_part_by_state(node: FakeNode) -> None:
    node.rows = [transfer(1), transfer(2, "finished", 2_000_000), transfer(3, "paused", 1_000_000)]
    desk = Desk(node, as_json=True)
    await desk.run(HANDLERS, "transfers")
    await desk.run(HANDLERS, "history")
    assert [row["id"] for row in desk.rows] == [1, 3, 2]
    assert desk.rows[2]["finished"] == "2027-01-15T08:00:04.000Z"


@pytest.mark.parametrize(
    "line", ["peers", "browse bert", "shares", "sources song.flac", "status", "rescan", "files"]
)
@pytest.mark.parametrize("as_json", [False, True])
async def test_what_is_listed_is_safe_to_look_at(node: FakeNode, line: str, as_json: bool) -> None:
    node.files = [file(1)]
    desk = Desk(node, as_json=as_json)
    await desk.run(HANDLERS, line)
    assert desk.out
    assert "".join(desk.out).replace("\n", "").isprintable()
    assert not as_json or desk.rows


@pytest.mark.parametrize("line", ["files --limit x", "files --limit -1", "pause x", "cancel 1.5"])
async def test_numbers_that_are_none(node: FakeNode, line: str) -> None:
    with pytest.raises(P2PError) as caught:
        await Desk(node).run(HANDLERS, line)
    assert caught.value.exit_code is ExitCode.USAGE


# --- offering -------------------------------------------------------------------------------------


async def test_paths_reach_the_node_absolute(
    node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    desk = Desk(node)
    await desk.run(HANDLERS, "publish a/../b.txt 'other name'")
    await desk.run(HANDLERS, "share ~/music")
    await desk.run(HANDLERS, "unshare other")
    here = os.fspath(tmp_path)
    assert ("publish", f"{here}/b.txt", "other name") in node.calls
    assert ("share", f"{here}/music", True) in node.calls
    assert ("share", f"{here}/other", False) in node.calls


async def test_a_share_is_waited_for_until_it_is_hashed(node: FakeNode) -> None:
    node.hashing_left = 3
    desk = Desk(node)
    desk.progress = shown = Shown()
    task = asyncio.get_running_loop().create_task(desk.run(HANDLERS, "share /music"))
    await until(lambda: shown.all)
    assert not task.done()
    node.hashing_left = 0
    await task
    assert desk.out == ["sharing /music as music: 2 files, 5.0 KB"]
    assert shown.cleared


async def test_remove_tells_whether_the_file_is_gone(node: FakeNode) -> None:
    desk = Desk(node)
    await desk.run(HANDLERS, "remove two words")
    assert desk.out == ["removed two words and deleted /repo/two words"]


# --- the swarm ------------------------------------------------------------------------------------

FIRST = security_stop("First contact", f"It has {PIN}", f"If that is right, add --trust {PIN}")


class Asked:
    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.questions: list[str] = []

    async def __call__(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer


async def join(desk: Desk, line: str, node: FakeNode) -> list[Any]:
    """Join a tracker that is met for the first time."""
    plain = node.join

    async def first(target: str, trust: str) -> TrackerStatus:
        if trust != PIN:
            node.calls.append(("join", target, trust))
            raise FIRST
        return await plain(target, trust)

    node.join = first  # type: ignore[method-assign]
    await desk.run(HANDLERS, line)
    return [call for call in node.calls if call[0] == "join"]


async def test_a_first_contact_is_asked_about_on_a_terminal(node: FakeNode) -> None:
    desk = Desk(node)
    desk.ask = asked = Asked(answer=True)
    calls = await join(desk, "join host", node)
    assert calls == [("join", "host", ""), ("join", "host", PIN)]
    assert len(asked.questions) == 1
    assert any(PIN in line for line in desk.err)
    assert desk.out == ["connected to office at 10.0.0.1:7070"]


async def test_a_no_is_a_no(node: FakeNode) -> None:
    desk = Desk(node)
    desk.ask = Asked(answer=False)
    with pytest.raises(P2PError) as caught:
        await join(desk, "join host", node)
    assert caught.value is FIRST


async def test_a_first_contact_without_a_person_is_told(node: FakeNode) -> None:
    desk = Desk(node)
    await join(desk, "join host", node)
    assert any(PIN in line for line in desk.err)


async def test_a_fingerprint_that_was_given_is_final(node: FakeNode) -> None:
    desk = Desk(node)
    desk.ask = asked = Asked(answer=True)
    with pytest.raises(P2PError):
        await join(desk, f"join host --trust {'z' * 32}", node)
    assert asked.questions == []


@pytest.mark.parametrize(
    ("tracker", "code"),
    [
        (TrackerStatus(state="none"), ExitCode.USAGE),
        (TrackerStatus(state="waiting", reason="refused", retry_s=5), ExitCode.UNREACHABLE),
        (TrackerStatus(state="stopped", reason="kicked"), ExitCode.UNREACHABLE),
    ],
)
async def test_without_a_tracker_it_is_said_at_once(
    node: FakeNode, tracker: TrackerStatus, code: ExitCode
) -> None:
    node.tracker = tracker
    with pytest.raises(P2PError) as caught:
        await wait_connected(node, None)
    assert caught.value.exit_code is code
    assert tracker.reason in caught.value.message


async def test_a_connection_that_is_being_made_is_waited_for(node: FakeNode) -> None:
    node.tracker = TrackerStatus(state="connecting")
    waiting = asyncio.get_running_loop().create_task(wait_connected(node, None))
    await until(lambda: node.bus.followers)
    node.tracker = CONNECTED
    node.emit(Connected(time=TIME, tracker="office", peer_id=ANNA, address="10.0.0.1:7070"))
    await waiting


async def test_a_time_limit_is_patient_but_not_for_ever(node: FakeNode) -> None:
    node.tracker = TrackerStatus(state="waiting", reason="refused", retry_s=5)
    with pytest.raises(P2PError, match="Not connected"):
        await wait_connected(node, 0.01)


@pytest.mark.parametrize(
    ("line", "call", "said"),
    [
        ("limit up 2M", ("limit", "up", 2_000_000), "uploads: at most 2.0 MB/s"),
        ("limit DOWN 1 MiB/s", ("limit", "down", 1_048_576), "downloads: at most 1.0 MB/s"),
        ("limit up off", ("limit", "up", None), "uploads: no limit"),
    ],
)
async def test_limits(node: FakeNode, line: str, call: object, said: str) -> None:
    desk = Desk(node)
    await desk.run(HANDLERS, line)
    assert call in node.calls
    assert desk.out == [said]


@pytest.mark.parametrize("line", ["limit sideways 2M", "limit up fast", "limit up 0"])
async def test_limits_that_are_none(node: FakeNode, line: str) -> None:
    with pytest.raises(P2PError) as caught:
        await Desk(node).run(HANDLERS, line)
    assert caught.value.exit_code is ExitCode.USAGE
