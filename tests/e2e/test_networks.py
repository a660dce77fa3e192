"""Machines of their own, as network namespaces: IPv6 alone, a change of address, a closed port.

Skipped without root and iproute2.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.processes import PROGRAM, Process, World, opened, random_file, until

SIZE = 1_000_000
MOVED_S = 60.0


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


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    if fault := namespaces_fault():
        pytest.skip(fault)
    for world in opened(tmp_path):
        made = Machines(world, f"{os.getpid() % 100_000}")
        try:
            made.open()
            yield made
        finally:
            made.close()


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


def share(machines: Machines) -> Path:
    folder = machines.world.folder / "files"
    folder.mkdir()
    random_file(folder / "big.bin", SIZE)
    return folder


def link_at(link: str, host: str) -> str:
    """The link with another address in it."""
    scheme, _, rest = link.partition("://")
    return f"{scheme}://{host}:7070/{rest.partition('/')[2]}"


def reached_at(machines: Machines, name: str) -> list[str]:
    tracker = machines.world.done(name, "status").row["tracker"]
    return list(tracker["reached_at"])


def test_f108_a_network_of_ipv6_alone(machines: Machines) -> None:
    machines.address("left", "fd00:2::1/64")
    machines.address("right", "fd00:2::2/64")
    link = link_at(tracker_on(machines, "left"), "[fd00:2::1]")
    folder = share(machines)
    peer_on(machines, "left", "anna", link, ("--share", str(folder)))
    peer_on(machines, "right", "ben", link)
    machines.world.done("ben", "fetch", "big.bin", "--to", str(machines.world.folder / "got"))
    got = machines.world.folder / "got" / "big.bin"
    assert got.read_bytes() == (folder / "big.bin").read_bytes()
    until(lambda: reached_at(machines, "ben") == ["[fd00:2::2]:7071"], "the dial-back")


def test_f108_both_families_are_declared_and_proven(machines: Machines) -> None:
    for side, host in (("left", "1"), ("right", "2")):
        machines.address(side, f"10.77.0.{host}/24")
        machines.address(side, f"fd00:2::{host}/64")
    link = link_at(tracker_on(machines, "left"), "10.77.0.1")
    peer_on(machines, "right", "ben", link)
    both = {"10.77.0.2:7071", "[fd00:2::2]:7071"}
    until(lambda: set(reached_at(machines, "ben")) == both, "both addresses")


def test_f106_a_member_that_moved_is_found_at_its_new_address(machines: Machines) -> None:
    machines.address("left", "10.77.0.1/24")
    machines.address("right", "10.77.0.2/24")
    link = link_at(tracker_on(machines, "left"), "10.77.0.1")
    folder = share(machines)
    ben = peer_on(machines, "right", "ben", link, ("--share", str(folder)))
    peer_on(machines, "left", "anna", link)
    until(lambda: reached_at(machines, "ben") == ["10.77.0.2:7071"], "the first address")
    came = len(ben.events)
    machines.address("right", "10.77.0.2/24", add=False)
    machines.address("right", "10.77.0.9/24")
    ben.wait_for("connected", after=came, deadline_s=MOVED_S)
    until(lambda: reached_at(machines, "ben") == ["10.77.0.9:7071"], "the new address")
    machines.world.done("anna", "fetch", "big.bin", "--to", str(machines.world.folder / "got"))
    assert (machines.world.folder / "got" / "big.bin").stat().st_size == SIZE


def test_f114_a_member_that_can_only_dial_out_gives_and_takes(machines: Machines) -> None:
    machines.address("left", "10.77.0.1/24")
    machines.address("right", "10.77.0.2/24")
    link = link_at(tracker_on(machines, "left"), "10.77.0.1")
    folder = share(machines)
    closed = ("--listen", "127.0.0.1:7071")  # nothing from outside comes in there
    anna = peer_on(machines, "right", "anna", link, ("--share", str(folder), *closed))
    told = anna.wait_for("notice", level="warning")
    assert "others cannot reach you on 7071 (tried 10.77.0.2:7071)" in told["text"]
    peer_on(machines, "left", "ben", link)
    until(lambda: reached_at(machines, "ben"), "ben's dial-back")
    machines.world.done("ben", "fetch", "big.bin", "--to", str(machines.world.folder / "got"))
    paths = {row["path"] for row in machines.world.done("ben", "peers").rows}
    assert "connect-back" in paths
