import os
import stat
import threading
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.private_files import (
    append_private,
    create_private,
    make_private_folder,
    read_private,
    replace_private,
    require_private,
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def _liberal_umask() -> object:
    old = os.umask(0)
    yield
    os.umask(old)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Every file that is created, with the mode it has at that very moment."""
    seen: list[tuple[str, int, int]] = []
    real_open = os.open

    def spy(path: str, flags: int, mode: int = 0o777, **more: int) -> int:
        descriptor = real_open(path, flags, mode, **more)
        if flags & os.O_CREAT:
            seen.append((str(path), flags, stat.S_IMODE(os.fstat(descriptor).st_mode)))
        return descriptor

    monkeypatch.setattr(os, "open", spy)
    return seen


@pytest.mark.parametrize("write", [create_private, replace_private])
def test_a_key_is_0600_from_the_first_byte(
    tmp_path: Path,
    opened: list[tuple[str, int, int]],
    write: object,
) -> None:
    assert callable(write)
    write(tmp_path / "key", b"secret")
    [(_, flags, mode)] = opened
    assert mode == 0o600
    assert flags & os.O_EXCL
    assert flags & os.O_NOFOLLOW
    assert mode_of(tmp_path / "key") == 0o600
    assert read_private(tmp_path / "key") == b"secret"
    assert names_in(tmp_path) == ["key"]


def test_a_folder_is_0700_and_its_parents_are_made(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    assert mode_of(tmp_path / "a" / "b") == 0o700
    make_private_folder(tmp_path / "a" / "b")


def test_create_never_replaces(tmp_path: Path) -> None:
    assert create_private(tmp_path / "key", b"first") is True
    assert create_private(tmp_path / "key", b"second") is False
    assert read_private(tmp_path / "key") == b"first"
    assert names_in(tmp_path) == ["key"]


def test_create_never_replaces_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", no_link)
    assert create_private(tmp_path / "key", b"first") is True
    assert create_private(tmp_path / "key", b"second") is False
    assert read_private(tmp_path / "key") == b"first"


def test_of_many_that_create_at_once_one_wins_and_all_read_its_whole_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    keys = [bytes([number]) * 4096 for number in range(8)]
    won: list[bytes] = []
    read: list[bytes] = []
    start = threading.Barrier(len(keys))

    def run(key: bytes) -> None:
        start.wait()
        if create_private(path, key):
            won.append(key)
        read.append(read_private(path))

    threads = [threading.Thread(target=run, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert set(read) == set(won)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o601])
def test_f116_a_key_that_others_can_use_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_private(path, b"secret")
    path.chmod(mode)
    with pytest.raises(P2PError) as caught:
        read_private(path)
    assert caught.value.exit_code is ExitCode.SECURITY
    assert caught.value.hint == f"chmod 600 {path}"
    assert "\n" not in str(caught.value)
    with pytest.raises(P2PError):
        require_private(path)
    with pytest.raises(P2PError):
        append_private(path, b"more")


@pytest.mark.parametrize("mode", [0o777, 0o755, 0o750, 0o710])
def test_f116_a_folder_that_others_can_enter_is_refused_with_the_cure(
    tmp_path: Path, mode: int
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=mode)
    with pytest.raises(P2PError) as caught:
        make_private_folder(folder)
    assert caught.value.exit_code is ExitCode.SECURITY
    assert caught.value.hint == f"chmod 700 {folder}"


def test_f116_symbolic_links_are_refused(tmp_path: Path) -> None:
    create_private(tmp_path / "real", b"secret")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    for refuse in (read_private, require_private, lambda path: append_private(path, b"x")):
        with pytest.raises(P2PError):
            refuse(link)
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "folder_link").symlink_to(tmp_path / "folder")
    with pytest.raises(P2PError):
        make_private_folder(tmp_path / "folder_link")
    assert (tmp_path / "real").read_bytes() == b"secret"


def test_replacing_through_a_link_replaces_the_link_and_not_its_target(tmp_path: Path) -> None:
    create_private(tmp_path / "victim", b"precious")
    (tmp_path / "key").symlink_to(tmp_path / "victim")
    replace_private(tmp_path / "key", b"new")
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert read_private(tmp_path / "key") == b"new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_f116_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    create_private(tmp_path / "key", b"theirs")
    os.chown(tmp_path / "key", 12345, -1)
    with pytest.raises(P2PError, match="Not your file"):
        read_private(tmp_path / "key")


def test_a_fifo_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(P2PError):
        require_private(tmp_path / "key")


def test_missing_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "none")


def test_f93_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(P2PError) as caught:
        make_private_folder(tmp_path / "file" / "keys")
    assert caught.value.exit_code is ExitCode.STORAGE


def test_f91_a_failed_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    create_private(path, b"old")

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(P2PError) as caught:
        replace_private(path, b"new")
    assert caught.value.exit_code is ExitCode.STORAGE
    with pytest.raises(P2PError):
        append_private(path, b"more")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["key"]


def test_append_adds_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log"
    append_private(path, b"one\n")
    append_private(path, b"two\n")
    assert read_private(path) == b"one\ntwo\n"
    assert mode_of(path) == 0o600
