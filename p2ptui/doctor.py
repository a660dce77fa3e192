"""`p2ptui doctor`: looks for what commonly goes wrong, and says what to do about each.

It changes nothing and asks nothing of others but whether they are there.
"""

import asyncio
import os
import shutil
import socket
import time
from pathlib import Path
from typing import Literal

import msgspec

from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.paths import Home
from p2ptui.base.private_files import require_private
from p2ptui.base.settings import Settings
from p2ptui.base.text import format_bytes, format_duration
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.refusals import os_reason
from p2ptui.node.api import NodeStatus, Page
from p2ptui.node.remote import RemoteNode
from p2ptui.output import Column, Output
from p2ptui.peer_tables import tracker_text

FIRST_RELEASE = 1767225600.0
"""2026-01-01: a clock before it is wrong."""
RENEW_S = 6 * 86400.0
CONNECT_S = 5.0
DEFAULT_PEER_PORT = 7071
FEW_DESCRIPTORS = 256


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    check: str
    state: Literal["ok", "warning", "problem"]
    found: str
    hint: str = ""
    exit_code: int = ExitCode.DONE


def _ok(check: str, found: str) -> Check:
    return Check(check, "ok", found)


def _warning(check: str, found: str, hint: str) -> Check:
    return Check(check, "warning", found, hint)


def _problem(check: str, found: str, hint: str, code: ExitCode) -> Check:
    return Check(check, "problem", found, hint, int(code))


COLUMNS: tuple[Column[Check], ...] = (
    Column("check", lambda row: row.check),
    Column("", lambda row: row.state),
    Column("found", lambda row: row.found),
)


async def run_doctor(home: Home, settings: Settings, out: Output) -> int:
    """Make all checks and print them; the exit code of the first problem."""
    remote = await RemoteNode.connect(home.node.control)
    status: NodeStatus | None = None
    try:
        if remote is not None:
            status = await remote.status()
        checks = [
            await asyncio.to_thread(check_rights, home),
            await asyncio.to_thread(check_space, home, settings),
            check_clock(time.time()),
            check_descriptors(),
            check_node(status),
            await asyncio.to_thread(check_port, settings, status),
            *await _check_swarms(home, status),
        ]
        if remote is not None and status is not None and status.tracker.state == "connected":
            checks.append(await _check_reach(remote, status))
    finally:
        if remote is not None:
            await remote.close()
    out.table(COLUMNS, checks, "")
    for check in checks:
        if check.hint:
            out.say(f"{check.check}: {check.hint}")
    return next((check.exit_code for check in checks if check.state == "problem"), ExitCode.DONE)


def check_rights(home: Home) -> Check:
    """Whether the home is ours and writable, and the keys are ours alone."""
    folder = home.node.folder
    if not folder.exists():
        return _ok("home", f"{folder} is made at the first start")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        hint = f"Make it writable (chmod u+rwx {folder}), or set P2PTUI_HOME."
        return _problem("home", f"{folder} is not writable", hint, ExitCode.STORAGE)
    if not home.node.keys.exists():
        return _ok("home", f"{folder}, no keys yet")
    try:
        for path in (home.node.keys, *home.node.keys.rglob("*")):
            require_private(path)
    except P2PError as error:
        return _problem("home", error.message, error.hint, error.exit_code)
    return _ok("home", f"{folder}, keys are private")


def check_space(home: Home, settings: Settings) -> Check:
    """Whether there is room for downloads."""
    wanted = Path(settings.peer.downloads or home.node.repository).expanduser()
    folder = next(path for path in (wanted, *wanted.parents) if path.exists())
    if not os.access(folder, os.W_OK):
        hint = f"Make it writable, or name another folder with --downloads (now {wanted})."
        return _problem("space", f"{folder} is not writable", hint, ExitCode.STORAGE)
    free = shutil.disk_usage(folder).free
    text = f"{format_bytes(free)} free for downloads in {wanted}"
    if free <= settings.peer.reserve_bytes:
        reserve = format_bytes(settings.peer.reserve_bytes)
        hint = f"{reserve} are kept free: make room, or use another disk with --downloads."
        return _problem("space", text, hint, ExitCode.STORAGE)
    return _ok("space", text)


def check_clock(now: float) -> Check:
    """Whether the clock is roughly right: certificates depend on it."""
    shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    if now < FIRST_RELEASE:
        hint = "Set the clock: certificates cannot be checked with a wrong one."
        return _problem("clock", f"{shown} is in the past", hint, ExitCode.USAGE)
    return _ok("clock", shown)


def check_descriptors() -> Check:
    """Whether the process may open enough files and connections."""
    try:
        import resource  # noqa: PLC0415  (POSIX only)
    except ImportError:
        return _ok("descriptors", "not limited by this system")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    text = "unlimited" if unlimited else f"{hard} at most"
    if not unlimited and hard < FEW_DESCRIPTORS:
        return _warning("descriptors", text, "Raise the limit: ulimit -Hn")
    return _ok("descriptors", text)


def check_node(status: NodeStatus | None) -> Check:
    """Whether a node runs."""
    if status is None:
        return _ok("node", "not running (commands open one for as long as they need it)")
    return _ok("node", f"running for {format_duration(status.uptime_s)}, version {status.version}")


def check_port(settings: Settings, status: NodeStatus | None) -> Check:
    """Whether the data port is open, or free to be opened."""
    if status is not None:
        if status.listen:
            return _ok("data port", f"listening on {status.listen}")
        hint = "Others cannot dial this node; choose a free port with --listen."
        return _warning("data port", "not listening", hint)
    try:
        asked = settings.peer.listen
        # `:7071` is a port of all addresses.
        where = f"0.0.0.0{asked}" if asked.startswith(":") else asked or "0.0.0.0"  # noqa: S104
        host, port = parse_address(where, DEFAULT_PEER_PORT)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except P2PError as error:
        return _problem("data port", str(error), error.hint, error.exit_code)
    except OSError as error:
        text = f"{format_address(host, port)}: {error.strerror}"
        if not settings.peer.listen:
            return _warning("data port", text, "The next free port is taken instead.")
        return _problem("data port", text, "Choose another with --listen.", ExitCode.USAGE)
    return _ok("data port", f"{format_address(host, port)} is free")


async def _check_swarms(home: Home, status: NodeStatus | None) -> list[Check]:
    swarms: tuple[Membership, ...] = ()
    if home.node.keys.exists():
        try:
            credentials = await asyncio.to_thread(Credentials.open, home.node.keys)
            swarms = await asyncio.to_thread(credentials.swarms)
        except P2PError as error:
            return [_problem("swarms", str(error), error.hint, error.exit_code)]
    if not swarms:
        hint = "Ask a tracker's admin for its link, then: p2ptui join LINK"
        return [_warning("tracker", "no swarm joined yet", hint)]
    checks = [check_certificate(swarm, time.time()) for swarm in swarms]
    if status is not None:
        return [*checks, check_link(status)]
    return [*checks, *await asyncio.gather(*(check_tracker(swarm) for swarm in swarms))]


def check_certificate(swarm: Membership, now: float) -> Check:
    """Whether our certificate is good for a while."""
    left_s = swarm.expires - now
    name = f"certificate of {swarm.name}"
    if left_s <= 0:
        hint = "It is renewed at the next connection to the tracker; members refuse us until then."
        return _problem(name, "expired", hint, ExitCode.SECURITY)
    return _ok(name, f"valid for {format_duration(left_s)}")


def check_link(status: NodeStatus) -> Check:
    """Whether the running node is connected."""
    text = tracker_text(status.tracker)
    if status.tracker.state == "connected":
        return _ok("tracker", text)
    hint = "Check that the tracker runs and that no firewall stands between."
    return _problem("tracker", text, hint, ExitCode.UNREACHABLE)


async def check_tracker(swarm: Membership) -> Check:
    """Whether anything answers at the tracker's addresses."""
    name = f"tracker of {swarm.name}"
    reasons = []
    for host, port in swarm.hosts:
        where = format_address(host, port)
        try:
            async with asyncio.timeout(CONNECT_S):
                _, writer = await asyncio.open_connection(host, port)
        except TimeoutError:
            reasons.append(f"{where}: no answer in {CONNECT_S:.0f} s")
        except OSError as error:
            reasons.append(f"{where}: {os_reason(error)}")
        else:
            writer.close()
            return _ok(name, f"{where} answers")
    hint = "Check that it runs, the address, and firewalls between here and there."
    return _problem(name, "; ".join(reasons), hint, ExitCode.UNREACHABLE)


async def _check_reach(remote: RemoteNode, status: NodeStatus) -> Check:
    """Whether others can dial us."""
    page = await remote.peers(Page(filter=status.peer_id, limit=1))
    reachable = page.rows[0].reachable if page.rows else None
    if reachable is None:
        return _ok("reachable", "not tried yet")
    if reachable:
        return _ok("reachable", "the tracker could dial our data port")
    hint = f"Open {status.listen or 'the data port'} in the firewall: others cannot fetch from you."
    return _warning("reachable", "the tracker could not dial our data port", hint)
