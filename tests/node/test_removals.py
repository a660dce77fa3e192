"""Removing files and putting them back; what is deleted in the end."""

import asyncio
import os
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.node.removals import Removed
from p2ptui.node.removed_files import REMOVED
from p2ptui.node.store_leftovers import LeftoverTable
from tests.support.library import LibraryRun, running_library, write_files


async def states(run: LibraryRun) -> dict[str, str]:
    """Once everything is hashed."""
    async with asyncio.timeout(20):
        await run.library.wait_hashed()
    return await run.states()


def aside(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob(f"{REMOVED}/*") if path.is_file()]


async def remove(run: LibraryRun, name: str) -> Removed:
    return await run.library.remove(name)


async def test_a_file_of_the_repository_comes_back_as_it_was(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "deep/mine", "other")
    os.utime(tmp_path / "repo" / "deep" / "mine", (1_000, 1_000))
    async with running_library(tmp_path) as run:
        digest = run.library.digest
        removed = await remove(run, "deep/mine")
        assert not (tmp_path / "repo" / "deep" / "mine").exists()
        (moved,) = aside(tmp_path)
        assert moved.parent.parent == tmp_path / "repo" / "deep"
        assert moved.parent.stat().st_mode & 0o777 == 0o700
        assert await run.settle() == 0
        assert await run.shared() == {"other"}, "no scan lists what lies there"
        hashed = run.library.hashing().bytes_done
        assert await run.library.removals.put_back(removed) == "deep/mine is shared again"
        assert await run.shared() == {"deep/mine", "other"}
        assert run.library.hashing().bytes_done == hashed, "it is not hashed again"
        back = tmp_path / "repo" / "deep" / "mine"
        assert (back.read_bytes(), back.stat().st_mtime) == (b"deep/mine", 1_000)
        assert run.library.digest == digest
        assert not (tmp_path / "repo" / "deep" / REMOVED).exists()
        assert await LeftoverTable(run.store).all() == []
        assert await run.settle() == 0


async def test_it_is_deleted_in_the_end(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "one", "two")
    async with running_library(tmp_path) as run:
        one, two = await remove(run, "one"), await remove(run, "two")
        assert len(aside(tmp_path)) == 2
        await run.library.removals.settle(one)
        assert len(aside(tmp_path)) == 1
        await run.library.removals.settle(two)
        assert not (tmp_path / "repo" / REMOVED).exists()
        assert await LeftoverTable(run.store).all() == []


async def test_files_of_other_folders_and_single_ones_come_back(tmp_path: Path) -> None:
    write_files(tmp_path, "music/song", "far/single")
    async with running_library(tmp_path) as run:
        await run.library.add_share(tmp_path / "music")
        await run.library.publish_file(tmp_path / "far" / "single", "other name")
        await states(run)
        for name, place in (("music/song", "music/song"), ("other name", "far/single")):
            removed = await remove(run, name)
            assert name not in await run.shared()
            assert (tmp_path / place).exists()
            assert await run.library.removals.put_back(removed) == f"{name} is shared again"
            assert name in await run.shared()
        assert await run.settle() == 0


async def test_a_file_that_changed_meanwhile_is_hashed_again(tmp_path: Path) -> None:
    write_files(tmp_path, "far/single")
    async with running_library(tmp_path) as run:
        before = await run.library.publish_file(tmp_path / "far" / "single")
        removed = await remove(run, "single")
        (tmp_path / "far" / "single").write_bytes(b"something else")
        await run.library.removals.put_back(removed)
        assert await states(run) == {"single": "shared"}
        after = await run.library.publish_file(tmp_path / "far" / "single")
        assert after.content_id != before.content_id


async def test_nothing_is_overwritten_by_a_file_that_comes_back(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "mine")
    async with running_library(tmp_path) as run:
        removed = await remove(run, "mine")
        (tmp_path / "repo" / "mine").write_bytes(b"a new one")
        with pytest.raises(P2PError, match="Another file has its place now") as caught:
            await run.library.removals.put_back(removed)
        assert caught.value.exit_code is ExitCode.USAGE
        assert (tmp_path / "repo" / "mine").read_bytes() == b"a new one"
        (tmp_path / "repo" / "mine").unlink()
        await run.library.removals.put_back(removed)
        assert (tmp_path / "repo" / "mine").read_bytes() == b"mine"


async def test_a_name_that_another_file_took_is_told(tmp_path: Path) -> None:
    write_files(tmp_path, "repo/name", "far/name")
    async with running_library(tmp_path) as run:
        removed = await remove(run, "name")
        await run.library.publish_file(tmp_path / "far" / "name")
        said = await run.library.removals.put_back(removed)
        assert said == "name lies there again, but another shared file has its name"
        assert (tmp_path / "repo" / "name").exists()


async def test_without_its_share_or_its_file_nothing_comes_back(tmp_path: Path) -> None:
    write_files(tmp_path, "music/song", "far/single", "repo/mine")
    async with running_library(tmp_path) as run:
        await run.library.add_share(tmp_path / "music")
        await run.library.publish_file(tmp_path / "far" / "single")
        await states(run)
        song, single = await remove(run, "music/song"), await remove(run, "single")
        await run.library.remove_share(tmp_path / "music")
        with pytest.raises(P2PError, match="no longer shared"):
            await run.library.removals.put_back(song)
        (tmp_path / "far" / "single").unlink()
        with pytest.raises(P2PError):
            await run.library.removals.put_back(single)
        assert [share.kind for share in await run.library.shares()] == ["repository"]
        (tmp_path / "repo" / "mine").unlink()
        mine = await remove(run, "mine")
        assert mine.leftover is None, "it was deleted by somebody else"
        with pytest.raises(P2PError, match="The file is gone"):
            await run.library.removals.put_back(mine)


async def test_f82_a_link_in_its_place_is_not_moved(tmp_path: Path) -> None:
    write_files(tmp_path, "repo/mine", "secret")
    async with running_library(tmp_path) as run:
        (tmp_path / "repo" / "mine").unlink()
        (tmp_path / "repo" / "mine").symlink_to(tmp_path / "secret")
        with pytest.raises(P2PError) as caught:
            await remove(run, "mine")
        assert caught.value.exit_code is ExitCode.STORAGE
        assert (tmp_path / "secret").exists()
        assert await LeftoverTable(run.store).all() == []


async def test_a_folder_that_is_gone_hinders_no_deletion(tmp_path: Path) -> None:
    write_files(tmp_path / "repo", "deep/mine")
    async with running_library(tmp_path) as run:
        removed = await remove(run, "deep/mine")
        (moved,) = aside(tmp_path)
        moved.unlink()
        moved.parent.rmdir()
        moved.parent.parent.rmdir()
        await run.library.removals.settle(removed)
        assert await LeftoverTable(run.store).all() == []
