"""Hashing files: the right manifest, or the trouble (F80, F81, F85)."""

import os
from pathlib import Path

import pytest

from p2ptui.node import hasher
from p2ptui.node.hasher import HashCancelled, HashJob, HashProgress, hash_files
from p2ptui.node.shared_files import NotRegular
from p2ptui.node.store_values import Fingerprint
from tests.support.contents import MIB, make_bytes, make_manifest


def job(path: Path, number: int = 1, mark: Fingerprint | None = None) -> HashJob:
    return HashJob(number, path.parent, "", path.name, mark)


def mark(path: Path) -> Fingerprint:
    found = path.stat()
    return Fingerprint(found.st_size, found.st_mtime_ns, found.st_ino)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 5])
def test_f85_a_file_is_hashed_to_its_manifest(tmp_path: Path, size: int) -> None:
    data = make_bytes(size)
    path = tmp_path / "file"
    path.write_bytes(data)
    progress = HashProgress()
    (result,) = hash_files([job(path)], progress)
    assert result.manifest == make_manifest(data)
    assert result.mark == mark(path)
    assert progress.total == progress.done == size


def test_chunks_larger_than_the_buffer_are_hashed_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_bytes(2 * MIB + 12345)
    path = tmp_path / "file"
    path.write_bytes(data)
    monkeypatch.setattr(hasher, "PIECE_BYTES", 100_000)
    (result,) = hash_files([job(path)], HashProgress())
    assert result.manifest == make_manifest(data)


def test_each_file_of_a_batch_has_its_own_result(tmp_path: Path) -> None:
    good, gone, folder = tmp_path / "good", tmp_path / "gone", tmp_path / "folder"
    good.write_bytes(b"x")
    folder.mkdir()
    elsewhere = HashJob(4, tmp_path / "no share", "", "x", None)
    results = hash_files([job(gone, 1), job(folder, 2), elsewhere, job(good, 3)], HashProgress())
    assert isinstance(results[0].trouble, FileNotFoundError)
    assert not results[0].root_gone
    assert isinstance(results[1].trouble, NotRegular)
    assert results[2].root_gone
    assert results[3].manifest == make_manifest(b"x")


def test_a_file_that_is_not_the_one_meant_is_not_hashed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    before = mark(path)
    path.write_bytes(b"newer")
    (result,) = hash_files([job(path, mark=before)], HashProgress())
    assert result.manifest is None
    assert result.trouble is None
    assert result.mark == mark(path)


@pytest.mark.parametrize("change", ["append", "truncate", "touch"])
def test_f80_a_file_that_changes_while_it_is_hashed_has_no_manifest(
    tmp_path: Path, change: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(make_bytes(3 * MIB))

    class Meddling(HashProgress):
        """Changes the file after its first piece."""

        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "total" and value == MIB:
                if change == "append":
                    with path.open("ab") as file:
                        file.write(b"more")
                elif change == "truncate":
                    os.truncate(path, MIB + 1)
                else:
                    os.utime(path, (1, 1))

    (result,) = hash_files([job(path)], Meddling())
    assert result.manifest is None
    assert result.mark == mark(path)


def test_hashing_stops_between_pieces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(make_bytes(3 * MIB))

    class Stopping(HashProgress):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "total" and value == MIB:
                self.cancelled = True

    progress = Stopping()
    with pytest.raises(HashCancelled):
        hash_files([job(path)], progress)
    assert progress.total == MIB
