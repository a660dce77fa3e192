"""Supply: one source at work for one fetch. Dial, manifest, what it has, then lanes of chunks.

A lane has one chunk on its way; what it brings is verified and written by a task of its own, so
that the next chunk is asked for at once. Blame is exact: all bytes of a chunk came from one source.
"""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.link import LinkClosed
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import spawn
from p2ptui.node.chunkmap import ChunkMap
from p2ptui.node.manifest import ManifestMismatch
from p2ptui.node.partial import PartialClosed
from p2ptui.node.peer_session import PeerSession, Withdrawn
from p2ptui.node.picker import Picker
from p2ptui.node.source import LANES, Source
from p2ptui.node.storage_errors import NoSpace

if TYPE_CHECKING:
    from p2ptui.node.fetch import Fetch

log = logging.getLogger(__name__)

DENIALS = frozenset({"changed", "gone", "not_found", "not_shared"})
"""Answers of a source that has not, or no longer, what the tracker named it for."""
IDLE_RETRY_S = 1.0
TURN_CHECK_S = 5.0
"""How often our place in a source's queue is asked for."""


class Supply:
    """What one source does for one fetch."""

    def __init__(self, fetch: "Fetch", source: Source) -> None:
        self._fetch = fetch
        self._source = source
        self._tools = fetch.tools
        self._content = fetch.job.content
        self._session: PeerSession | None = None
        self._early: set[int] = set()
        """Chunks that the source told of before it was part of the picker."""
        self._called = asyncio.Event()
        """The source told of chunks: it may be our turn."""
        self._scout = False
        """Whether a lane asks regularly whether it is our turn."""

    async def run(self) -> None:
        """Work until the source fails, or nothing is left to do."""
        fetch, source = self._fetch, self._source
        source.state = "dialling"
        try:
            self._session = await self._tools.peers.session(source.peer, source.endpoints)
            await self._work(self._session)
        except (ManifestMismatch, RequestFailed, LinkClosed, TimeoutError, P2PError) as error:
            self._end(error)
        except Exception:  # the border of a task: the fetch goes on with its other sources
            log.exception("fetch %d from %s failed", fetch.job.id, source.peer)
            self._fail("an internal error; the log says more")
        finally:
            if fetch.picker is not None:
                fetch.picker.remove_source(source.peer)
            if self._session is not None:
                self._session.forget(self._content)
            if source.state in {"dialling", "active"}:  # ended through no fault of its own
                source.state = "waiting"
            fetch.wake()

    def _end(self, error: Exception) -> None:
        """Judge what ended its work: theirs, the weather's, or our disk's."""
        source, tracker = self._source, self._tools.tracker
        match error:
            case ManifestMismatch():
                self._drop("sent a wrong manifest")
            case RequestFailed():
                self._fail(error.text or error.code)
                if error.code in DENIALS and not source.partial and tracker is not None:
                    tracker.reports.claim_failed(self._content, source.peer)
            case LinkClosed(code="protocol", theirs=False):
                self._blame(f"broke the protocol ({error.text})")
            case LinkClosed():
                self._fail(f"connection lost: {error.text or 'it was broken off'}")
            case TimeoutError():
                self._fail("no answer")
                self.end_if_silent()
            case NoSpace():
                self._fetch.wait_for_space(error)
            case P2PError(exit_code=ExitCode.STORAGE):
                self._fetch.give_up(error)
            case _:
                self._fail(str(error))

    def withdraw(self, index: int) -> None:
        """The chunk is no longer wanted of this source."""
        if self._session is not None:
            self._session.withdraw(self._content, index)

    def count(self) -> None:
        """Have the bytes counted that are here, also those of a payload that is not complete."""
        if self._session is not None:
            self._session.count_under_way()

    def end_if_silent(self) -> None:
        """Have the next try use a fresh connection, if nothing comes from this one."""
        if self._session is not None:
            self._session.end_if_silent()

    async def _work(self, session: PeerSession) -> None:
        fetch, source = self._fetch, self._source
        picker = fetch.picker
        if picker is None:
            manifest = fetch.manifest or await session.manifest(self._content)
            picker = await fetch.prepare(manifest)
        have = await session.interest(self._content, self._extend)
        try:
            chunks = None if have.complete else ChunkMap.from_bytes(len(picker.have), have.bitmap)
        except ValueError:
            self._drop("sent a wrong chunk map")
            return
        picker.add_source(source.peer, chunks)
        picker.extend_source(source.peer, self._early)
        source.begin(self._tools.clock.wall())
        fetch.wake()
        await self._run_lanes(session, picker)
        source.rest(self._tools.clock.monotonic() + IDLE_RETRY_S)

    async def _run_lanes(self, session: PeerSession, picker: Picker) -> None:
        """Keep the lanes at work until one of them ends; raises what ended it."""
        lanes = [
            spawn(self._lane(session, picker), name=f"lane-{self._fetch.job.id}-{number}")
            for number in range(LANES)
        ]
        ended: list[asyncio.Task[Exception | None]] = []
        """In the order of their ends: the first one says what the trouble is."""
        for lane in lanes:
            lane.add_done_callback(ended.append)
        try:
            await asyncio.wait(lanes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.wait(lanes)
        for lane in ended:
            trouble = None if lane.cancelled() else lane.result()
            if trouble is not None:
                raise trouble

    async def _lane(self, session: PeerSession, picker: Picker) -> Exception | None:
        """Bring chunk after chunk; the trouble that ended it, None when there is no more to do."""
        fetch, source = self._fetch, self._source
        scouts = False
        while not picker.complete and source.state == "active" and fetch.state != "no_space":
            pulse = fetch.pulse
            if source.place and self._scout and not scouts:
                await pulse.wait()  # another lane asks whether it is our turn
                continue
            index = picker.pick(source.peer) if self._has_place() else None
            if index is None:
                await pulse.wait()
                continue
            try:
                buffer = await self._bring(session, picker, index)
            except Withdrawn:
                continue
            except RequestFailed as failure:
                if failure.code == "busy" and failure.place:
                    source.queue(self._tools.clock.wall(), failure.place)
                    if scouts or not self._scout:
                        scouts = self._scout = True
                        await self._wait_turn()
                    continue
                if failure.code != "gone":
                    return failure
                continue
            except LinkClosed as closed:
                return closed
            source.serve(self._tools.clock.wall())
            if scouts:
                scouts = self._scout = False
                fetch.wake()
            work = self._store(picker, index, buffer)
            fetch.disk.begin_write(work, name=f"store-{fetch.job.id}-{index}")
        return None

    def _has_place(self) -> bool:
        """Whether one more chunk may be asked for, at the rate at which they come."""
        source, manifest = self._source, self._fetch.manifest
        assert manifest is not None
        now = self._tools.clock.monotonic()
        return source.lanes < source.window(now, max(manifest.chunk_size, 1))

    async def _wait_turn(self) -> None:
        """All slots there are taken: wait for a while, or until it tells us of our turn."""
        self._fetch.look()
        self._called.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TURN_CHECK_S * self._fetch.random.uniform(0.8, 1.2)):
                await self._called.wait()

    async def _bring(self, session: PeerSession, picker: Picker, index: int) -> memoryview:
        """One chunk's bytes, not yet verified; gives the chunk back to the picker when it fails."""
        fetch, source, buffers = self._fetch, self._source, self._tools.buffers
        assert fetch.manifest is not None
        length = fetch.manifest.chunk_length(index)
        counted = False
        buffer: memoryview | None = None
        source.lanes += 1
        try:
            async with session.turn():
                await fetch.disk.at_risk.take(length)
                counted = True
                buffer = await buffers.take(length)
                if picker.have.has(index):
                    raise Withdrawn  # noqa: TRY301  (as if it had been withdrawn later)
                if not source.owed:
                    fetch.look()  # it brings something from now on
                source.owed += 1
                try:
                    await session.chunk(self._content, index, buffer, self._count)
                finally:
                    source.owed -= 1
        except BaseException as error:
            refused = isinstance(error, RequestFailed) and error.code == "gone"
            picker.give_back(source.peer, index, refused=refused)
            if counted:
                fetch.disk.at_risk.settle(length)
            if buffer is not None:
                buffers.give_back(buffer, clean=False)
            fetch.wake()
            raise
        finally:
            source.lanes -= 1
        return buffer

    async def _store(self, picker: Picker, index: int, buffer: memoryview) -> None:
        """Hash a chunk and write it; runs to its end even when its source is gone."""
        fetch, source = self._fetch, self._source
        stored, clean = False, True
        try:
            if picker.have.has(index):  # the other asker of the end game was faster
                return
            if await fetch.disk.accept(index, buffer):
                stored = True
                source.done += len(buffer)
                source.failures = 0
                for other in picker.settle(source.peer, index):
                    fetch.crew.withdraw(other, index)
                self._tools.peers.verified(self._content, (index,))
            else:
                self._blame("sent wrong data")
        except PartialClosed:
            return
        except NoSpace as error:
            fetch.wait_for_space(error)
        except P2PError as error:
            fetch.give_up(error)
        except asyncio.CancelledError:
            clean = False  # a thread may still be at work on it
            raise
        except Exception:  # the border of a task: asking for it again would fail again
            log.exception("fetch %d: chunk %d could not be stored", fetch.job.id, index)
            fetch.give_up(P2PError("Internal error", "The log says more."))
        finally:
            if not stored:
                picker.give_back(source.peer, index)
            fetch.disk.at_risk.settle(len(buffer))
            self._tools.buffers.give_back(buffer, clean=clean)
            fetch.wake()
            if picker.complete:
                fetch.look()

    def _count(self, length: int) -> None:
        now = self._tools.clock.monotonic()
        for meter in (self._source.meter, self._fetch.meter, self._tools.meter):
            meter.add(now, length)

    def _extend(self, indexes: tuple[int, ...]) -> None:
        picker = self._fetch.picker
        if picker is None or self._source.peer not in picker.sources:
            # Its first words may be on our table, while it tells of more already.
            self._early.update(indexes)
            return
        picker.extend_source(self._source.peer, indexes)
        self._called.set()
        self._fetch.wake()

    def _blame(self, reason: str) -> None:
        """It sent what nobody can take for what was asked for (F73, F75)."""
        barred = self._tools.peers.blame(self._source.peer)
        self._drop(reason + ("; it is left alone for an hour" if barred else ""))

    def _drop(self, reason: str) -> None:
        known = self._source.state == "dropped"
        self._source.drop(self._tools.clock.wall(), reason)
        log.warning("fetch %d: %s %s", self._fetch.job.id, self._source.peer, reason)
        if not known:  # more of its chunks may have been on their way
            self._fetch.crew.dismiss(self._source)

    def _fail(self, reason: str) -> None:
        source, tools = self._source, self._tools
        if source.state in {"failed", "dropped"}:
            return
        connected = source.state == "active"
        source.fail(tools.clock.monotonic(), tools.clock.wall(), reason, self._fetch.random)
        if connected:
            tools.on_source_lost(self._fetch, source)
