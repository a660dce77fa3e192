"""Looking a tracker's home over."""

import socket
from pathlib import Path

import pytest

from p2ptui.base.paths import TrackerHome
from p2ptui.base.settings import TrackerSettings
from tests.support.fake_time import FakeClock
from tracker.authority import Authority
from tracker.check import Check, check_tracker
from tracker.sqlite_schema import open_writer

FREE = "127.0.0.1:0"


@pytest.fixture
def home(tmp_path: Path) -> TrackerHome:
    made = TrackerHome.under(tmp_path / "tracker")
    made.folder.mkdir(mode=0o700)
    return made


def look(
    home: TrackerHome, settings: TrackerSettings | None = None, *, running: bool = False,
    descriptors: int = 65536,
) -> dict[str, Check]:  # fmt: skip
    settings = settings or TrackerSettings(listen=FREE)
    checks = check_tracker(home, settings, running=running, descriptors=descriptors)
    assert all(check.hint for check in checks if check.state != "ok")
    return {check.check: check for check in checks}


def states(found: dict[str, Check]) -> set[str]:
    return {check.state for check in found.values()}


def test_nothing_is_wrong_before_the_first_start(tmp_path: Path) -> None:
    home = TrackerHome.under(tmp_path / "not yet")
    assert states(look(home)) == {"ok"}
    assert not home.folder.exists()


def test_a_home_in_order(home: TrackerHome) -> None:
    authority = Authority.open(home.authority, name="lab", clock=FakeClock())
    open_writer(home.database).close()
    found = look(home)
    assert states(found) == {"ok"}
    assert authority.pin in found["keys"].found
    assert "0 members" in found["database"].found


def test_keys_that_others_can_read(home: TrackerHome) -> None:
    Authority.open(home.authority, name="lab", clock=FakeClock())
    (home.authority / "ca.key").chmod(0o644)
    found = look(home)
    assert (found["home"].state, found["keys"].state) == ("problem", "problem")
    assert found["home"].hint.startswith("chmod 600")


def test_f72_a_key_that_is_missing_though_the_swarm_had_members(home: TrackerHome) -> None:
    Authority.open(home.authority, name="lab", clock=FakeClock())
    (home.authority / "ca.key").unlink()
    found = look(home)["keys"]
    assert (found.state, "--new-swarm" in found.hint) == ("problem", True)


def test_a_key_that_is_none(home: TrackerHome) -> None:
    Authority.open(home.authority, name="lab", clock=FakeClock())
    (home.authority / "ca.key").write_text("nonsense")
    assert look(home)["keys"].state == "problem"


def test_ports(home: TrackerHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for settings, name in (
            (TrackerSettings(listen=f"127.0.0.1:{port}"), "port"),
            (TrackerSettings(listen=f":{port}"), "port"),
            (TrackerSettings(listen=FREE, metrics=f":{port}"), "metrics"),
        ):
            assert look(home, settings)[name].state == "problem"
            assert look(home, settings, running=True)[name].state == "ok"
    assert look(home, TrackerSettings(listen=f"127.0.0.1:{port}"))["port"].state == "ok"
    assert look(home, TrackerSettings(listen="192.0.2.1:7070"))["port"].state == "problem"


def test_metrics_that_others_could_read(home: TrackerHome) -> None:
    settings = TrackerSettings(listen=FREE, metrics="0.0.0.0:0")
    assert look(home, settings)["metrics"].state == "problem"
    settings = TrackerSettings(listen=FREE, metrics="0.0.0.0:0", metrics_public=True)
    assert look(home, settings)["metrics"].state == "warning"


def test_f71_a_database_that_is_none_or_of_another_version(home: TrackerHome) -> None:
    home.database.write_bytes(b"not a database" * 1000)
    assert look(home)["database"].state == "warning"
    home.database.unlink()
    writer = open_writer(home.database)
    writer.execute("PRAGMA user_version = 99")
    writer.close()
    assert "version 99" in look(home)["database"].found


def test_a_damaged_database(home: TrackerHome) -> None:
    writer = open_writer(home.database)
    writer.execute("CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                   " FROM n LIMIT 5000) SELECT i, hex(randomblob(50)) FROM n")  # fmt: skip
    writer.execute("CREATE INDEX by_i ON t (i)")
    writer.close()
    data = bytearray(home.database.read_bytes())
    for at in range(len(data) // 2, len(data) - 100, 4096):
        data[at : at + 64] = b"\xff" * 64
    home.database.write_bytes(data)
    assert look(home)["database"].state in {"problem", "warning"}


def test_little_room(home: TrackerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 500_000_000
    usage = type("Usage", (), {"free": property(lambda _self: free)})
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: usage())
    assert look(home)["space"].state == "warning"
    free = 5_000_000
    assert look(home)["space"].state == "problem"


def test_few_descriptors_and_a_wrong_clock(
    home: TrackerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look(home, descriptors=256)["descriptors"].state == "warning"
    monkeypatch.setattr("time.time", lambda: 1_000_000.0)
    assert look(home)["clock"].state == "problem"
