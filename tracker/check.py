"""Looking at a tracker's home before a start: what is in order, what is not, and what to do.

Changes nothing and asks nobody; may be used while the tracker runs. Everything here blocks.
"""

import errno
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.errors import P2PError
from p2ptui.base.links import DEFAULT_TRACKER_PORT
from p2ptui.base.paths import TrackerHome
from p2ptui.base.private_files import read_private, require_private
from p2ptui.base.settings import TrackerSettings
from p2ptui.base.text import format_bytes, format_count
from p2ptui.net.identity import BadIdentity, expiry_of, id_of_key, load_certificate, load_key
from p2ptui.net.refusals import os_reason
from tracker.sqlite_schema import SCHEMA_VERSION
from tracker.sqlite_store import damage_mark
from tracker.stats_door import stats_address

FIRST_RELEASE = 1767225600.0
"""2026-01-01: a clock before it is wrong."""
LITTLE_ROOM = 1_000_000_000
NO_ROOM = 100_000_000
FEW_DESCRIPTORS = 1024
BUSY_S = 2.0
TRACES = ("ca.pem", "members.log", "kicks.log")
"""Files that a swarm with members leaves beside its key."""


class Check(Struct, frozen=True):
    """One thing that was looked at; a problem keeps the tracker from its work."""

    check: str
    state: Literal["ok", "warning", "problem"]
    found: str
    hint: str = ""


def check_tracker(
    home: TrackerHome, settings: TrackerSettings, *, running: bool, descriptors: int
) -> tuple[Check, ...]:
    """All checks. `running`: a tracker runs in this home. `descriptors`: how many may be open."""
    return tuple(_checks(home, settings, running=running, descriptors=descriptors))


def _checks(
    home: TrackerHome, settings: TrackerSettings, *, running: bool, descriptors: int
) -> Iterator[Check]:
    yield _settings(home)
    yield _rights(home)
    yield _keys(home)
    yield _port(settings, running=running)
    if settings.metrics:
        yield _metrics(settings, running=running)
    yield _space(home)
    yield _database(home)
    yield _descriptors(descriptors)
    yield _clock()


def _settings(home: TrackerHome) -> Check:
    """They were read before any check: a mistake in them has ended the program by now."""
    if home.settings.exists():
        return Check("settings", "ok", str(home.settings))
    return Check("settings", "ok", f"{home.settings} does not exist: defaults")


def _rights(home: TrackerHome) -> Check:
    folder = home.folder
    if not folder.exists():
        return Check("home", "ok", f"{folder} is made at the first start")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        hint = f"Make it writable for this user, or set P2PTUI_HOME: chmod u+rwx {folder}"
        return Check("home", "problem", f"{folder} is not writable", hint)
    try:
        require_private(folder)
        if home.authority.exists():
            for path in (home.authority, *home.authority.iterdir()):
                require_private(path)
    except (P2PError, OSError) as error:
        hint = error.hint if isinstance(error, P2PError) else "Is it another user's?"
        return Check("home", "problem", str(error), hint)
    return Check("home", "ok", f"{folder}, readable by this user alone")


def _keys(home: TrackerHome) -> Check:
    path = home.authority / "ca.key"
    try:
        pem = read_private(path)
    except FileNotFoundError:
        if any((home.authority / name).exists() for name in TRACES):
            hint = "Restore it from a backup. To found another swarm instead: --new-swarm."
            return Check("keys", "problem", f"{path} is missing, but the swarm had members", hint)
        return Check("keys", "ok", "none yet: the first start founds a swarm")
    except P2PError as error:
        return Check("keys", "problem", str(error), error.hint)
    try:
        pin = id_of_key(load_key(pem).public_key())
    except BadIdentity as error:
        return Check("keys", "problem", f"{path}: {error}", "Restore it from a backup.")
    return Check("keys", "ok", f"fingerprint {pin}{_leaf_text(home)}")


def _leaf_text(home: TrackerHome) -> str:
    try:
        leaf = load_certificate(read_private(home.authority / "tracker.pem"))
    except (FileNotFoundError, BadIdentity, P2PError):
        return ", certificate is made at the next start"
    days = int((expiry_of(leaf) - time.time()) / 86400)
    return f", certificate for {days} days" if days > 0 else ", certificate is made anew"


def _port(settings: TrackerSettings, *, running: bool) -> Check:
    text = f"localhost{settings.listen}" if settings.listen.startswith(":") else settings.listen
    everywhere = not settings.listen or settings.listen.startswith(":")
    port = DEFAULT_TRACKER_PORT
    host = ""
    if text:
        host, port = parse_address(text, DEFAULT_TRACKER_PORT)
    return _bindable("port", "" if everywhere else host, port, running=running)


def _metrics(settings: TrackerSettings, *, running: bool) -> Check:
    try:
        host, port = stats_address(settings.metrics, public=settings.metrics_public)
    except P2PError as error:
        return Check("metrics", "problem", str(error), error.hint)
    found = _bindable("metrics", host, port, running=running)
    if found.state == "ok" and settings.metrics_public:
        hint = "See that a firewall lets only those call who may read it."
        return Check("metrics", "warning", f"{found.found}; readable from elsewhere", hint)
    return found


def _bindable(check: str, host: str, port: int, *, running: bool) -> Check:
    where = format_address(host, port) if host else f"port {port} on all addresses"
    if port == 0:
        return Check(check, "ok", f"{where}: any that is free")
    error = _bind_error(host, port)
    if error is None:
        return Check(check, "ok", f"{where} is free")
    if running and error.errno == errno.EADDRINUSE:
        return Check(check, "ok", f"{where} is in use, by the tracker that runs here")
    found = f"{where}: {os_reason(error)}"
    return Check(check, "problem", found, "End what listens there, or name another address.")


def _bind_error(host: str, port: int) -> OSError | None:
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        return error
    for family, kind, protocol, _name, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                if os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
        except OSError as error:
            if error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL} or host:
                return error
    return None


def _space(home: TrackerHome) -> Check:
    folder = next(path for path in (home.folder, *home.folder.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{format_bytes(free)} free in {folder}"
    hint = "A million files of members take about 400 MB. Free some space."
    if free >= LITTLE_ROOM:
        return Check("space", "ok", text)
    return Check("space", "problem" if free < NO_ROOM else "warning", text, hint)


def _database(home: TrackerHome) -> Check:
    path = home.database
    if damage_mark(path).exists():
        hint = "Nothing is to be done: members announce their files again."
        return Check("database", "warning", f"{path} is damaged; the next start begins anew", hint)
    if not path.exists():
        return Check("database", "ok", "none yet: made at the first start")
    if not os.access(path, os.R_OK | os.W_OK):
        hint = f"chmod u+rw {path}"
        return Check("database", "problem", f"{path} cannot be written", hint)
    try:
        return _looked_into(path)
    except sqlite3.Error as error:
        hint = "A start puts it aside and begins anew; members announce their files again."
        return Check("database", "warning", f"{path}: {error}", hint)


def _looked_into(path: Path) -> Check:
    # Opened for reading alone; a tracker that runs goes on.
    uri = f"file:{quote(str(path))}?mode=ro"
    database = sqlite3.connect(uri, uri=True, timeout=BUSY_S)
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            found = f"{path} has tables of version {version}, not {SCHEMA_VERSION}"
            hint = "A start puts it aside and begins anew; members announce their files again."
            return Check("database", "warning", found, hint)
        problem = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            hint = "Stop the tracker and move it away; members announce their files again."
            return Check("database", "problem", f"{path}: {problem}", hint)
        hosts, files = database.execute("SELECT count(*), total(files) FROM hosts").fetchone()
    finally:
        database.close()
    size = format_bytes(path.stat().st_size)
    found = f"{size}: {format_count(hosts)} members, {format_count(int(files))} files"
    return Check("database", "ok", found)


def _descriptors(descriptors: int) -> Check:
    members = format_count(descriptors * 4 // 5)
    found = f"{format_count(descriptors)} open files: room for about {members} members"
    if descriptors >= FEW_DESCRIPTORS:
        return Check("descriptors", "ok", found)
    return Check(
        "descriptors", "warning", found, "Raise it: ulimit -n, or LimitNOFILE= of the unit."
    )


def _clock() -> Check:
    now = time.time()
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < FIRST_RELEASE:
        hint = "Set the clock: certificates would not be valid."
        return Check("clock", "problem", f"{text} is in the past", hint)
    return Check("clock", "ok", text)
