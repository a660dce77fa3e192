"""`p2ptui doctor`: looks for what commonly goes wrong, and says what to do about each.

It changes nothing and asks nothing of others but whether they are there.
"""

import asyncio
import os
import shutil
import socket
import time
from pathlib import Path

from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.paths import Home
from p2ptui.base.private_files import require_private
from p2ptui.base.settings import Settings
from p2ptui.base.text import format_bytes, format_duration
from p2ptui.doctor_check import Check, ok, problem, warning
from p2ptui.doctor_cures import make_room, make_writable, other_port, set_clock
from p2ptui.doctor_network import (
    check_firewall,
    check_link,
    check_reach,
    check_trackers,
    firewall_here,
)
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.node.api import NodeStatus
from p2ptui.node.remote import RemoteNode
from p2ptui.output import Column, Output

FIRST_RELEASE = 1767225600.0
"""2026-01-01: a clock before it is wrong."""
RENEW_S = 6 * 86400.0
DEFAULT_PEER_PORT = 7071
FEW_DESCRIPTORS = 256


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
        firewall = await asyncio.to_thread(firewall_here)
        listen = status.listen if status is not None else ""
        checks.append(check_firewall(listen, firewall))
        if status is not None and status.tracker.state == "connected":
            checks.append(check_reach(status))
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
        parent = next(path for path in folder.parents if path.exists())
        if not os.access(parent, os.W_OK | os.X_OK):
            hint = f"{make_writable(parent)} (or name another home in P2PTUI_HOME)"
            found = f"{folder} cannot be made: {parent} is not writable"
            return problem("home", found, hint, ExitCode.STORAGE)
        return ok("home", f"{folder} is made at the first start")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        hint = f"{make_writable(folder)} (or name another home in P2PTUI_HOME)"
        return problem("home", f"{folder} is not writable", hint, ExitCode.STORAGE)
    if not home.node.keys.exists():
        return ok("home", f"{folder}, no keys yet")
    try:
        for path in (home.node.keys, *home.node.keys.rglob("*")):
            require_private(path)
    except P2PError as error:
        return problem("home", error.message, error.hint, error.exit_code)
    return ok("home", f"{folder}, keys are private")


def check_space(home: Home, settings: Settings) -> Check:
    """Whether there is room for downloads."""
    wanted = Path(settings.peer.downloads or home.node.repository).expanduser()
    folder = next(path for path in (wanted, *wanted.parents) if path.exists())
    if not os.access(folder, os.W_OK):
        hint = f"{make_writable(folder)} (or: p2ptui set peer.downloads /ANOTHER/FOLDER)"
        return problem("space", f"{folder} is not writable", hint, ExitCode.STORAGE)
    free = shutil.disk_usage(folder).free
    text = f"{format_bytes(free)} free for downloads in {wanted}"
    if free <= settings.peer.reserve_bytes:
        reserve = settings.peer.reserve_bytes
        text = f"{text}, and {format_bytes(reserve)} are kept free"
        return problem("space", text, make_room(folder, reserve - free), ExitCode.STORAGE)
    return ok("space", text)


def check_clock(now: float) -> Check:
    """Whether the clock is roughly right: certificates depend on it."""
    shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    if now < FIRST_RELEASE:
        found = f"{shown} is in the past: certificates cannot be checked"
        return problem("clock", found, set_clock(), ExitCode.USAGE)
    return ok("clock", shown)


def check_descriptors() -> Check:
    """Whether the process may open enough files and connections."""
    try:
        import resource  # noqa: PLC0415  (POSIX only)
    except ImportError:
        return ok("descriptors", "not limited by this system")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    text = "unlimited" if unlimited else f"{hard} at most"
    if not unlimited and hard < FEW_DESCRIPTORS:
        return warning("descriptors", text, "Raise the limit: ulimit -Hn 4096 (as root)")
    return ok("descriptors", text)


def check_node(status: NodeStatus | None) -> Check:
    """Whether a node runs."""
    if status is None:
        return ok("node", "not running (commands open one for as long as they need it)")
    return ok("node", f"running for {format_duration(status.uptime_s)}, version {status.version}")


def check_port(settings: Settings, status: NodeStatus | None) -> Check:
    """Whether the data port is open, or free to be opened."""
    if status is not None:
        if status.listen:
            return ok("data port", f"listening on {status.listen}")
        hint = "Others cannot dial this node: p2ptui set peer.listen :7071, and start it again."
        return warning("data port", "not listening", hint)
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
        return problem("data port", str(error), error.hint, error.exit_code)
    except OSError as error:
        text = f"{format_address(host, port)}: {error.strerror}"
        if not settings.peer.listen:
            return warning("data port", text, "The next free port is taken instead.")
        return problem("data port", text, other_port(host, port, error), ExitCode.USAGE)
    return ok("data port", f"{format_address(host, port)} is free")


async def _check_swarms(home: Home, status: NodeStatus | None) -> list[Check]:
    swarms: tuple[Membership, ...] = ()
    if home.node.keys.exists():
        try:
            credentials = await asyncio.to_thread(Credentials.open, home.node.keys)
            swarms = await asyncio.to_thread(credentials.swarms)
        except P2PError as error:
            return [problem("swarms", str(error), error.hint, error.exit_code)]
    if not swarms:
        hint = "Ask a tracker's admin for its link, then: p2ptui join LINK"
        return [warning("tracker", "no swarm joined yet", hint)]
    checks = [check_certificate(swarm, time.time()) for swarm in swarms]
    if status is not None:
        checks.append(check_link(status))
    return [*checks, *await check_trackers(swarms)]


def check_certificate(swarm: Membership, now: float) -> Check:
    """Whether our certificate is good for a while."""
    left_s = swarm.expires - now
    name = f"certificate of {swarm.name}"
    if left_s <= 0:
        hint = (
            "Members refuse us until it is renewed, which the next connection to the tracker does: "
            "p2ptui peers. If this machine's clock is ahead (see `clocks`), set it first."
        )
        return problem(name, "expired", hint, ExitCode.SECURITY)
    return ok(name, f"valid for {format_duration(left_s)}")
