"""Whoever falls silent: frozen processes, lines without a word, cables pulled out.

F77, F78, F103, F104. The program waits 10 to 45 s before it calls somebody silent, so all of it is
begun at once, when the module begins, and each test then waits for what comes of its part.
"""

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chaos_proxy import FAIR, Weather
from tests.support.fault_room import MIB, FaultRoom, opened_room
from tests.support.machines import (
    Machines,
    link_at,
    namespaces_fault,
    opened_machines,
    peer_on,
    tracker_on,
)
from tests.support.processes import Peer, Process, World, opened, random_file, until

SILENCE_S = 75.0
"""A frozen member is noticed by a source in 30 s, by the tracker in 45 s, from the begin on."""
SHORT_S = 1.0
ESTABLISHED = "01"
DRIP = Weather(rate_bps=1)
STALL = Weather(stalled=True)
LEFT, RIGHT = "10.77.0.1", "10.77.0.2"


class Silences:
    """All that is silent at the same time."""

    def __init__(self, room: FaultRoom) -> None:
        self.room = room
        self.files: dict[str, Path] = {}
        self.numbers: dict[str, int] = {}
        self.memory = 0
        """Of anna's node, before her taker stopped reading."""

    def begin(self) -> None:
        room = self.room
        slow = {"P2PTUI_PEER_UP_LIMIT": "500 kB/s"}
        for nick, env in (("anna", slow), ("dora", {}), ("eve", {}), ("fred", slow)):
            room.source(nick, env=env)
        fast = {"P2PTUI_PEER_UP_LIMIT": "10 MB/s"}
        room.peers["gus"] = room.world.peer("gus", room.tracker.link, env=fast)
        room.taker("ben")
        room.taker("tim")
        room.lines["dora"].weather(Weather(rate_bps=500_000), "out")
        self._fetch("ben", "drip.bin", 40 * MIB, "anna", "dora")
        room.lines["dora"].weather(DRIP, "out")
        self._fetch("ben", "stall.bin", 4 * MIB, "eve", before=self._stall)
        self._fetch("ben", "frozen.bin", 30 * MIB, "fred")
        freeze(room.peers["fred"].process)
        self._fetch("tim", "unread.bin", 100 * MIB, "gus")
        self.memory = memory_of(room.peers["gus"].process)
        freeze(room.peers["tim"].process)

    def _stall(self) -> None:
        self.room.lines["eve"].weather(STALL)

    def _fetch(self, taker: str, name: str, size: int, *sources: str, before: Any = None) -> None:
        self.files[name] = self.room.offer(name, size, *sources)
        if before is not None:
            before()
        self.numbers[name] = self.room.begin(taker, name)
        if before is None:
            self.room.until_begun(taker, self.numbers[name])

    def lost(self, taker: str, name: str, nick: str) -> str:
        """Wait until a source is lost; why."""
        told = self.room.peers[taker].process.wait_for(
            "source_lost", id=self.numbers[name], nick=nick, deadline_s=SILENCE_S
        )
        return str(told["reason"])

    def finished(self, taker: str, name: str) -> dict[str, Any]:
        return self.room.finished(taker, self.numbers[name], self.files[name], deadline_s=SILENCE_S)


def freeze(process: Process) -> None:
    process.popen.send_signal(signal.SIGSTOP)


def thaw(process: Process) -> None:
    process.popen.send_signal(signal.SIGCONT)


def memory_of(process: Process) -> int:
    """Bytes of its memory now (Linux)."""
    status = Path(f"/proc/{process.popen.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def connections_at(peer: Peer) -> int:
    """Established connections at its data port (Linux)."""
    port = f":{int(peer.address.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(port) and row[3] == ESTABLISHED for row in rows)


class Cable:
    """Anna on one machine, ben and the tracker on another, and a cable between them."""

    def __init__(self, machines: Machines) -> None:
        self.machines = machines
        world = machines.world
        machines.address("left", f"{LEFT}/24")
        machines.address("right", f"{RIGHT}/24")
        link = link_at(tracker_on(machines, "left"), LEFT)
        folder = world.folder / "files"
        folder.mkdir()
        self.original = random_file(folder / "film.bin", 40 * MIB)
        self.anna = peer_on(machines, "right", "anna", link, ("--share", str(folder)))
        self.ben = peer_on(machines, "left", "ben", link)
        world.extra_env = {}
        world.done("ben", "limit", "down", "500 kB/s")
        world.done("ben", "fetch", "film.bin", "--no-wait")
        self.until_more(0)

    def until_more(self, than: int) -> int:
        """Wait until ben has more than that of it; how much."""

        def done() -> int:
            rows = self.machines.world.done("ben", "transfers").rows
            return sum(row["done"] for row in rows)

        until(lambda: done() > than, "more of it")
        return done()

    def resumed(self) -> None:
        """Wait for the right end."""
        self.machines.world.done("ben", "limit", "down", "off")
        told = self.ben.wait_for("fetch_finished", deadline_s=SILENCE_S)
        assert Path(told["path"]).read_bytes() == self.original.read_bytes()

    def lost(self) -> list[str]:
        return [each["reason"] for each in self.ben.events if each["event"] == "source_lost"]


class Frozen:
    """A swarm whose tracker is frozen."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tracker = world.tracker()
        self.original = random_file(world.folder / "film.bin", 2 * MIB)
        self.anna = world.peer("anna", self.tracker.link)
        world.done("anna", "publish", self.original)
        self.ben = world.peer("ben", self.tracker.link)
        freeze(self.tracker.process)


class Module:
    """Everything that was begun."""

    def __init__(self, silences: Silences, frozen: Frozen, cables: dict[str, Cable]) -> None:
        self.silences = silences
        self.frozen = frozen
        self.cables = cables


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    with contextlib.ExitStack() as stack:

        def enter(name: str) -> World:
            return stack.enter_context(
                contextlib.contextmanager(opened)(tmp_path_factory.mktemp(name))
            )

        silences = Silences(
            stack.enter_context(contextlib.contextmanager(opened_room)(enter("room")))
        )
        silences.begin()
        frozen = Frozen(enter("frozen"))
        cables = {}
        if not namespaces_fault():
            for tag, name in (("a", "both"), ("b", "one")):
                machines = contextlib.contextmanager(opened_machines)(enter(name), tag)
                cables[name] = Cable(stack.enter_context(machines))
            pull_out(cables)
        yield Module(silences, frozen, cables)


def pull_out(cables: dict[str, Cable]) -> None:
    """First for a moment, which nobody may notice, then for long."""
    both, one = cables["both"], cables["one"]
    both.machines.cable("left", "down")
    one.machines.lose("right", LEFT)
    time.sleep(SHORT_S)  # it is the fault itself that lasts so long
    both.machines.cable("left", "up")
    one.machines.lose("right", LEFT, everything=False)
    for cable in cables.values():
        cable.until_more(cable.until_more(0))
        assert cable.lost() == [], "a second without a cable is nobody's end"
    both.machines.cable("left", "down")
    one.machines.lose("right", LEFT)


def cable_of(module: Module, name: str) -> Cable:
    if name not in module.cables:
        pytest.skip(namespaces_fault())
    return module.cables[name]


@pytest.mark.parametrize("name", ["both", "one"])
def test_f103_a_cable_that_was_out_for_long_is_taken_up_by_itself(
    module: Module, name: str
) -> None:
    cable = cable_of(module, name)
    cable.ben.wait_for("source_lost", deadline_s=SILENCE_S)
    anna = cable.anna.wait_for("disconnected", deadline_s=SILENCE_S)
    assert anna["retry_s"] is not None
    if name == "both":
        cable.machines.cable("left", "up")
    else:
        cable.machines.lose("right", LEFT, everything=False)
    cable.resumed()
    assert not any("wrong" in reason for reason in cable.lost())


def test_f77_a_dripping_source_loses_its_chunks_to_the_other(module: Module) -> None:
    silences = module.silences
    # A byte a second is no whole frame before the time is over that one may take.
    told = "connection lost: a piece of data was not complete within 30 s"
    assert silences.lost("ben", "drip.bin", "dora") == told
    silences.room.world.done("anna", "limit", "up", "off")
    silences.finished("ben", "drip.bin")
    losses = silences.room.losses("ben", silences.numbers["drip.bin"])
    assert {nick for nick, _reason in losses} == {"dora"}


def test_f77_a_line_that_stalls_is_called_silent_and_used_again(module: Module) -> None:
    silences = module.silences
    told = silences.room.peers["ben"].process.wait_for(
        "fetch_state", id=silences.numbers["stall.bin"], state="stalled", deadline_s=SILENCE_S
    )
    assert told["reason"] == "eve does not answer yet"
    silences.room.lines["eve"].weather(FAIR)
    silences.finished("ben", "stall.bin")


def test_f104_a_frozen_source_is_given_up_and_taken_up_when_it_thaws(module: Module) -> None:
    silences = module.silences
    assert silences.lost("ben", "frozen.bin", "fred") == "silent for 30 s"
    fred = silences.room.peers["fred"]
    silences.room.tracker.process.wait_for("host_left", peer_id=fred.peer_id, deadline_s=SILENCE_S)
    silences.room.world.done("ben", "limit", "down", "off")
    came = len(fred.process.events)
    thaw(fred.process)
    fred.process.wait_for("connected", after=came, deadline_s=SILENCE_S)
    silences.room.world.done("fred", "limit", "up", "off")
    silences.finished("ben", "frozen.bin")


def test_f78_f104_a_frozen_taker_is_dropped_and_comes_back(module: Module) -> None:
    silences = module.silences
    gus, tim = silences.room.peers["gus"], silences.room.peers["tim"]
    until(lambda: connections_at(gus) == 0, "the end of the connection")
    assert memory_of(gus.process) - silences.memory < 24 * MIB
    came = len(tim.process.events)
    thaw(tim.process)
    tim.process.wait_for("source_lost", after=came)
    silences.room.world.done("gus", "limit", "up", "off")
    silences.finished("tim", "unread.bin")


def test_f104_a_frozen_tracker_is_noticed_and_its_members_come_back(module: Module) -> None:
    frozen = module.frozen
    for peer in (frozen.anna, frozen.ben):
        told = peer.process.wait_for("disconnected", deadline_s=SILENCE_S)
        assert told["reason"]
        assert told["retry_s"] is not None
    # Meanwhile they go on without it.
    fetched = frozen.world.done("ben", "fetch", "film.bin", *frozen.anna.ip_and_port).row
    assert Path(fetched["path"]).read_bytes() == frozen.original.read_bytes()
    came = {peer: len(peer.process.events) for peer in (frozen.anna, frozen.ben)}
    thaw(frozen.tracker.process)
    for peer, count in came.items():
        peer.process.wait_for("connected", after=count, deadline_s=SILENCE_S)
    hit = frozen.world.done("anna", "search", "film.bin").row
    assert hit["owners"] == 2
