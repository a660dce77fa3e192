"""Machines of their own, as network namespaces: IPv6 alone, a change of address, a closed port.

Skipped without root and iproute2.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machines import (
    Machines,
    link_at,
    namespaces_fault,
    opened_machines,
    peer_on,
    tracker_on,
)
from tests.support.processes import opened, random_file, until

SIZE = 1_000_000
MOVED_S = 60.0


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    if fault := namespaces_fault():
        pytest.skip(fault)
    for world in opened(tmp_path):
        yield from opened_machines(world)


def share(machines: Machines) -> Path:
    folder = machines.world.folder / "files"
    folder.mkdir()
    random_file(folder / "big.bin", SIZE)
    return folder


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
