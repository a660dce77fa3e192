"""F71: the index is corrupt, locked or read-only, and the tracker starts all the same."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2ptui.base.clock import SystemClock
from tests.tracker.test_sqlite_store import announce, arrive, entry
from tracker.index_file import OpenedIndex, open_index, remove_temporary
from tracker.sqlite_store import damage_mark
from tracker.store import StoreError

NOBODY = 65534


async def _open(path: Path) -> OpenedIndex:
    return await open_index(path, SystemClock())


async def test_a_new_index_is_made_without_a_word(tmp_path: Path) -> None:
    opened = await _open(tmp_path / "index.db")
    assert (opened.notice, opened.temporary) == ("", None)
    await opened.store.close()


@pytest.mark.parametrize(
    "content", [b"this is no database" * 500, b"SQLite format 3\0" + bytes(5000)]
)
async def test_f71_a_damaged_index_is_put_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(content)
    opened = await _open(path)
    assert "a new one was begun" in opened.notice
    assert opened.temporary is None
    await arrive(opened.store, "anna")
    await opened.store.close()
    aside = [each for each in tmp_path.iterdir() if each.name.endswith(".bad")]
    assert [each.read_bytes() for each in aside] == [content]
    again = await _open(path)
    assert again.notice == ""
    assert (await again.store.totals()).known == 1
    await again.store.close()


async def test_f71_damage_that_shows_while_it_runs_is_mended_by_the_next_start(
    tmp_path: Path,
) -> None:
    path = tmp_path / "index.db"
    opened = await _open(path)
    await arrive(opened.store, "anna")
    await announce(
        opened.store, "anna", *(entry(f"file {number}") for number in range(400)), max_entries=1000
    )
    await opened.store.close()
    # Every page but the first is overwritten: the file opens, and fails at its use.
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    opened = await _open(path)
    if not opened.notice:  # it opened
        with pytest.raises(StoreError, match="damaged"):
            await opened.store.search("file", 0, 10)
        await opened.store.close()
        assert damage_mark(path).exists()
        opened = await _open(path)
    assert "a new one was begun" in opened.notice
    assert (await opened.store.totals()).known == 0
    await opened.store.close()
    assert not damage_mark(path).exists()


async def test_f71_a_locked_index_gives_way_to_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.sqlite_schema.BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "index.db"
    first = await _open(path)
    await arrive(first.store, "anna")
    await first.store.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    opened = await _open(path)
    assert "temporary" in opened.notice
    assert opened.temporary is not None
    await arrive(opened.store, "bert")
    await opened.store.close()
    remove_temporary(opened.temporary)
    other.execute("ROLLBACK")
    other.close()
    again = await _open(path)
    assert [row.nick for row in (await again.store.hosts("", 0, 5, "")).rows] == ["anna"]
    await again.store.close()


@contextlib.contextmanager
def no_longer_root() -> Iterator[None]:
    """Root may write everywhere: for a while be somebody who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_f71_a_read_only_index_gives_way_to_a_temporary_one() -> None:
    # Not in tmp_path: its parents are closed to others, and the point is a file that can be read.
    folder = Path(tempfile.mkdtemp(prefix="p2ptui-test-"))
    path = folder / "index.db"
    try:
        await (await _open(path)).store.close()
        path.chmod(0o444)
        folder.chmod(0o555)
        with no_longer_root():
            opened = await _open(path)
            assert opened.temporary is not None
            await opened.store.close()
            remove_temporary(opened.temporary)
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)


async def test_f71_an_index_that_cannot_be_opened_gives_way_to_a_temporary_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "index.db"
    path.mkdir()
    opened = await _open(path)
    assert "temporary" in opened.notice
    assert opened.temporary is not None
    await opened.store.close()
    remove_temporary(opened.temporary)
    assert not opened.temporary.exists()


async def test_f71_an_index_of_another_version_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.execute("CREATE TABLE t (x)")
    other.close()
    opened = await _open(path)
    assert "version 99" in opened.notice
    await opened.store.close()
