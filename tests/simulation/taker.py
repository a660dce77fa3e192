"""An honest member of a simulated swarm: real sessions, picker, partial and fetch, its own disk.

What it fetches it gives to others, while it does and afterwards. It may be killed at any moment, or
lose its power, and be started again on what its disk then holds.
"""

import asyncio
import errno
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, PeerId, TransferId
from p2ptui.base.rates import RateMeter
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import TaskSet, spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.buffers import ChunkBuffers
from p2ptui.node.disk import Disk
from p2ptui.node.fetch import Fetch, FetchJob, FetchTools
from p2ptui.node.manifest import Manifest
from p2ptui.node.offers import PartialOffer
from p2ptui.node.partial import Partial
from p2ptui.node.source import Source
from p2ptui.node.tracker_link import TrackerLink
from p2ptui.node.uploads import Offer, SmallContents
from tests.simulation.locator import Locator, SimulatedTracker
from tests.support.fake_time import FakeClock
from tests.support.members import Member
from tests.support.memory_net import MemoryNetwork
from tests.support.offers import MemoryOffer
from tests.support.simulated_disk import ROOT, SimulatedDisk

P = ParamSpec("P")
T = TypeVar("T")

NAME = "film.mkv"
RETRY_S = 5.0
THREAD_S = 0.002
"""How long blocking work takes at most."""
MEMORY_CHUNKS = 24
"""Chunks in flight that a member has memory for."""


class RunningDisk:
    """The disk as one run of a process has it: after its death nothing of it reaches the disk."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self._disk = disk
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._disk, name)

        def run(*args: Any, **kwargs: Any) -> Any:
            if self.dead:
                if name == "close":
                    return None
                raise OSError(errno.EIO, "the process is dead")
            return call(*args, **kwargs)

        return run


class Threads:
    """Runs blocking work a moment later, to its end even when nobody waits for it any more."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        async def work() -> T | Exception:
            await asyncio.sleep(self._chance.uniform(0, THREAD_S))
            try:
                return function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001  (raised at the caller below)
                return error

        outcome = await asyncio.shield(spawn(work(), name="thread"))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Taker:
    """One member. `start` it, `kill` it, start it again; `leave` for good."""

    def __init__(
        self,
        name: str,
        *,
        network: MemoryNetwork,
        tracker: SimulatedTracker,
        data: bytes,
        manifest: Manifest,
        chance: random.Random,
        owner: bool = False,
    ) -> None:
        """`owner`: it has all of it from the first."""
        self.name = name
        self.disk = SimulatedDisk()
        self.owner = owner
        self.complete = owner
        self.running = False
        self.blamed: set[PeerId] = set()
        """Whom it found guilty of anything."""
        self.failures: list[str] = []
        self._network = network
        self._tracker = tracker
        self._data = data
        self._manifest = manifest
        self._chance = chance
        self._clock = cast("FakeClock", network.clock)
        self._tasks = TaskSet()
        self.member: Member
        self.fetch: Fetch | None = None
        self._run_disk: RunningDisk
        self._locator: Locator
        self.buffers: ChunkBuffers

    @property
    def peer(self) -> PeerId:
        """Its id."""
        return self._network.host(self.name).peer_id

    async def start(self) -> None:
        """Run, and fetch what is missing."""
        self.running = True
        self._run_disk = RunningDisk(self.disk)
        self.buffers = ChunkBuffers(MEMORY_CHUNKS * self._manifest.chunk_size)
        self.member = Member(self._network, self.name, offers=self)
        blame = self.member.peers.blame

        def noted(peer: PeerId) -> bool:
            self.blamed.add(peer)
            return blame(peer)

        self.member.peers.blame = noted  # type: ignore[method-assign]
        await self.member.listen()
        self._locator = Locator(self._tracker, self.member.source(), self._manifest.content_id)
        self._tasks.spawn(self._sweep(), name="sweep")
        if self.complete:
            assert self.owner or self.right_files, f"{self.name} had it and has lost it"
        if self.complete or self.right_files:
            self._have()
        else:
            self._tasks.spawn(self._fetch(), name=f"taker-{self.name}")

    async def kill(self) -> None:
        """The process dies: nothing more comes from it, neither to the net nor to its disk."""
        self._run_disk.dead = True
        self.disk.kill()
        await self._stop()

    async def cut_power(self, seed: int) -> None:
        """The machine dies."""
        self._run_disk.dead = True
        self.disk.cut_power(seed)
        await self._stop()

    async def leave(self) -> None:
        """Stop in an orderly way."""
        await self._stop()

    @property
    def right_files(self) -> bool:
        """Whether the content lies under a final name."""
        return any(self.disk.file(name) == self._data for name in self.disk.visible)

    @property
    def wrong_files(self) -> list[str]:
        """Files under a final name that hold anything else."""
        return [name for name in self.disk.visible if self.disk.file(name) != self._data]

    # --- what it gives (Offers) -------------------------------------------------------------------

    async def open(self, _content: ContentId) -> Offer | None:
        if self.complete:
            return MemoryOffer(self._data, NAME)
        fetch = self.fetch
        if fetch is None or fetch.partial is None:
            return None
        return PartialOffer(fetch.partial, NAME)

    async def changed(self, _content: ContentId) -> None:
        raise AssertionError("nothing changes here")

    async def list_files(
        self, _text: str, _offset: int, _limit: int
    ) -> tuple[tuple[m.Entry, ...], int]:
        return (), 0

    async def read_small(self, contents: Sequence[ContentId], _limit: int) -> SmallContents:
        """One large file is all there is here."""
        return SmallContents([None] * len(contents), NAME)

    # --- how it fetches ---------------------------------------------------------------------------

    async def _fetch(self) -> None:
        while not self.complete:
            number = TransferId(len(self.failures) + 1)
            job = FetchJob(number, self._manifest.content_id, NAME, ROOT)
            self.fetch = Fetch(job, self._tools())
            self.fetch.random.seed(self._chance.random())
            try:
                await self.fetch.run()
            except P2PError as error:
                # As when its user, or the next start, tries it again.
                self.failures.append(str(error))
                self.fetch = None
                await asyncio.sleep(RETRY_S)
        self.fetch = None

    def _tools(self) -> FetchTools:
        return FetchTools(
            peers=self.member.peers,
            tracker=cast("TrackerLink", self._locator),
            buffers=self.buffers,
            offload=cast("Offload", Threads(self._chance)),
            clock=self._clock,
            meter=RateMeter(self._clock.monotonic()),
            open_partial=self._open_partial,
            free_space=lambda _folder: self.disk.capacity,
            on_state=lambda _fetch: None,
            on_prepared=lambda _fetch: None,
            on_placed=self._placed,
            on_source_lost=self._lost,
        )

    def _open_partial(self, folder: Path, manifest: Manifest) -> Partial:
        disk = cast("Disk", self._run_disk)
        return Partial.open(folder, manifest, clock=self._clock, disk=disk)

    async def _placed(self, _fetch: Fetch, _path: Path) -> None:
        if self._run_disk.dead:
            raise P2PError("The process is dead", "It lists nothing.")
        self._have()

    def _lost(self, _fetch: Fetch, source: Source) -> None:
        if source.state == "dropped":
            self.blamed.add(source.peer)

    def _have(self) -> None:
        self.complete = True
        self._tracker.announce(self.member.source())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            await self.member.ledger.sweep()

    async def _stop(self) -> None:
        self.running = False
        await self._locator.close()
        if self._run_disk.dead:
            self._network.reset(self.name)
        await self._tasks.cancel_all()
        self.fetch = None
        self._network.reset(self.name)
        await self.member.close()
        assert self.buffers.in_use == 0, "memory was lost"
