"""The index against a model of it: whatever is announced, removed, emptied and swept."""

import hashlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptui.base.ids import ContentId, PeerId, key_digest
from p2ptui.net.wire.messages import Entry
from p2ptui.net.wire.share_digest import ShareDigest
from tracker import sqlite_changes as changes
from tracker import sqlite_queries as queries
from tracker.sqlite_schema import open_writer
from tracker.store import Arrival, Change

PEERS = tuple(PeerId(key_digest(name.encode())) for name in ("anna", "bert", "carl"))
FOLDERS = ("", "Music", "Music/live")
NAMES = ("song.mp3", "Ärger.txt", "a'b\"c%_.txt", "x")
PATHS = tuple(
    tuple(f"{folder}/{name}".strip("/").split("/")) for folder in FOLDERS for name in NAMES
)


def content(number: int) -> ContentId:
    return ContentId(hashlib.sha256(str(number).encode()).digest())


@dataclass
class Model:
    lists: dict[PeerId, dict[tuple[str, ...], Entry]] = field(default_factory=dict)
    revisions: dict[PeerId, int] = field(default_factory=dict)


ENTRIES = st.builds(
    Entry,
    path=st.sampled_from(PATHS),
    size=st.sampled_from((0, 7)),
    content=st.integers(0, 4).map(content),
    mtime=st.integers(-3, 3),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(PEERS),
        st.sampled_from(("delta", "whole", "clear", "sweep")),
        st.lists(ENTRIES, max_size=6),
        st.lists(st.sampled_from(PATHS), max_size=4),
    ),
    max_size=12,
)


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_f64_the_index_is_what_was_announced(
    steps: list[tuple[PeerId, str, list[Entry], list[tuple[str, ...]]]],
) -> None:
    db = open_writer(Path(":memory:"))
    try:
        model = Model()
        for peer in PEERS:
            arrival = Arrival(peer=peer, nick="n", host="10.0.0.1", port=1, software="", now=1.0)
            changes.connect(db, arrival)
            model.lists[peer] = {}
            model.revisions[peer] = 0
        for number, (peer, kind, added, removed) in enumerate(steps, start=1):
            if kind == "sweep":
                changes.sweep(db)
                continue
            if kind == "clear":
                changes.clear(db, peer)
                model.lists[peer], model.revisions[peer] = {}, 0
                continue
            base = 0 if kind == "whole" else model.revisions[peer]
            mine = {} if base == 0 else model.lists[peer]
            for path in removed:
                mine.pop(path, None)
            mine |= {entry.path: entry for entry in added}
            model.lists[peer], model.revisions[peer] = mine, number
            applied = changes.apply(
                db,
                Change(
                    peer=peer,
                    base=base,
                    revision=number,
                    added=tuple(added),
                    removed=tuple(removed),
                    digest=bytes(ShareDigest.of(mine.values())),
                    max_entries=1000,
                ),
            )
            assert applied.state == "applied"
            assert applied.revision == number
            assert applied.files == len(mine)
            assert applied.bytes == sum(entry.size for entry in mine.values())
        _check(db, model, swept=False)
        while changes.sweep(db):
            pass
        _check(db, model, swept=True)
        _check_no_litter(db, model)
    finally:
        db.close()


def _check(db: sqlite3.Connection, model: Model, *, swept: bool) -> None:
    for peer, mine in model.lists.items():
        page = queries.files(db, peer, "", offset=0, limit=100, sort="")
        assert page.total == len(mine)
        assert list(page.entries) == sorted(mine.values(), key=lambda entry: "/".join(entry.path))
        wanted = [content(number) for number in range(5)]
        assert queries.held(db, peer, wanted) == {entry.content for entry in mine.values()}
    everything = [entry for mine in model.lists.values() for entry in mine.values()]
    for word in ("song", "MUSIC", "live mp3", "a'b\"c%_", "%", "x", "är", "ÄRGER"):
        expected = {
            (entry.content, entry.size)
            for entry in everything
            if all(part.lower() in "/".join(entry.path).lower() for part in word.split())
        }
        found = queries.search(db, word, 0, 100)
        hits = {(hit.content, hit.size) for hit in found.hits}
        # Until it is swept, an old name still leads to its content, under the names that it has.
        assert hits == expected if swept else hits >= expected
        for hit in found.hits:
            assert (
                set(hit.names)
                == {
                    entry.path
                    for entry in everything
                    if (entry.content, entry.size) == (hit.content, hit.size)
                }
                or len(hit.names) == 8
            )
            owners = {
                peer
                for peer, mine in model.lists.items()
                if any((e.content, e.size) == (hit.content, hit.size) for e in mine.values())
            }
            assert (hit.owners, hit.known) == (len(owners), len(owners))


def _check_no_litter(db: sqlite3.Connection, model: Model) -> None:
    everything = [entry for mine in model.lists.values() for entry in mine.values()]
    contents = {(entry.content, entry.size) for entry in everything}
    names = {(entry.content, entry.size, entry.path) for entry in everything}
    count = db.execute("SELECT count(*) FROM contents").fetchone()[0]
    assert count == len(contents) == queries.totals(db).contents
    assert db.execute("SELECT count(*) FROM names").fetchone()[0] == len(names)
    assert db.execute("SELECT count(*) FROM entries").fetchone()[0] == len(everything)
    db.execute("INSERT INTO search (search) VALUES ('integrity-check')")
