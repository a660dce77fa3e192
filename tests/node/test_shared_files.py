"""Opening shared files: never through a link, never anything but a regular file (F81, F82)."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from p2ptui.node.shared_files import NotRegular, ShareFolder


def make_link(path: Path) -> None:
    secret = path.parent.parent / "secret"
    secret.write_bytes(b"key")
    path.symlink_to(secret)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(path.parent)  # the path may be too long for a socket
        try:
            listening.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize(
    "make",
    [make_link, os.mkfifo, Path.mkdir, make_socket],
    ids=["link", "pipe", "folder", "socket"],
)
def test_f81_only_regular_files_are_opened(tmp_path: Path, make: Callable[[Path], None]) -> None:
    share = tmp_path / "share"
    share.mkdir()
    make(share / "thing")
    with ShareFolder(share) as folder:
        with pytest.raises(NotRegular):
            folder.open("", "thing")
        with pytest.raises(NotRegular):
            folder.mark("", "thing")


def test_f81_a_device_is_not_opened() -> None:
    with ShareFolder(Path("/dev")) as folder, pytest.raises(NotRegular):
        folder.open("", "null")


def test_f82_a_folder_on_the_way_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"key")
    share = tmp_path / "share"
    share.mkdir()
    (share / "sub").symlink_to(tmp_path / "secret")
    with ShareFolder(share) as folder, pytest.raises(OSError, match="directory"):
        folder.open("sub", "key")


def test_the_way_to_the_share_may_have_links(tmp_path: Path) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "real" / "sub" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    with ShareFolder(tmp_path / "link") as folder:
        handle = folder.open("sub", "file")
        assert os.read(handle, 10) == b"x"
        os.close(handle)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c" / "file").touch()
    before = open_descriptors()
    with ShareFolder(tmp_path) as folder:
        for place in ("a/b/c", "", "a/b", "a/b/c", "a"):
            folder.subfolder(place)
        with pytest.raises(OSError, match="No such"):
            folder.subfolder("a/x/y")
        os.close(folder.open("a/b/c", "file"))
        with pytest.raises(OSError, match="No such"):
            folder.open("a/b", "file")
    assert open_descriptors() == before


def test_a_folder_that_nobody_holds_is_closed(tmp_path: Path) -> None:
    before = open_descriptors()
    ShareFolder(tmp_path)
    with pytest.raises(OSError, match="No such"):
        ShareFolder(tmp_path / "missing")
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))
