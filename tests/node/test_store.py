"""The node's database: change log, digest, totals, pages, and what outlives a crash."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.loop import run
from p2ptui.net.wire.messages import Entry
from p2ptui.net.wire.share_digest import ShareDigest
from p2ptui.node import store as store_module
from p2ptui.node.api import Page
from p2ptui.node.manifest import Manifest
from p2ptui.node.store import NodeStore
from p2ptui.node.store_changes import FileChanges, Hashed
from p2ptui.node.store_files import FileTable
from p2ptui.node.store_pages import FilePages
from p2ptui.node.store_values import Fingerprint, ScannedFile, Totals
from tests.support.contents import make_manifest


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[NodeStore]:
    opened = await NodeStore.open(tmp_path / "node.db")
    yield opened
    await opened.close()


class Shelf:
    """A store with one share, and short ways to fill it."""

    def __init__(self, store: NodeStore, share: int) -> None:
        self.store = store
        self.share = share
        self.files = FileTable(store)
        self.changes = FileChanges(store)
        self.pages = FilePages(store)

    @classmethod
    async def make(cls, store: NodeStore) -> "Shelf":
        share = await FileChanges(store).add_share("/repo", "", "repository")
        return cls(store, share.id)

    async def list(self, *names: str, size: int = 1, mtime_ns: int = 5 * 10**9) -> None:
        found = [
            ScannedFile("", name, name, Fingerprint(size, mtime_ns, number))
            for number, name in enumerate(names)
        ]
        await self.changes.apply_scan(self.share, found, ())

    async def settle(self, *names: str) -> None:
        records = [await self.files.at(self.share, "", name) for name in names]
        await self.changes.settle(
            [
                Hashed(record.id, record.mark, manifest_of(record.name, record.size))
                for record in records
                if record is not None
            ]
        )

    async def number(self, name: str) -> int:
        record = await self.files.at(self.share, "", name)
        assert record is not None
        return record.id


def manifest_of(name: str, size: int = 1) -> Manifest:
    return make_manifest((name.encode() * size)[:size])


class Follower:
    """What a tracker makes of the changes."""

    def __init__(self) -> None:
        self.revision = 0
        self.entries: dict[tuple[str, ...], Entry] = {}

    async def follow(self, files: FileTable, limit: int = 500) -> None:
        while True:
            changes = await files.changes_since(self.revision, limit)
            assert len(changes.added) + len(changes.removed) <= limit
            for path in changes.removed:
                self.entries.pop(path, None)
            self.entries |= {entry.path: entry for entry in changes.added}
            self.revision = changes.revision
            if changes.digest:
                assert changes.digest == bytes(ShareDigest.of(self.entries.values()))
                return

    @property
    def names(self) -> set[str]:
        return {"/".join(path) for path in self.entries}


async def test_listed_files_are_shared_once_they_are_hashed(store: NodeStore) -> None:
    shelf = await Shelf.make(store)
    await shelf.list("a", "b")
    assert store.revision == 0
    await shelf.settle("a")
    assert store.revision == 1
    changes = await shelf.files.changes_since(0, 10)
    assert changes.added == (Entry(("a",), 1, manifest_of("a").content_id, 5),)
    assert changes.removed == ()
    assert changes.digest == store.digest == bytes(ShareDigest.of(changes.added))
    assert await shelf.files.manifest(manifest_of("a").content_id) == manifest_of("a")
    assert await shelf.files.totals() == {
        (shelf.share, "listed"): Totals(1, 1),
        (shelf.share, "shared"): Totals(1, 1),
    }


async def test_an_empty_share_has_an_empty_digest(store: NodeStore) -> None:
    changes = await FileTable(store).changes_since(0, 10)
    assert (changes.revision, changes.added, changes.removed) == (0, (), ())
    assert changes.digest == store.digest == bytes(16)


async def test_changes_come_in_batches_that_may_be_cut_anywhere(store: NodeStore) -> None:
    shelf, follower = await Shelf.make(store), Follower()
    names = [f"f{number}" for number in range(25)]
    await shelf.list(*names)
    await shelf.settle(*names)
    first = await shelf.files.changes_since(0, 10)
    assert len(first.added) == 10
    assert first.digest == b""
    await follower.follow(shelf.files, limit=10)
    assert follower.names == set(names)
    await shelf.changes.delete([await shelf.number(name) for name in names[:12]])
    await follower.follow(shelf.files, limit=5)
    assert follower.names == set(names[12:])
    new = Follower()
    await new.follow(shelf.files)
    assert new.entries == follower.entries


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["share", "change", "delete", "fail", "away", "back", "follow"]),
            st.sampled_from("abcdef"),
        ),
        max_size=30,
    )
)
def test_whoever_follows_the_changes_has_what_is_shared(steps: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(follow_steps(Path(folder), steps))


async def follow_steps(folder: Path, steps: list[tuple[str, str]]) -> None:
    store = await NodeStore.open(folder / "node.db")
    try:
        shelf, follower = await Shelf.make(store), Follower()
        for time, (step, name) in enumerate(steps):
            record = await shelf.files.at(shelf.share, "", name)
            if step == "share":
                await shelf.list(name)
                await shelf.settle(name)
            elif step == "follow":
                await follower.follow(shelf.files, limit=3)
            elif record is not None:
                if step == "change":
                    mark = Fingerprint(2, time * 10**9, 1)
                    await shelf.changes.apply_scan(shelf.share, (), [(record.id, mark)])
                elif step == "delete":
                    await shelf.changes.delete([record.id])
                elif step == "fail":
                    await shelf.changes.fail([(record.id, "no")])
                elif step == "away":
                    await shelf.changes.set_away([record.id])
                elif record.state == "away":
                    await shelf.changes.bring_back([record.id])
        await follower.follow(shelf.files, limit=3)
        entries, total = await shelf.pages.entries("", 0, 100)
        assert {entry.path: entry for entry in entries} == follower.entries
        assert total == len(entries)
        assert store.digest == bytes(ShareDigest.of(entries))
    finally:
        await store.close()


async def test_a_name_is_shared_once(store: NodeStore) -> None:
    shelf = await Shelf.make(store)
    other = await shelf.changes.add_share("/elsewhere/a", "a", "file")
    await shelf.list("a")
    await shelf.settle("a")
    mark = Fingerprint(1, 1, 1)
    await shelf.changes.apply_scan(other.id, [ScannedFile("", "a", "a", mark)], ())
    record = await shelf.files.at(other.id, "", "a")
    assert record is not None
    refused = await shelf.changes.settle([Hashed(record.id, mark, manifest_of("x"))])
    assert [file.id for file in refused] == [record.id]
    record = await shelf.files.at(other.id, "", "a")
    assert record is not None
    assert (record.state, bool(record.reason)) == ("error", True)
    # Names that differ in case alone are two names.
    await shelf.list("A")
    await shelf.settle("A")
    entries, _ = await shelf.pages.entries("", 0, 10)
    assert sorted(entry.path for entry in entries) == [("A",), ("a",)]


async def test_results_for_a_file_that_changed_meanwhile_are_dropped(store: NodeStore) -> None:
    shelf = await Shelf.make(store)
    await shelf.list("a")
    number = await shelf.number("a")
    await shelf.changes.apply_scan(shelf.share, (), [(number, Fingerprint(9, 9, 9))])
    await shelf.changes.settle([Hashed(number, Fingerprint(1, 5 * 10**9, 0), manifest_of("a"))])
    assert store.revision == 0
    record = await shelf.files.get(number)
    assert record is not None
    assert record.state == "listed"


async def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    store = await NodeStore.open(path)
    shelf = await Shelf.make(store)
    await shelf.list("a", "b")
    await shelf.settle("a", "b")
    await store.set_setting("swarm", b"x")
    revision, digest = store.revision, store.digest
    await store.close()
    again = await NodeStore.open(path)
    assert (again.revision, again.digest) == (revision, digest)
    assert await again.setting("swarm") == b"x"
    assert await again.setting("other") is None
    await again.set_setting("swarm", None)
    assert await again.setting("swarm") is None
    await again.close()


async def test_a_transaction_that_fails_changes_nothing(store: NodeStore) -> None:
    shelf = await Shelf.make(store)
    await shelf.list("a")
    await shelf.settle("a")
    head = (store.revision, store.digest)

    async def fail() -> None:
        async with store.transaction() as transaction:
            transaction.next_revision()
            await transaction.execute("DELETE FROM files")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert (store.revision, store.digest) == head
    assert await shelf.files.totals() == {
        (shelf.share, "listed"): Totals(0, 0),
        (shelf.share, "shared"): Totals(1, 1),
    }
    await shelf.list("b")


async def test_old_removals_are_forgotten_and_everybody_is_sent_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_OLD_REMOVALS", 3)
    path = tmp_path / "node.db"
    store = await NodeStore.open(path)
    shelf, follower = await Shelf.make(store), Follower()
    names = [f"f{number}" for number in range(8)]
    await shelf.list(*names)
    await shelf.settle(*names)
    await follower.follow(shelf.files)
    await shelf.changes.delete([await shelf.number(name) for name in names[:5]])
    await follower.follow(shelf.files)
    await store.close()
    again = await NodeStore.open(path)
    assert again.revision > follower.revision
    files = FileTable(again)
    for follows in (follower, Follower()):
        await follows.follow(files, limit=2)
        assert follows.names == set(names[5:])
    await again.close()


async def test_pages_are_filtered_sorted_and_cut(store: NodeStore) -> None:
    shelf = await Shelf.make(store)
    for number, name in enumerate(["Beta.txt", "alpha.txt", "Ärger_1.txt", "100%.txt"]):
        await shelf.list(name, size=number + 1, mtime_ns=number)

    async def names(**page: object) -> list[str]:
        rows, total = await shelf.pages.files(Page(**page))  # type: ignore[arg-type]
        assert total >= len(rows)
        return [row.wire for row in rows]

    assert await names() == ["100%.txt", "alpha.txt", "Beta.txt", "Ärger_1.txt"]
    assert await names(sort="-size") == ["100%.txt", "Ärger_1.txt", "alpha.txt", "Beta.txt"]
    assert await names(sort="changed", offset=1, limit=2) == ["alpha.txt", "Ärger_1.txt"]
    assert await names(filter="TXT a") == ["alpha.txt", "Beta.txt"]
    assert await names(filter="äRGER") == ["Ärger_1.txt"]
    assert await names(filter="%") == ["100%.txt"]
    assert await names(filter="_") == ["Ärger_1.txt"]
    assert await names(filter="\\") == []
    assert await names(limit=-1) == []
    with pytest.raises(P2PError) as caught:
        await names(sort="nonsense")
    assert caught.value.exit_code is ExitCode.USAGE
    _, total = await shelf.pages.files(Page(filter="txt", limit=1))
    assert total == 4


async def test_f71_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(P2PError, match=r"node\.db") as caught:
        await NodeStore.open(path)
    assert caught.value.exit_code is ExitCode.STORAGE
    assert caught.value.hint
    assert path.read_bytes().startswith(b"this is"), "it is left as it was"


async def test_f71_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(P2PError, match=r"node\.db") as caught:
        await NodeStore.open(tmp_path / "missing" / "node.db")
    assert caught.value.exit_code is ExitCode.STORAGE


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(P2PError, match="newer"):
        await NodeStore.open(path)


async def test_who_asks_a_closed_store_is_told_that_the_node_stops(tmp_path: Path) -> None:
    store = await NodeStore.open(tmp_path / "node.db")
    await store.close()
    for question in (
        store.setting("x"), store.fetch_page("SELECT 1"), store.set_setting("x", b"1"),
    ):  # fmt: skip
        with pytest.raises(P2PError, match="The node is stopping") as told:
            await question
        assert told.value.exit_code is ExitCode.UNREACHABLE


async def test_a_query_that_a_close_overtakes_is_told_so_too(tmp_path: Path) -> None:
    store = await NodeStore.open(tmp_path / "node.db")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000)"
    asked = [store.fetch_page(f"{numbers} SELECT i FROM n") for _ in range(5)]
    *outcomes, closed = await asyncio.gather(*asked, store.close(), return_exceptions=True)
    assert closed is None
    for outcome in outcomes:
        assert isinstance(outcome, list | P2PError), outcome


async def test_f91_a_full_database_is_told_and_goes_on_later(store: NodeStore) -> None:
    shelf = await Shelf.make(store)
    ((pages,),) = await store._writer.execute_fetchall("PRAGMA page_count")
    await store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    names = [f"{number}" * 200 for number in range(100)]
    with pytest.raises(P2PError, match="full") as caught:
        await shelf.list(*names)
    assert caught.value.exit_code is ExitCode.STORAGE
    await store._writer.execute("PRAGMA max_page_count = 1000000")
    await shelf.list(*names)
    assert (await shelf.files.totals())[shelf.share, "listed"].files == 100


async def test_a_folder_tells_what_lies_directly_in_it(store: NodeStore) -> None:
    shelf = await Shelf.make(store)
    await shelf.list("top.txt", "Music/a.flac", "Music/live/b.flac", "music/c.flac", "Music0.txt")
    await shelf.settle("Music/a.flac")

    folders, records, total = await shelf.pages.folder("", Page())
    assert [(row.name, row.files, row.waiting) for row in folders] == [
        ("Music", 2, 1),
        ("music", 1, 1),
    ]
    assert ([record.name for record in records], total) == (["Music0.txt", "top.txt"], 2)

    folders, records, total = await shelf.pages.folder("Music", Page())
    assert [row.name for row in folders] == ["Music/live"]
    assert ([record.wire for record in records], total) == (["Music/a.flac"], 1)
