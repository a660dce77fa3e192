"""Local folders as the picker shows them: order, filter, and names that are no names."""

import os
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.screens.local_files import (
    PARENT,
    entry_data,
    matching,
    nearest_folder,
    read_folder,
)
from p2ptui.widgets.glyphs import UNICODE


def fill(folder: Path) -> Path:
    (folder / "music").mkdir()
    (folder / "Books").mkdir()
    (folder / "song.flac").write_bytes(b"12345")
    (folder / ".hidden").write_bytes(b"")
    return folder


def test_folders_come_first_and_both_by_name_whatever_their_case(tmp_path: Path) -> None:
    found = read_folder(fill(tmp_path))
    assert [entry.name for entry in matching(found, "")] == [PARENT, "Books", "music", "song.flac"]
    assert [entry.size for entry in found.entries if entry.name == "song.flac"] == [5]


def test_a_filter_takes_words_in_any_order_and_hidden_files_only_by_their_dot(
    tmp_path: Path,
) -> None:
    found = read_folder(fill(tmp_path))
    assert [entry.name for entry in matching(found, "FLAC so")] == ["song.flac"]
    assert [entry.name for entry in matching(found, ".hid")] == [".hidden"]
    assert matching(found, "nothing") == []


def test_the_root_has_no_folder_above() -> None:
    assert PARENT not in [entry.name for entry in read_folder(Path("/")).entries]


def test_f41_names_that_cannot_be_published_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "line\nbreak").write_bytes(b"")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_bytes(b"")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    trouble = {entry.name: entry.trouble for entry in read_folder(tmp_path).entries}
    assert trouble["pipe"] == "not a plain file"
    assert trouble["line\nbreak"] == "a control character in a name"
    assert trouble["caf\udce9"] == "a name that is not UTF-8"
    assert "no such file" in trouble["nowhere"]


def test_rows_say_in_a_word_what_is_wrong(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "line\nbreak").write_bytes(b"")
    rows = [entry_data(n, e, UNICODE) for n, e in enumerate(read_folder(tmp_path).entries)]
    words = {str(row.cells[1]): getattr(row.cells[3], "text", "") for row in rows[1:]}
    assert words == {"line\nbreak": "bad name", "pipe": "no file"}


def test_a_folder_that_is_gone_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(P2PError, match="no such file") as caught:
        read_folder(tmp_path / "gone")
    assert caught.value.exit_code is ExitCode.STORAGE


def test_the_nearest_folder_is_the_first_one_that_is_there(tmp_path: Path) -> None:
    assert nearest_folder(tmp_path / "a" / "b") == tmp_path
    (tmp_path / "file").write_bytes(b"")
    assert nearest_folder(tmp_path / "file") == tmp_path
