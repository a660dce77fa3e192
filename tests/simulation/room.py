"""A whole swarm in memory, made and disturbed as a seed has it. Time is virtual, the rest is real.

What must hold, whatever happens: whoever stays ends with the right bytes; no wrong byte is ever
seen under a final name; nobody honest is blamed for anything; memory stays within its bounds.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from p2ptui.base.ids import PeerId
from p2ptui.net.tasks import TaskSet
from p2ptui.node import manifest as manifests
from tests.simulation.locator import Locator, SimulatedTracker
from tests.simulation.taker import Taker
from tests.support import contents
from tests.support.contents import make_bytes, make_manifest
from tests.support.fake_time import FakeClock
from tests.support.members import ScriptedPeer
from tests.support.memory_net import MemoryNetwork
from tests.support.memory_transport import Line

CHUNK_LOG2 = 14
CHUNK = 1 << CHUNK_LOG2
CALM_S = 60.0
"""When the disturbances end."""
PATIENCE_S = 1800.0
"""How long the swarm then has. Barred and failed sources are tried again within minutes."""
LOOK_S = 0.25
SEND_BUFFER = 1 << 20
"""Most bytes that one connection may hold for a reader that is slow."""

Disturbance = Callable[[], Awaitable[None]]


@contextmanager
def small_chunks() -> Iterator[None]:
    """Contents in chunks of 16 KiB: the same rules, with less to copy."""
    with (
        mock.patch.object(manifests, "MIN_CHUNK_LOG2", CHUNK_LOG2),
        mock.patch.object(contents, "MIB", CHUNK),
    ):
        yield


class Room:
    """One swarm. `run` it; every way in which it can end wrong is an `AssertionError`."""

    def __init__(self, seed: int, *, takers: int | None = None) -> None:
        self.seed = seed
        self._chance = chance = random.Random(seed)
        chunks = chance.choice((1, 3, 8, 15, 17, 24, 40, 60))
        self.data = make_bytes(chunks * CHUNK - chance.randrange(CHUNK), seed)
        self.manifest = make_manifest(self.data)
        self.clock = FakeClock()
        self.network = MemoryNetwork(self.clock, delay_s=chance.choice((0.0005, 0.01, 0.1)))
        self.tracker = SimulatedTracker()
        self._tasks = TaskSet()
        wanted = takers if takers is not None else chance.randint(1, 6)
        self.owners = [
            self._taker(f"owner{n}", owner=True) for n in range(chance.choice((1, 1, 2)))
        ]
        self.takers = [self._taker(f"taker{n}") for n in range(wanted)]
        self.liars = [ScriptedPeer(self.network, f"liar{n}", self.data) for n in range(self._few())]
        self._locators: list[Locator] = []
        self.stays = set(self.takers)
        """Those that do not leave for good."""
        self.story: list[str] = []
        """What happened, for whoever looks into a failure."""

    async def run(self) -> None:
        """Play it to its end."""
        try:
            for liar in self.liars:
                await self._start_liar(liar)
            for member in (*self.owners, *self.takers):
                delay_s = self._chance.choice((0.0, 0.0, self._chance.uniform(0, 20)))
                self._tasks.spawn(self._later(delay_s, member.start), name="start")
            for _ in range(self._few() * 3):
                # More of it early, while there is most to disturb.
                delay_s = self._chance.uniform(0, 1) ** 2 * CALM_S
                self._tasks.spawn(self._later(delay_s, self._disturbance()), name="weather")
            watch = self._tasks.spawn(self._watch(), name="watch")
            await asyncio.sleep(CALM_S)
            await self._calm()
            async with asyncio.timeout(PATIENCE_S):
                while not all(taker.complete for taker in self.stays):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)
            if watch.done():
                watch.result()
            self._judge()
        finally:
            await self._close()

    @property
    def report(self) -> str:
        """What a failure tells."""
        lines = [f"seed {self.seed}: {self.manifest.chunk_count} chunks", *self.story]
        for taker in self.takers:
            state = "complete" if taker.complete else "running" if taker.running else "off"
            fetch = taker.fetch
            if fetch is not None:
                state += f", {fetch.state} ({fetch.reason}), {fetch.done} bytes"
            lines.append(f"{taker.name}: {state}; failures {taker.failures}")
            lines += [
                f"    {source.nick}: {source.state} {source.reason} {source.tried[-3:]}"
                for source in (fetch.sources.values() if fetch is not None else ())
            ]
        return "\n".join(lines)

    # --- who there is -----------------------------------------------------------------------------

    def _few(self) -> int:
        return self._chance.choice((0, 0, 1, 1, 2, 3))

    def _taker(self, name: str, *, owner: bool = False) -> Taker:
        host = self.network.host(name)
        host.line = Line(self._chance.choice((15_000.0, 40_000.0, 100_000.0, 1_000_000.0)))
        return Taker(
            name,
            network=self.network,
            tracker=self.tracker,
            data=self.data,
            manifest=self.manifest,
            chance=random.Random(self._chance.random()),
            owner=owner,
        )

    async def _start_liar(self, liar: ScriptedPeer) -> None:
        chunks = range(self.manifest.chunk_count)
        some = set(self._chance.sample(chunks, self._chance.randint(1, len(chunks))))
        kind = self._chance.choice(sorted(LIES))
        LIES[kind](liar, some)
        self.story.append(f"{liar.nick} {kind}")
        await liar.listen()
        self._locators.append(Locator(self.tracker, liar.source(), self.manifest.content_id))
        if self._chance.random() < 0.7:
            self.tracker.announce(liar.source())
        else:
            self.tracker.offer(liar.source(), offered=True)

    # --- what happens -----------------------------------------------------------------------------

    async def _later(self, delay_s: float, what: Disturbance) -> None:
        await asyncio.sleep(delay_s)
        await what()

    def _disturbance(self) -> Disturbance:
        return self._chance.choice(
            (self._reset, self._reset, self._kill, self._kill, self._power, self._split,
             self._leave, self._no_tracker, self._no_owner, self._full_disk)
        )  # fmt: skip

    def _tell(self, what: str) -> None:
        now = asyncio.get_running_loop().time() - 1000
        self.story.append(f"{now:7.2f}  {what}")

    def _running(self) -> list[Taker]:
        return [taker for taker in self.takers if taker.running and taker in self.stays]

    async def _reset(self) -> None:
        member = self._chance.choice([*self.owners, *self.takers])
        self._tell(f"connections of {member.name} break")
        self.network.reset(member.name)

    async def _kill(self) -> None:
        if taker := self._pick():
            self._tell(f"{taker.name} is killed")
            await taker.kill()
            await self._begin_again(taker)

    async def _power(self) -> None:
        if taker := self._pick():
            self._tell(f"the power of {taker.name} fails")
            await taker.cut_power(self._chance.randrange(2**32))
            await self._begin_again(taker)

    async def _leave(self) -> None:
        if len(self.stays) > 1 and (taker := self._pick()):
            self._tell(f"{taker.name} leaves for good")
            self.stays.discard(taker)
            await taker.leave()

    async def _split(self) -> None:
        if self.network.parted:
            return
        names = [each.name for each in (*self.owners, *self.takers)]
        self.network.split(self._chance.sample(names, len(names) // 2))
        self._tell(f"{sorted(self.network.parted)} are cut off")
        long = self._chance.random() < 0.5
        await asyncio.sleep(self._chance.uniform(20, 50) if long else self._chance.uniform(0, 15))
        self._tell("they are back")
        self.network.heal(broken=long)

    async def _no_tracker(self) -> None:
        self._tell("the tracker goes")
        self.tracker.go_away()
        await asyncio.sleep(self._chance.uniform(1, 40))
        self._tell("the tracker comes back")
        self.tracker.come_back()

    async def _no_owner(self) -> None:
        owner = self._chance.choice(self.owners)
        if owner.running:
            self._tell(f"{owner.name} goes")
            await owner.leave()
            await self._begin_again(owner)

    async def _full_disk(self) -> None:
        taker = self._chance.choice(self.takers)
        self._tell(f"the disk of {taker.name} is full")
        taker.disk.capacity = self._chance.randrange(len(self.data) + 1)
        await asyncio.sleep(self._chance.uniform(1, 30))
        taker.disk.capacity = 2**40
        self._tell(f"the disk of {taker.name} has room")

    def _pick(self) -> Taker | None:
        running = self._running()
        return self._chance.choice(running) if running else None

    async def _begin_again(self, member: Taker) -> None:
        await asyncio.sleep(self._chance.uniform(0, 20))
        self._tell(f"{member.name} starts again")
        await member.start()

    async def _calm(self) -> None:
        """No more disturbances begin; those that go on come to their end by themselves."""
        self._tell("calm")

    # --- what must hold ---------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        honest: dict[PeerId, str] = {each.peer: each.name for each in (*self.owners, *self.takers)}
        for taker in (*self.owners, *self.takers):
            assert not taker.wrong_files, f"{taker.name} has wrong bytes under a final name"
            wronged = [honest[peer] for peer in taker.blamed if peer in honest]
            assert not wronged, f"{taker.name} blames {wronged}"
        for _ends, link in self.network.cables:
            for end in (link.transport, link.transport.other):
                assert end.get_write_buffer_size() <= SEND_BUFFER, "a send buffer grows"

    def _judge(self) -> None:
        self._look()
        for taker in self.stays:
            assert taker.disk.visible, f"{taker.name} has nothing under a final name"

    async def _close(self) -> None:
        await self._tasks.cancel_all()
        for member in (*self.owners, *self.takers):
            if member.running:
                await member.leave()
        for locator in self._locators:
            await locator.close()
        for liar in self.liars:
            liar.vanish()
            if hasattr(liar, "listening"):
                await liar.stop()


def _sends_wrong_bytes(liar: ScriptedPeer, some: set[int]) -> None:
    liar.lies = some


def _sends_short_chunks(liar: ScriptedPeer, some: set[int]) -> None:
    liar.short = some


def _sends_to_wrong_places(liar: ScriptedPeer, some: set[int]) -> None:
    liar.misplaced = some


def _gives_a_wrong_manifest(liar: ScriptedPeer, _some: set[int]) -> None:
    liar.manifest = make_manifest(liar.data + b"?")


def _never_answers(liar: ScriptedPeer, some: set[int]) -> None:
    liar.silent = some


def _drips(liar: ScriptedPeer, _some: set[int]) -> None:
    liar.drip_bps = 2_000.0


def _claims_what_it_has_not(liar: ScriptedPeer, some: set[int]) -> None:
    liar.gone = some


def _tells_nonsense(liar: ScriptedPeer, _some: set[int]) -> None:
    liar.bitmap = b"\xff" * 99


def _greets_nobody(liar: ScriptedPeer, _some: set[int]) -> None:
    liar.mute = True


def _leaves_all_the_time(liar: ScriptedPeer, some: set[int]) -> None:
    liar.leaves_after = len(some)


def _is_busy(liar: ScriptedPeer, _some: set[int]) -> None:
    liar.refusal = "busy"


LIES: dict[str, Callable[[ScriptedPeer, set[int]], None]] = {
    "sends wrong bytes": _sends_wrong_bytes,
    "sends short chunks": _sends_short_chunks,
    "sends to wrong places": _sends_to_wrong_places,
    "gives a wrong manifest": _gives_a_wrong_manifest,
    "never answers": _never_answers,
    "drips": _drips,
    "claims what it has not": _claims_what_it_has_not,
    "tells nonsense": _tells_nonsense,
    "greets nobody": _greets_nobody,
    "leaves all the time": _leaves_all_the_time,
    "is busy": _is_busy,
}
