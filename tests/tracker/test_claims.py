"""A peer claims a file that it has not: how members and the tracker deal with it (F62)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from p2ptui.base.ids import PeerId
from p2ptui.net.wire import messages as m
from tests.support.tracker_rig import ScriptedMember, TrackerRig, content_of, entry
from tracker import claims
from tracker.events import TrackerNotice
from tracker.store import Beat

SONG = content_of("song.mp3")
TAKERS = ("anna", "bert", "carl")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[TrackerRig]:
    rig = await TrackerRig.start(tmp_path)
    yield rig
    await rig.stop()


async def owner(rig: TrackerRig, name: str, **hello: object) -> ScriptedMember:
    member, _ = await rig.welcomed(name, **hello)
    await member.announce(entry("song.mp3"))
    return member


async def takers(rig: TrackerRig, *names: str) -> list[ScriptedMember]:
    """Members that wait for sources of the song."""
    found = []
    for name in names or TAKERS:
        member, _ = await rig.welcomed(name)
        await member.locate(SONG)
        found.append(member)
    return found


async def complain(rig: TrackerRig, liar: ScriptedMember, *members: ScriptedMember) -> None:
    """These say that the liar has it not; returns when the tracker has dealt with it."""
    for member in members:
        member.link.post(m.ClaimFailed(SONG, liar.peer))
        await member.ask(lambda number: m.CountOwners(number, (SONG,)), m.OwnerCounts)
        await rig.claims.wait()


async def named(member: ScriptedMember) -> list[PeerId]:
    return [source.peer for source in (await member.locate(SONG)).sources]


async def test_f62_the_first_failure_puts_a_source_last_for_that_member_alone(
    rig: TrackerRig,
) -> None:
    liar, honest = await owner(rig, "liar"), await owner(rig, "honest")
    await rig.store.beat([Beat(peer=liar.peer, ping_ms=1.0, reachable=True)], rig.clock.wall())
    anna, bert, _ = await takers(rig)
    await complain(rig, liar, *[anna] * 5)
    assert [(await who.search("song"))[0].best for who in (anna, bert)] == ["", "liar"]
    assert await named(anna) == [honest.peer, liar.peer]
    assert await named(bert) == [liar.peer, honest.peer]
    assert liar.checks == []
    assert rig.told(TrackerNotice) == []


async def test_f62_after_three_members_failures_the_owner_is_asked_and_named_no_more(
    rig: TrackerRig,
) -> None:
    liar, honest = await owner(rig, "liar"), await owner(rig, "honest")
    dora, *members = await takers(rig, "dora", *TAKERS)
    liar.held = False
    await complain(rig, liar, *members)
    assert liar.checks == [SONG]
    assert await named(dora) == [honest.peer]
    assert (await dora.next_push(m.SourceLeft)).peer == liar.peer
    (hit,) = await dora.search("song")
    assert (hit.owners, hit.known) == (1, 1)
    counts = await dora.ask(lambda number: m.CountOwners(number, (SONG,)), m.OwnerCounts)
    assert counts.counts == (1,)
    (notice,) = rig.told(TrackerNotice)
    assert "it has not; it is not named as a source" in notice.text


async def test_f62_a_withheld_claim_comes_back_when_it_is_announced_again(rig: TrackerRig) -> None:
    liar = await owner(rig, "liar")
    dora, *members = await takers(rig, "dora", *TAKERS)
    liar.held = False
    await complain(rig, liar, *members)
    assert await named(dora) == []
    await liar.announce(entry("other.mp3"))
    assert await named(dora) == []
    await liar.announce(entry("song.mp3"))
    assert (await dora.next_push(m.SourceJoined)).source.peer == liar.peer
    assert await named(dora) == [liar.peer]


async def test_f62_an_owner_that_begins_its_list_anew_without_it_is_counted_no_more(
    rig: TrackerRig,
) -> None:
    liar, _ = await owner(rig, "liar"), await owner(rig, "honest")
    dora, *members = await takers(rig, "dora", *TAKERS)
    liar.held = False
    await complain(rig, liar, *members)
    await liar.announce(entry("other.mp3"), whole=True)
    hits = await dora.ask(lambda number: m.Search(number, "song"), m.Hits)
    assert [(hit.owners, hit.known) for hit in hits.hits] == [(1, 1)]
    counts = await dora.ask(lambda number: m.CountOwners(number, (SONG,)), m.OwnerCounts)
    assert counts.counts == (1,)


async def test_f62_a_withheld_claim_stays_so_when_its_owner_connects_anew(rig: TrackerRig) -> None:
    liar = await owner(rig, "liar")
    dora, *members = await takers(rig, "dora", *TAKERS)
    liar.held = False
    await complain(rig, liar, *members)
    again = await rig.connect("liar", revision=liar.revision)
    await again.next_push(m.Welcome)
    await liar.ended
    assert await named(dora) == []


@pytest.mark.parametrize("held", [True, None])
async def test_f62_three_members_cannot_silence_an_owner_that_does_not_deny(
    rig: TrackerRig, held: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "CHECK_S", 0.05)
    slandered, other = await owner(rig, "slandered"), await owner(rig, "other")
    dora, *members = await takers(rig, "dora", *TAKERS)
    slandered.held = held
    await complain(rig, slandered, *members)
    assert slandered.checks == [SONG]
    assert await named(dora) == [other.peer, slandered.peer]
    (notice,) = rig.told(TrackerNotice)
    assert "named last" in notice.text
    rig.clock.advance(3_600)
    assert await named(dora) == [slandered.peer, other.peer]


async def test_f62_an_owner_of_an_older_version_is_not_asked_and_named_last(
    rig: TrackerRig,
) -> None:
    old = await owner(rig, "old", features=())
    other = await owner(rig, "other")
    dora, *members = await takers(rig, "dora", *TAKERS)
    await complain(rig, old, *members)
    assert old.checks == []
    assert await named(dora) == [other.peer, old.peer]


async def test_f62_who_does_not_wait_for_the_content_has_no_word_in_it(rig: TrackerRig) -> None:
    slandered = await owner(rig, "slandered")
    members = [(await rig.welcomed(name))[0] for name in TAKERS]
    await complain(rig, slandered, *members)
    assert (slandered.checks, len(rig.doubts)) == ([], 0)


async def test_f62_a_word_about_oneself_or_about_no_owner_is_nothing(rig: TrackerRig) -> None:
    (anna,) = await takers(rig, "anna")
    bystander, _ = await rig.welcomed("bystander")
    await complain(rig, anna, anna)
    await complain(rig, bystander, anna)
    anna.link.post(m.ClaimFailed(SONG, PeerId("n" * 32)))
    await named(anna)
    assert len(rig.doubts) == 0


async def test_f62_a_source_that_only_fetches_it_is_not_doubted(rig: TrackerRig) -> None:
    taker, _ = await rig.welcomed("taker")
    taker.link.post(m.Offering((SONG,)))
    (anna,) = await takers(rig, "anna")
    await complain(rig, taker, anna)
    assert len(rig.doubts) == 0


async def test_f62_what_a_liar_fetches_it_may_still_give(rig: TrackerRig) -> None:
    liar = await owner(rig, "liar")
    dora, *members = await takers(rig, "dora", *TAKERS)
    liar.held = False
    liar.link.post(m.Offering((SONG,)))
    await complain(rig, liar, *members)
    (source,) = (await dora.locate(SONG)).sources
    assert (source.peer, source.partial) == (liar.peer, True)


async def test_f62_complaints_are_limited(rig: TrackerRig) -> None:
    liar = await owner(rig, "liar")
    (anna,) = await takers(rig, "anna")
    for _ in range(500):
        anna.link.post(m.ClaimFailed(SONG, liar.peer))
    await named(anna)
    await rig.claims.wait()
    assert rig.registry.get(anna.peer) is not None
    assert not rig.registry.get(anna.peer).limits.may_complain(rig.clock.monotonic())  # type: ignore[union-attr]
