"""One fetch in memory: real sessions, picker, buffers and disk; sources played by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from p2ptui.base.ids import ContentId, PeerId, TransferId
from p2ptui.base.rates import RateMeter
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.buffers import ChunkBuffers
from p2ptui.node.disk import Disk
from p2ptui.node.fetch import Fetch, FetchJob, FetchTools
from p2ptui.node.fetch_reports import FetchReports
from p2ptui.node.manifest import Manifest
from p2ptui.node.offering import Offering
from p2ptui.node.partial import Partial
from p2ptui.node.source import Source
from p2ptui.node.tracker_link import SourceWatcher, TrackerLink
from tests.support.contents import make_manifest
from tests.support.fake_time import FakeClock
from tests.support.members import Member, ScriptedPeer, network_of

P = ParamSpec("P")
T = TypeVar("T")


class FakeLocator:
    """The tracker as a fetch sees it."""

    def __init__(self) -> None:
        self.up = asyncio.Event()
        self.up.set()
        self.watchers: dict[ContentId, list[SourceWatcher]] = {}
        self.sources: list[m.Source] = []
        self.offering = Offering()
        self.reports = FetchReports()

    def watch(self, content: ContentId, watcher: SourceWatcher) -> None:
        self.watchers.setdefault(content, []).append(watcher)
        if self.up.is_set():
            watcher.sources_found(self.sources, len(self.sources))

    def unwatch(self, content: ContentId, watcher: SourceWatcher) -> None:
        if watcher in self.watchers.get(content, ()):
            self.watchers[content].remove(watcher)

    def join(self, source: m.Source) -> None:
        self.sources.append(source)
        for watcher in self._all():
            watcher.source_joined(source)

    def leave(self, peer: PeerId) -> None:
        for watcher in self._all():
            watcher.source_left(peer)

    def _all(self) -> list[SourceWatcher]:
        return [watcher for watchers in self.watchers.values() for watcher in watchers]


class GatedOffload:
    """Runs blocking work at once, but not before the gate of its name is open.

    A call that is cancelled while it waits at the gate is done all the same once the gate opens, as
    by a thread.
    """

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.waiting: list[str] = []

    def shut(self, name: str) -> None:
        self.gates[name] = asyncio.Event()

    def open(self, name: str) -> None:
        self.gates.pop(name).set()

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        gate = self.gates.get(getattr(function, "__name__", ""))
        if gate is None:
            return function(*args, **kwargs)

        async def later() -> T | Exception:
            await gate.wait()
            try:
                return function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001  (raised at the caller below)
                return error

        self.waiting.append(getattr(function, "__name__", ""))
        try:
            outcome = await asyncio.shield(spawn(later(), name="thread"))
        finally:
            self.waiting.pop()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class FetchRig:
    """What a fetch works with, and what it told."""

    def __init__(self, folder: Path, data: bytes) -> None:
        self.clock = FakeClock()
        self.network = network_of(self.clock)
        self.folder = folder
        self.data = data
        self.manifest = make_manifest(data)
        self.taker = Member(self.network, "taker")
        self.tracker = FakeLocator()
        self.buffers = ChunkBuffers()
        self.offload = GatedOffload()
        self.disk: Disk | None = None
        self.free = 2**40
        self.free_space: Callable[[Path], int] = lambda _folder: self.free
        self.on_placed: Callable[[Fetch, Path], Awaitable[None]] | None = None
        self.reserve = 0
        self.fair_bps = float("inf")
        self.peers: list[ScriptedPeer] = []
        self.states: list[tuple[str, str]] = []
        self.lost: list[tuple[PeerId, str]] = []
        self.told: list[str] = []
        self.fetches: list[Fetch] = []

    async def peer(
        self, name: str, *, known: bool = True, data: bytes | None = None
    ) -> ScriptedPeer:
        """One more member with the content; `known` to the tracker."""
        made = ScriptedPeer(self.network, name, self.data if data is None else data)
        self.peers.append(await made.listen())
        if known:
            self.tracker.join(made.source())
        return made

    def fetch(
        self,
        *,
        manifest: Manifest | None = None,
        patience_s: float | None = None,
        endpoint: m.Endpoint | None = None,
        name: str = "song.mp3",
    ) -> Fetch:
        """A fetch that is not running yet."""
        job = FetchJob(
            id=TransferId(len(self.fetches) + 1),
            content=self.manifest.content_id,
            name=name,
            folder=self.folder,
            endpoint=endpoint,
            patience_s=patience_s,
        )
        made = Fetch(job, self.tools(), manifest)
        self.fetches.append(made)
        return made

    def start(self, fetch: Fetch | None = None) -> tuple[Fetch, asyncio.Task[Path]]:
        """A fetch under way."""
        made = fetch or self.fetch()
        return made, asyncio.get_running_loop().create_task(made.run())

    def tools(self) -> FetchTools:
        return FetchTools(
            peers=self.taker.peers,
            tracker=cast("TrackerLink", self.tracker),
            buffers=self.buffers,
            offload=self.offload,
            clock=self.clock,
            meter=RateMeter(self.clock.monotonic()),
            open_partial=self.open_partial,
            free_space=self.free_space,
            on_state=self._state,
            on_prepared=lambda _fetch: self.told.append("prepared"),
            on_placed=self._placed,
            on_source_lost=self._lost,
            fair_bps=lambda: self.fair_bps,
        )

    def open_partial(self, folder: Path, manifest: Manifest) -> Partial:
        return Partial.open(
            folder, manifest, clock=self.clock, disk=self.disk, reserve_bytes=self.reserve
        )

    def content(self, path: Path) -> bytes:
        return path.read_bytes()

    @property
    def asked(self) -> list[int]:
        """All chunks that were asked of anybody."""
        return [index for peer in self.peers for index in peer.asked]

    def _state(self, fetch: Fetch) -> None:
        self.states.append((fetch.state, fetch.reason))

    async def _placed(self, fetch: Fetch, path: Path) -> None:
        assert fetch.partial is not None, "the partial goes after this"
        if self.on_placed is not None:
            await self.on_placed(fetch, path)
        self.told.append(f"placed {path.name}")

    def _lost(self, _fetch: Fetch, source: Source) -> None:
        self.lost.append((source.peer, source.reason))


@asynccontextmanager
async def fetching(folder: Path, data: bytes, names: Sequence[str] = ()) -> AsyncIterator[FetchRig]:
    """A rig, and the check that nothing was left behind when all is over."""
    rig = FetchRig(folder, data)
    for name in names:
        await rig.peer(name)
    before = asyncio.all_tasks()
    yield rig
    assert rig.buffers.in_use == 0, "memory was lost"
    assert not any(rig.tracker.watchers.values()), "the tracker still tells somebody"
    for fetch in rig.fetches:
        assert fetch.partial is None, "a partial was left open"
        if fetch.picker is not None:
            assert not fetch.picker.sources
    left = {task.get_name() for task in asyncio.all_tasks() - before}
    left = {
        name for name in left if name.startswith(("fetch", "lane", "store", "recheck", "check"))
    }
    assert not left, f"still at work: {left}"
    for peer in rig.peers:
        await peer.stop()
    await rig.taker.close()
