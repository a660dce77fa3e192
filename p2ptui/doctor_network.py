"""The doctor's looks at the network: names, the tracker and its key, clocks, firewalls, dial-back.

It asks others nothing but who they are. What is wrong comes with the exact cure.
"""

import asyncio
import sys
import time
from pathlib import Path

from p2ptui.base.addresses import (
    format_address,
    is_address,
    is_loopback,
    is_unspecified,
    parse_address,
)
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.text import display, format_duration
from p2ptui.doctor_check import Check, ok, problem, warning
from p2ptui.doctor_cures import set_clock
from p2ptui.net.credentials import Membership
from p2ptui.net.joining import TrackerFacts, ask_tracker
from p2ptui.net.sockets import resolve
from p2ptui.node.api import NodeStatus
from p2ptui.peer_tables import tracker_text

CONNECT_S = 5.0
CLOCK_WARNING_S = 300.0
_UFW = Path("/etc/ufw/ufw.conf")
_FIREWALLD = (Path("/run/firewalld.pid"), Path("/var/run/firewalld.pid"))


async def check_names(swarm: Membership) -> Check | None:
    """Whether the tracker's names are found; None when it has addresses alone (F107)."""
    names = [(host, port) for host, port in swarm.hosts if not is_address(host)]
    if not names:
        return None
    check = f"name of {display(swarm.name)}"
    found, missing = [], []
    for host, port in names:
        try:
            addresses = await resolve(host, port, CONNECT_S)
            found.append(f"{host} is {', '.join(str(where[0]) for _, where in addresses)}")
        except P2PError as error:
            missing.append(error.message)
    if not missing:
        return ok(check, "; ".join(found))
    host, port = names[0]
    hint = (
        f"Ask this machine's DNS: getent hosts {host}. If that says nothing, join by the tracker's"
        f" IP address: p2ptui join 'p2ptui://IP:{port}/#{swarm.pin}'"
    )
    if len(missing) < len(names):
        return warning(check, "; ".join([*found, *missing]), hint)
    return problem(check, "; ".join(missing), hint, ExitCode.UNREACHABLE)


async def check_tracker(swarm: Membership) -> list[Check]:
    """Whether the tracker answers, has the key that we know, and about the same time."""
    name = f"tracker of {display(swarm.name)}"
    reasons: list[str] = []
    unnamed = 0
    for host, port in swarm.hosts:
        where = format_address(host, port)
        try:
            facts = await ask_tracker(host, port, timeout_s=CONNECT_S)
        except P2PError as error:
            if error.exit_code is ExitCode.SECURITY:
                return [problem(name, str(error), error.hint, ExitCode.SECURITY)]
            reasons.append(error.message or f"{where}: {error.title}")
            unnamed += error.title == "No such host"
            continue
        return _judge(swarm, name, where, facts)
    hint = f"First its name: see `name of {display(swarm.name)}`."
    if unnamed < len(reasons):
        hint = _unanswered(swarm, reasons)
    return [problem(name, "; ".join(reasons), hint, ExitCode.UNREACHABLE)]


def _unanswered(swarm: Membership, reasons: list[str]) -> str:
    """The cure for a tracker that does not answer, by how it does not."""
    host, port = swarm.hosts[0]
    told = "; ".join(reasons)
    cures = []
    if "refused" in told:
        cures.append(
            f"The machine is there and nothing listens at port {port}: start it there with "
            "`p2ptui tracker`."
        )
    if "no answer" in told or "timed out" in told:
        cures.append(
            f"The machine is off, or a firewall drops TCP port {port}: there, as for ufw, "
            f"`sudo ufw allow {port}/tcp`."
        )
    if "route" in told or "unreachable" in told:
        cures.append(f"This machine has no way there: ping {host}, and look at `ip route`.")
    if not cures:
        cures.append(f"Look whether it runs (there: p2ptui tracker) and lets in TCP port {port}.")
    cures.append(f"Has it moved? p2ptui join 'p2ptui://NEW-ADDRESS/#{swarm.pin}'")
    return " ".join(cures)


def _judge(swarm: Membership, name: str, where: str, facts: TrackerFacts) -> list[Check]:
    if facts.pin != swarm.pin:
        found = f"{where} has the fingerprint {facts.pin}, and had {swarm.pin}"
        hint = (
            "Somebody may stand in between: ask the tracker's admin. If it was founded anew: "
            f"p2ptui forget {swarm.pin}, then join it again."
        )
        return [problem(name, found, hint, ExitCode.SECURITY)]
    return [
        ok(name, f"{where} answers, with the key that we know"),
        check_apart(time.time() - facts.time),
    ]


def check_apart(apart_s: float) -> Check:
    """Whether this clock and the tracker's agree; certificates depend on it."""
    if abs(apart_s) <= CLOCK_WARNING_S:
        return ok("clocks", f"{format_duration(abs(apart_s))} apart from the tracker's")
    side = "ahead of" if apart_s > 0 else "behind"
    return warning("clocks", f"{format_duration(abs(apart_s))} {side} the tracker's", set_clock())


def check_link(status: NodeStatus) -> Check:
    """Whether the running node is connected."""
    text = tracker_text(status.tracker)
    if status.tracker.state == "connected":
        return ok("tracker", text)
    if status.tracker.state == "stopped":
        hint = "It is not tried again by itself: ask the tracker's admin, then p2ptui join LINK"
    elif "clocks" in status.tracker.reason:
        hint = set_clock()
    else:
        hint = f"It is tried again by itself. {_meanwhile(status.tracker.in_reach)}"
    return problem("tracker", text, hint, ExitCode.UNREACHABLE)


def _meanwhile(members: int | None) -> str:
    if not members:
        return "No member is known that could be asked meanwhile."
    return f"Meanwhile search and fetch ask members that are in reach ({members} known)."


def check_reach(status: NodeStatus) -> Check:
    """Whether others can dial us, as the tracker's dial-back found (F114)."""
    tracker = status.tracker
    match tracker.reachability:
        case "reachable":
            return ok("dial-back", f"the tracker met us at {', '.join(tracker.reached_at)}")
        case "unreachable":
            port = _port(status)
            where = format_address(tracker.observed, port) if tracker.observed else f"port {port}"
            found = f"the tracker could not dial {where}"
            return warning("dial-back", found, _listen_wider(status) or _open_port(port))
        case _:
            return ok("dial-back", "not tried yet")


def check_firewall(listen: str, firewall: str) -> Check:
    """Whether a firewall runs here that must let our data port in. `firewall`: its name or none."""
    host, port = parse_address(listen, 0) if listen else ("", 0)
    if not firewall:
        return ok("firewall", "none of those that are known here runs")
    if is_loopback(host):
        return ok("firewall", f"{firewall} runs; the data port is for this machine alone")
    return ok("firewall", f"{firewall} runs; it must let TCP port {port or 'of --listen'} in")


def firewall_here() -> str:
    """The firewall that runs on this machine, as far as can be seen without rights; or nothing."""
    try:
        if _UFW.exists() and "ENABLED=yes" in _UFW.read_text(encoding="utf-8"):
            return "ufw"
    except OSError:
        pass
    if any(path.exists() for path in _FIREWALLD):
        return "firewalld"
    return ""


def _open_port(port: int) -> str:
    """The cure for a data port that nobody can dial."""
    if port == 0:
        return "This node does not listen: choose a port with --listen."
    cures = {
        "ufw": f"sudo ufw allow {port}/tcp",
        "firewalld": f"sudo firewall-cmd --permanent --add-port={port}/tcp && "
        "sudo firewall-cmd --reload",
    }
    cure = cures.get(firewall_here())
    if cure is None and sys.platform == "darwin":
        cure = "System Settings, Network, Firewall: allow incoming connections for Python"
    if cure is None:
        cure = f"let TCP port {port} in at the firewall (ufw: {cures['ufw']})"
    return (
        f"On this machine: {cure}. Behind a router: forward TCP port {port} to this machine. Until "
        "then others reach it by connect-back or through the tracker."
    )


def _listen_wider(status: NodeStatus) -> str:
    """The cure for a port that is open at another address than the one that others see."""
    host, port = parse_address(status.listen, 0) if status.listen else ("", 0)
    if is_unspecified(host) or host == status.tracker.observed:
        return ""
    return f"It listens on {host} alone: let it listen on all addresses, --listen :{port}"


def _port(status: NodeStatus) -> int:
    return parse_address(status.listen, 0)[1] if status.listen else 0


async def check_trackers(swarms: tuple[Membership, ...]) -> list[Check]:
    """All trackers that we know: their names, then themselves."""
    names = await asyncio.gather(*(check_names(swarm) for swarm in swarms))
    answers = await asyncio.gather(*(check_tracker(swarm) for swarm in swarms))
    return [*(name for name in names if name is not None), *(c for some in answers for c in some)]
