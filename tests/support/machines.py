"""Machines of their own, as network namespaces on one cable. Needs root and iproute2."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from tests.support.processes import PROGRAM, Process, World


class Machines:
    """Two machines on one cable, and processes on them."""

    def __init__(self, world: World, tag: str) -> None:
        self.world = world
        self._tag = tag
        self.names = {"left": f"p2l{tag}", "right": f"p2r{tag}"}
        self._processes: list[Process] = []

    def ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def on(self, side: str, *words: str) -> None:
        """Run `ip` on one machine."""
        self.ip("-n", self.names[side], *words)

    def open(self) -> None:
        ends = {side: f"p2{side[0]}{self._tag}" for side in self.names}
        for name in self.names.values():
            self.ip("netns", "add", name)
        left, right = self.names["left"], self.names["right"]
        self.ip(
            "link", "add", ends["left"], "netns", left, "type", "veth",
            "peer", "name", ends["right"], "netns", right,
        )  # fmt: skip
        for side, end in ends.items():
            self.on(side, "link", "set", end, "name", "eth0")
            self.on(side, "link", "set", "lo", "up")
            self.on(side, "link", "set", "eth0", "up")

    def address(self, side: str, address: str, *, add: bool = True) -> None:
        """Give a machine an address, or take it away; usable at once."""
        words = ("addr", "add" if add else "del", address, "dev", "eth0")
        self.on(side, *words, *(("nodad",) if add and ":" in address else ()))

    def lose(self, side: str, host: str, *, everything: bool = True) -> None:
        """Have all that a machine sends to an address vanish on its way, or arrive again."""
        if everything:  # to a machine that is not there
            nobody = ("lladdr", "02:00:00:00:00:99", "nud", "permanent")
            self.on(side, "neigh", "replace", host, *nobody, "dev", "eth0")
        else:
            self.on(side, "neigh", "del", host, "dev", "eth0")

    def cable(self, side: str, state: str) -> None:
        """Pull the plug (`down`) or put it in again (`up`)."""
        self.on(side, "link", "set", "eth0", state)

    def start(self, side: str, name: str, *words: str) -> Process:
        prefix = ("ip", "netns", "exec", self.names[side])
        process = Process(
            [*prefix, *PROGRAM, *words], env=self.world.env(name), folder=self.world.folder
        )
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def namespaces_fault() -> str:
    """Why there are no namespaces to be had; empty when there are."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        return "needs root and iproute2"
    name = f"p2probe{os.getpid()}"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if done.returncode != 0:
        return f"no network namespaces here: {done.stderr.decode().strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True, capture_output=True)
    return ""


def tracker_on(machines: Machines, side: str) -> str:
    """A tracker that listens everywhere; its link."""
    process = machines.start(
        side, "tracker", "tracker", "--headless", "--json", "--listen", ":7070", "--name", "lan"
    )
    return str(process.wait_for("listening")["link"])


def peer_on(
    machines: Machines, side: str, name: str, link: str, words: Sequence[str] = ()
) -> Process:
    process = machines.start(
        side, name, "peer", "--headless", "--json", "--nick", name, "--tracker", link, *words
    )
    process.wait_for("connected")
    process.wait_for("published")
    return process


def link_at(link: str, host: str) -> str:
    """The link with another address in it."""
    scheme, _, rest = link.partition("://")
    return f"{scheme}://{host}:7070/{rest.partition('/')[2]}"


def opened_machines(world: World, tag: str = "") -> Iterator[Machines]:
    """Two machines for a fixture; a tag for each pair that a process has at a time."""
    made = Machines(world, f"{os.getpid() % 100_000}{tag}")
    try:
        made.open()
        yield made
    finally:
        made.close()
