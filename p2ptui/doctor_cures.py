"""The doctor's cures: for each thing that is wrong here, the command that puts it right."""

import contextlib
import errno
import getpass
import os
import shlex
import socket
import sys
from pathlib import Path

from p2ptui.base.addresses import format_address
from p2ptui.base.text import format_bytes

PORTS_TRIED = 50
FIRST_FREE_FOR_ALL = 1024
"""Ports below are for the administrator."""


def set_clock() -> str:
    """How a clock that is wrong is set."""
    if sys.platform == "darwin":
        return "Set the clock: sudo sntp -sS time.apple.com"
    return "Set the clock: sudo timedatectl set-ntp true (or sudo date -s 'YYYY-MM-DD HH:MM')."


def make_writable(folder: Path) -> str:
    """How a folder that we may not write to becomes ours to write to."""
    quoted = shlex.quote(str(folder))
    try:
        found = folder.stat()
    except OSError as error:
        return f"Look why it cannot be seen: ls -ld {quoted} ({error.strerror})"
    if found.st_uid == os.geteuid():
        if found.st_mode & 0o300 != 0o300:
            return f"chmod u+rwx {quoted}"
        return f"Its file system is read-only: see `findmnt -T {quoted}`, or take another disk."
    user = str(os.geteuid())
    with contextlib.suppress(OSError, KeyError, ImportError):
        user = getpass.getuser()
    return f"It belongs to another user: sudo chown {shlex.quote(user)} {quoted}"


def make_room(folder: Path, missing: int) -> str:
    """How room is made for downloads."""
    quoted = shlex.quote(str(folder))
    return (
        f"Free {format_bytes(missing)} or more there (du -sh {quoted}/* tells what is large), or "
        "use another disk: p2ptui set peer.downloads /DISK/FOLDER. What is kept free: "
        "p2ptui set peer.reserve_bytes 256MB."
    )


def other_port(host: str, port: int, error: OSError) -> str:
    """What to do about a data port that cannot be opened."""
    if error.errno == errno.EADDRINUSE:
        free = free_port(host, port)
        where = "" if host in {"0.0.0.0", "::"} else format_address(host, free).rpartition(":")[0]  # noqa: S104
        return (
            f"Another program has it (ss -ltnp 'sport = :{port}' names it): stop that one, or take"
            f" the next free one: p2ptui set peer.listen {where}:{free}"
        )
    if error.errno in {errno.EACCES, errno.EPERM} and port < FIRST_FREE_FOR_ALL:
        return f"Ports below {FIRST_FREE_FOR_ALL} are for root: p2ptui set peer.listen :7071"
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{host} is no address of this machine now (ip addr lists them). On all of them: "
            f"p2ptui set peer.listen :{port}"
        )
    return "Take another one: p2ptui set peer.listen :7071"


def free_port(host: str, port: int) -> int:
    """The next port at an address that nobody has (0: the system chooses one)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port + 1, min(port + 1 + PORTS_TRIED, 65536)):
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, candidate))
            return candidate
    return 0
