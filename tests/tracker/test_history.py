"""The history of fetches: what is kept, in what order, how much, and what a lost file does."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, content_id_text
from tests.support.fake_time import FakeClock
from tests.support.memory_net import peer_id_of
from tracker.api import FetchRow, Page
from tracker.history import FetchHistory
from tracker.sqlite_history import MAX_TOTAL, STEPS, VERSION, FetchRecord, GiverPart

ANNA, BERT, CARL = map(peer_id_of, ("anna", "bert", "carl"))
SONG = ContentId(bytes(range(32)))


def record(number: int = 0, *, taker: str = "anna", name: str = "song.flac") -> FetchRecord:
    return FetchRecord(
        time=1_000 + number,
        taker=peer_id_of(taker),
        nick=taker,
        content=SONG,
        name=name,
        size=3_000,
        seconds=1.5,
        givers=(GiverPart(BERT, "bert", 2_000), GiverPart(CARL, "carl", 1_000)),
    )


async def opened(folder: Path, keep: int = 100) -> FetchHistory:
    return await FetchHistory.open(folder / "history.db", FakeClock(), keep)


async def rows(history: FetchHistory, text: str = "", sort: str = "") -> list[FetchRow]:
    return list((await history.page(Page(filter=text, sort=sort))).rows)


async def test_a_fetch_is_kept_with_its_givers_and_its_rate(tmp_path: Path) -> None:
    history = await opened(tmp_path)
    await history.add([record()])
    (row,) = await rows(history)
    assert (row.time, row.peer_id, row.nick, row.name) == (1_000.0, ANNA, "anna", "song.flac")
    assert (row.size, row.seconds, row.rate_bps) == (3_000, 1.5, 2_000)
    assert row.content_id == content_id_text(SONG)
    assert [(giver.peer_id, giver.nick, giver.bytes) for giver in row.givers] == [
        (BERT, "bert", 2_000), (CARL, "carl", 1_000),
    ]  # fmt: skip
    assert (history.files, history.bytes) == (1, 3_000)
    await history.close()


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    history = await opened(tmp_path)
    await history.add([record()])
    before = await rows(history)
    await history.close()
    again = await opened(tmp_path)
    assert await rows(again) == before
    assert (again.files, again.bytes, again.notice) == (1, 3_000, "")
    await again.close()


async def test_a_fetch_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    history = await opened(tmp_path)
    await history.add([record(), record()])
    await history.add([record(), record(1)])
    assert (history.files, len(await rows(history))) == (2, 2)
    await history.close()


async def test_the_newest_stand_first_and_a_page_says_how_many_there_are(tmp_path: Path) -> None:
    history = await opened(tmp_path)
    await history.add([record(n, name=f"{n}.txt") for n in (3, 1, 2)])
    page = await history.page(Page(offset=1, limit=1))
    assert ([row.name for row in page.rows], page.total) == (["2.txt"], 3)
    past = await history.page(Page(offset=2**70, limit=1))
    assert (past.rows, past.total) == ((), 3)
    await history.close()


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", ["a", "B", "c"]),
        ("-name", ["c", "B", "a"]),
        ("time", ["c", "a", "B"]),
        ("no such field; DROP TABLE fetches", ["B", "a", "c"]),
    ],
)
async def test_it_is_sorted_by_a_field(tmp_path: Path, sort: str, names: list[str]) -> None:
    history = await opened(tmp_path)
    await history.add([record(n, name=name) for n, name in enumerate(("c", "a", "B"))])
    assert [row.name for row in await rows(history, sort=sort)] == names
    await history.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SIRÈNES flac", ["sirènes.flac"]),
        ("bert", ["sirènes.flac", "notes.txt"]),
        ("carl anna", ["sirènes.flac"]),
        (CARL[:8], ["sirènes.flac"]),
        (content_id_text(SONG)[:12], ["sirènes.flac", "notes.txt"]),
        ("%", []),
    ],
)
async def test_a_filter_looks_at_names_nicks_and_ids(
    tmp_path: Path, text: str, found: list[str]
) -> None:
    history = await opened(tmp_path)
    notes = msgspec.structs.replace(
        record(taker="dora", name="notes.txt"), givers=(GiverPart(BERT, "bert", 5),)
    )
    await history.add([notes, record(1, name="sirènes.flac")])
    assert [row.name for row in await rows(history, text)] == found
    await history.close()


async def test_so_many_are_remembered_and_the_totals_count_all(tmp_path: Path) -> None:
    history = await opened(tmp_path, keep=3)
    await history.add([record(number) for number in range(5)])
    assert [row.time for row in await rows(history)] == [1_004, 1_003, 1_002]
    assert history.files == 5
    await history.keep(2)
    assert [row.time for row in await rows(history)] == [1_004, 1_003]
    await history.close()


async def test_who_reports_without_end_pushes_out_its_own_history_alone(tmp_path: Path) -> None:
    history = await opened(tmp_path, keep=4)
    await history.add([record(number, taker="dora") for number in range(2)])
    await history.add([record(number, taker="mallory") for number in range(10, 60)])
    assert [(row.nick, row.time) for row in await rows(history)] == [
        ("mallory", 1_059), ("mallory", 1_058), ("dora", 1_001), ("dora", 1_000),
    ]  # fmt: skip
    await history.close()


@pytest.mark.parametrize(("keep", "left"), [(15, [5, 5, 4, 1]), (5, [2, 1, 1, 1]), (3, [1, 1, 1])])
async def test_those_with_most_are_brought_to_one_level_with_a_statement_each(
    tmp_path: Path, keep: int, left: list[int]
) -> None:
    history = await opened(tmp_path, keep=1_000)
    for taker, many in (("anna", 300), ("bert", 200), ("carl", 4), ("dora", 1)):
        await history.add([record(number, taker=taker) for number in range(many)])
    said: list[str] = []
    history._db.set_trace_callback(said.append)
    await history.keep(keep)
    assert 1 <= sum(each.startswith("DELETE") for each in said) <= 4
    takers = Counter(row.nick for row in await rows(history))
    assert sorted(takers.values(), reverse=True) == left
    await history.close()


async def test_sums_of_what_members_tell_stop_at_a_number_that_can_be_counted(
    tmp_path: Path,
) -> None:
    history = await opened(tmp_path)
    huge = GiverPart(BERT, "bert", 2**50)
    await history.add([
        msgspec.structs.replace(record(number), givers=(huge,) * 16) for number in range(100)
    ])  # fmt: skip
    await history.add([
        msgspec.structs.replace(record(number), givers=(huge,) * 16) for number in range(200, 300)
    ])  # fmt: skip
    assert (history.files, history.bytes) == (200, MAX_TOTAL)
    await history.close()


async def test_a_damaged_file_is_put_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_bytes(b"no database" * 1_000)
    history = await opened(tmp_path)
    await history.add([record()])
    assert "could not be used" in history.notice
    assert len(await rows(history)) == 1
    await history.close()
    assert len(list(tmp_path.glob("history.db.*.bad"))) == 1


async def test_damage_behind_the_first_pages_does_not_stop_a_tracker(tmp_path: Path) -> None:
    history = await opened(tmp_path, keep=1_000)
    await history.add([record(number) for number in range(500)])
    await history.close()
    file = tmp_path / "history.db"
    pages = bytearray(file.read_bytes())
    for begin in range(8 * 4096, len(pages), 4096):
        pages[begin : begin + 64] = b"\xff" * 64
    file.write_bytes(pages)
    history = await opened(tmp_path, keep=1_000)
    assert "could not be used" in history.notice
    await history.add([record()])
    assert len(await rows(history)) == 1
    await history.close()
    assert len(list(tmp_path.glob("history.db.*.bad"))) == 1


async def test_tables_of_a_later_version_are_put_aside(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "history.db") as later:
        later.execute(f"PRAGMA user_version = {VERSION + 1}")
    later.close()
    history = await opened(tmp_path)
    assert f"version {VERSION + 1}" in history.notice
    assert await rows(history) == []
    await history.close()


async def test_tables_of_the_first_version_are_taken_over(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "history.db")) as db:
        db.executescript(f"{STEPS[0]} PRAGMA user_version = 1;")
        made = record()
        db.execute(
            "INSERT INTO fetches VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
            (
                made.time, made.taker, made.nick, made.content, made.name, made.size, made.bytes,
                made.seconds, msgspec.msgpack.encode(made.givers),
            ),
        )  # fmt: skip
        db.commit()
    history = await opened(tmp_path)
    assert history.notice == ""
    await history.add([record()])
    assert [row.name for row in await rows(history)] == ["song.flac"]
    await history.add([msgspec.structs.replace(record(1), told=record().time)])
    assert len(await rows(history)) == 1
    await history.close()


async def test_without_a_file_it_is_in_memory(tmp_path: Path) -> None:
    (tmp_path / "history.db").mkdir()
    history = await opened(tmp_path)
    await history.add([record()])
    assert history.path is None
    assert "cannot be used" in history.notice
    assert len(await rows(history)) == 1
    await history.close()


async def test_a_failure_is_told_as_people_read_it(tmp_path: Path) -> None:
    history = await opened(tmp_path)
    history._db.execute("DROP TABLE fetches")
    with pytest.raises(P2PError, match="history"):
        await history.page(Page())
    await history.close()
