"""Where things lie."""

import os
from pathlib import Path

import pytest

from p2ptui.base.paths import MAX_SOCKET_PATH_BYTES, Home, NodeHome


def test_one_variable_puts_everything_into_one_folder(tmp_path: Path) -> None:
    home = Home.locate({"P2PTUI_HOME": str(tmp_path / "h")})
    root = tmp_path / "h"
    assert home.settings == home.node.settings == home.tracker.settings == root / "settings.toml"
    inside = [
        home.node.keys, home.node.database, home.node.log, home.node.lock, home.node.repository,
        home.tracker.authority, home.tracker.database, home.tracker.log, home.tracker.lock,
    ]  # fmt: skip
    assert all(path.is_relative_to(root) for path in inside)
    assert home.node.repository == root / "repo"
    assert len(set(inside)) == len(inside)


def test_nothing_is_made(tmp_path: Path) -> None:
    Home.locate({"P2PTUI_HOME": str(tmp_path / "h")})
    assert list(tmp_path.iterdir()) == []


def test_the_authority_lies_apart_from_the_index(tmp_path: Path) -> None:
    tracker = Home.under(tmp_path).tracker
    assert tracker.database.parent != tracker.authority
    assert not tracker.database.is_relative_to(tracker.authority)


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.locate({"P2PTUI_HOME": "a/../h"}).folder == Path.cwd() / "h"


def test_without_a_named_home_the_system_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for env in ({}, {"P2PTUI_HOME": ""}):
        home = Home.locate(env)
        assert home.node.repository == tmp_path / "p2ptui"
        assert home.node.database.is_relative_to(tmp_path)
        assert home.node.settings == home.tracker.settings


@pytest.mark.parametrize("length", [10, 80, 90, 200])
def test_a_control_socket_always_has_room(length: int) -> None:
    root = Path("/", *["d" * 10] * (length // 10))
    home = Home.under(root)
    for control in (home.node.control, home.tracker.control):
        assert len(os.fsencode(control)) <= MAX_SOCKET_PATH_BYTES
    assert home.node.control.is_relative_to(root) == (length <= 80)


def test_long_homes_have_control_sockets_of_their_own() -> None:
    long = Path("/", "d" * 200)
    controls = [
        Home.under(long / "a").node.control,
        Home.under(long / "b").node.control,
        Home.under(long / "a").tracker.control,
    ]
    assert len(set(controls)) == 3
    assert NodeHome.under(long / "x" / ".." / "a").control == controls[0]
