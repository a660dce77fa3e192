"""Walking a share: what is listed, what is passed over, what is skipped and why."""

import os
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from p2ptui.node import scan
from p2ptui.node.scan import FolderSlice, Walk
from p2ptui.node.store_values import ShareRecord


def walk(
    root: Path, kind: str = "repository", **options: set[tuple[int, int]]
) -> tuple[list[FolderSlice], Walk]:
    name = "music" if kind == "folder" else ""
    share = ShareRecord(1, str(root), name, "folder" if kind == "folder" else "repository")
    walking = Walk(share, **options)
    slices: list[FolderSlice] = []
    while found := walking.next():
        slices += found
    walking.close()
    return slices, walking


def wires(slices: list[FolderSlice]) -> list[str]:
    return sorted(file.wire for part in slices for file in part.files)


def make(root: Path, *places: str) -> None:
    for place in places:
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_files_are_found_with_their_wire_paths(tmp_path: Path) -> None:
    make(tmp_path, "a", "sub/b", "sub/deeper/c")
    (tmp_path / "empty").mkdir()
    assert wires(walk(tmp_path)[0]) == ["a", "sub/b", "sub/deeper/c"]
    slices, _ = walk(tmp_path, "folder")
    assert wires(slices) == ["music/a", "music/sub/b", "music/sub/deeper/c"]
    assert sorted(part.folder for part in slices) == ["", "empty", "sub", "sub/deeper"]
    assert all(part.first and part.last for part in slices)


def test_f88_hidden_files_and_partials_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, ".hidden", ".p2ptui-partial/x.part", ".git/config", "seen")
    slices, walking = walk(tmp_path)
    assert wires(slices) == ["seen"]
    assert not walking.skipped.reasons


def test_f81_links_and_irregular_files_are_skipped(tmp_path: Path) -> None:
    make(tmp_path, "seen", "folder/file")
    (tmp_path / "link").symlink_to("seen")
    (tmp_path / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "pipe")
    slices, walking = walk(tmp_path)
    assert wires(slices) == ["folder/file", "seen"]
    assert walking.skipped.reasons == {"a symbolic link": 2, "not a regular file": 1}
    assert {place for place, _ in walking.skipped.named} == {"link", "loop", "pipe"}


@pytest.mark.parametrize(
    "name", [b"bad\xff", b"new\nline", b"tab\t", b"esc\x1b[2J", b"back\\slash"]
)
def test_f41_f50_names_that_cannot_go_on_the_wire_are_skipped(tmp_path: Path, name: bytes) -> None:
    make(tmp_path, "seen")
    folder = os.fsencode(tmp_path)
    with open(os.path.join(folder, name), "wb"):  # noqa: PTH118, PTH123  (bytes)
        pass
    os.mkdir(os.path.join(folder, name + b"d"))  # noqa: PTH102, PTH118  (bytes)
    slices, walking = walk(tmp_path)
    assert wires(slices) == ["seen"]
    assert walking.skipped.reasons.total() == 2


def test_f48_names_go_on_the_wire_in_nfc(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "é")
    make(tmp_path, f"{decomposed}/{decomposed}")
    ((file,),) = [part.files for part in walk(tmp_path)[0] if part.files]
    assert file.wire == "é/é"
    assert (file.folder, file.name) == (decomposed, decomposed)


def test_f56_folders_too_deep_are_skipped(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 31)
    make(tmp_path, f"{deep}/kept", f"{deep}/d/lost")
    slices, walking = walk(tmp_path)
    assert wires(slices) == [f"{deep}/kept"]
    assert walking.skipped.reasons.total() == 1
    slices, walking = walk(tmp_path, "folder")
    assert wires(slices) == []
    assert walking.skipped.reasons.total() == 1


def test_other_shares_and_the_home_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "mine", "home/keys/key", "inner/file")
    passed_over = {
        (found.st_dev, found.st_ino)
        for found in ((tmp_path / name).stat() for name in ("home", "inner", "."))
    }
    slices, walking = walk(tmp_path, passed_over=passed_over)
    assert wires(slices) == ["mine"]
    assert not walking.skipped.reasons


def test_a_large_folder_comes_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "SLICE_FILES", 10)
    make(tmp_path, *(f"f{number}" for number in range(35)), "sub/x")
    slices, _ = walk(tmp_path)
    large = [part for part in slices if not part.folder]
    assert [len(part.files) for part in large] == [10, 10, 10, 5]
    assert [part.first for part in large] == [True, False, False, False]
    assert [part.last for part in large] == [False, False, False, True]
    assert len(wires(slices)) == 36


def test_a_walk_is_closed_once_the_thread_that_walks_is_done(tmp_path: Path) -> None:
    make(tmp_path, "a", "b")
    walking = Walk(ShareRecord(1, str(tmp_path), "", "repository"))
    entered, leave = threading.Event(), threading.Event()
    judge = walking._judge

    def pause(*arguments: object) -> object:
        entered.set()
        assert leave.wait(10)
        return judge(*arguments)  # type: ignore[arg-type]

    walking._judge = pause  # type: ignore[assignment, method-assign]
    with ThreadPoolExecutor(2) as threads:
        walked = threads.submit(walking.next)
        assert entered.wait(10)
        closed = threads.submit(walking.close)
        assert not closed.done()
        leave.set()
        assert len(walked.result(10)[0].files) == 2
        closed.result(10)


def test_a_share_that_is_replaced_while_it_is_walked_is_noticed(tmp_path: Path) -> None:
    share = tmp_path / "share"
    make(share, "a")
    walking = Walk(ShareRecord(1, str(share), "", "repository"))
    assert walking.still_there()
    share.rename(tmp_path / "moved")
    assert not walking.still_there()
    share.mkdir()
    assert not walking.still_there()
    walking.close()
