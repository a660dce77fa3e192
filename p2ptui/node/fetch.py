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
from collections.abc import Mapping, Sequence
from pathlib import Path

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import PeerId
from p2ptui.base.rates import RateMeter
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.api import TransferState
from p2ptui.node.crew import Crew
from p2ptui.node.fetch_disk import FetchDisk
from p2ptui.node.fetch_job import FetchFailure, FetchJob, FetchTools, other_size
from p2ptui.node.local_copy import copy_local
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial
from p2ptui.node.picker import Picker
from p2ptui.node.source import Source
from p2ptui.node.storage_errors import NoSpace

__all__ = ["Fetch", "FetchFailure", "FetchJob", "FetchTools"]

log = logging.getLogger(__name__)

TICK_S = 1.0
SPACE_CHECK_S = 5.0
SPACE_TRY_S = 60.0
"""How often a full disk is tried again in any case: a quota does not show in its free space."""
STALLED_AFTER_S = 3.0
"""Without an active source for so long, a fetch is called stalled."""
WAITING: frozenset[TransferState] = frozenset({"no_space", "stalled"})
"""What is not counted in how long a download took."""
MIN_REDIAL_S = 1.0
MAX_REDIAL_S = 60.0


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
        self.tools = tools
        self.disk = FetchDisk(job, tools, self)
        self.crew = Crew(self)
        # Not a secret: it only spreads takers over a content and their tries over time.
        self.random = random.Random()  # noqa: S311
        self.pulse = asyncio.Event()
        """Set, and replaced, whenever something changed that a waiting lane may care about."""
        self._attention = asyncio.Event()
        """Set when there is something for the conductor to look at."""
        self._failure: P2PError | None = None
        self._full: NoSpace | None = None
        self._full_since = (0.0, -1)
        """When the disk became full, and how much there was then."""
        self._prepared = False
        self._offered = False
        self._lonely_since = tools.clock.monotonic()
        self._waited_s = 0.0
        self._waits_since: float | None = None

    @property
    def partial(self) -> Partial | None:
        """What it has on disk, while that is open."""
        return self.disk.partial

    @property
    def picker(self) -> Picker | None:
        """Which chunks there are and who is asked for the others; None until the first opening."""
        return self.disk.picker

    @property
    def sources(self) -> Mapping[PeerId, Source]:
        """All sources that it knows."""
        return self.crew.sources

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
        """How many sources bring something now."""
        return len(self.crew.active)

    def waited_s(self, now: float) -> float:
        """Seconds of this run in which nothing could come: no room, or no source."""
        since = now if self._waits_since is None else self._waits_since
        return self._waited_s + now - since

    # --- what the tracker tells (SourceWatcher) -------------------------------------------------

    def sources_found(self, sources: Sequence[m.Source], known: int) -> None:
        """All sources online now."""
        self.known = known
        self.crew.found(sources)
        self.look()

    def source_joined(self, source: m.Source) -> None:
        """A member offers the content; one that failed before is tried again soon."""
        self.crew.joined(source)
        self.look()

    def source_left(self, peer: PeerId) -> None:
        """A member no longer offers the content; a session that runs goes on while it can."""
        self.crew.left(peer)

    # --- what its parts tell ----------------------------------------------------------------------

    def wake(self) -> None:
        """Something changed that a waiting lane may care about."""
        self.pulse.set()
        self.pulse = asyncio.Event()
        self._offer()

    def look(self) -> None:
        """There is something for the conductor to look at."""
        self._attention.set()

    def give_up(self, error: P2PError) -> None:
        """End with this error; what was verified is kept."""
        if self._failure is None:
            self._failure = error
        self.look()

    def wait_for_space(self, error: NoSpace) -> None:
        """The disk is full: ask nobody for more until there is room."""
        self._full = error
        if self.done > self._full_since[1]:
            self._full_since = self.tools.clock.monotonic(), self.done
        self._set_state("no_space", error.message)
        self.wake()
        self.look()

    async def prepare(self, manifest: Manifest) -> Picker:
        """Open the partial once the manifest is proven.

        Raises `P2PError` of the disk, or when it is not as large as it was published (F53): who
        asked for a song has not agreed to a terabyte.
        """
        self.manifest = manifest
        if self.job.size not in {0, manifest.size}:
            lie = other_size(self.job.size, manifest.size)
            self.give_up(lie)
            raise lie
        start = self.random.randrange(max(manifest.chunk_count, 1))
        picker = await self.disk.open(manifest, start)
        if not self._prepared:
            self._prepared = True
            self.tools.on_prepared(self)
            self.wake()
            self.look()
        return picker

    def _offer(self) -> None:
        """Have others find us as soon as there is something that they can take from us."""
        picker, tracker = self.picker, self.tools.tracker
        if self._offered or tracker is None or picker is None or self.partial is None:
            return
        if picker.have.count and len(picker.have) > 1:
            self._offered = True
            tracker.offering.add(self.job.content)

    # --- the run --------------------------------------------------------------------------------

    async def run(self) -> Path:
        """Fetch until the file lies under its final name; its path.

        Raises `FetchFailure`, or another `P2PError` of the disk.
        """
        path: Path | None = None
        try:
            path = await self._work()
        finally:
            if self.tools.tracker is not None:
                self.tools.tracker.offering.remove(self.job.content)
                self._offered = True  # and never again: chunks may still be on their way to disk
                if self.job.endpoint is None:
                    self.tools.tracker.unwatch(self.job.content, self)
            # In a task of its own: a second cancellation must not leave the partial open.
            ending = spawn(self._let_go(), name=f"end-{self.job.id}")
            try:
                await asyncio.wait({ending})
            except asyncio.CancelledError:
                if path is None:
                    raise  # else it is finished all the same
        return path

    async def _work(self) -> Path:
        if self.manifest is not None:
            try:
                await self.prepare(self.manifest)
            except NoSpace as error:
                self.wait_for_space(error)
        await copy_local(self)
        if self.job.endpoint is not None and not self._is_complete:
            await self._take_only_source(self.job.endpoint)
        elif self.tools.tracker is not None:
            self.tools.tracker.watch(self.job.content, self)
        while True:
            await self._conduct()
            try:
                return await self._finish()
            except NoSpace as error:
                self.wait_for_space(error)

    @property
    def _is_complete(self) -> bool:
        return self.picker is not None and self.picker.complete

    async def _take_only_source(self, endpoint: m.Endpoint) -> None:
        """Meet the member at the address. Raises `P2PError`; a download that began is patient."""
        redial_s = MIN_REDIAL_S
        while True:
            try:
                session = await self.tools.peers.session(None, (endpoint,))
                break
            except P2PError as error:
                if not self._prepared or error.exit_code is not ExitCode.UNREACHABLE:
                    raise
                self._check_patience(str(error))
                self._set_state("stalled", str(error))
            if self._failure is not None:
                raise self._failure
            await asyncio.sleep(self.random.uniform(redial_s / 2, redial_s))
            redial_s = min(redial_s * 2, MAX_REDIAL_S)
        self.crew.add(session.peer_id, session.nick, (endpoint,))
        self.known = 1

    async def _conduct(self) -> None:
        """Employ and watch the sources until all is there."""
        while self._full is not None or not self._is_complete:
            if self._failure is not None:
                raise self._failure
            self._attention.clear()
            if self._full is not None:
                await self._wait_for_room(self._full)
                continue
            self.crew.employ()
            self.crew.watch()
            self._judge()
            await self._pause(TICK_S)
        if self._failure is not None:
            raise self._failure

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._attention.wait()

    async def _wait_for_room(self, error: NoSpace) -> None:
        clock, patience_s = self.tools.clock, self.job.patience_s
        began = clock.monotonic()
        while self._failure is None:
            await asyncio.sleep(SPACE_CHECK_S)
            if await self.disk.has_room(error.needed):
                self._full_since = (0.0, -1)
                break
            now = clock.monotonic()
            if patience_s is not None and now - self._full_since[0] >= patience_s:
                raise error
            if now - began >= SPACE_TRY_S:
                break
        self._full = None
        self._lonely_since = clock.monotonic()
        self._set_state("locating")
        await copy_local(self)
        self.wake()

    def _judge(self) -> None:
        """Put the state in a word. Raises `FetchFailure` when there is no hope left."""
        now = self.tools.clock.monotonic()
        if self.active:
            self._lonely_since = now
            self._set_state("active")
            return
        if self.disk.rechecking:
            self._lonely_since = now
        dropped = sum(source.state == "dropped" for source in self.sources.values())
        # An owner that is offline may come and have the right data.
        if dropped and dropped == len(self.sources) and dropped >= self.known:
            raise FetchFailure(
                "No source sent the right data",
                f"{dropped} source{'s' * (dropped != 1)} sent wrong data",
                "What was verified is kept; fetch it again when others have it.",
                exit_code=ExitCode.NOT_FOUND,
            )
        self._check_patience(self._trouble())
        if now - self._lonely_since >= STALLED_AFTER_S:
            self._set_state("stalled", self._trouble())

    def _check_patience(self, trouble: str) -> None:
        lonely_s = self.tools.clock.monotonic() - self._lonely_since
        if self.job.patience_s is not None and lonely_s >= self.job.patience_s:
            raise FetchFailure(
                "No source answered",
                trouble,
                "What was verified is kept; fetch it again later to go on.",
                exit_code=ExitCode.NOT_FOUND,
            )

    def _trouble(self) -> str:
        tracker = self.tools.tracker
        usable = [s for s in self.sources.values() if s.state != "dropped" and s.offered]
        reasons = [f"{source.nick}: {source.reason}" for source in usable if source.reason]
        if reasons:
            return reasons[-1]
        if self.job.endpoint is None and (tracker is None or not tracker.up.is_set()):
            return "the tracker is away and no source is known"
        if queued := [s for s in usable if s.state == "active" and s.place]:
            best = min(queued, key=lambda source: source.place)
            return f"place {best.place} in the queue of {best.nick}"
        return self._absence(usable)

    def _absence(self, usable: Sequence[Source]) -> str:
        """Why nothing comes although nothing has failed."""
        if any(source.state == "active" for source in usable):
            return "the sources have nothing more of it now"
        dialled = next((source.nick for source in usable if source.state == "dialling"), "")
        if dialled:
            return f"{dialled} does not answer yet"
        return f"no source is online ({self.known} known)" if self.known else "nobody has it now"

    def _set_state(self, state: TransferState, reason: str = "") -> None:
        changed = state != self.state
        self.state, self.reason = state, reason
        if changed:
            now = self.tools.clock.monotonic()
            self._waited_s = self.waited_s(now)
            self._waits_since = now if state in WAITING else None
            self.tools.on_state(self)

    # --- the end --------------------------------------------------------------------------------

    async def _finish(self) -> Path:
        self._set_state("finishing")
        await self.crew.let_go()

        async def placed(path: Path) -> None:
            await self.tools.on_placed(self, path)

        return await self.disk.place(placed)

    async def _let_go(self) -> None:
        await self.crew.let_go()
        await self.disk.close()
