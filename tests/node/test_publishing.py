"""Shares, single files and removals, as users ask for them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import content_id_text
from p2ptui.node.events import FileRemoved
from p2ptui.node.storage_errors import ContentChanged
from tests.support.contents import make_manifest
from tests.support.library import running_library, write_files


async def test_a_folder_is_shared_under_its_name(tmp_path: Path) -> None:
    write_files(tmp_path / "music", "a", "sub/b")
    async with running_library(tmp_path) as run:
        share = await run.library.share(str(tmp_path / "music"), on=True)
        assert (share.name, share.kind, share.files) == ("music", "folder", 2)
        await run.library.wait_hashed()
        assert await run.shared() == {"music/a", "music/sub/b"}
        again = await run.library.share(str(tmp_path / "music"), on=True)
        assert again == share
        assert [one.kind for one in await run.library.shares()] == ["repository", "folder"]
        dropped = await run.library.share(str(tmp_path / "music"), on=False)
        assert dropped.files == 2
        assert await run.shared() == set()
        assert (tmp_path / "music" / "a").exists()


async def test_shares_of_one_name_get_a_number(tmp_path: Path) -> None:
    write_files(tmp_path, "x/music/a", "y/music/b", "repo/music/c")
    async with running_library(tmp_path) as run:
        names = [
            (await run.library.add_share(tmp_path / place)).name for place in ("x/music", "y/music")
        ]
        assert names == ["music (2)", "music (3)"]
        await run.library.wait_hashed()
        assert await run.shared() == {"music/c", "music (2)/a", "music (3)/b"}


async def test_shares_come_back_in_the_next_run(tmp_path: Path) -> None:
    write_files(tmp_path / "music", "a")
    async with running_library(tmp_path) as run:
        await run.library.add_share(tmp_path / "music")
        await run.library.publish_file(tmp_path / "music" / "a", "alone")
    async with running_library(tmp_path) as run:
        assert await run.shared() == {"music/a", "alone"}


async def test_a_share_inside_another_is_no_second_one(tmp_path: Path) -> None:
    write_files(tmp_path / "outer", "a", "inner/b")
    async with running_library(tmp_path) as run:
        await run.library.add_share(tmp_path / "outer" / "inner")
        await run.library.add_share(tmp_path / "outer")
        await run.library.wait_hashed()
        assert await run.shared() == {"outer/a", "inner/b"}
        (tmp_path / "outer" / "other").mkdir()
        with pytest.raises(P2PError, match="part of") as caught:
            await run.library.add_share(tmp_path / "outer" / "other")
        assert caught.value.exit_code is ExitCode.USAGE


async def test_the_home_is_never_shared_but_for_its_repository(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_files(home, "keys/key", "repo/mine")
    write_files(tmp_path, "other")
    (tmp_path / "link").symlink_to(home)
    async with running_library(home, off_limits=[tmp_path / "link"]) as run:
        for path in (home, home / "keys"):
            with pytest.raises(P2PError, match="not to be shared"):
                await run.library.add_share(path)
        with pytest.raises(P2PError, match="not to be shared"):
            await run.library.publish_file(home / "keys" / "key", "innocent")
        await run.library.add_share(tmp_path)
        await run.library.wait_hashed()
        assert await run.shared() == {"mine", f"{tmp_path.name}/other"}
        with pytest.raises(P2PError, match="not to be shared"):
            await run.library.publish_file(home / "keys" / "key")


async def test_a_repository_elsewhere_replaces_the_one_of_the_last_run(tmp_path: Path) -> None:
    write_files(tmp_path, "repo/old", "music/new")
    async with running_library(tmp_path) as run:
        await run.library.add_share(tmp_path / "music")
    (tmp_path / "repo").rename(tmp_path / "former")
    (tmp_path / "repo").symlink_to("music")
    async with running_library(tmp_path) as run:
        assert await run.shared() == {"new"}
        (share,) = await run.library.shares()
        assert (share.path, share.kind) == (str(tmp_path / "music"), "repository")


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("missing", ExitCode.NOT_FOUND),
        ("file", ExitCode.USAGE),
        ("repo", None),
        ("/", ExitCode.USAGE),
    ],
)
async def test_bad_shares_are_refused(tmp_path: Path, place: str, code: ExitCode | None) -> None:
    write_files(tmp_path, "file", "repo/a")
    async with running_library(tmp_path) as run:
        if code is None:
            assert (await run.library.add_share(tmp_path / place)).kind == "repository"
            return
        with pytest.raises(P2PError) as caught:
            await run.library.add_share(tmp_path / place)
        assert caught.value.exit_code is code
        with pytest.raises(P2PError):
            await run.library.add_share(Path("relative"))
        assert len(await run.library.shares()) == 1


async def test_the_repository_stays_shared(tmp_path: Path) -> None:
    async with running_library(tmp_path) as run:
        with pytest.raises(P2PError) as caught:
            await run.library.remove_share(tmp_path / "repo")
        assert caught.value.exit_code is ExitCode.USAGE
        with pytest.raises(P2PError) as caught:
            await run.library.remove_share(tmp_path)
        assert caught.value.exit_code is ExitCode.NOT_FOUND


async def test_a_single_file_is_published_under_a_name(tmp_path: Path) -> None:
    write_files(tmp_path, "far/away")
    async with running_library(tmp_path) as run:
        row = await run.library.publish_file(tmp_path / "far" / "away", "near.txt")
        assert (row.name, row.state) == ("near.txt", "shared")
        assert row.path == str(tmp_path / "far" / "away")
        assert row.content_id == content_id_text(make_manifest(b"far/away").content_id)
        assert await run.shared() == {"near.txt"}
        again = await run.library.publish_file(tmp_path / "far" / "away", "near.txt")
        assert again == row
        other = await run.library.publish_file(tmp_path / "far" / "away")
        assert other.name == "away"
        assert await run.shared() == {"near.txt", "away"}


async def test_a_published_file_follows_its_changes(tmp_path: Path) -> None:
    write_files(tmp_path, "far/away")
    path = tmp_path / "far" / "away"
    async with running_library(tmp_path) as run:
        await run.library.publish_file(path)
        path.write_bytes(b"changed")
        row = await run.library.publish_file(path)
        assert row.content_id == content_id_text(make_manifest(b"changed").content_id)
        path.unlink()
        assert await run.settle() == 1
        assert await run.shared() == set()
        path.write_bytes(b"back")
        assert await run.settle() == 1
        assert await run.shared() == {"away"}
        (tmp_path / "far").rename(tmp_path / "gone")
        assert await run.settle() == 1
        assert await run.shared() == set()
        (tmp_path / "gone").rename(tmp_path / "far")
        assert await run.settle() == 1
        assert await run.shared() == {"away"}


async def test_a_file_of_the_repository_is_published_at_once(tmp_path: Path) -> None:
    async with running_library(tmp_path) as run:
        write_files(tmp_path / "repo", "sub/new")
        row = await run.library.publish_file(tmp_path / "repo" / "sub" / "new")
        assert (row.name, row.state) == ("sub/new", "shared")
        assert await run.settle() == 0
        renamed = await run.library.publish_file(tmp_path / "repo" / "sub" / "new", "second")
        assert renamed.name == "second"
        assert await run.shared() == {"sub/new", "second"}


async def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, "repo/a", "other/a")
    async with running_library(tmp_path) as run:
        with pytest.raises(P2PError, match="taken") as caught:
            await run.library.publish_file(tmp_path / "other" / "a")
        assert caught.value.exit_code is ExitCode.USAGE
        assert len(await run.library.shares()) == 1


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, ExitCode.NOT_FOUND),
        (Path.mkdir, ExitCode.USAGE),
        (os.mkfifo, ExitCode.USAGE),
    ],
    ids=["missing", "folder", "pipe"],
)
async def test_what_is_no_file_is_not_published(
    tmp_path: Path, make: Callable[[Path], None], code: ExitCode
) -> None:
    make(tmp_path / "thing")
    async with running_library(tmp_path) as run:
        with pytest.raises(P2PError) as caught:
            await run.library.publish_file(tmp_path / "thing")
        assert caught.value.exit_code is code
        assert len(await run.library.shares()) == 1, "nothing is left of it"


@pytest.mark.parametrize("name", ["a/b", "..", "x\n", "x" * 256, "\x00"])
async def test_f35_to_f45_names_that_others_would_refuse_are_not_published(
    tmp_path: Path, name: str
) -> None:
    write_files(tmp_path, "file")
    async with running_library(tmp_path) as run:
        with pytest.raises(P2PError) as caught:
            await run.library.publish_file(tmp_path / "file", name)
        assert caught.value.exit_code is ExitCode.USAGE


async def test_remove_deletes_in_the_repository_alone(tmp_path: Path) -> None:
    write_files(tmp_path, "repo/mine", "music/song", "far/single")
    async with running_library(tmp_path) as run:
        await run.library.add_share(tmp_path / "music")
        await run.library.publish_file(tmp_path / "far" / "single")
        await run.library.wait_hashed()
        removal = (await run.library.remove("mine")).removal
        assert removal.deleted == str(tmp_path / "repo" / "mine")
        assert removal.content_id == content_id_text(make_manifest(b"repo/mine").content_id)
        assert not (tmp_path / "repo" / "mine").exists()
        for name, place in (("music/song", "music/song"), ("single", "far/single")):
            removal = (await run.library.remove(name)).removal
            assert (removal.name, removal.deleted) == (name, "")
            assert (tmp_path / place).exists()
        assert await run.shared() == set()
        removed = [event.name for event in run.events if isinstance(event, FileRemoved)]
        assert removed == ["mine", "music/song", "single"]
        assert await run.settle() == 0, "what was withdrawn stays withdrawn"
        row = await run.library.publish_file(tmp_path / "music" / "song")
        assert (row.name, row.state) == ("music/song", "shared")


async def test_remove_finds_by_last_name_and_by_content(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "x/deep/name", "x/one", "y/one", "100%")
    async with running_library(tmp_path) as run:
        with pytest.raises(P2PError, match="x/one, y/one") as caught:
            await run.library.remove("one")
        assert caught.value.exit_code is ExitCode.USAGE
        for name in ("nothing", "", "ne", "%", "../name"):
            with pytest.raises(P2PError) as caught:
                await run.library.remove(name)
            assert caught.value.exit_code is ExitCode.NOT_FOUND
        assert (await run.library.remove("name")).removal.name == "x/deep/name"
        content = content_id_text(make_manifest(b"y/one").content_id)
        assert (await run.library.remove(content)).removal.name == "y/one"
        assert await run.shared() == {"x/one", "100%"}


async def test_a_removed_file_is_read_no_more(tmp_path: Path) -> None:
    write_files(tmp_path, "repo/mine", "music/song")
    async with running_library(tmp_path) as run:
        await run.library.add_share(tmp_path / "music")
        await run.library.wait_hashed()
        opened = [
            await run.library.open_content(make_manifest(name).content_id)
            for name in (b"repo/mine", b"music/song")
        ]
        await run.library.remove("mine")
        await run.library.remove_share(tmp_path / "music")
        for content in opened:
            assert content is not None
            with pytest.raises(ContentChanged):
                content.read(0)


async def test_a_name_that_becomes_free_goes_to_the_file_that_waits_for_it(
    tmp_path: Path,
) -> None:
    write_files(tmp_path, "far/name")
    async with running_library(tmp_path) as run:
        await run.library.publish_file(tmp_path / "far" / "name")
        write_files(tmp_path / "repo", "name")
        await run.settle()
        assert await run.shared() == {"name"}
        assert run.library.counts().skipped == 1
        assert (await run.library.remove("name")).removal.deleted == ""
        await run.library.wait_hashed()
        assert await run.shared() == {"name"}
        assert run.library.counts().skipped == 0
        assert (await run.library.remove("name")).removal.deleted
        assert (tmp_path / "far" / "name").exists()
