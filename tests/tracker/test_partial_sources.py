"""Members that give what they have of a content while they fetch it."""

import asyncio
from pathlib import Path

from p2ptui.net.wire import messages as m
from tests.support.fake_time import virtual_time
from tests.support.memory_net import peer_id_of
from tests.support.tracker_rig import ScriptedMember, content_of, entry
from tests.tracker.test_session import rig_in, until
from tracker.limits import OFFER_BURST
from tracker.partial_sources import PartialSources

SONG = entry("Music/song.mp3", size=1000)
ANNA, BERT, CLEO = (peer_id_of(name) for name in ("anna", "bert", "cleo"))


def test_each_list_takes_the_place_of_the_one_before() -> None:
    partial = PartialSources()
    one, other = content_of("one"), content_of("other")
    assert partial.replace(ANNA, (one, other)) == {one, other}
    assert partial.replace(ANNA, (other,)) == {one}
    assert partial.replace(BERT, (other,)) == {other}
    assert partial.givers(one, 9, set()) == ()
    assert set(partial.givers(other, 9, set())) == {ANNA, BERT}
    assert partial.givers(other, 9, {ANNA}) == (BERT,)
    assert partial.replace(ANNA, ()) == partial.replace(BERT, ()) == {other}
    assert len(partial) == 0, "what is gone takes no memory"
    assert partial.offered(ANNA) == frozenset()


def test_of_a_crowd_not_always_the_same_are_named() -> None:
    partial = PartialSources()
    content = content_of("one")
    for number in range(100):
        partial.replace(peer_id_of(f"peer {number}"), (content,))
    named = {peer for _ in range(100) for peer in partial.givers(content, 10, set())}
    assert len(partial.givers(content, 10, set())) == 10
    assert len(named) > 50


async def settle(member: ScriptedMember) -> None:
    """Wait until the tracker has read all that a member said, and acted on it."""
    await member.search("")
    await asyncio.sleep(0.01)


@virtual_time
async def test_a_member_that_fetches_is_a_source_and_no_owner(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        await anna.announce(SONG)
        bert, _ = await rig.welcomed("bert")
        cleo, _ = await rig.welcomed("cleo")
        assert [each.nick for each in (await cleo.locate(SONG.content)).sources] == ["anna"]
        bert.link.post(m.Offering((SONG.content,)))
        joined = await cleo.next_push(m.SourceJoined)
        assert (joined.content, joined.source.peer) == (SONG.content, BERT)
        assert joined.source.partial
        assert joined.source.endpoints
        # Who asks later is told as well, the owners first; nobody is told of himself.
        found = await cleo.locate(SONG.content)
        assert [(each.nick, each.partial) for each in found.sources] == [
            ("anna", False), ("bert", True),
        ]  # fmt: skip
        assert found.known == 1
        assert [each.nick for each in (await bert.locate(SONG.content)).sources] == ["anna"]
        (hit,) = await cleo.search("song")
        assert (hit.owners, hit.known) == (1, 1)
        bert.link.post(m.Offering(()))
        assert await cleo.next_push(m.SourceLeft) == m.SourceLeft(SONG.content, BERT)


@virtual_time
async def test_a_source_that_becomes_an_owner_is_told_again_and_does_not_leave(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        bert, _ = await rig.welcomed("bert")
        cleo, _ = await rig.welcomed("cleo")
        await cleo.locate(SONG.content)
        bert.link.post(m.Offering((SONG.content,)))
        assert (await cleo.next_push(m.SourceJoined)).source.partial
        await bert.announce(SONG)
        assert not (await cleo.next_push(m.SourceJoined)).source.partial
        bert.link.post(m.Offering(()))
        await settle(bert)
        assert cleo.pushed.empty()
        # Back again: it deletes the file while it fetches another copy.
        bert.link.post(m.Offering((SONG.content,)))
        await settle(bert)
        assert cleo.pushed.empty(), "it is an owner still"
        await bert.announce(removed=(SONG.path,))
        assert (await cleo.next_push(m.SourceJoined)).source.partial


@virtual_time
async def test_offers_end_with_their_connection(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        cleo, _ = await rig.welcomed("cleo")
        await cleo.locate(SONG.content)
        bert, _ = await rig.welcomed("bert")
        bert.link.post(m.Offering((SONG.content,)))
        await cleo.next_push(m.SourceJoined)
        again = await rig.connect("bert")  # its key on another machine, or a broken link
        assert await cleo.next_push(m.SourceLeft) == m.SourceLeft(SONG.content, BERT)
        again.link.post(m.Offering((SONG.content,)))
        await cleo.next_push(m.SourceJoined)
        again.link.abort()
        assert await cleo.next_push(m.SourceLeft) == m.SourceLeft(SONG.content, BERT)
        assert (await cleo.locate(SONG.content)).sources == ()


@virtual_time
async def test_who_changes_its_offers_all_the_time_is_told_of_more_and_more_rarely(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        cleo, _ = await rig.welcomed("cleo")
        bert, _ = await rig.welcomed("bert")
        contents = tuple(content_of(str(number)) for number in range(m.MAX_OFFERING))
        for content in contents:
            await cleo.locate(content)
        for number in range(200):
            bert.link.post(m.Offering(contents if number % 2 == 0 else ()))
            await settle(bert) if number % 10 == 9 else await asyncio.sleep(0.01)
        bert.link.post(m.Offering(contents[:1]))
        told = cleo.pushed.qsize()
        assert told <= OFFER_BURST + 2 * m.MAX_OFFERING
        # The last word counts in the end.
        await until(lambda: cleo.pushed.qsize() > told)
        await asyncio.sleep(60)
        found = [(await cleo.locate(content)).sources for content in contents]
        assert [len(sources) for sources in found] == [1] + [0] * (len(contents) - 1)


@virtual_time
async def test_an_address_that_is_found_out_later_is_told_of_partial_sources_too(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        cleo, _ = await rig.welcomed("cleo")
        bert, _ = await rig.welcomed("bert")
        await cleo.locate(SONG.content)
        bert.link.post(m.Offering((SONG.content,)))
        await cleo.next_push(m.SourceJoined)
        member = rig.registry.get(BERT)
        assert member is not None
        member.proven = (m.Endpoint("10.0.9.9", 7071),)
        await rig.service.tell_joined(member)
        again = await cleo.next_push(m.SourceJoined)
        assert again.source.partial
        assert m.Endpoint("10.0.9.9", 7071) in again.source.endpoints
