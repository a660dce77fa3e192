"""Empty folders: seen by a scan, told to who asks, never announced."""

from pathlib import Path

from p2ptui.node.empty_folders import FOLDER, MAX_FOLDERS, EmptyFolders
from p2ptui.node.manifest import Manifest
from p2ptui.node.offers import NodeOffers
from tests.support.contents import make_manifest
from tests.support.library import running_library, write_files


async def test_they_stand_behind_the_files_of_the_list(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "a/file", "b/file")
    for place in ("a/void", "c/deep", "d/.hidden"):
        (tmp_path / "repo" / place).mkdir(parents=True)
    async with running_library(tmp_path) as run:
        offers = NodeOffers(run.library, lambda _content: None)
        entries, total = await offers.list_files("", 0, 200)
        names = ["/".join(entry.path) for entry in entries]
        assert (names, total) == (["a/file", "b/file", "a/void", "c/deep", "d"], 5)
        assert [entry.content == FOLDER for entry in entries] == [False] * 2 + [True] * 3
        one_by_one = [(await offers.list_files("", at, 1))[0] for at in range(6)]
        assert [page[0] for page in one_by_one if page] == list(entries)
        found, total = await offers.list_files("A void", 0, 200)
        assert (["/".join(entry.path) for entry in found], total) == (["a/void"], 1)
        assert await run.shared() == {"a/file", "b/file"}
        write_files(tmp_path / "repo", "c/deep/file")
        await run.settle()
        assert "c/deep" not in {
            "/".join(entry.path) for entry in (await offers.list_files("", 0, 200))[0]
        }


def test_no_file_has_their_id() -> None:
    empty: Manifest = make_manifest(b"")
    assert empty.content_id != FOLDER


def test_they_are_bounded_and_those_of_a_share_that_is_gone_are_not_told() -> None:
    folders = EmptyFolders()
    folders.note(1, [f"{number:06}" for number in range(MAX_FOLDERS + 5)])
    folders.note(2, ["x"])
    assert len(folders.entries("", {1})) == MAX_FOLDERS
    assert [entry.path for entry in folders.entries("", {2})] == [("x",)]
