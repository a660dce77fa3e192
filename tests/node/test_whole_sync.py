"""What is synced with one call, and where each file must be synced by itself (F94)."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from p2ptui.node import whole_sync
from p2ptui.node.whole_sync import sync_whole, syncs_whole

FUSE, OVERLAY = 0x65735546, 0x794C7630

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has syncfs(2)")


@contextmanager
def opened(path: Path) -> Iterator[int]:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder
    finally:
        os.close(folder)


def test_f94_a_file_system_that_is_not_known_is_not_synced_so() -> None:
    with opened(Path("/proc/self")) as folder:
        assert not syncs_whole(folder)


@pytest.mark.parametrize("kind", [FUSE, OVERLAY, None])
def test_f94_one_that_promises_less_than_for_a_file_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int | None
) -> None:
    monkeypatch.setattr(whole_sync, "_type_of", lambda _folder: kind)
    with opened(tmp_path) as folder:
        assert not syncs_whole(folder)


def test_one_of_the_kernel_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_sync, "_type_of", lambda _folder: 0xEF53)
    with opened(tmp_path) as folder:
        assert syncs_whole(folder)
        sync_whole(folder)


def test_an_older_kernel_has_it_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_sync, "_SINCE", (999, 0))
    whole_sync._function.cache_clear()
    try:
        with opened(tmp_path) as folder:
            assert not syncs_whole(folder)
            with pytest.raises(OSError, match="not implemented"):
                sync_whole(folder)
    finally:
        whole_sync._function.cache_clear()


def test_a_folder_that_cannot_be_synced_is_told() -> None:
    with pytest.raises(OSError, match="descriptor"):
        sync_whole(-1)
    assert not syncs_whole(-1)
