"""Downloads: the queue of fetches of a node. Starts them, remembers them, takes them up again.

Each job is a row of the store from the moment it is asked for; a restart goes on with all that were
neither finished nor failed nor cancelled, and leaves the paused ones paused.
"""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, TransferId
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import spawn
from p2ptui.node import download_events, events, rows
from p2ptui.node.api import TransferState
from p2ptui.node.bundles import Bundles, BundleTools
from p2ptui.node.discarding import throw_away
from p2ptui.node.download import Download
from p2ptui.node.download_book import DownloadBook, goes_elsewhere
from p2ptui.node.download_outcomes import DownloadOutcomes
from p2ptui.node.fetch import Fetch, FetchTools
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial, stored_manifest
from p2ptui.node.past_sources import PastSources
from p2ptui.node.queue import overtaken
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import TransferRecord

__all__ = ["Download", "Downloads"]

log = logging.getLogger(__name__)

MAX_RUNNING = 32
"""Downloads at work at a time; the others wait for their turn (`queue`)."""
SAVE_S = 5.0
"""How often the progress of running downloads is written to the store."""


class Downloads:
    """All downloads that are not over yet. `connect` it to a swarm, or nothing runs."""

    def __init__(
        self,
        *,
        table: TransferTable,
        adopt: Callable[[Path, Manifest], Awaitable[object]],
        open_partial: Callable[[Path, Manifest], Partial],
        offload: Offload,
        publish: Callable[[events.NodeEvent], None],
        clock: Clock,
        max_running: int | None = None,
    ) -> None:
        """`adopt` lists a finished file as shared; `publish` tells an event.

        `open_partial` takes up what an earlier run left (blocking).
        """
        self._open_partial = open_partial
        self._offload = offload
        self._publish = publish
        self._clock = clock
        self._max_running = max_running or MAX_RUNNING
        self._tools: FetchTools | None = None
        self._book = DownloadBook(table)
        self._running: set[Download] = set()
        self._commands = asyncio.Lock()
        """Held by a command: no two of them act on one content at a time."""
        self._saver: asyncio.Task[None] | None = None
        self.past = PastSources()
        self.outcomes = DownloadOutcomes(self._book, adopt, publish, clock)
        self._bundles: Bundles | None = None

    def bundle_with(self, tools: BundleTools) -> None:
        """Have small files of folders come in bundles, instead of one by one."""
        self._bundles = Bundles(
            self._book, tools, self._clock, outcomes=self.outcomes, ended=self._start_waiting
        )

    @property
    def current(self) -> tuple[Download, ...]:
        """Downloads that are not over, in the order of the queue."""
        return self._book.ranked

    @property
    def sources_at_work(self) -> int:
        """Sources that bring something now, over all downloads."""
        bundles = len(self._bundles) if self._bundles is not None else 0
        return bundles + sum(each.fetch.active for each in self._running if each.fetch is not None)

    def get(self, transfer_id: TransferId) -> Download | None:
        """A download that is not over."""
        return self._book.get(transfer_id)

    def find(self, transfer_id: TransferId) -> Download:
        """A download that is not over. Raises not found."""
        return self._book.find(transfer_id)

    def running(self, content: ContentId) -> Fetch | None:
        """The fetch of a content that is under way."""
        download = self.of_content(content)
        return download.fetch if download else None

    def of_content(self, content: ContentId) -> Download | None:
        """The download of a content that is not over."""
        return self._book.of_content(content)

    # --- the swarm comes and goes ---------------------------------------------------------------

    async def load(self) -> None:
        """Take up what an earlier run of the node left."""
        await self._book.load()
        self._saver = spawn(self._save_regularly(), name="save-downloads")

    def connect(self, tools: FetchTools) -> None:
        """There is a swarm to fetch from."""
        self._tools = tools
        self._start_waiting()

    def set_max_running(self, count: int) -> None:
        """Have more or fewer at work at a time; those that run go on."""
        self._max_running = count
        self._start_waiting()

    async def disconnect(self) -> None:
        """Stop all that run, in an orderly way; they go on when there is a swarm again."""
        self._tools = None
        await self._halt(self._book.all)
        for download in self.current:
            if download.record.state != "paused":
                download.note(state="queued")
        await self._book.save(*self.current)

    async def close(self) -> None:
        """Stop all for good."""
        await self.disconnect()
        if self._saver is not None:
            self._saver.cancel()
            await asyncio.wait({self._saver})

    # --- commands -------------------------------------------------------------------------------

    async def add(
        self, record: TransferRecord, patience_s: float | None, *, only_there: bool = False
    ) -> Download:
        """A new download, or the one that runs for the same content already.

        `only_there`: one that goes to another folder is a usage error.
        """
        async with self._commands:
            known = self.of_content(record.content)
            if known is not None:
                if only_there and Path(known.record.folder) != Path(record.folder):
                    raise goes_elsewhere(known.record)
                await self._take_up(known)
                return known
            download = await self._book.add(record, patience_s)
        self._start_waiting()
        return download

    async def add_files(
        self, records: Sequence[TransferRecord], patience_s: float | None = None
    ) -> list[Download]:
        """New downloads of a folder; contents may come several times, or be fetched already."""
        async with self._commands:
            added = await self._book.add_each(records, patience_s)
        self._start_waiting()
        return added

    async def reopen_files(
        self, records: Sequence[TransferRecord], state: TransferState
    ) -> list[Download]:
        """Files of a folder that failed or were cancelled are to be fetched again, or paused."""
        async with self._commands:
            again = await self._book.reopen_each(records, state)
        self._start_waiting()
        return again

    async def set_all(
        self, downloads: Sequence[Download], state: TransferState, reason: str = ""
    ) -> None:
        """Pause (`paused`), go on with (`queued`), end (`cancelled`) or give up (`failed`) many."""
        finished = self._clock.wall() if state in {"cancelled", "failed"} else None
        async with self._commands:
            for download in downloads:
                download.held = state != "queued"
            try:
                await self._halt(each for each in downloads if each.held)
                changed = [d for d in downloads if self._book.holds(d) and d.task is None]
                for download in changed:
                    download.note(state=state, reason=reason, finished=finished)
                await self._book.save(*changed)
            finally:
                for download in downloads:
                    download.held = False
            if finished is not None:
                for download in changed:
                    self._book.drop(download)
                self.outcomes.over([download.record for download in changed])
        self._start_waiting()

    async def pause(self, transfer_id: TransferId) -> Download:
        """Stop a download and keep what it has; one that ends meanwhile is over.

        Raises not found.
        """
        async with self._commands:
            download = self._book.find(transfer_id)
            if download.record.state == "paused":
                return download
            async with self._stopped(download) as is_over:
                if not is_over:
                    download.note(state="paused", reason="")
                    await self._book.save(download)
                    self.outcomes.tell_state(download)
        return download

    async def resume(self, transfer_id: TransferId, *, paused: bool = False) -> Download:
        """Go on with a paused, failed or cancelled download. Raises not found.

        `paused`: one that was over is there again, but does not run.
        """
        async with self._commands:
            download = self.get(transfer_id) or await self._book.reopen(transfer_id)
            await self._take_up(download, "paused" if paused else "queued")
        return download

    async def retry(self, transfer_id: TransferId) -> Download:
        """Take up one that failed or was cancelled; have one that runs try its sources now."""
        download = self._book.get(transfer_id)
        if download is None or download.fetch is None:
            return await self.resume(transfer_id)
        download.fetch.crew.hurry()
        return download

    async def prioritise(self, transfer_id: TransferId, step: int) -> Download:
        """Change the priority by so much; a more important one may take a running one's place."""
        async with self._commands:
            download = self._book.find(transfer_id)
            await self._book.prioritise(download, step)
        self._start_waiting()
        return download

    async def move(self, transfer_id: TransferId, *, earlier: bool) -> Download:
        """Exchange its place with the next one of the same priority."""
        async with self._commands:
            download = self._book.find(transfer_id)
            await self._book.move(download, earlier=earlier)
        return download

    async def cancel(self, transfer_id: TransferId) -> Download:
        """End a download; what it has stays until `discard`. One that ends meanwhile is over.

        Raises not found.
        """
        async with self._commands:
            download = self._book.find(transfer_id)
            async with self._stopped(download) as is_over:
                if not is_over:
                    self._book.drop(download)
                    download.note(state="cancelled", reason="", finished=self._clock.wall())
                    await self._book.save(download)
                    self.outcomes.tell_state(download)
                    self.outcomes.over([download.record])
        return download

    async def discard(self, folder: Path, content: ContentId) -> None:
        """Throw away what a cancelled download has, unless another one goes on with it."""
        async with self._commands:
            known = self.of_content(content)
            if known is None or Path(known.record.folder) != folder:
                await throw_away(
                    folder, content, open_partial=self._open_partial, offload=self._offload
                )

    async def _take_up(self, download: Download, state: TransferState = "queued") -> None:
        if download.task is None:
            download.note(state=state, reason="", finished=None)
            await self._book.save(download)
            self._start_waiting()

    @asynccontextmanager
    async def _stopped(self, download: Download) -> AsyncIterator[bool]:
        """Have it stand still meanwhile; whether it came to its end before that."""
        download.held = True
        try:
            await self._halt([download])
            yield not self._book.holds(download)
        finally:
            download.held = False
            self._start_waiting()

    # --- running --------------------------------------------------------------------------------

    def _start_waiting(self) -> None:
        if self._tools is None:
            return
        bundles = self._bundles
        free = max(0, self._max_running - len(self._running) - (len(bundles) if bundles else 0))
        waiting = self._book.first_waiting(free + (bundles.room if bundles and free else 0))
        if bundles is not None:
            before = len(bundles)
            waiting = bundles.start(waiting, free, self._tools)
            free -= len(bundles) - before
        for download in waiting[:free]:
            self._running.add(download)
            download.ending = False
            download.enter(self._tools.swarm)
            task = spawn(self._run(download, self._tools), name=f"fetch-{download.record.id}")
            download.task = task
            # Not a `finally` of the task: one that is cancelled at once never comes to it.
            task.add_done_callback(functools.partial(self._ended, download))
        if len(self._running) >= self._max_running:
            next_ones = self._book.first_waiting(len(self._running))
            for download in list(overtaken(self._running, next_ones)):
                if download.task is not None:
                    download.gives_way = True
                    download.task.cancel()

    async def _run(self, download: Download, tools: FetchTools) -> None:
        download.began = self._clock.monotonic()
        try:
            path = await self._fetch(download, tools)
            download.ending = True
            self._publish(download_events.finished(download.record, path, self._clock.wall()))
        except P2PError as error:
            download.ending = True
            await self.outcomes.failed(download, error)
        except Exception:  # the border of a task: whoever waits for it must hear of it
            log.exception("download %d failed", download.record.id)
            download.ending = True
            await self.outcomes.failed(download, P2PError("Internal error", "The log says more."))

    def _ended(self, download: Download, _task: asyncio.Task[None]) -> None:
        now = self._clock.monotonic()
        if download.fetch is not None:
            self.past.keep(download.record.id, rows.past_source_rows(download.fetch, now))
        if self._book.holds(download):
            download.note_progress(now)
            if download.gives_way and not download.held:
                download.note(state="queued", reason="more important ones go first")
                self.outcomes.tell_state(download)
        download.gives_way = False
        download.task = download.fetch = None
        self._running.discard(download)
        self._start_waiting()

    async def _fetch(self, download: Download, tools: FetchTools) -> Path:
        record = download.record
        if download.manifest is None:
            download.manifest = await tools.offload(
                stored_manifest, Path(record.folder), record.content
            )
        download.fetch = Fetch(download.job(), tools, download.manifest)
        download.note(state="locating", reason="")
        return await download.fetch.run()

    async def _halt(self, downloads: Iterable[Download]) -> None:
        """Stop these and wait for their end. Cancelled, it leaves them to end by themselves."""
        tasks = set()
        for download in downloads:
            if download.task is not None:
                tasks.add(download.task)
                if not download.ending:
                    download.task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # --- the store --------------------------------------------------------------------------------

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(SAVE_S)
            await self._book.save_progress(self._running)
