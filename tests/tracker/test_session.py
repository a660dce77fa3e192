"""Conversations with the tracker, over links in memory and on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from tests.support.fake_time import virtual_time
from tests.support.tracker_rig import TrackerRig, content_of, entry
from tracker import events
from tracker.service import clean_nick, fit_hits

SONG = entry("Music/song.mp3", size=1000)


@asynccontextmanager
async def rig_in(folder: Path, *, max_entries: int = 1000) -> AsyncIterator[TrackerRig]:
    rig = await TrackerRig.start(folder, max_entries=max_entries)
    try:
        yield rig
    finally:
        await rig.stop()


async def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait, in virtual time, until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  (virtual time: it passes at once)
            await asyncio.sleep(0.05)


@virtual_time
async def test_a_member_publishes_and_another_finds_it(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, welcome = await rig.welcomed("anna")
        assert (welcome.revision, welcome.motd, welcome.swarm) == (0, "hello", "test")
        assert welcome.observed == rig.network.host("anna").address
        bert, _ = await rig.welcomed("bert", port=0)
        assert await anna.announce(SONG, entry("other.txt")) == 1
        (hit,) = await bert.search("SONG music")
        assert (hit.content, hit.size, hit.names, hit.owners) == (
            SONG.content, 1000, (SONG.path,), 1,
        )  # fmt: skip
        sources = await bert.locate(SONG.content)
        endpoint = m.Endpoint(welcome.observed, 7071)
        assert sources.sources == (m.Source(anna.peer, "anna", (endpoint,)),)
        listing = await bert.ask(lambda number: m.Browse(number, anna.peer), m.Listing)
        assert (listing.entries, listing.total) == ((SONG, entry("other.txt")), 2)
        page = await bert.ask(lambda number: m.Members(number, "ann"), m.MemberPage)
        assert [(row.nick, row.files, row.bytes, row.online) for row in page.hosts] == [
            ("anna", 2, 1010, True)
        ]
        published = rig.told(events.HostPublished)
        assert [(event.nick, event.files, event.added) for event in published] == [("anna", 2, 2)]


@virtual_time
async def test_sources_that_come_and_go_are_pushed_until_told_to_stop(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await rig.welcomed("taker")
        assert (await taker.locate(SONG.content)).sources == ()
        anna, _ = await rig.welcomed("anna")
        await anna.announce(SONG)
        joined = await taker.next_push(m.SourceJoined)
        assert (joined.content, joined.source.peer) == (SONG.content, anna.peer)
        # Under a second name as well, then under that alone: she still has it.
        await anna.announce(entry("copy.mp3", content="Music/song.mp3", size=1000))
        await anna.announce(removed=(SONG.path,))
        await anna.announce(removed=(("copy.mp3",),))
        left = await taker.next_push(m.SourceLeft)
        assert left == m.SourceLeft(SONG.content, anna.peer)
        await anna.announce(SONG)
        await taker.next_push(m.SourceJoined)
        await anna.link.close()
        assert await taker.next_push(m.SourceLeft) == left
        # Back with the same share: nothing is announced, and yet the taker hears of it.
        share = bytes(anna_digest(anna.share))
        again, welcome = await rig.welcomed("anna", revision=anna.revision, digest=share)
        assert welcome.revision == anna.revision
        assert (await taker.next_push(m.SourceJoined)).source.peer == anna.peer
        taker.link.post(m.Unlocate(SONG.content))
        await taker.search("")  # the tracker has read it
        await again.link.close()
        await until(lambda: len(rig.registry) == 1)
        assert taker.pushed.empty()


def anna_digest(share: dict[tuple[str, ...], m.Entry]) -> bytes:
    from p2ptui.net.wire.share_digest import ShareDigest

    return bytes(ShareDigest.of(share.values()))


@virtual_time
async def test_emptying_a_list_tells_those_who_wait(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await rig.welcomed("taker")
        anna, _ = await rig.welcomed("anna")
        await anna.announce(SONG)
        await taker.locate(SONG.content)
        await anna.announce(entry("else"), whole=True)
        assert await taker.next_push(m.SourceLeft) == m.SourceLeft(SONG.content, anna.peer)


@virtual_time
async def test_f54_a_content_that_nobody_has_has_no_sources(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await rig.welcomed("taker")
        sources = await taker.locate(content_of("phantom"))
        assert (sources.sources, sources.known) == ((), 0)


@virtual_time
async def test_f61_a_newer_proven_connection_replaces_the_older_and_both_are_told(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        old, _ = await rig.welcomed("anna")
        await old.announce(SONG)
        rig.network.host("anna").address = "10.9.9.9"  # the same key on another machine
        new = await rig.connect("anna", revision=1, digest=anna_digest(old.share))
        assert "in use twice" in (await new.next_push(m.Notice)).text
        end = await old.ended
        assert (end.code, end.theirs) == ("replaced", True)
        assert "10.9.9.9" in end.text
        assert len(rig.registry) == 1
        (hit,) = await new.search("song")
        assert hit.owners == 1  # the end of the older did not take the newer offline
        assert (await rig.store.totals()).online == 1


@virtual_time
async def test_f67_a_member_that_dies_without_a_word_is_gone_within_45_s(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        bert, _ = await rig.welcomed("bert")
        await anna.announce(SONG)
        await asyncio.sleep(300)  # who is silent but alive stays
        assert len(rig.registry) == 2
        rig.network.cut("anna")
        started = asyncio.get_running_loop().time()
        await until(lambda: len(rig.registry) == 1, 50.0)
        assert asyncio.get_running_loop().time() - started <= 45.5
        (hit,) = await bert.search("song")
        assert (hit.owners, hit.known) == (0, 1)
        (left,) = rig.told(events.HostLeft)
        assert (left.nick, left.reason) == ("anna", "not heard any more")


@virtual_time
async def test_f68_after_a_restart_the_index_is_there_and_changes_are_few(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        await anna.announce(SONG, entry("b"))
        digest = anna_digest(anna.share)
        await rig.stop()
        await rig.begin()
        bert, _ = await rig.welcomed("bert")
        (hit,) = await bert.search("song")
        assert (hit.owners, hit.known) == (0, 1)
        page = await bert.ask(lambda number: m.Members(number, "anna"), m.MemberPage)
        assert [(row.online, row.endpoint, row.files) for row in page.hosts] == [(False, None, 2)]
        # Unchanged: nothing to send. Behind ours: a delta. Another list or a lost one: all.
        for revision, mine, expected in (
            (1, digest, 1), (5, bytes(16), 1), (1, bytes(16), 0), (0, bytes(16), 0),
        ):  # fmt: skip
            member, welcome = await rig.welcomed("anna", revision=revision, digest=mine)
            assert welcome.revision == expected
            await member.link.close()
            await until(lambda: len(rig.registry) == 1)
        again, _ = await rig.welcomed("anna")
        assert await again.announce(SONG, entry("b"), whole=True) == 1
        (hit,) = await bert.search("song")
        assert (hit.owners, hit.known) == (1, 1)


@virtual_time
async def test_a_change_on_a_wrong_revision_or_with_a_wrong_digest_asks_for_all(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")

        async def announce(base: int, revision: int, digest: bytes) -> int:
            accepted = await anna.ask(
                lambda number: m.Announce(number, base, revision, (SONG,), (), digest), m.Accepted
            )
            return accepted.revision

        assert await announce(7, 8, b"") == 0
        assert await announce(0, 8, bytes(16)) == 0
        assert rig.told(events.HostPublished) == []
        assert await announce(0, 8, b"") == 8  # more is to follow


@virtual_time
async def test_f63_too_many_files_are_refused_with_the_quota(tmp_path: Path) -> None:
    async with rig_in(tmp_path, max_entries=2) as rig:
        anna, welcome = await rig.welcomed("anna")
        assert welcome.max_entries == 2
        with pytest.raises(RequestFailed, match="2 files") as failed:
            await anna.announce(entry("1"), entry("2"), entry("3"))
        assert failed.value.code == "limit"


@virtual_time
async def test_f64_announces_are_slowed_down_to_the_limit(tmp_path: Path) -> None:
    async with rig_in(tmp_path, max_entries=50_000) as rig:
        anna, _ = await rig.welcomed("anna")
        started = asyncio.get_running_loop().time()
        same = tuple(entry(f"file {number}") for number in range(500))
        for _ in range(100):  # 50,000 entries: 20,000 at once, then 20,000 a second
            await anna.announce(*same)
        assert asyncio.get_running_loop().time() - started == pytest.approx(1.5, abs=0.1)
        assert (await rig.store.totals()).files == 500


@virtual_time
async def test_f65_removing_what_another_shares_does_nothing(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        mallory, _ = await rig.welcomed("mallory")
        await anna.announce(SONG)
        await mallory.announce(removed=(SONG.path,))
        assert len(await mallory.search("song")) == 1


@virtual_time
async def test_f66_searches_are_bounded_in_words_and_number(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        with pytest.raises(RequestFailed, match="8 words"):
            await anna.search("a b c d e f g h i")
        for _ in range(20):
            await anna.search("*")
        with pytest.raises(RequestFailed, match="too many searches") as failed:
            await anna.search("*")
        assert failed.value.code == "limit"
        await asyncio.sleep(1)
        assert await anna.search("*") == []
        assert rig.figures.searches == 21


@virtual_time
async def test_owners_are_counted_but_for_the_asker_and_not_too_often(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        bert, _ = await rig.welcomed("bert")
        for member in (anna, bert):
            await member.announce(SONG)
        asked = (content_of("phantom"), SONG.content)

        def count(number: int) -> m.CountOwners:
            return m.CountOwners(number, asked)

        for _ in range(10):
            assert (await anna.ask(count, m.OwnerCounts)).counts == (0, 1)
        with pytest.raises(RequestFailed, match="wait a second") as failed:
            await anna.ask(count, m.OwnerCounts)
        assert failed.value.code == "limit"
        await bert.link.close()
        await until(lambda: len(rig.registry) == 1)
        await asyncio.sleep(1)
        assert (await anna.ask(count, m.OwnerCounts)).counts == (0, 0)


@virtual_time
async def test_f32_a_number_in_use_is_refused(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        anna.link.post(m.Search(77, "a"))
        anna.link.post(m.Search(77, "b"))
        failure = await anna.next_push(m.Failure)
        assert (failure.id, failure.code) == (77, "duplicate")
        assert (await anna.next_push(m.Hits)).id == 77


@virtual_time
async def test_f59_declared_addresses_are_told_only_after_the_dial_back(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.reachable = {("192.168.7.7", 7071)}
        declared = ("192.168.7.7", "8.8.8.8", "127.0.0.1", "224.0.0.1", "nonsense")
        anna, welcome = await rig.welcomed("anna", addresses=declared)
        met = await anna.next_push(m.Reachability)
        assert met == m.Reachability(welcome.observed, (m.Endpoint("192.168.7.7", 7071),))
        await anna.announce(SONG)
        bert, _ = await rig.welcomed("bert")
        await until(lambda: len(rig.probed) >= 4)
        (source,) = (await bert.locate(SONG.content)).sources
        assert [endpoint.host for endpoint in source.endpoints] == [
            welcome.observed,
            "192.168.7.7",
        ]
        hosts = {endpoint.host for endpoint in rig.probed}
        assert hosts == {welcome.observed, "192.168.7.7", "8.8.8.8", bert_host(rig)}


def bert_host(rig: TrackerRig) -> str:
    return rig.network.host("bert").address


@virtual_time
async def test_f60_a_privileged_port_is_listed_once_the_dial_back_met_the_member(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        taker, _ = await rig.welcomed("taker")
        await taker.locate(SONG.content)
        for name, open_port in (("anna", False), ("bert", True)):
            if open_port:
                rig.reachable.add((rig.network.host(name).address, 443))
            member, _ = await rig.welcomed(name, port=443)
            await until(lambda: rig.network.host(name).address in {e.host for e in rig.probed})  # noqa: B023
            await member.announce(SONG)
            source = (await taker.next_push(m.SourceJoined)).source
            assert bool(source.endpoints) is open_port


@virtual_time
async def test_f55_nicks_are_cleaned_and_never_empty(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna", nick="a\x1b[2Jb\u202ec  " + "x" * 50)
        bert, _ = await rig.welcomed("bert", nick=" \u200b ")
        page = await bert.ask(m.Members, m.MemberPage)
        nicks = {row.peer: row.nick for row in page.hosts}
        assert nicks[anna.peer].startswith("a [2Jb c x")
        assert len(nicks[anna.peer]) == 32
        assert nicks[bert.peer] == bert.peer[:8]
        assert clean_nick("a\nb", bert.peer) == "a b"


@virtual_time
async def test_a_member_that_breaks_the_protocol_is_closed_and_in_the_end_waits(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        bert, _ = await rig.welcomed("bert")
        for _ in range(3):
            mallory, _ = await rig.welcomed("mallory")
            mallory.link.transport.write(b"\x00\x00\x00\x00\x01")  # F16
            assert (await mallory.ended).code == "protocol"
            await until(lambda: len(rig.registry) == 1)
        assert rig.figures.dropped == 3
        again = await rig.connect("mallory")
        assert (await again.ended).code == "refused"
        assert await bert.search("anything") == []  # others are not touched
        await asyncio.sleep(600)
        await rig.welcomed("mallory")


@virtual_time
async def test_who_says_no_hello_is_closed_after_5_s(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        started = asyncio.get_running_loop().time()
        link = await rig.dial("anna")
        await until(lambda: link.closed)
        assert asyncio.get_running_loop().time() - started <= 5.5
        assert len(rig.registry) == 0


@virtual_time
async def test_kick_lists_are_sent_to_those_who_have_an_older_one(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        assert anna.pushed.empty()
        rig.authority.kick(anna.peer, "spam")
        bert, _ = await rig.welcomed("bert")
        kicks = await bert.next_push(m.KickList)
        assert [kick.peer for kick in kicks.kicks] == [anna.peer]


@virtual_time
async def test_a_renewal_for_another_key_is_refused(tmp_path: Path) -> None:
    from p2ptui.net.identity import make_csr, new_key

    async with rig_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        for csr, code in ((make_csr(new_key()), "denied"), (b"nonsense", "denied")):
            with pytest.raises(RequestFailed) as failed:
                await anna.ask(lambda number, csr=csr: m.Renew(number, csr), m.Renewed)  # type: ignore[misc]
            assert failed.value.code == code


def test_a_page_of_long_names_is_cut_to_one_frame() -> None:
    path = tuple("x" * 255 for _ in range(32))
    hits = tuple(m.Hit(content_of(str(n)), 1, (path,) * 8, 1, 1) for n in range(200))
    fitting = fit_hits(hits)
    assert 10 < len(fitting) < 30
    assert all(hit.names == (path,) for hit in fitting)
    assert fit_hits(hits[:2]) == hits[:2]
