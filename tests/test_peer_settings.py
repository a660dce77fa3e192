"""The commands of limits, settings, undo and the order of downloads, against a fake node."""

import os

import pytest

from p2ptui.base.errors import ExitCode, P2PError, not_found
from p2ptui.node.api import SettingRow
from p2ptui.node.member_limits import parse_member_limit
from p2ptui.peer_commands import HANDLERS
from tests.support.command_run import Desk
from tests.support.fake_node import FakeNode


@pytest.fixture
async def node() -> FakeNode:
    return FakeNode()


@pytest.mark.parametrize(
    ("line", "call", "said"),
    [
        ("slow on", ("slow", True), "slow mode is on; downloads: no limit, uploads: no limit"),
        ("slow OFF", ("slow", False), "slow mode is off; downloads: no limit, uploads: no limit"),
        ("undo", ("undo",), "song.flac is back"),
        ("set peer.nick änne", ("configure", "peer.nick", "änne"), "peer.nick: änne"),
        ("set peer.listen :0", ("configure", "peer.listen", ":0"),
         "peer.listen: :0, from the next start on"),
        ("set peer.up_limit 20 MB/s", ("configure", "peer.up_limit", "20 MB/s"),
         "peer.up_limit: 20 MB/s"),
        ("set peer.nick", ("configure", "peer.nick", ""), "peer.nick: as if it were not set"),
        ("retry 3", ("steer", 3, "retry"), "3 song.flac: paused"),
        ("priority 3 raise", ("steer", 3, "raise"), "3 song.flac: paused"),
        ("priority 3 LATER", ("steer", 3, "later"), "3 song.flac: paused"),
    ],
)  # fmt: skip
async def test_what_is_asked_and_said(
    node: FakeNode, line: str, call: tuple[object, ...], said: str
) -> None:
    desk = Desk(node)
    await desk.run(HANDLERS, line)
    assert call in node.calls
    assert desk.out == [said]


@pytest.mark.parametrize(
    "line", ["slow maybe", "priority 3 sideways", "priority x raise", "set nothing 3", "retry x"]
)
async def test_what_is_not_understood(node: FakeNode, line: str) -> None:
    with pytest.raises(P2PError) as caught:
        await Desk(node).run(HANDLERS, line)
    assert caught.value.exit_code is ExitCode.USAGE


async def test_settings_as_text_and_as_json(node: FakeNode) -> None:
    desk = Desk(node)
    await desk.run(HANDLERS, "settings nick")
    assert [line.split()[:4] for line in desk.out] == [
        ["setting", "value", "from", "a"], ["peer.nick", "anna", "file", "now"],
    ]  # fmt: skip
    desk = Desk(node, as_json=True)
    await desk.run(HANDLERS, "settings")
    assert [row["key"] for row in desk.rows] == ["peer.nick", "peer.up_limit", "peer.listen"]
    desk = Desk(node)
    await desk.run(HANDLERS, "settings zzz")
    assert desk.err == ["No setting has 'zzz' in it."]


async def test_nothing_to_undo_is_not_found(node: FakeNode) -> None:
    node.trouble["undo"] = not_found("Nothing to undo")
    with pytest.raises(P2PError) as caught:
        await Desk(node).run(HANDLERS, "undo")
    assert caught.value.exit_code is ExitCode.NOT_FOUND


async def test_slow_mode_stands_in_the_status(node: FakeNode) -> None:
    await node.slow(on=True)
    desk = Desk(node)
    await desk.run(HANDLERS, "status")
    assert "(slow mode)" in "\n".join(desk.out)


# --- limits of single members ---------------------------------------------------------------------

LIMITS_KEY = "peer.member_limits"


def with_member_limits(node: FakeNode, *limits: str) -> FakeNode:
    node.setting_rows[LIMITS_KEY] = SettingRow(
        key=LIMITS_KEY, value=os.pathsep.join(limits), default="", help="Limits of single members.",
        origin="file", applies="now",
    )  # fmt: skip
    return node


def limits_of(node: FakeNode) -> list[str]:
    return node.setting_rows[LIMITS_KEY].value.split(os.pathsep)


@pytest.mark.parametrize(
    ("line", "kept", "said"),
    [
        ("limit up 1M --peer anna", "anna up 1000000", "to anna: at most 1.0 MB/s"),
        ("limit DOWN 500 KiB/s --peer anna", "anna down 512000", "from anna: at most 512.0 KB/s"),
        ("limit up off --peer anna", "anna up off", "to anna: no limit"),
        ("limit up 1M --peer 'long anna'", "long anna up 1000000", "to long anna: at most"),
    ],
)
async def test_a_limit_of_one_member_is_kept_in_the_settings(
    node: FakeNode, line: str, kept: str, said: str
) -> None:
    desk = Desk(with_member_limits(node))
    await desk.run(HANDLERS, line)
    assert limits_of(node) == [kept]
    assert desk.out[0].startswith(said)
    assert not any(call[0] == "limit" for call in node.calls), "that of all stays as it was"
    parse_member_limit(kept)


async def test_a_new_limit_takes_the_place_of_the_old_and_of_no_other(node: FakeNode) -> None:
    with_member_limits(node, "anna up 1 MB/s", "anna down 1 MB/s", "annabel up 2 MB/s")
    await Desk(node).run(HANDLERS, "limit up 3M --peer anna")
    assert limits_of(node) == ["anna down 1 MB/s", "annabel up 2 MB/s", "anna up 3000000"]


@pytest.mark.parametrize(
    "line",
    [
        "limit sideways 1M --peer anna",
        "limit up fast --peer anna",
        f"limit up 1M --peer 'a{os.pathsep}b'",
    ],
)
async def test_limits_of_a_member_that_are_none_change_nothing(node: FakeNode, line: str) -> None:
    with_member_limits(node, "anna up 1 MB/s")
    with pytest.raises(P2PError) as caught:
        await Desk(node).run(HANDLERS, line)
    assert caught.value.exit_code is ExitCode.USAGE
    assert limits_of(node) == ["anna up 1 MB/s"]
