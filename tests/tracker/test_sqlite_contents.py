"""The index as the admin looks at it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from p2ptui.base.clock import SystemClock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import content_id_text
from tests.support.tracker_rig import content_of, entry
from tests.tracker.test_sqlite_store import announce, arrive, peer
from tracker import sqlite_contents
from tracker.rows import content_bounds
from tracker.sqlite_store import SqliteStore
from tracker.store import Found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "index.db", SystemClock())
    yield opened
    await opened.close()


@pytest.fixture
async def filled(store: SqliteStore) -> SqliteStore:
    """anna and ben share `both`; each has something of its own; ben is offline."""
    await arrive(store, "anna")
    await arrive(store, "ben")
    await announce(store, "anna", entry("b/both.txt", content="both", size=5), entry("anna.txt"))
    await announce(store, "ben", entry("c/both too.txt", content="both", size=5), entry("ben.txt"))
    await store.disconnect(peer("ben"), 2.0)
    return store


async def page(
    store: SqliteStore,
    text: str = "",
    *,
    offset: int = 0,
    limit: int = 100,
    sort: str = "",
    single: bool = False,
) -> Found:
    return await store.index(text, offset, limit, sort=sort, single=single)


async def names(
    store: SqliteStore, text: str = "", *, sort: str = "", single: bool = False
) -> list[str]:
    found = await page(store, text, sort=sort, single=single)
    return ["/".join(hit.names[0]) for hit in found.hits]


async def test_all_contents_the_newest_first(filled: SqliteStore) -> None:
    found = await page(filled)
    assert ["/".join(hit.names[0]) for hit in found.hits] == ["ben.txt", "anna.txt", "b/both.txt"]
    assert (found.total, found.more) == (3, False)
    both = found.hits[2]
    assert (both.owners, both.known, both.size) == (1, 2, 5)
    assert {"/".join(name) for name in both.names} == {"b/both.txt", "c/both too.txt"}
    assert both.best == "anna"


async def test_what_a_single_member_has_online_or_not(filled: SqliteStore) -> None:
    found = await page(filled, single=True)
    assert ["/".join(hit.names[0]) for hit in found.hits] == ["ben.txt", "anna.txt"]
    assert [(hit.owners, hit.known) for hit in found.hits] == [(0, 1), (1, 1)]
    assert not found.more
    first = await page(filled, single=True, limit=1)
    assert (len(first.hits), first.total, first.more) == (1, 2, False)
    assert await names(filled, "txt", single=True, sort="name") == ["anna.txt", "ben.txt"]


async def test_words_orders_and_pages(filled: SqliteStore) -> None:
    assert await names(filled, "both too") == ["c/both too.txt"]
    assert await names(filled, sort="name") == ["anna.txt", "b/both.txt", "ben.txt"]
    assert await names(filled, sort="-name") == ["ben.txt", "b/both.txt", "anna.txt"]
    assert (await names(filled, sort="size"))[0] == "b/both.txt"
    assert (await names(filled, sort="-size"))[-1] == "b/both.txt"
    assert await names(filled, content_id_text(content_of("ben.txt"))[:14]) == ["ben.txt"]
    found = await page(filled, "txt", offset=2, limit=1, sort="name")
    assert [hit.names[0] for hit in found.hits] == [("ben.txt",)]
    assert (found.total, found.more) == (3, False)
    assert (await page(filled, "nothing")).hits == ()


async def test_what_is_gone_is_not_shown(filled: SqliteStore) -> None:
    await filled.clear(peer("anna"))
    assert await names(filled, single=True) == ["ben.txt", "c/both too.txt"]
    assert await names(filled, "anna") == []
    await filled.swept()
    assert await names(filled) == ["ben.txt", "c/both too.txt"]


async def test_it_goes_on_to_the_end_of_a_long_list(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await arrive(store, "anna")
    entries = [entry(f"file {number:05d}.txt") for number in range(4000)]
    for start in range(0, 4000, 500):
        await announce(
            store, "anna", *entries[start : start + 500], base=start // 500,
            revision=start // 500 + 1, max_entries=10_000,
        )  # fmt: skip
    for wanted in ("", "file"):
        last = await page(store, wanted, offset=3990, sort="name" if wanted else "")
        assert (len(last.hits), last.total, last.more) == (10, 4000, False)
    assert len((await page(store, single=True, offset=3990)).hits) == 10
    monkeypatch.setattr(sqlite_contents, "MAX_LISTED", 100)
    some = await page(store, "file", offset=95)
    assert (some.more, some.total) == (True, 101)
    some = await page(store, single=True, offset=200)
    assert (some.more, some.total, len(some.hits)) == (True, 300, 100)


async def test_who_has_a_content(filled: SqliteStore) -> None:
    both = content_id_text(content_of("both"))
    for text in (both, both[:12], both[4:12], both[4:12].upper()):
        found = await filled.holders(content_bounds(text), "", 0, 10, "")
        assert ([host.nick for host in found.rows], found.total) == (["anna", "ben"], 2)
    found = await filled.holders(content_bounds(both), "ben", 0, 10, "")
    assert [host.nick for host in found.rows] == ["ben"]
    found = await filled.holders(content_bounds(content_id_text(content_of("?"))), "", 0, 10, "")
    assert (found.rows, found.total) == ((), 0)


@pytest.mark.parametrize(
    "text", ["", "song", "b3c1", "b3c1ab", "b3c1!!!!!!", "holiday1", "song.flac"]
)
def test_what_is_no_content_id(text: str) -> None:
    with pytest.raises(P2PError, match="content id"):
        content_bounds(text)
