"""Supply: one source at work for one fetch. Dial, manifest, what it has, then lanes of chunks.

A lane has one chunk on its way; what it brings is verified and written by a task of its own, so
that the next chunk is asked for at once. Blame is exact: all bytes of a chunk came from one source.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.link import LinkClosed
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import spawn
from p2ptui.node.chunkmap import ChunkMap
from p2ptui.node.manifest import ManifestMismatch
from p2ptui.node.partial import Partial, PartialClosed
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.picker import Picker
from p2ptui.node.source import LANES, Source
from p2ptui.node.storage_errors import NoSpace

if TYPE_CHECKING:
    from p2ptui.node.fetch import Fetch

log = logging.getLogger(__name__)

IDLE_RETRY_S = 1.0


class Supply:
    """What one source does for one fetch."""

    def __init__(self, fetch: "Fetch", source: Source) -> None:
        self._fetch = fetch
        self._source = source
        self._tools = fetch.tools
        self._content = fetch.job.content

    async def run(self) -> None:
        """Work until the source fails, or nothing is left to do."""
        fetch, source = self._fetch, self._source
        source.state = "dialling"
        session: PeerSession | None = None
        try:
            session = await self._tools.peers.session(source.peer, source.endpoints)
            await self._work(session)
        except ManifestMismatch:
            self._drop("sent a wrong manifest")
        except ValueError:
            self._drop("sent a wrong chunk map")
        except RequestFailed as failure:
            self._fail(failure.text or failure.code)
        except LinkClosed as closed:
            self._fail(f"connection lost ({closed})")
        except TimeoutError:
            self._fail("no answer")
        except NoSpace as error:
            source.state = "waiting"
            fetch.wait_for_space(error)
        except P2PError as error:
            if error.exit_code is ExitCode.STORAGE:
                fetch.give_up(error)
            else:
                self._fail(str(error))
        finally:
            if fetch.picker is not None:
                fetch.picker.remove_source(source.peer)
            if session is not None:
                session.forget(self._content)
            fetch.wake()

    async def _work(self, session: PeerSession) -> None:
        fetch, source = self._fetch, self._source
        picker = fetch.picker
        if picker is None:
            manifest = await session.manifest(self._content)
            picker = await fetch.prepare(manifest)
        have = await session.interest(self._content, self._extend)
        chunks = None if have.complete else ChunkMap.from_bytes(len(picker.have), have.bitmap)
        picker.add_source(source.peer, chunks)
        source.state, source.reason = "active", ""
        source.tell(self._tools.clock.wall(), "connected")
        fetch.wake()
        lanes = [
            spawn(self._lane(session, picker), name=f"lane-{fetch.job.id}-{number}")
            for number in range(LANES)
        ]
        try:
            ended, _ = await asyncio.wait(lanes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
        for lane in ended:
            trouble = lane.result()
            if trouble is not None:
                raise trouble
        source.state = "idle"
        source.next_try = self._tools.clock.monotonic() + IDLE_RETRY_S

    async def _lane(self, session: PeerSession, picker: Picker) -> Exception | None:
        """Bring chunk after chunk; the trouble that ended it, None when there is no more to do."""
        fetch, source = self._fetch, self._source
        manifest, partial = fetch.manifest, fetch.partial
        assert manifest is not None
        assert partial is not None
        while not picker.complete and source.state == "active" and fetch.state != "no_space":
            pulse = fetch.pulse
            index = picker.pick(source.peer)
            if index is None:
                await pulse.wait()
                continue
            try:
                buffer = await self._bring(session, picker, index, manifest.chunk_length(index))
            except RequestFailed as failure:
                if failure.code != "gone":
                    return failure
                continue
            except LinkClosed as closed:
                return closed
            write = spawn(
                self._store(picker, partial, index, buffer), name=f"store-{fetch.job.id}-{index}"
            )
            fetch.writes.add(write)
            write.add_done_callback(fetch.writes.discard)
        return None

    async def _bring(
        self, session: PeerSession, picker: Picker, index: int, length: int
    ) -> memoryview:
        """One chunk's bytes, not yet verified; gives the chunk back to the picker when it fails."""
        fetch, source, buffers = self._fetch, self._source, self._tools.buffers
        buffer: memoryview | None = None
        try:
            buffer = await buffers.take(length)
            await session.chunk(self._content, index, buffer)
        except BaseException as error:
            refused = isinstance(error, RequestFailed) and error.code == "gone"
            picker.give_back(source.peer, index, refused=refused)
            if buffer is not None:
                buffers.give_back(buffer, clean=False)
            fetch.wake()
            raise
        now = self._tools.clock.monotonic()
        for meter in (source.meter, fetch.meter, self._tools.meter):
            meter.add(now, length)
        return buffer

    async def _store(
        self, picker: Picker, partial: Partial, index: int, buffer: memoryview
    ) -> None:
        """Hash a chunk and write it; runs to its end even when its source is gone."""
        fetch, source = self._fetch, self._source
        stored = False
        try:
            if picker.have.has(index):  # the other asker of the end game was faster
                return
            if await self._tools.offload(partial.accept_chunk, index, buffer):
                stored = True
                picker.settle(source.peer, index)
                source.done += len(buffer)
                source.failures = 0
                self._tools.peers.verified(self._content, (index,))
                fetch.checkpoint_pulse.set()
            else:
                self._blame()
        except PartialClosed:
            return
        except NoSpace as error:
            fetch.wait_for_space(error)
        except P2PError as error:
            fetch.give_up(error)
        finally:
            if not stored:
                picker.give_back(source.peer, index)
            self._tools.buffers.give_back(buffer, clean=True)
            fetch.wake()

    def _extend(self, indexes: tuple[int, ...]) -> None:
        if self._fetch.picker is not None:
            self._fetch.picker.extend_source(self._source.peer, indexes)
            self._fetch.wake()

    def _blame(self) -> None:
        barred = self._tools.peers.blame(self._source.peer)
        self._drop("sent wrong data" + ("; it is left alone for an hour" if barred else ""))

    def _drop(self, reason: str) -> None:
        self._source.drop(self._tools.clock.wall(), reason)
        log.warning("fetch %d: %s %s", self._fetch.job.id, self._source.peer, reason)
        self._fetch.dismiss(self._source)

    def _fail(self, reason: str) -> None:
        now, wall = self._tools.clock.monotonic(), self._tools.clock.wall()
        if self._source.state not in {"failed", "dropped"}:
            self._source.fail(now, wall, reason, self._fetch.random)
            self._fetch.tools.on_source_lost(self._fetch, self._source)
