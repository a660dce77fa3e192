"""The log file: private, one line a message, harmless whatever a peer sends."""

import logging
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2ptui.base import logs
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.logs import PeerLogger, close_logs, configure_logs


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    root = logging.getLogger()
    level, raising = root.level, logging.raiseExceptions
    yield
    close_logs()
    root.setLevel(level)
    logging.raiseExceptions = raising
    logging.getLogger("asyncio").setLevel(logging.NOTSET)


def test_a_message_is_one_line_with_time_level_and_logger(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "node.log"
    configure_logs(path)
    logging.getLogger("p2ptui.test").info("hello %s", "world")
    logging.getLogger("p2ptui.test").debug("not at this level")
    (line,) = path.read_text().splitlines()
    time, rest = line.split(" ", 1)
    assert rest == "INFO p2ptui.test: hello world"
    assert time.endswith("Z")


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        configure_logs(tmp_path / "logs" / "node.log")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "logs" / "node.log").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700


def test_f42_remote_text_can_add_no_line_and_no_escape(tmp_path: Path) -> None:
    path = tmp_path / "node.log"
    configure_logs(path)
    logging.getLogger("x").warning("nick %s", "a\nERROR forged\x1b[2J\u202e")
    (line,) = path.read_text().splitlines()
    assert line.endswith(r"nick a\nERROR forged\x1b[2J\u202e")


def test_f42_nor_can_it_in_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "node.log"
    configure_logs(path)
    error = ValueError("\x1b[2J\udc80")
    logging.getLogger("x").error("failed", exc_info=error)
    text = path.read_text()
    assert "\x1b" not in text
    assert "  ValueError: \\x1b[2J\\udc80" in text.splitlines()


def test_a_peer_is_named_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    path = tmp_path / "node.log"
    configure_logs(path)
    PeerLogger(logging.getLogger("x"), "yuq23opp" + "a" * 24).info("gone after %d s", 3)
    PeerLogger(logging.getLogger("x"), None).info("knocks")
    first, second = path.read_text().splitlines()
    assert first.endswith("x: [yuq23opp] gone after 3 s")
    assert second.endswith("x: [stranger] knocks")


def test_the_file_is_turned_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 2000)
    path = tmp_path / "node.log"
    configure_logs(path)
    for number in range(400):
        logging.getLogger("x").info("line %d", number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["node.log", "node.log.1", "node.log.2", "node.log.3"]
    assert all(file.stat().st_size <= 2000 for file in files)
    assert "line 399" in path.read_text()


def test_configured_twice_only_the_second_file_is_written(tmp_path: Path) -> None:
    configure_logs(tmp_path / "a.log")
    configure_logs(tmp_path / "b.log")
    logging.getLogger("x").info("once")
    assert (tmp_path / "a.log").read_text() == ""
    assert (tmp_path / "b.log").read_text().count("once") == 1


def test_warnings_go_to_the_log(tmp_path: Path) -> None:
    configure_logs(tmp_path / "a.log")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old thing", UserWarning, stacklevel=1)
    assert "old thing" in (tmp_path / "a.log").read_text()


def test_f116_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "node.log").symlink_to(tmp_path / "victim")
    with pytest.raises(P2PError) as caught:
        configure_logs(tmp_path / "node.log")
    assert caught.value.exit_code is ExitCode.STORAGE
    assert not (tmp_path / "victim").exists()


def test_f102_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(P2PError, match="cannot be written") as caught:
        configure_logs(tmp_path / "file" / "node.log")
    assert caught.value.exit_code is ExitCode.STORAGE
    assert caught.value.hint
