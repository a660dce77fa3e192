"""A backup of a tracker that is in use, and what comes back of it."""

import asyncio
import contextlib
import hashlib
import io
import os
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.paths import TrackerHome
from p2ptui.net.tasks import spawn
from tests.support.fake_time import FakeClock
from tests.support.memory_net import peer_id_of
from tracker import backup
from tracker.authority import Authority
from tracker.backup import Backups
from tracker.backup_format import Item, Manifest
from tracker.restore import restore_tracker
from tracker.sqlite_history import open_history, totals
from tracker.sqlite_schema import open_writer

Members = list[tuple[tarfile.TarInfo, bytes]]


class Desk:
    """A tracker's files, in use by a writer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.folder = folder
        self.clock = FakeClock()
        self.home = TrackerHome.under(folder / "home")
        self.authority = Authority.open(self.home.authority, name="lab", clock=self.clock)
        self.authority.kick(peer_id_of("mallory"), "spam")
        self.authority.invite(3)
        self.home.settings.write_text('[tracker]\nmotd = "hello"\n')
        self.writer = open_writer(self.home.database)
        self.add_host("anna")
        self.history = open_history(self.home.history)
        self.history.execute("UPDATE totals SET value = 7 WHERE key = 'files'")
        self.backups = Backups(
            home=self.home,
            authority=self.authority,
            index=self.home.database,
            history=self.home.history,
            clock=self.clock,
        )
        self.target = folder / "lab.backup"

    def add_host(self, name: str) -> None:
        self.writer.execute(
            "INSERT INTO hosts (peer, nick, host, port, software, joined, seen, online)"
            " VALUES (?, ?, '10.0.0.1', 7071, 'x', 0, 0, 1)",
            (peer_id_of(name), name),
        )

    async def write(self) -> Path:
        await self.backups.write(str(self.target))
        return self.target

    def other_home(self) -> TrackerHome:
        return TrackerHome.under(self.folder / "other")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


def repacked(archive: Path, change: Callable[[Members], Members]) -> Path:
    """The archive with changed members."""
    members: Members = []
    with tarfile.open(archive) as tar:
        for info in tar:
            file = tar.extractfile(info)
            assert file is not None
            members.append((info, file.read()))
    other = archive.with_name("changed.backup")
    with tarfile.open(other, "w") as tar:
        for info, data in change(members):
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return other


async def test_a_backup_is_one_private_file_that_says_what_it_holds(desk: Desk) -> None:
    told = await desk.backups.write(str(desk.target))
    assert told.path == str(desk.target)
    assert told.bytes == desk.target.stat().st_size
    assert stat.S_IMODE(desk.target.stat().st_mode) == 0o600
    with tarfile.open(desk.target) as tar:
        names = tar.getnames()
        first = tar.extractfile("manifest.json")
        assert first is not None
        manifest = msgspec.json.decode(first.read(), type=Manifest)
        for item in manifest.files:
            file = tar.extractfile(item.name)
            assert file is not None
            data = file.read()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (item.size, item.sha256)
    assert names == ["manifest.json", *(item.name for item in manifest.files)]
    assert {"authority/ca.key", "authority/kicks.log", "settings.toml", "index.db"} <= set(names)
    assert manifest.pin == desk.authority.pin
    assert [path.name for path in desk.folder.iterdir() if path.name.startswith(".")] == []


async def test_what_is_restored_is_the_same_swarm(desk: Desk) -> None:
    home = desk.other_home()
    desk.clock.advance(5)
    restored = restore_tracker(await desk.write(), home)
    assert (restored.swarm, restored.pin, restored.kept) == ("lab", desk.authority.pin, ())
    other = Authority.open(home.authority, name="lab", clock=desk.clock)
    assert other.pin == desk.authority.pin
    assert other.is_kicked(peer_id_of("mallory"))
    assert other.leaf_der == desk.authority.leaf_der
    assert home.settings.read_text() == desk.home.settings.read_text()
    index = sqlite3.connect(home.database)
    assert index.execute("SELECT nick FROM hosts").fetchall() == [("anna",)]
    history = sqlite3.connect(home.history)
    assert history.execute("SELECT value FROM totals WHERE key = 'files'").fetchone() == (7,)
    history.close()
    assert index.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    index.close()
    assert stat.S_IMODE(home.authority.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.authority.iterdir()} == {0o600}
    assert stat.S_IMODE(home.database.stat().st_mode) == 0o600


async def test_an_index_that_is_written_meanwhile_is_copied_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGES_A_STEP", 1)
    desk.writer.execute("CREATE TABLE padding AS SELECT zeroblob(200000) AS b")
    before = backup._copy_database

    def copy(source: Path, target: Path, go_on: Callable[[], None]) -> None:
        def write_between() -> None:
            go_on()
            with sqlite3.connect(desk.home.database) as other:
                other.execute("UPDATE hosts SET nick = nick || 'x'")
            other.close()

        before(source, target, write_between if source == desk.home.database else go_on)

    monkeypatch.setattr(backup, "_copy_database", copy)
    restore_tracker(await desk.write(), desk.other_home())
    assert desk.writer.execute("SELECT length(nick) > 10 FROM hosts").fetchone() == (1,)
    index = sqlite3.connect(desk.other_home().database)
    assert index.execute("SELECT nick FROM hosts").fetchone() == ("anna",)
    index.close()


async def test_an_existing_file_is_never_written_over(desk: Desk) -> None:
    desk.target.write_text("precious")
    with pytest.raises(P2PError) as caught:
        await desk.write()
    assert caught.value.exit_code == ExitCode.USAGE
    assert desk.target.read_text() == "precious"
    desk.target.unlink()
    desk.target.symlink_to("nowhere")
    with pytest.raises(P2PError):
        await desk.write()
    assert not (desk.folder / "nowhere").exists()


@pytest.mark.parametrize("path", ["lab.backup", "/no/such/folder/lab.backup"])
async def test_a_path_that_will_not_do_is_refused(desk: Desk, path: str) -> None:
    with pytest.raises(P2PError) as caught:
        await desk.backups.write(path)
    assert caught.value.exit_code == ExitCode.USAGE


async def test_without_room_nothing_is_begun(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: usage)
    with pytest.raises(P2PError, match="No room") as caught:
        await desk.write()
    assert caught.value.exit_code == ExitCode.STORAGE
    assert [path.name for path in desk.folder.iterdir()] == ["home"]


async def test_a_backup_under_way_is_given_up_when_the_tracker_stops(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGES_A_STEP", 1)
    begun, stopped = threading.Event(), threading.Event()
    copy = backup._copy_database

    def slowly(source: Path, target: Path, go_on: Callable[[], None]) -> None:
        begun.set()
        stopped.wait(10)
        copy(source, target, go_on)

    monkeypatch.setattr(backup, "_copy_database", slowly)
    writing = spawn(desk.write(), name="backup")
    await asyncio.to_thread(begun.wait, 10)
    with pytest.raises(P2PError, match="one at a time"):
        await desk.backups.write(str(desk.folder / "second"))
    desk.backups.close()
    stopped.set()
    (outcome,) = await asyncio.gather(writing, return_exceptions=True)
    assert isinstance(outcome, P2PError)
    assert [path.name for path in desk.folder.iterdir()] == ["home"]


async def test_a_home_with_a_tracker_is_never_restored_into(desk: Desk) -> None:
    archive = await desk.write()
    before = desk.authority.copies()
    with pytest.raises(P2PError) as caught:
        restore_tracker(archive, desk.home)
    assert caught.value.exit_code == ExitCode.USAGE
    assert desk.authority.copies() == before
    home = desk.other_home()
    home.folder.mkdir(mode=0o700)
    home.database.write_text("an index without its authority")
    with pytest.raises(P2PError):
        restore_tracker(archive, home)
    assert not home.authority.exists()


async def test_a_log_of_a_database_that_is_gone_is_not_taken_for_the_restored_ones(
    desk: Desk,
) -> None:
    archive, home = await desk.write(), desk.other_home()
    home.folder.mkdir(mode=0o700)
    desk.add_host("later")
    desk.history.execute("UPDATE totals SET value = 8 WHERE key = 'files'")
    for ours, theirs in ((desk.home.database, home.database), (desk.home.history, home.history)):
        for suffix in ("-wal", "-shm"):
            log = ours.with_name(ours.name + suffix)
            theirs.with_name(theirs.name + suffix).write_bytes(log.read_bytes())
        theirs.with_name(theirs.name + "-journal").write_bytes(b"of another kind")
    restore_tracker(archive, home)
    with contextlib.closing(open_writer(home.database)) as index:
        assert index.execute("SELECT nick FROM hosts").fetchall() == [("anna",)]
    with contextlib.closing(open_history(home.history)) as history:
        assert totals(history)[0] == 7
    assert not [*home.folder.glob("*-journal")]


async def test_the_log_of_a_history_that_is_kept_is_kept_with_it(desk: Desk) -> None:
    archive, home = await desk.write(), desk.other_home()
    home.folder.mkdir(mode=0o700)
    with contextlib.closing(open_history(home.history)) as history:
        history.execute("UPDATE totals SET value = 9 WHERE key = 'files'")
        restored = restore_tracker(archive, home)
        assert str(home.history) in restored.kept
        assert home.history.with_name(home.history.name + "-wal").stat().st_size
        assert totals(history)[0] == 9


async def test_settings_that_are_there_are_kept_and_told(desk: Desk) -> None:
    home = desk.other_home()
    home.folder.mkdir(mode=0o700)
    home.settings.write_text("# mine\n")
    assert restore_tracker(await desk.write(), home).kept == (str(home.settings),)
    assert home.settings.read_text() == "# mine\n"


def _flip(members: Members) -> Members:
    return [
        (info, data[:-1] + bytes([data[-1] ^ 1]) if info.name == "index.db" else data)
        for info, data in members
    ]


def _without_last(members: Members) -> Members:
    return members[:-1]


def _with_more(members: Members) -> Members:
    more = tarfile.TarInfo("authority/more")
    more.size = 1
    return [*members, (more, b"x")]


def _listing(members: Members, name: str, kind: bytes = tarfile.REGTYPE) -> Members:
    """Members and a manifest that lists one more."""
    info, data = members[0]
    manifest = msgspec.json.decode(data, type=Manifest)
    item = Item(name, 1, hashlib.sha256(b"x").hexdigest())
    data = msgspec.json.encode(msgspec.structs.replace(manifest, files=(*manifest.files, item)))
    info.size = len(data)
    more = tarfile.TarInfo(name)
    more.size, more.type, more.linkname = 1, kind, "/etc/passwd"
    return [(info, data), *members[1:], (more, b"x")]


def _escaping(members: Members) -> Members:
    return _listing(members, "../escaped")


def _deep(members: Members) -> Members:
    return _listing(members, "authority/../../escaped")


def _link(members: Members) -> Members:
    return _listing(members, "authority/link", tarfile.SYMTYPE)


def _other_key(members: Members) -> Members:
    info, data = members[0]
    data = msgspec.json.encode(
        msgspec.structs.replace(msgspec.json.decode(data, type=Manifest), pin="k" * 52)
    )
    info.size = len(data)
    return [(info, data), *members[1:]]


def _no_manifest(members: Members) -> Members:
    return members[1:]


def _first_format(members: Members) -> Members:
    """As it was written before there was a history."""
    info, data = members[0]
    manifest = msgspec.json.decode(data, type=Manifest)
    files = tuple(item for item in manifest.files if item.name != "history.db")
    data = msgspec.json.encode(msgspec.structs.replace(manifest, format=1, files=files))
    info.size = len(data)
    return [(info, data), *(each for each in members[1:] if each[0].name != "history.db")]


async def test_a_backup_from_before_the_history_is_restored(desk: Desk) -> None:
    archive = repacked(await desk.write(), _first_format)
    home = desk.other_home()
    assert restore_tracker(archive, home).swarm == "lab"
    assert home.database.exists()
    assert not home.history.exists()


def _later_format(members: Members) -> Members:
    info, data = members[0]
    data = msgspec.json.encode(
        msgspec.structs.replace(msgspec.json.decode(data, type=Manifest), format=3)
    )
    info.size = len(data)
    return [(info, data), *members[1:]]


@pytest.mark.parametrize(
    "change",
    [_flip, _without_last, _with_more, _escaping, _deep, _link, _other_key, _no_manifest,
     _later_format],
)  # fmt: skip
async def test_a_changed_archive_restores_nothing(
    desk: Desk, change: Callable[[Members], Members]
) -> None:
    archive = repacked(await desk.write(), change)
    with pytest.raises(P2PError) as caught:
        restore_tracker(archive, desk.other_home())
    assert caught.value.exit_code in {ExitCode.STORAGE, ExitCode.USAGE}
    assert list(desk.other_home().folder.iterdir()) == []
    assert not (desk.folder / "escaped").exists()


async def test_a_cut_archive_or_something_else_restores_nothing(desk: Desk) -> None:
    archive = await desk.write()
    whole = archive.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"hello", os.urandom(20_000)):
        archive.write_bytes(data)
        with pytest.raises(P2PError):
            restore_tracker(archive, desk.other_home())
    archive.unlink()
    with pytest.raises(P2PError):
        restore_tracker(archive, desk.other_home())
    assert list(desk.other_home().folder.iterdir()) == []
