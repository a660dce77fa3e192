import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from p2ptui.base.clock import SystemClock
from p2ptui.base.ids import ContentId, PeerId, content_id_text, key_digest
from p2ptui.net.wire.messages import Entry
from p2ptui.net.wire.share_digest import ShareDigest
from tracker import sqlite_queries
from tracker.sqlite_store import SqliteStore
from tracker.store import Applied, Arrival, Beat, Change, QueryTooBroad, StoreError


def peer(name: str) -> PeerId:
    return PeerId(key_digest(name.encode()))


def entry(name: str, *, content: str = "", size: int = 10) -> Entry:
    digest = hashlib.sha256((content or name).encode()).digest()
    return Entry(tuple(name.split("/")), size, ContentId(digest), 1_700_000_000)


def digest(*entries: Entry) -> bytes:
    return bytes(ShareDigest.of(entries))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "index.db", SystemClock())
    yield opened
    await opened.close()


async def arrive(
    store: SqliteStore, name: str, *, host: str = "10.0.0.5", now: float = 1.0
) -> PeerId:
    await store.connect(
        Arrival(peer=peer(name), nick=name, host=host, port=7071, software="test", now=now)
    )
    return peer(name)


async def announce(
    store: SqliteStore,
    name: str,
    *added: Entry,
    base: int = 0,
    revision: int = 1,
    removed: tuple[tuple[str, ...], ...] = (),
    whole: bytes = b"",
    max_entries: int = 100,
) -> Applied:
    return await store.apply(
        Change(
            peer=peer(name),
            base=base,
            revision=revision,
            added=added,
            removed=removed,
            digest=whole,
            max_entries=max_entries,
        )
    )


async def names_found(store: SqliteStore, text: str) -> list[str]:
    found = await store.search(text, 0, 100)
    return ["/".join(hit.names[0]) for hit in found.hits]


async def test_hits_are_grouped_by_content_those_with_most_owners_online_first(
    store: SqliteStore,
) -> None:
    for name in ("anna", "bert", "carl"):
        await arrive(store, name)
    common = [entry(f"{name}/common song.mp3", content="c") for name in "abc"]
    await announce(store, "anna", common[0], entry("a song.mp3"))
    await announce(store, "bert", common[1], entry("z song.mp3", content="z"))
    await announce(store, "carl", common[2], entry("other z song.mp3", content="z"))
    await store.disconnect(peer("carl"), 5.0)
    found = await store.search("SONG", 0, 100)
    assert [(hit.names[0][-1], hit.owners, hit.known) for hit in found.hits] == [
        ("common song.mp3", 2, 3),
        ("a song.mp3", 1, 1),
        ("z song.mp3", 1, 2),
    ]
    assert (found.total, found.more) == (3, False)
    page = await store.search("song", 1, 1)
    assert [hit.names[0][-1] for hit in page.hits] == ["a song.mp3"]
    assert page.total == 3


async def test_owners_of_many_contents_are_those_online_but_one(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anna", "bert", "carl", "dora"):
        await arrive(store, name)
        await announce(store, name, entry("song"), entry(f"copy of {name}", content="song"))
    await announce(store, "bert", entry("film"), base=1, revision=2)
    await store.disconnect(peer("dora"), 5.0)
    contents = [entry(name).content for name in ("film", "phantom", "song", "film")]
    assert await store.count_owners(contents, peer("anna")) == (1, 0, 2, 1)
    assert await store.count_owners(contents, peer("bert")) == (0, 0, 2, 0)
    assert await store.count_owners(contents, peer("dora")) == (1, 0, 3, 1)
    monkeypatch.setattr(sqlite_queries, "MAX_COUNTED", 1)
    assert await store.count_owners(contents, peer("dora")) == (1, 0, 1, 1)


async def test_the_name_that_was_found_is_the_first_of_many(store: SqliteStore) -> None:
    await arrive(store, "anna")
    copies = [entry(f"pkg {number}/__init__.py", content="empty") for number in range(20)]
    await announce(store, "anna", *copies)
    (hit,) = (await store.search("17", 0, 10)).hits
    assert hit.names[0] == ("pkg 17", "__init__.py")
    assert len(set(hit.names)) == 8


async def test_f66_no_character_of_a_query_has_a_meaning(store: SqliteStore) -> None:
    await arrive(store, "anna")
    odd = entry("100%_done\"(a+)+$*'AND NOT.txt")
    await announce(store, "anna", odd, entry("plain.txt"))
    for text in ("100%_", '"(a+)', "+$*'", "AND", "NOT.", "%_", '"', "*'", "path:100", "^100"):
        expected = [odd.path[0]] if text.lower() in odd.path[0].lower() else []
        assert await names_found(store, text) == expected, text
    assert await names_found(store, "* NEAR(plain)") == []


async def test_short_words_are_found_too_in_any_case(store: SqliteStore) -> None:
    await arrive(store, "anna")
    await announce(store, "anna", entry("Über x.txt"), entry("Ostsee.txt"), entry("Ü.txt"))
    assert await names_found(store, "ü") == ["Ü.txt", "Über x.txt"]
    assert await names_found(store, "üB tXt") == ["Über x.txt"]
    assert await names_found(store, "OS") == ["Ostsee.txt"]
    assert await names_found(store, "") == ["Ostsee.txt", "Ü.txt", "Über x.txt"]


async def test_a_long_word_is_found_whole_and_not_in_parts(store: SqliteStore) -> None:
    await arrive(store, "anna")
    names = (
        "acoustic sum.flac", "ACOUSTIC summer.flac", "aco ust tic.flac", "ousticaco.flac",
        "Geräusche.flac", "Gerade ousche.flac", "under_score.flac", "under-score.flac",
    )  # fmt: skip
    await announce(store, "anna", *(entry(name) for name in names))
    assert await names_found(store, "acoustic") == ["ACOUSTIC summer.flac", "acoustic sum.flac"]
    assert await names_found(store, "flac Acoustic summer") == ["ACOUSTIC summer.flac"]
    assert await names_found(store, "ousti") == [
        "ACOUSTIC summer.flac", "acoustic sum.flac", "ousticaco.flac"
    ]  # fmt: skip
    assert await names_found(store, "GERÄUSCHE") == ["Geräusche.flac"]
    assert await names_found(store, "under_score") == ["under_score.flac"]
    assert await names_found(store, 'acoustic"sum') == []


async def test_a_broad_search_is_bounded_and_says_so(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_queries, "MAX_MATCHES", 20)
    await arrive(store, "anna")
    await announce(store, "anna", *(entry(f"file {number}") for number in range(30)))
    found = await store.search("file", 0, 100)
    assert (found.total, found.more, len(found.hits)) == (21, True, 21)


async def test_f66_a_query_that_takes_too_long_is_given_up(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await arrive(store, "anna")
    monkeypatch.setattr("tracker.sqlite_store.QUERY_DEADLINE_S", -1.0)
    monkeypatch.setattr("tracker.sqlite_store.PROGRESS_STEPS", 1)
    with pytest.raises(QueryTooBroad):
        await store.search("", 0, 100)
    monkeypatch.undo()
    assert (await store.search("", 0, 100)).total == 0  # the reader is fit for use again


async def test_f65_nobody_removes_another_members_file(store: SqliteStore) -> None:
    await arrive(store, "anna")
    await arrive(store, "bert")
    await announce(store, "anna", entry("a.txt"))
    applied = await announce(store, "bert", removed=(("a.txt",),))
    assert (applied.state, applied.removed) == ("applied", 0)
    assert await names_found(store, "a.txt") == ["a.txt"]


async def test_f63_over_the_quota_nothing_is_taken(store: SqliteStore) -> None:
    await arrive(store, "anna")
    first = await announce(store, "anna", entry("1"), entry("2"), max_entries=3)
    assert first.state == "applied"
    more = (entry("3"), entry("4"))
    over = await announce(store, "anna", *more, base=1, revision=2, max_entries=3)
    assert over.state == "full"
    # Replacing is not adding.
    again = await announce(
        store, "anna", entry("2", size=9), entry("3"), base=1, revision=2, max_entries=3
    )
    assert (again.state, again.files) == ("applied", 3)


async def test_a_change_on_another_revision_is_not_applied(store: SqliteStore) -> None:
    await arrive(store, "anna")
    await announce(store, "anna", entry("a"), revision=5)
    assert (await announce(store, "anna", entry("b"), base=4, revision=6)).state == "stale"
    assert (await announce(store, "nobody", entry("b"))).state == "stale"
    assert (await store.files(peer("anna"), "", 0, 10, "")).total == 1


async def test_f68_announcing_again_changes_nothing_and_a_wrong_digest_is_told(
    store: SqliteStore,
) -> None:
    await arrive(store, "anna")
    share = (entry("a"), entry("b"))
    for revision in (1, 2):
        applied = await announce(store, "anna", *share, revision=revision, whole=digest(*share))
        assert (applied.state, applied.files, applied.dropped) == ("applied", 2, ())
    await store.swept()
    assert (await store.totals()).contents == 2
    differs = await announce(store, "anna", entry("c"), base=2, revision=3, whole=digest(*share))
    assert (differs.state, differs.revision) == ("differs", 0)
    standing = await store.connect(
        Arrival(peer=peer("anna"), nick="anna", host="h", port=1, software="", now=2.0)
    )
    assert standing.revision == 0


async def test_who_lies_about_a_size_makes_a_content_of_its_own(store: SqliteStore) -> None:
    await arrive(store, "anna")
    await arrive(store, "mallory")
    await announce(store, "mallory", entry("song", size=1))
    await announce(store, "anna", entry("song", size=99))
    found = await store.search("song", 0, 10)
    assert sorted((hit.size, hit.owners) for hit in found.hits) == [(1, 1), (99, 1)]
    owners = await store.owners(entry("song").content, 10)
    assert set(owners.online) == {peer("anna"), peer("mallory")}


async def test_the_index_survives_a_kill_and_nobody_is_online_afterwards(
    store: SqliteStore, tmp_path: Path
) -> None:
    await arrive(store, "anna", now=7.0)
    share = (entry("a.txt"), entry("b.txt"))
    await announce(store, "anna", *share, revision=3, whole=digest(*share))
    # What a killed process leaves behind: the file and its log, not checkpointed.
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"index.db{suffix}", tmp_path / f"killed.db{suffix}")
    again = await SqliteStore.open(tmp_path / "killed.db", SystemClock())
    try:
        found = await again.search("a.txt", 0, 10)
        assert [(hit.owners, hit.known) for hit in found.hits] == [(0, 1)]
        record = (await again.hosts("", 0, 10, "")).rows[0]
        assert (record.online, record.seen, record.files) == (False, 7.0, 2)
        standing = await again.connect(
            Arrival(peer=peer("anna"), nick="anna", host="h", port=1, software="", now=9.0)
        )
        assert (standing.revision, standing.digest) == (3, digest(*share))
    finally:
        await again.close()


async def test_f54_entries_of_members_that_stay_away_age_out(store: SqliteStore) -> None:
    await arrive(store, "anna", now=1.0)
    await arrive(store, "bert", now=1.0)
    await announce(store, "anna", entry("phantom"))
    await announce(store, "bert", entry("file"))
    await store.disconnect(peer("anna"), 10.0)
    assert await store.forget_unseen(10.0) == 0
    assert await store.forget_unseen(11.0) == 1
    await store.swept()
    assert await names_found(store, "phantom") == []
    assert (await store.owners(entry("phantom").content, 10)).known == 0
    totals = await store.totals()
    assert (totals.known, totals.contents) == (1, 1)


async def test_members_are_paged_sorted_filtered_and_found_as_people_name_them(
    store: SqliteStore,
) -> None:
    await arrive(store, "Anna", host="10.0.0.5")
    await arrive(store, "bert", host="10.0.0.6")
    await arrive(store, "carl", host="10.0.0.7")
    await announce(store, "carl", entry("a", size=5))
    await store.disconnect(peer("bert"), 3.0)
    await store.beat([Beat(peer=peer("carl"), ping_ms=1.5, reachable=False)], 4.0)
    page = await store.hosts("", 0, 10, "")
    assert [row.nick for row in page.rows] == ["Anna", "carl", "bert"]
    assert (await store.hosts("", 0, 10, "-files")).rows[0].nick == "carl"
    assert [row.nick for row in (await store.hosts("0.6:7071", 0, 10, "")).rows] == ["bert"]
    # A sort that does not exist is the natural one; it never reaches the database as text.
    assert [row.nick for row in (await store.hosts("", 1, 1, "1; DROP TABLE hosts")).rows] == [
        "carl"
    ]
    carl = (await store.find("CARL"))[0]
    assert (carl.ping_ms, carl.reachable, carl.seen, carl.bytes) == (1.5, False, 4.0, 5)
    for text in ("carl", peer("carl"), peer("carl")[:6], "10.0.0.7", "10.0.0.7:7071"):
        assert [row.nick for row in await store.find(text)] == ["carl"], text
    assert await store.find("dora") == ()


async def test_a_list_is_paged_sorted_and_filtered(store: SqliteStore) -> None:
    await arrive(store, "anna")
    await announce(store, "anna", entry("b", size=1), entry("d/a", size=3), entry("c", size=2))

    async def names(text: str = "", offset: int = 0, sort: str = "") -> list[str]:
        page = await store.files(peer("anna"), text, offset, 2, sort)
        return ["/".join(each.path) for each in page.entries]

    assert await names() == ["b", "c"]
    assert await names(offset=2) == ["d/a"]
    assert await names(sort="-size") == ["d/a", "c"]
    assert await names("D/") == ["d/a"]
    assert (await store.files(peer("anna"), "d/", 0, 2, "")).total == 1
    assert (await store.files(peer("nobody"), "", 0, 2, "")).total == 0


async def test_one_failing_change_does_not_take_others_with_it(store: SqliteStore) -> None:
    await arrive(store, "anna")
    bad = Entry(("\ud800",), 1, ContentId(bytes(32)), 0)  # no decoder lets it pass
    good, failed, also = await asyncio.gather(
        announce(store, "anna", entry("a")),
        announce(store, "anna", bad, base=1, revision=2),
        announce(store, "anna", entry("b"), base=1, revision=2),
        return_exceptions=True,
    )
    assert isinstance(failed, BaseException)
    assert isinstance(good, Applied)
    assert isinstance(also, Applied)
    assert also.files == 2


async def test_a_cancelled_search_leaves_its_reader_for_others(store: SqliteStore) -> None:
    await arrive(store, "anna")
    await announce(store, "anna", *(entry(f"file {number}") for number in range(50)))
    searches = [asyncio.ensure_future(store.search("", 0, 10)) for _ in range(8)]  # noqa: TID251
    await asyncio.sleep(0)
    for search in searches[:6]:
        search.cancel()
    await asyncio.wait(searches)
    assert (await store.search("file", 0, 10)).total == 50


async def test_a_closed_index_says_so(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "index.db", SystemClock())
    waiting = asyncio.ensure_future(arrive(store, "anna"))  # noqa: TID251
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert await waiting == peer("anna")  # what was asked for before is done
    with pytest.raises(StoreError, match="closed"):
        await store.search("", 0, 1)


async def test_the_beginning_of_a_content_id_finds_it_under_all_its_names(
    store: SqliteStore,
) -> None:
    await arrive(store, "anna")
    wanted = entry("a.iso", content="wanted")
    await announce(store, "anna", wanted, entry("b.iso", content="wanted"), entry("c.iso"))
    start = content_id_text(wanted.content)[:12]

    found = await store.search(start, 0, 10)

    assert [hit.content for hit in found.hits] == [wanted.content]
    assert sorted(found.hits[0].names) == [("a.iso",), ("b.iso",)]
    assert (await store.search("b3c1" + "7" * 50, 0, 10)).hits == ()


async def test_a_hit_names_the_owner_that_answers_fastest(store: SqliteStore) -> None:
    shared = entry("a.iso")
    for name in ("slow", "fast", "gone"):
        await arrive(store, name)
        await announce(store, name, shared)
    pings = {"slow": 80.0, "fast": 2.0}
    beats = [Beat(peer=peer(n), ping_ms=ping, reachable=True) for n, ping in pings.items()]
    await store.beat(beats, 9.0)
    await store.disconnect(peer("gone"), 9.0)

    found = await store.search("a.iso", 0, 10)

    assert found.hits[0].best == "fast"


async def test_f52_a_thousand_contents_of_one_name_are_a_thousand_hits_in_pages(
    store: SqliteStore,
) -> None:
    await arrive(store, "anna")
    entries = [entry(f"{number}/setup.exe", content=str(number)) for number in range(1000)]
    await announce(store, "anna", *entries, max_entries=1000)

    pages = [await store.search("setup.exe", offset, 200) for offset in range(0, 1000, 200)]

    assert {page.total for page in pages} == {1000}
    assert len({hit.content for page in pages for hit in page.hits}) == 1000


async def test_f71_a_full_disk_refuses_what_is_new_and_keeps_the_rest(store: SqliteStore) -> None:
    await arrive(store, "anna")
    await announce(store, "anna", entry("song"))
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")  # what a full disk is to SQLite
    many = tuple(entry(f"folder {number}/file {number}") for number in range(500))
    with pytest.raises(StoreError, match="full"):
        await announce(store, "anna", *many, base=1, revision=2, max_entries=1000)
    assert await names_found(store, "song") == ["song"]
    assert await names_found(store, "file") == []
    store._db.execute("PRAGMA max_page_count = 1000000")
    await announce(store, "anna", *many, base=1, revision=2, max_entries=1000)
    assert len(await names_found(store, "file")) == 100
