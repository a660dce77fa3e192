"""Final names: safe, free, never over another file (F46 to F49)."""

import unicodedata
from pathlib import Path

import pytest

from p2ptui.node.finish import FolderNames, Placing
from p2ptui.node.partial import Partial
from tests.support.contents import make_bytes, make_manifest
from tests.support.fake_time import FakeClock
from tests.support.simulated_disk import ROOT, SimulatedDisk


def finish(folder: Path, name: str, seed: int = 1, mtime: float = 0) -> Path:
    data = make_bytes(100, seed)
    partial = Partial.open(folder, make_manifest(data), clock=FakeClock())
    assert partial.accept_chunk(0, data)
    path = partial.finish(name, mtime)
    assert path.read_bytes() == data
    return path


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a.txt", "a.txt", "a (2).txt"),
        ("A.txt", "a.txt", "a (2).txt"),
        (unicodedata.normalize("NFD", "é.txt"), "é.txt", "é (2).txt"),
        ("ß", "SS", "SS (2)"),
        ("ﬁn", "fin", "fin (2)"),
        ("a:b", "a_b", "a_b (2)"),
    ],
)
def test_f47_to_f49_names_that_collide_get_a_number(
    tmp_path: Path, first: str, second: str, expected: str
) -> None:
    there = tmp_path / (first if ":" not in first else "a_b")
    there.write_bytes(b"mine")
    assert finish(tmp_path, second).name == expected
    assert there.read_bytes() == b"mine"


def test_numbers_go_on(tmp_path: Path) -> None:
    names = [finish(tmp_path, "a.tar.gz", seed).name for seed in range(4)]
    assert names == ["a.tar.gz", "a.tar (2).gz", "a.tar (3).gz", "a.tar (4).gz"]


def test_a_file_made_by_another_program_meanwhile_is_left_alone(tmp_path: Path) -> None:
    finish(tmp_path, "a", 1)
    (tmp_path / "B").write_bytes(b"mine")
    assert finish(tmp_path, "b", 2).name == "b (2)"
    assert (tmp_path / "B").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "name",
    [
        "../../.ssh/authorized_keys",
        "/etc/passwd",
        "..",
        "CON",
        "a\n\x1b[2J",
        "-rf",
        "\u202egpj.exe",
    ],
)
def test_f35_to_f46_remote_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    path = finish(folder, name)
    assert path.parent == folder
    assert list(folder.iterdir()) == [path]
    assert list(tmp_path.iterdir()) == [folder]
    assert path.name.isprintable()


@pytest.mark.parametrize(
    ("mtime", "expected"),
    [(-(2**31), 0), (2**63, 2**32 - 1), (4_300_000_000, 2**32 - 1), (-1.5, 0), (1e9, 1e9)],
)
def test_f57_times_are_clamped(tmp_path: Path, mtime: float, expected: int) -> None:
    assert finish(tmp_path, "a", mtime=mtime).stat().st_mtime == expected


def test_f101_without_hard_links_files_are_renamed_and_never_overwritten() -> None:
    disk = SimulatedDisk(hard_links=False)
    for seed in (1, 2):
        data = make_bytes(100, seed)
        partial = Partial.open(ROOT, make_manifest(data), clock=FakeClock(), disk=disk)
        assert partial.accept_chunk(0, data)
        partial.finish("a", 0)
    assert disk.visible == {"a", "a (2)"}
    assert disk.file("a") == make_bytes(100, 1)
    assert disk.file("a (2)") == make_bytes(100, 2)


def test_a_folder_is_listed_once_while_nobody_else_changes_it() -> None:
    class Counting(SimulatedDisk):
        listed = 0

        def names(self, folder: int) -> list[str]:
            self.listed += 1
            return super().names(folder)

    disk, names = Counting(), FolderNames()
    folder = disk.open_folder(ROOT)
    partials = disk.make_folder(folder, "partials")
    for number in range(5):
        disk.close(disk.open_file(partials, f"{number}.part", create=True))
        assert names.place(Placing(disk, partials, f"{number}.part", folder), "a") == (
            "a" if number == 0 else f"a ({number + 1})"
        )
    assert disk.listed == 1
    disk.close(disk.open_file(folder, "A (6)", create=True))
    disk.close(disk.open_file(partials, "5.part", create=True))
    assert names.place(Placing(disk, partials, "5.part", folder), "a") == "a (7)"
    assert disk.listed == 2
