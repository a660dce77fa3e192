"""Serving a shared file: the bytes that were hashed, or none (F80, F89)."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from p2ptui.node.open_content import OpenContent
from p2ptui.node.storage_errors import ContentChanged
from p2ptui.node.store_values import FileRecord, ShareRecord
from tests.support.contents import MIB, make_bytes, make_manifest

DATA = make_bytes(2 * MIB + 9)
MANIFEST = make_manifest(DATA)


@pytest.fixture
def opened(tmp_path: Path) -> OpenContent:
    path = tmp_path / "sub" / "file"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return open_content(tmp_path)


def open_content(root: Path) -> OpenContent:
    found = (root / "sub" / "file").stat()
    record = FileRecord(
        1, 1, "sub", "file", "sub/file", found.st_size, found.st_mtime_ns, found.st_ino,
        "shared", "", MANIFEST.content_id, 1,
    )  # fmt: skip
    return OpenContent(ShareRecord(1, str(root), "", "repository"), record, MANIFEST)


def test_every_chunk_is_read(opened: OpenContent) -> None:
    assert b"".join(opened.read(index) for index in range(3)) == DATA
    assert opened.bitmap() is None
    assert opened.name == "sub/file"
    opened.close()


@pytest.mark.parametrize("index", [-1, 3, 2**32])
def test_f89_chunks_that_do_not_exist_are_refused(opened: OpenContent, index: int) -> None:
    with pytest.raises(IndexError):
        opened.read(index)
    opened.close()


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    path.write_bytes(make_bytes(len(DATA), seed=2))
    os.utime(path, (5, 5))


@pytest.mark.parametrize("change", [append, rewrite, lambda path: os.truncate(path, 5)])
def test_f80_a_file_that_changed_is_not_served(
    opened: OpenContent, change: Callable[[Path], None]
) -> None:
    change(opened.path)
    with pytest.raises(ContentChanged):
        opened.read(0)
    opened.close()


def test_f80_a_change_while_a_chunk_is_read_is_seen(
    opened: OpenContent, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.pread

    def meddle(handle: int, length: int, offset: int) -> bytes:
        data = read(handle, length, offset)
        append(opened.path)
        return data

    monkeypatch.setattr(os, "pread", meddle)
    with pytest.raises(ContentChanged):
        opened.read(0)
    opened.close()


def test_f80_a_replaced_or_deleted_file_goes_on_as_it_was_hashed(
    opened: OpenContent, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "other").rename(opened.path)
    assert opened.read(2) == DATA[2 * MIB :]
    opened.path.unlink()
    assert opened.read(0) == DATA[:MIB]
    opened.close()


def test_f80_a_file_that_is_no_longer_the_one_is_not_opened(
    opened: OpenContent, tmp_path: Path
) -> None:
    record = opened.file
    opened.close()
    append(opened.path)
    with pytest.raises(ContentChanged):
        OpenContent(ShareRecord(1, str(tmp_path), "", "repository"), record, MANIFEST)


def test_what_is_withdrawn_or_closed_is_read_no_more(opened: OpenContent, tmp_path: Path) -> None:
    opened.withdraw()
    with pytest.raises(ContentChanged):
        opened.read(0)
    opened.close()
    opened.close()
    other = open_content(tmp_path)
    other.close()
    with pytest.raises(ContentChanged):
        other.read(0)


def test_a_close_during_a_read_waits_for_it(
    opened: OpenContent, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, closed = os.pread, os.close
    handles: list[int] = []

    def close_now(handle: int, length: int, offset: int) -> bytes:
        opened.close()
        assert not handles, "the descriptor is in use"
        return read(handle, length, offset)

    def note(handle: int) -> None:
        handles.append(handle)
        closed(handle)

    monkeypatch.setattr(os, "pread", close_now)
    monkeypatch.setattr(os, "close", note)
    assert opened.read(0) == DATA[:MIB]
    assert len(handles) == 1


# --- without waiting for the disk ---------------------------------------------------------------

needs_nowait = pytest.mark.skipif(
    not hasattr(os, "RWF_NOWAIT"), reason="the system cannot tell what is in memory"
)


@needs_nowait
def test_a_chunk_is_read_at_once_or_not_at_all(opened: OpenContent) -> None:
    for index, length in ((0, MIB), (1, MIB), (2, 9)):
        buffer = memoryview(bytearray(length))
        if opened.read_cached(index, buffer):  # a file system may have nothing in memory
            assert buffer == DATA[index * MIB : index * MIB + length]
    with pytest.raises(IndexError):
        opened.read_cached(3, memoryview(bytearray(9)))
    opened.close()
    with pytest.raises(ContentChanged):
        opened.read_cached(0, memoryview(bytearray(MIB)))


@needs_nowait
@pytest.mark.parametrize("answer", [BlockingIOError(11, "would wait"), MIB // 2])
def test_what_is_not_all_in_memory_is_not_read(
    opened: OpenContent, monkeypatch: pytest.MonkeyPatch, answer: int | OSError
) -> None:
    def read_some(_handle: int, _into: object, _offset: int, flags: int) -> int:
        assert flags == os.RWF_NOWAIT, "it may wait for the disk"
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(opened, "_tells_cached", True)
    monkeypatch.setattr(os, "preadv", read_some)
    assert not opened.read_cached(0, memoryview(bytearray(MIB)))
    opened.close()


@needs_nowait
@pytest.mark.parametrize("change", [append, rewrite, lambda path: os.truncate(path, 5)])
def test_f80_a_file_that_changed_is_not_served_at_once(
    opened: OpenContent, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    read = os.preadv

    def meddle(handle: int, into: list[memoryview], offset: int, _flags: int) -> int:
        found = read(handle, into, offset)
        change(opened.path)
        return found

    monkeypatch.setattr(opened, "_tells_cached", True)
    monkeypatch.setattr(os, "preadv", meddle)
    for _ in range(2):  # while it was read, and before
        with pytest.raises(ContentChanged):
            opened.read_cached(0, memoryview(bytearray(MIB)))
    opened.close()


@needs_nowait
@pytest.mark.parametrize("answer", [OSError(95, "not supported"), BlockingIOError(11, "wait")])
def test_a_file_system_that_cannot_tell_is_not_asked_again(
    opened: OpenContent, monkeypatch: pytest.MonkeyPatch, answer: OSError
) -> None:
    asked: list[int] = []

    def refuse(_handle: int, _into: object, _offset: int, flags: int) -> int:
        asked.append(flags)
        raise answer

    opened.close()
    monkeypatch.setattr(os, "preadv", refuse)
    again = open_content(opened.path.parent.parent)
    assert not again.read_cached(0, memoryview(bytearray(MIB)))
    assert len(asked) == (2 if isinstance(answer, BlockingIOError) else 1)
    assert again.read(0) == DATA[:MIB]
    again.close()
