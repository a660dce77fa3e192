"""Bundles: small files of folder jobs, brought and placed hundreds at a time (PROTOCOL.md 5).

They come from the member whose folder it is, with one request for all of a bundle. Each is proven
by its content id; all are synced, named and noted together. A file that does not come so, for
whatever reason, goes alone: an ordinary fetch asks everybody who has it and knows all states. A
member that is away, too slow, or has no slot for us, is left to ordinary fetches for a while.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, PeerId, short_peer_id
from p2ptui.base.rates import RateMeter
from p2ptui.net.link import LinkClosed
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.api import PeerPart
from p2ptui.node.bundle import BUNDLE_FILES, MAX_BUNDLES, Bundle, packed, sort_out
from p2ptui.node.download import Download
from p2ptui.node.download_book import DownloadBook
from p2ptui.node.download_outcomes import DownloadOutcomes
from p2ptui.node.fetch_job import FetchTools
from p2ptui.node.history import with_parts
from p2ptui.node.manifest import Manifest, chunk_hash
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.small_placing import PlacedFile, SmallFile, SmallPlacing
from p2ptui.node.store_values import Adopted
from p2ptui.node.uploads import SmallContents

log = logging.getLogger(__name__)

REST_S = 30.0
"""How long a member from which no bundle came is left to ordinary fetches."""
WATCH_S = 1.0
"""How often the pace of a bundle is looked at."""

Place = Callable[[Sequence[SmallFile]], tuple[SmallPlacing, list[PlacedFile | None]]]


class BundleTools(NamedTuple):
    """What bundles need of the node."""

    place: Place
    """Places files (blocking). Raises `P2PError`."""
    adopt: Callable[[Sequence[Adopted]], Awaitable[None]]
    """Lists placed files as shared."""
    read_here: Callable[[Sequence[ContentId], int], Awaitable[SmallContents]]
    """Small contents of our own share."""
    find_host: Callable[[PeerId], Awaitable[Sequence[m.Endpoint]]]
    """Where a member is. Raises `P2PError`."""


class _Came(NamedTuple):
    """Proven contents."""

    manifests: dict[ContentId, Manifest]
    data: dict[ContentId, memoryview]


class Bundles:
    """All bundles of a node that are at work."""

    def __init__(
        self,
        book: DownloadBook,
        tools: BundleTools,
        clock: Clock,
        *,
        outcomes: DownloadOutcomes,
        ended: Callable[[], None],
    ) -> None:
        """`outcomes` hears of downloads that are over, `ended` that a bundle is."""
        self._book = book
        self._own = tools
        self._clock = clock
        self._outcomes = outcomes
        self._ended = ended
        self._at_work: set[Bundle] = set()
        self._resting: dict[PeerId, float] = {}

    def __len__(self) -> int:
        return len(self._at_work)

    @property
    def room(self) -> int:
        """How many files may be taken into further bundles."""
        return max(0, MAX_BUNDLES - len(self._at_work)) * BUNDLE_FILES

    def start(self, waiting: Sequence[Download], most: int, tools: FetchTools) -> list[Download]:
        """Begin at most so many bundles of what waits; what is not for bundles, in its order."""
        small, others = sort_out(waiting, self._is_ready)
        free = min(most, MAX_BUNDLES - len(self._at_work))
        for downloads in packed(small):
            if free <= 0:
                break
            free -= 1
            self._begin(downloads, tools)
        return others

    def _is_ready(self, host: PeerId) -> bool:
        until = self._resting.get(host)
        return until is None or self._clock.monotonic() >= until

    def _begin(self, downloads: list[Download], tools: FetchTools) -> None:
        now = self._clock.monotonic()
        host = PeerId(downloads[0].record.host)
        bundle = Bundle(host, downloads, RateMeter(now), now)
        self._at_work.add(bundle)
        task = spawn(self._run(bundle, tools), name=f"bundle-{downloads[0].record.id}")
        bundle.task = task
        for download in downloads:
            download.task, download.bundle, download.ending = task, bundle, False
            download.note(state="active", reason="")
            download.enter(tools.swarm)
        task.add_done_callback(lambda _task: self._end(bundle))

    def _end(self, bundle: Bundle) -> None:
        self._at_work.discard(bundle)
        for download in bundle.downloads:
            download.task = download.bundle = None
            download.ending = False
            if self._book.holds(download) and download.record.state == "active":
                download.note(state="queued")
        self._ended()

    async def _run(self, bundle: Bundle, tools: FetchTools) -> None:
        try:
            await self._bring(bundle, tools)
        except (RequestFailed, LinkClosed, TimeoutError, P2PError) as error:
            reason = str(error) or "it is silent or slow"
            log.info("no bundle from %s: %s", short_peer_id(bundle.host), reason)
            self._rest(bundle.host)
        except Exception:  # the border of a task: the files go alone
            log.exception("a bundle of %d files failed", len(bundle.downloads))
            self._send_alone(bundle.downloads)

    def _rest(self, host: PeerId) -> None:
        self._resting[host] = self._clock.monotonic() + REST_S

    @staticmethod
    def _send_alone(downloads: Collection[Download]) -> None:
        for download in downloads:
            download.alone = True

    # --- bringing ---------------------------------------------------------------------------------

    async def _bring(self, bundle: Bundle, tools: FetchTools) -> None:
        """One bundle from asking to noting. Raises what a member or the tracker may."""
        sizes = {each.record.content: each.record.size for each in bundle.downloads}
        here = await self._own.read_here(tuple(sizes), sum(sizes.values()))
        given = {
            content: memoryview(data)
            for content, data in zip(sizes, here.given, strict=True)
            if data is not None
        }
        missing = [content for content in sizes if content not in given]
        nick, buffer = "", None
        try:
            if missing:
                session = await self._session(bundle.host, tools)
                nick = session.nick
                buffer = await tools.buffers.take(sum(sizes[each] for each in missing))
                found = await self._ask(session, missing, buffer, bundle, tools)
                offset = 0
                for content, size in zip(missing, found, strict=True):
                    if size is not None:
                        given[content] = buffer[offset : offset + size]
                        offset += size
            self._close(bundle)
            await self._place(bundle, given, set(missing), nick, tools)
        except BaseException:
            if buffer is not None:
                tools.buffers.give_back(buffer, clean=bundle.closing)
            raise
        if buffer is not None:
            tools.buffers.give_back(buffer, clean=True)

    async def _session(self, host: PeerId, tools: FetchTools) -> PeerSession:
        """A connection to the member whose folder it is. Raises `P2PError`."""
        open_now = tools.peers.open_session(host)
        session = open_now or await tools.peers.session(host, await self._own.find_host(host))
        if m.CONTENTS_FEATURE not in session.features:
            raise RequestFailed("bad_request", "it does not know small contents")
        return session

    async def _ask(
        self,
        session: PeerSession,
        missing: list[ContentId],
        buffer: memoryview,
        bundle: Bundle,
        tools: FetchTools,
    ) -> tuple[int | None, ...]:
        """The size of each that came into the buffer. Raises `TimeoutError` for a slow member."""

        def count(length: int) -> None:
            now = self._clock.monotonic()
            bundle.meter.add(now, length)
            tools.meter.add(now, length)

        async with asyncio.timeout(None) as patience:
            watch = spawn(self._watch(bundle, session, tools, patience), name="bundle-pace")
            try:
                return await session.contents(missing, buffer, count)
            finally:
                watch.cancel()

    async def _watch(
        self, bundle: Bundle, session: PeerSession, tools: FetchTools, patience: asyncio.Timeout
    ) -> None:
        """End the patience with a member that is slow: it holds what others could use."""
        while True:
            await asyncio.sleep(WATCH_S)
            session.count_under_way()
            others = sum(each.host == bundle.host for each in self._at_work) - 1
            now, fair_bps = self._clock.monotonic(), tools.fair_bps()
            if bundle.is_slow(now, others=others, fair_bps=fair_bps):
                patience.reschedule(asyncio.get_running_loop().time())
                return

    @staticmethod
    def _close(bundle: Bundle) -> None:
        bundle.closing = True
        for download in bundle.downloads:
            download.ending = True

    # --- placing ----------------------------------------------------------------------------------

    async def _place(
        self,
        bundle: Bundle,
        given: dict[ContentId, memoryview],
        fetched: Collection[ContentId],
        nick: str,
        tools: FetchTools,
    ) -> None:
        """Verify, place, note."""
        came = await tools.offload(_prove, given)
        for content in given:
            if content in fetched and content not in came.data and tools.peers.blame(bundle.host):
                break
        whole = [each for each in bundle.downloads if each.record.content in came.data]
        wall = self._clock.wall()
        folders = {each.record.folder: Path(each.record.folder) for each in whole}
        files = [
            SmallFile(
                each.record.content,
                folders[each.record.folder],
                each.record.name,
                each.record.mtime or wall,
                came.data[each.record.content],
            )
            for each in whole
        ]
        proven = came.data.keys()
        self._send_alone([each for each in bundle.downloads if each.record.content not in proven])
        if not files:
            return
        try:
            batch, placed = await tools.offload(self._own.place, files)
        except P2PError as error:
            log.info("a bundle of %d files cannot be placed: %s", len(files), error)
            self._send_alone(whole)
            return
        done = [
            (each, found, came.manifests[each.record.content])
            for each, found in zip(whole, placed, strict=True)
            if found is not None
        ]
        self._send_alone([each for each, found in zip(whole, placed, strict=True) if not found])
        await self._note(bundle, done, fetched, nick)
        # Not before: by the parts a run that was killed right here knows what is placed.
        await tools.offload(batch.clear)
        for download, _, _ in done:
            self._book.drop(download)
        self._outcomes.over([download.record for download, _, _ in done])

    async def _note(
        self,
        bundle: Bundle,
        done: Sequence[tuple[Download, PlacedFile, Manifest]],
        fetched: Collection[ContentId],
        nick: str,
    ) -> None:
        try:
            await self._own.adopt([Adopted(*found, manifest) for _, found, manifest in done])
        except P2PError as error:
            log.warning("%d fetched files are not listed as shared: %s", len(done), error)
        seconds, wall = self._clock.monotonic() - bundle.began, self._clock.wall()
        unpaid = set(fetched)
        for download, found, manifest in done:
            content, peers = download.record.content, download.record.peers
            given = content in unpaid  # one of twins was fetched, the others were copied
            unpaid.discard(content)
            if given:
                part = PeerPart(peer_id=bundle.host, nick=nick, bytes=manifest.size)
                peers = with_parts(peers, (part,))
            download.note(
                state="finished",
                reason="",
                size=manifest.size,
                done=manifest.size,
                path=f"{download.record.folder}/{found.name}",
                name=found.name,
                finished=wall,
                sources=int(given),
                seconds=download.record.seconds + seconds,
                peers=peers,
            )
        await self._book.finish([download for download, _, _ in done])


def _prove(given: dict[ContentId, memoryview]) -> _Came:
    """Which contents are what their ids name (blocking): of one chunk, or empty."""
    manifests: dict[ContentId, Manifest] = {}
    data: dict[ContentId, memoryview] = {}
    for content, found in given.items():
        manifest = Manifest.of(len(found), [chunk_hash(found)] if found else [])
        if manifest.content_id == content:
            manifests[content], data[content] = manifest, found
    return _Came(manifests, data)
