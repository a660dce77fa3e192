"""Fetch: one download, from locating its sources to the verified file under its final name.

The manifest comes from the first source that proves it; then every source is kept busy
(`supply`), the picker gives each its next chunk, a chunk is hashed and written in a thread, and
only then counts (PROTOCOL.md 5). Nothing that anyone says of a content is believed but what its id
proves.

A fetch ends in one of three ways: `run` returns the path, raises `FetchFailure`, or is cancelled
(pause, stop): then everything that was verified stays on disk and the next run goes on from there.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import ContentId, PeerId, TransferId, short_peer_id
from p2ptui.base.rates import RateMeter
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.api import TransferState
from p2ptui.node.buffers import ChunkBuffers
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial
from p2ptui.node.peers import Peers
from p2ptui.node.picker import Picker
from p2ptui.node.source import Source
from p2ptui.node.storage_errors import NoSpace, explain
from p2ptui.node.supply import Supply
from p2ptui.node.tracker_link import TrackerLink

log = logging.getLogger(__name__)

TICK_S = 1.0
MAX_SOURCES = 16
"""Sources in use by one fetch at a time."""
SPACE_CHECK_S = 5.0
STALLED_AFTER_S = 3.0
"""Without an active source for so long, a fetch is called stalled."""


class FetchFailure(P2PError):  # noqa: N818  (it is how a fetch ends)
    """A download that cannot go on; what was verified is kept."""


@dataclass(frozen=True, slots=True)
class FetchJob:
    """What to fetch. Survives restarts in the store."""

    id: TransferId
    content: ContentId
    name: str
    """File name to give it, made safe when it is finished."""
    folder: Path
    endpoint: m.Endpoint | None = None
    """Fetch from the member at this address only."""
    patience_s: float | None = None
    """Seconds without any source after which it fails; None: it waits for ever."""


@dataclass(frozen=True, slots=True)
class FetchTools:
    """What every fetch of a node works with."""

    peers: Peers
    tracker: TrackerLink | None
    buffers: ChunkBuffers
    offload: Offload
    clock: Clock
    meter: RateMeter
    """Bytes of all downloads."""
    open_partial: Callable[[Path, Manifest], Partial]
    """Opens or takes up the partial of a content in a folder (blocking)."""
    free_space: Callable[[Path], int]
    """Bytes free in a folder (blocking)."""
    on_state: Callable[["Fetch"], None]
    on_prepared: Callable[["Fetch"], None]
    """The manifest is proven and the partial is open."""
    on_placed: Callable[["Fetch", Path], Awaitable[None]]
    """The file lies under its final name; the partial is removed when this returns."""
    on_source_lost: Callable[["Fetch", Source], None]


class Fetch:
    """One download while it runs.

    The members without underscore are shared with its `Supply` tasks and with the snapshot.
    """

    def __init__(self, job: FetchJob, tools: FetchTools, manifest: Manifest | None = None) -> None:
        """`manifest`: when it is known from an earlier run."""
        self.job = job
        self.manifest = manifest
        self.state: TransferState = "locating"
        self.reason = ""
        self.known = 0
        """Owners that the tracker knows, online or not."""
        self.meter = RateMeter(tools.clock.monotonic())
        self.sources: dict[PeerId, Source] = {}
        self.partial: Partial | None = None
        self.picker: Picker | None = None
        self.tools = tools
        # Not a secret: it only spreads takers over a content and their tries over time.
        self.random = random.Random()  # noqa: S311
        self.pulse = asyncio.Event()
        """Set, and replaced, whenever something changed that a waiting task may care about."""
        self.writes: set[asyncio.Task[None]] = set()
        """Chunks being verified and written: they outlive their source."""
        self.checkpoint_pulse = asyncio.Event()
        """Set when enough was written that a checkpoint may be due."""
        self._preparing = asyncio.Lock()
        self._employed: dict[PeerId, asyncio.Task[None]] = {}
        self._side_tasks: list[asyncio.Task[None]] = []
        self._failure: P2PError | None = None
        self._lonely_since = tools.clock.monotonic()

    @property
    def done(self) -> int:
        """Verified bytes on disk."""
        if self.picker is None or self.manifest is None:
            return 0
        have, manifest = self.picker.have, self.manifest
        if not have.count:
            return 0
        last = manifest.chunk_count - 1
        short = manifest.chunk_size - manifest.chunk_length(last) if have.has(last) else 0
        return have.count * manifest.chunk_size - short

    @property
    def active(self) -> int:
        """Sources that bring something now."""
        return sum(source.state == "active" for source in self.sources.values())

    # --- what the tracker tells (SourceWatcher) -------------------------------------------------

    def sources_found(self, sources: Sequence[m.Source], known: int) -> None:
        """All sources online now."""
        self.known = known
        named = {source.peer for source in sources}
        for peer, source in self.sources.items():
            source.offered = peer in named
        for found in sources:
            self.source_joined(found)

    def source_joined(self, source: m.Source) -> None:
        """A member offers the content; one that failed before is tried again soon."""
        known = self.sources.get(source.peer)
        now = self.tools.clock.monotonic()
        if known is None:
            self.sources[source.peer] = Source(
                source.peer, source.nick, source.endpoints, RateMeter(now)
            )
        else:
            known.offered = True
            known.endpoints = source.endpoints
            if known.state == "failed":
                known.next_try = min(known.next_try, now + 1.0)
        self.wake()

    def source_left(self, peer: PeerId) -> None:
        """A member no longer offers the content; a session that runs goes on while it can."""
        source = self.sources.get(peer)
        if source is not None:
            source.offered = False

    def wake(self) -> None:
        """Something changed that a waiting lane or the conductor may care about."""
        self.pulse.set()
        self.pulse = asyncio.Event()

    # --- the run --------------------------------------------------------------------------------

    async def run(self) -> Path:
        """Fetch until the file lies under its final name; its path.

        Raises `FetchFailure`, or another `P2PError` of the disk.
        """
        tracker = self.tools.tracker if self.job.endpoint is None else None
        try:
            if self.manifest is not None:
                await self.prepare(self.manifest)
            if self.job.endpoint is not None:
                await self._take_only_source(self.job.endpoint)
            elif tracker is not None:
                tracker.watch(self.job.content, self)
            await self._conduct()
            return await self._finish()
        finally:
            if tracker is not None:
                tracker.unwatch(self.job.content, self)
            await self._let_go()

    def give_up(self, error: P2PError) -> None:
        """End with this error; what was verified is kept."""
        if self._failure is None:
            self._failure = error
        self.wake()

    def wait_for_space(self, error: NoSpace) -> None:
        """The disk is full: ask nobody for more until there is room."""
        if self.state != "no_space":
            self._set_state("no_space", f"{error.message}")
            self._side_tasks.append(
                spawn(self._watch_space(error.missing), name=f"space-{self.job.id}")
            )
        self.wake()

    def dismiss(self, source: Source) -> None:
        """A source was dropped or failed: end its work; others take over."""
        self.tools.on_source_lost(self, source)
        task = self._employed.get(source.peer)
        if task is not None:
            task.cancel()
        self.wake()

    async def prepare(self, manifest: Manifest) -> Picker:
        """Open the partial once the manifest is proven. Raises `P2PError` of the disk."""
        async with self._preparing:
            if self.picker is not None:
                return self.picker
            self.manifest = manifest
            partial = await self.tools.offload(self.tools.open_partial, self.job.folder, manifest)
            self.partial = partial
            start = self.random.randrange(max(manifest.chunk_count, 1))
            picker = Picker(partial.chunkmap.copy(), start=start)
            unverified = partial.unverified()
            picker.withhold(unverified)
            if unverified:
                work = self._recheck(partial, picker, unverified)
                self._side_tasks.append(spawn(work, name=f"recheck-{self.job.id}"))
            self._side_tasks.append(
                spawn(self._keep_checkpoints(partial, picker), name=f"checkpoint-{self.job.id}")
            )
            self.picker = picker
            self.tools.on_prepared(self)
            self.wake()
            return picker

    async def _take_only_source(self, endpoint: m.Endpoint) -> None:
        session = await self.tools.peers.session(None, (endpoint,))
        meter = RateMeter(self.tools.clock.monotonic())
        self.sources[session.peer_id] = Source(session.peer_id, session.nick, (endpoint,), meter)
        self.known = 1

    async def _conduct(self) -> None:
        """Employ and watch the sources until all is there."""
        while self.picker is None or not self.picker.complete:
            if self._failure is not None:
                raise self._failure
            if self.state != "no_space":
                self._employ()
                self._watch_paces()
                self._judge()
            pulse = self.pulse
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await pulse.wait()
        if self._failure is not None:
            raise self._failure

    def _employ(self) -> None:
        now = self.tools.clock.monotonic()
        for source in self.sources.values():
            if len(self._employed) >= MAX_SOURCES:
                return
            ready = source.state == "waiting" or (
                source.state in {"failed", "idle"} and now >= source.next_try
            )
            if ready and source.offered and source.peer not in self._employed:
                name = f"fetch-{self.job.id}-{short_peer_id(source.peer)}"
                task = spawn(Supply(self, source).run(), name=name)
                self._employed[source.peer] = task
                task.add_done_callback(self._retirement(source.peer))

    def _retirement(self, peer: PeerId) -> Callable[[asyncio.Task[None]], None]:
        def retire(_task: asyncio.Task[None]) -> None:
            self._employed.pop(peer, None)

        return retire

    def _watch_paces(self) -> None:
        now = self.tools.clock.monotonic()
        for source in self.sources.values():
            if self.picker is None or source.state != "active":
                continue
            owes = bool(self.picker.in_flight(source.peer))
            reason = source.watch_pace(now, owes=owes, rate_bps=source.meter.rate(now))
            if reason:
                source.fail(now, self.tools.clock.wall(), reason, self.random)
                self.dismiss(source)

    def _judge(self) -> None:
        """Put the state in a word. Raises `FetchFailure` when there is no hope left."""
        now = self.tools.clock.monotonic()
        if self.active:
            self._lonely_since = now
            self._set_state("active")
            return
        dropped = sum(source.state == "dropped" for source in self.sources.values())
        if dropped and dropped == len(self.sources):
            raise FetchFailure(
                "No source sent the right data",
                f"{dropped} source{'s' * (dropped != 1)} sent wrong data",
                "What was verified is kept; fetch it again when others have it.",
                exit_code=ExitCode.NOT_FOUND,
            )
        lonely_s = now - self._lonely_since
        if self.job.patience_s is not None and lonely_s >= self.job.patience_s:
            raise FetchFailure(
                "No source answered",
                self._trouble(),
                "What was verified is kept; fetch it again later to go on.",
                exit_code=ExitCode.NOT_FOUND,
            )
        if lonely_s >= STALLED_AFTER_S:
            self._set_state("stalled", self._trouble())

    def _trouble(self) -> str:
        tracker = self.tools.tracker
        usable = [s for s in self.sources.values() if s.state != "dropped" and s.offered]
        reasons = [source.reason for source in usable if source.reason]
        if reasons:
            return reasons[-1]
        if self.job.endpoint is None and (tracker is None or not tracker.up.is_set()):
            return "the tracker is away and no source is known"
        if self.known:
            return f"no source is online ({self.known} known)"
        return "nobody has it now"

    def _set_state(self, state: TransferState, reason: str = "") -> None:
        changed = state != self.state
        self.state, self.reason = state, reason
        if changed:
            self.tools.on_state(self)

    # --- the disk -------------------------------------------------------------------------------

    async def _recheck(self, partial: Partial, picker: Picker, indexes: list[int]) -> None:
        """Hash what an earlier run without an orderly end claims, while the rest is fetched."""
        for index in indexes:
            try:
                here = await self.tools.offload(partial.recheck, index)
            except P2PError as error:
                self.give_up(error)
                return
            picker.release(index, here=here)
            self.wake()

    async def _keep_checkpoints(self, partial: Partial, picker: Picker) -> None:
        while True:
            pulse = self.checkpoint_pulse
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await pulse.wait()
            pulse.clear()
            if not partial.checkpoint_due:
                continue
            try:
                await self.tools.offload(partial.checkpoint)
            except P2PError as error:
                for index in list(picker.have.present()):
                    if not partial.chunkmap.has(index):
                        picker.lose(index)
                if isinstance(error, NoSpace):
                    self.wait_for_space(error)
                else:
                    self.give_up(error)
                    return

    async def _watch_space(self, missing: int) -> None:
        while True:
            await asyncio.sleep(SPACE_CHECK_S)
            try:
                free = await self.tools.offload(self.tools.free_space, self.job.folder)
            except OSError as error:
                self.give_up(explain(error, self.job.folder, "write to"))
                return
            if free >= missing:
                self._set_state("locating")
                self.wake()
                return

    async def _finish(self) -> Path:
        assert self.partial is not None
        self._set_state("finishing")
        await self._stop_side_tasks()
        while True:
            try:
                path = await self.tools.offload(
                    self.partial.place, self.job.name, self.tools.clock.wall()
                )
            except NoSpace as error:
                self._set_state("no_space", error.message)
                await self._watch_space(error.missing)
                self._set_state("finishing")
                continue
            await self.tools.on_placed(self, path)
            await self.tools.offload(self.partial.discard)
            return path

    async def _stop_side_tasks(self) -> None:
        tasks = [*self._employed.values(), *self._side_tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A thread that writes cannot be stopped: the partial is closed only when all are done.
        await asyncio.gather(*self.writes, return_exceptions=True)

    async def _let_go(self) -> None:
        await self._stop_side_tasks()
        partial, self.partial = self.partial, None
        if partial is not None:
            try:
                await self.tools.offload(partial.close)
            except P2PError as error:
                log.warning("closing the partial of %s: %s", self.job.name, error)
