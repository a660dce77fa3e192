"""The tracker's acts as commands, against a fake tracker."""

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.tracker_commands import HANDLERS, tracker_sentence
from tests.support.command_run import Desk
from tests.support.fake_node import BERT, CONTENT
from tests.support.fake_tracker import FakeTracker
from tracker import events
from tracker.api import FetchPage, IndexRequest, KickRow, Limits, MemberChange, Message, Page

LINES = [
    "ban 10.1.0.0/16", "role bert operator", "limits bert", "limits bert --searches 2",
    "message bert hello", "broadcast hello", "motd", "motd hello", "motd --none", "invites",
    "revoke iii", "mode closed", "drain on", "audit", "history", f"owners {CONTENT}",
    "index song --single",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("as_json", [False, True])
async def test_f42_everything_is_safe_to_look_at(line: str, as_json: bool) -> None:
    desk = Desk(FakeTracker(), as_json=as_json)
    await desk.run(HANDLERS, line, "tracker")
    assert desk.out
    assert "".join(desk.out + desk.err).replace("\n", "").isprintable()
    assert not as_json or (desk.rows and not desk.err)


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("role bert operator --why helps", ("change", MemberChange(
            host="bert", role="operator", why="helps"))),
        ("role bert member", ("change", MemberChange(host="bert", role="member"))),
        ("message bert 'hello there' you", ("message", Message(
            host="bert", text="hello there you"))),
        ("broadcast back at noon", ("message", Message(host="all", text="back at noon"))),
        ("motd welcome all", ("motd", "welcome all")),
        ("motd --none", ("motd", "")),
        ("mode open", ("open", True)),
        ("mode closed", ("open", False)),
        ("drain on", ("drain", True)),
        ("drain off", ("drain", False)),
        ("revoke iii", ("revoke", "iii")),
        ("audit kick", ("audit", Page(filter="kick"))),
        ("history song --sort -size", ("history", Page(filter="song", sort="-size"))),
        ("index song --single --sort -size", ("index", IndexRequest(
            text="song", single=True, page=Page(sort="-size")))),
        (f"owners {CONTENT}", ("owners", CONTENT, Page())),
    ],
)  # fmt: skip
async def test_what_is_asked_of_the_tracker(line: str, call: tuple[object, ...]) -> None:
    fake = FakeTracker()
    await Desk(fake).run(HANDLERS, line, "tracker")
    assert call in fake.calls


async def test_a_list_that_is_empty_says_whether_a_filter_did_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def none(page: Page) -> FetchPage:
        return FetchPage(total=0, rows=())

    fake = FakeTracker()
    monkeypatch.setattr(fake, "history", none)
    for line, told in (
        ("history", "No member has told of a fetch yet."),
        ("history ben", "No fetch fits."),
    ):
        desk = Desk(fake)
        await desk.run(HANDLERS, line, "tracker")
        assert told in "".join(desk.out + desk.err)


async def test_limits_are_shown_changed_one_by_one_and_taken_back() -> None:
    fake = FakeTracker()
    desk = Desk(fake)
    await desk.run(HANDLERS, "limits bert", "tracker")
    assert [call for call in fake.calls if call[0] == "change"] == [
        ("change", MemberChange(host="bert"))
    ]
    assert desk.out[-1].endswith(": as all others")
    await desk.run(HANDLERS, "limits bert --searches 0.5/s --entries 100", "tracker")
    wanted = Limits(searches_s=0.5, max_entries=100)
    assert ("change", MemberChange(host=BERT, limits=wanted)) in fake.calls
    assert desk.out[-1].endswith(": searches 0.5/s, files 100")


@pytest.mark.parametrize(
    "line",
    ["role bert boss", "mode ajar", "drain maybe", "limits bert --searches many",
     "limits bert --entries 1.5", "limits bert --connections -1", "ban bert --for long"],
)  # fmt: skip
async def test_words_that_mean_nothing_are_refused(line: str) -> None:
    fake = FakeTracker()
    with pytest.raises(P2PError) as caught:
        await Desk(fake).run(HANDLERS, line, "tracker")
    assert caught.value.exit_code is ExitCode.USAGE
    assert {call[0] for call in fake.calls} <= {"change", "hosts"}


async def test_a_kick_tells_when_it_is_over_and_a_ban_of_a_network_names_it() -> None:
    fake = FakeTracker()
    desk = Desk(fake)
    await desk.run(HANDLERS, "kick bert", "tracker")
    assert desk.out == ["kicked bert (bbbbbbbb); it may come back after 60 s"]

    async def bans() -> tuple[KickRow, ...]:
        return (KickRow(peer_id=BERT, nick="", why="", until=None, network="10.1.0.0/16"),)

    fake.bans = bans  # type: ignore[method-assign]  # another answer
    desk = Desk(fake)
    await desk.run(HANDLERS, "bans", "tracker")
    assert desk.out[1].split() == ["10.1.0.0/16", "for", "good"]


def test_acts_are_told_in_a_sentence_each() -> None:
    acted = events.Acted(
        time=1.0, by="anna (aaaaaaaa)", act="ban", target="10.0.0.0/8", detail="for 7 d", why="spam"
    )
    assert tracker_sentence(acted) == "anna (aaaaaaaa): ban 10.0.0.0/8, for 7 d (spam)"
    kicked = events.HostKicked(time=1.0, peer_id=BERT, nick="bert", why="noise")
    assert tracker_sentence(kicked) == "bert (bbbbbbbb) is out for good: noise"
