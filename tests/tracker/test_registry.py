"""The registry by itself: replacing, watching, holding back."""

from typing import cast

from p2ptui.base.ids import PeerId, key_digest
from p2ptui.net.link import Link
from p2ptui.net.requests import Requests
from tests.support.tracker_rig import content_of
from tracker.limits import MAX_WATCHED, MemberLimits
from tracker.registry import Member, Registry

SONG = content_of("song")


class _Link:
    def __init__(self) -> None:
        self.posted: list[object] = []

    def post(self, message: object) -> None:
        self.posted.append(message)


def _member(name: str) -> tuple[Member, list[object]]:
    link = _Link()
    member = Member(
        peer=PeerId(key_digest(name.encode())),
        nick=name,
        host="10.0.0.1",
        port=7071,
        link=cast("Link", link),
        limits=MemberLimits(0.0),
        requests=Requests(cast("Link", link)),
    )
    return member, link.posted


def test_the_end_of_a_replaced_connection_does_not_count_out_its_successor() -> None:
    registry = Registry()
    (old, _), (new, _) = _member("anna"), _member("anna")
    assert registry.connect(old) is None
    assert registry.watch(old, SONG)
    assert registry.connect(new) is old
    assert not registry.watched  # the new connection asks for itself
    assert not registry.disconnect(old)
    assert registry.get(new.peer) is new
    assert registry.disconnect(new)
    assert len(registry) == 0


def test_pushes_wait_until_the_answer_has_gone() -> None:
    registry = Registry()
    member, posted = _member("anna")
    registry.connect(member)
    assert registry.watch(member, SONG)
    registry.push(member, SONG, "early")
    assert posted == []
    posted.append("answer")
    registry.release(member, SONG)
    registry.push(member, SONG, "late")
    assert posted == ["answer", "early", "late"]
    registry.unwatch(member, SONG)
    registry.push(member, SONG, "too late")
    assert posted[-1] == "late"
    assert not registry.watched


def test_nobody_is_told_of_himself_and_the_number_of_watched_contents_is_bounded() -> None:
    registry = Registry()
    (anna, _), (bert, _) = _member("anna"), _member("bert")
    for member in (anna, bert):
        registry.connect(member)
        assert registry.watch(member, SONG)
    assert registry.watchers(SONG, but=anna.peer) == (bert,)
    for number in range(MAX_WATCHED - 1):
        assert registry.watch(anna, content_of(str(number)))
    assert not registry.watch(anna, content_of("one too many"))
    assert registry.watch(anna, SONG)  # asked for again
    registry.disconnect(anna)
    assert registry.watched == {SONG}


def test_who_has_left_watches_nothing() -> None:
    registry = Registry()
    member, _ = _member("anna")
    assert not registry.watch(member, SONG)
    assert not registry.watched


def test_a_member_is_silent_while_its_last_ping_got_no_answer() -> None:
    member, _ = _member("anna")
    told = [member.silent]
    for answered in (True, False, True):
        member.pings.append(answered)
        told.append(member.silent)
    assert told == [False, False, True, False]
