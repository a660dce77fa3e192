"""The tracker's commands against a fake tracker."""

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.tracker_commands import HANDLERS
from tests.support.command_run import Desk
from tests.support.fake_node import PIN
from tests.support.fake_tracker import FakeTracker
from tracker.api import DiscoverRequest, KickRequest, Page


@pytest.mark.parametrize(
    "line",
    ["hosts", "discover bert", "ping all", "search song", "bans", "stats", "invite",
     "kick bert", "unban bert"],
)  # fmt: skip
@pytest.mark.parametrize("as_json", [False, True])
async def test_f42_everything_is_safe_to_look_at(line: str, as_json: bool) -> None:
    desk = Desk(FakeTracker(), as_json=as_json)
    await desk.run(HANDLERS, line, "tracker")
    assert desk.out
    assert "".join(desk.out + desk.err).replace("\n", "").isprintable()
    assert not as_json or (desk.rows and not desk.err)


async def test_ping_tells_the_time_or_why_there_is_none() -> None:
    desk = Desk(FakeTracker())
    await desk.run(HANDLERS, "ping all", "tracker")
    assert desk.out[1].split() == ["bert", "(bbbbbbbb)", "10.0.0.2:7071", "1.2", "ms"]
    assert desk.out[2].split() == ["dora", "(dddddddd)", "-", "-", "gone"]


async def test_discover_says_when_the_host_itself_did_not_answer() -> None:
    fake = FakeTracker()
    fake.live = False
    desk = Desk(fake)
    await desk.run(HANDLERS, "discover bert flac --sort -size", "tracker")
    page = Page(offset=0, limit=200, filter="flac", sort="-size")
    assert fake.calls == [("discover", DiscoverRequest(host="bert", page=page))]
    assert desk.err == ["bert (bbbbbbbb) is offline: this is what the index knows"]
    assert desk.out[1].startswith("song.flac")


async def test_discover_nobody() -> None:
    with pytest.raises(P2PError) as caught:
        await Desk(FakeTracker()).run(HANDLERS, "discover nobody", "tracker")
    assert caught.value.exit_code is ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("kick bert", KickRequest(host="bert", for_s=60.0)),
        ("kick bert --ban forever", KickRequest(host="bert")),
        ("ban bert", KickRequest(host="bert")),
        ("ban 10.1.0.0/16 --for 2h", KickRequest(host="10.1.0.0/16", for_s=7200)),
        ("ban 10.1.2.3", KickRequest(host="10.1.2.3/32")),
        ("ban fe80::1", KickRequest(host="fe80::1/128")),
        (
            "kick bert --ban 7d --why 'too loud'",
            KickRequest(host="bert", why="too loud", for_s=604800),
        ),
    ],
)
async def test_kicks(line: str, call: KickRequest) -> None:
    fake = FakeTracker()
    desk = Desk(fake)
    await desk.run(HANDLERS, line, "tracker")
    assert fake.calls == [("kick", call)]
    assert ("for good" in desk.out[0]) == (call.for_s is None)


async def test_invites() -> None:
    fake = FakeTracker()
    desk = Desk(fake)
    await desk.run(HANDLERS, "invite --uses 3 --for 1h", "tracker")
    await desk.run(HANDLERS, "invite", "tracker")
    assert fake.calls == [("invite", 3, 3600.0), ("invite", 1, 86400.0)]
    assert desk.out[0].startswith(f"p2ptui://10.0.0.1:7070/#{PIN}.")
    assert "3 peers" in desk.err[0]


@pytest.mark.parametrize("line", ["invite --uses 0", "invite --uses x", "invite --for long"])
async def test_invites_that_cannot_be(line: str) -> None:
    with pytest.raises(P2PError) as caught:
        await Desk(FakeTracker()).run(HANDLERS, line, "tracker")
    assert caught.value.exit_code is ExitCode.USAGE
