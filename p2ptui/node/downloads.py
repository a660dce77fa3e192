"""Downloads: the queue of fetches of a node. Starts them, remembers them, takes them up again.

Each job is a row of the store from the moment it is asked for; a restart goes on with all that were
neither finished nor failed nor cancelled, and leaves the paused ones paused.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from p2ptui.base.addresses import parse_address
from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError, not_found
from p2ptui.base.ids import ContentId, TransferId, content_id_text
from p2ptui.net.loop import Offload
from p2ptui.net.tasks import spawn
from p2ptui.net.wire.messages import Endpoint
from p2ptui.node import events
from p2ptui.node.fetch import Fetch, FetchJob, FetchTools
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial, stored_manifest
from p2ptui.node.source import Source
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import TransferRecord

log = logging.getLogger(__name__)

MAX_RUNNING = 32
"""Downloads at work at a time; the others wait in the order of asking."""
SAVE_S = 5.0
"""How often the progress of running downloads is written to the store."""


@dataclass(slots=True, eq=False)
class Download:
    """A job that is neither finished nor failed nor cancelled."""

    record: TransferRecord
    patience_s: float | None = None
    manifest: Manifest | None = None
    fetch: Fetch | None = None
    """While it runs."""
    task: asyncio.Task[None] | None = None
    began: float = 0.0
    """Monotonic time of this run's start."""


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
    ) -> None:
        """`adopt` lists a finished file as shared; `publish` tells an event.

        `open_partial` takes up what an earlier run left (blocking).
        """
        self._open_partial = open_partial
        self._offload = offload
        self._table = table
        self._adopt = adopt
        self._publish = publish
        self._clock = clock
        self._tools: FetchTools | None = None
        self._downloads: dict[TransferId, Download] = {}
        self._saver: asyncio.Task[None] | None = None

    @property
    def current(self) -> tuple[Download, ...]:
        """Downloads that are not over, the oldest first."""
        return tuple(self._downloads.values())

    def get(self, transfer_id: TransferId) -> Download | None:
        """A download that is not over."""
        return self._downloads.get(transfer_id)

    def running(self, content: ContentId) -> Fetch | None:
        """The fetch of a content that is under way."""
        download = self.of_content(content)
        return download.fetch if download else None

    def of_content(self, content: ContentId) -> Download | None:
        """The download of a content that is not over."""
        for download in self._downloads.values():
            if download.record.content == content:
                return download
        return None

    # --- the swarm comes and goes ---------------------------------------------------------------

    async def load(self) -> None:
        """Take up what an earlier run of the node left."""
        for record in await self._table.unfinished():
            self._downloads[record.id] = Download(record)
        self._saver = spawn(self._save_regularly(), name="save-downloads")

    def connect(self, tools: FetchTools) -> None:
        """There is a swarm to fetch from."""
        self._tools = tools
        self._start_waiting()

    async def disconnect(self) -> None:
        """Stop all that run, in an orderly way; they go on when there is a swarm again."""
        self._tools = None
        for download in self.current:
            await self._halt(download)
            if download.record.state not in {"paused", "failed"}:
                self._note(download, state="queued")
        await self._save(*self.current)

    async def close(self) -> None:
        """Stop all for good."""
        await self.disconnect()
        if self._saver is not None:
            self._saver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._saver

    # --- commands -------------------------------------------------------------------------------

    async def add(self, record: TransferRecord, patience_s: float | None) -> Download:
        """A new download, or the one that runs for the same content already."""
        known = self.of_content(record.content)
        if known is not None:
            if known.record.state in {"paused", "failed"}:
                await self.resume(known.record.id)
            return known
        added = await self._table.add(record)
        download = Download(added, patience_s)
        self._downloads[added.id] = download
        self._start_waiting()
        return download

    async def pause(self, transfer_id: TransferId) -> Download:
        """Stop a download and keep what it has. Raises not found."""
        download = self._find(transfer_id)
        await self._halt(download)
        self._note(download, state="paused", reason="")
        await self._save(download)
        self._tell_state(download)
        self._start_waiting()
        return download

    async def resume(self, transfer_id: TransferId) -> Download:
        """Go on with a paused or failed download. Raises not found."""
        download = self._downloads.get(transfer_id)
        if download is None:
            record = await self._table.get(transfer_id)
            if record is None or record.state not in {"failed", "cancelled"}:
                raise _no_download(transfer_id)
            download = Download(record)
            self._downloads[transfer_id] = download
        if download.task is None:
            self._note(download, state="queued", reason="", finished=None)
            await self._save(download)
            self._start_waiting()
        return download

    async def cancel(self, transfer_id: TransferId) -> Download:
        """End a download and throw away what it has. Raises not found."""
        download = self._find(transfer_id)
        await self._halt(download)
        self._downloads.pop(transfer_id, None)
        await self._throw_away(download)
        self._note(download, state="cancelled", finished=self._clock.wall())
        await self._save(download)
        self._tell_state(download)
        self._start_waiting()
        return download

    async def _throw_away(self, download: Download) -> None:
        """Remove the partial; one that cannot be removed is left and logged."""
        folder, content = Path(download.record.folder), download.record.content
        manifest = download.manifest or await self._offload(stored_manifest, folder, content)
        if manifest is None:
            return
        try:
            partial = await self._offload(self._open_partial, folder, manifest)
            await self._offload(partial.discard)
        except P2PError as error:
            log.warning("the partial of %s stays: %s", download.record.name, error)

    # --- running --------------------------------------------------------------------------------

    def _start_waiting(self) -> None:
        if self._tools is None:
            return
        running = sum(download.task is not None for download in self.current)
        for download in self.current:
            if running >= MAX_RUNNING:
                return
            if download.task is None and download.record.state != "paused":
                download.task = spawn(
                    self._run(download, self._tools), name=f"fetch-{download.record.id}"
                )
                running += 1

    async def _run(self, download: Download, tools: FetchTools) -> None:
        record = download.record
        download.began = self._clock.monotonic()
        try:
            if download.manifest is None:
                download.manifest = await tools.offload(
                    stored_manifest, Path(record.folder), record.content
                )
            fetch = Fetch(_job(record, download.patience_s), tools, download.manifest)
            download.fetch = fetch
            self._note(download, state="locating", reason="")
            path = await fetch.run()
        except P2PError as error:
            await self._failed(download, error)
        else:
            seconds = record.seconds + self._clock.monotonic() - download.began
            helped = sum(source.done > 0 for source in fetch.sources.values())
            self._publish(
                events.FetchFinished(
                    time=self._clock.wall(),
                    id=record.id,
                    name=path.name,
                    content_id=content_id_text(record.content),
                    path=str(path),
                    bytes=download.record.size,
                    seconds=round(seconds, 3),
                    sources=helped,
                )
            )
        finally:
            download.task = download.fetch = None
        self._start_waiting()

    async def placed(self, fetch: Fetch, path: Path) -> None:
        """The file is under its final name: note it before the partial goes."""
        download = self._downloads.get(fetch.job.id)
        manifest = fetch.manifest
        if download is None or manifest is None:
            return
        await self._adopt(path, manifest)
        now = self._clock.monotonic()
        self._note(
            download,
            state="finished",
            reason="",
            size=manifest.size,
            done=manifest.size,
            path=str(path),
            name=path.name,
            finished=self._clock.wall(),
            seconds=download.record.seconds + now - download.began,
            sources=sum(source.done > 0 for source in fetch.sources.values()),
        )
        await self._save(download)
        self._downloads.pop(fetch.job.id, None)

    def prepared(self, fetch: Fetch) -> None:
        """The size is known and the partial open."""
        download = self._downloads.get(fetch.job.id)
        if download is None or fetch.manifest is None:
            return
        download.manifest = fetch.manifest
        self._note(download, size=fetch.manifest.size)
        self._publish(
            events.FetchStarted(
                time=self._clock.wall(),
                id=fetch.job.id,
                name=download.record.name,
                content_id=content_id_text(fetch.job.content),
                bytes=fetch.manifest.size,
                resumed=fetch.done,
            )
        )

    def state_changed(self, fetch: Fetch) -> None:
        """A fetch is in another state."""
        download = self._downloads.get(fetch.job.id)
        if download is not None and fetch.state != "finishing":
            self._note(download, state=fetch.state, reason=fetch.reason)
            if fetch.state in {"stalled", "no_space", "active"}:
                self._tell_state(download)

    def source_lost(self, fetch: Fetch, source: Source) -> None:
        """A source of a fetch went away or was dropped."""
        self._publish(
            events.SourceLost(
                time=self._clock.wall(),
                id=fetch.job.id,
                peer_id=source.peer,
                nick=source.nick,
                reason=source.reason,
            )
        )

    async def _failed(self, download: Download, error: P2PError) -> None:
        self._note(download, state="failed", reason=str(error), finished=self._clock.wall())
        self._downloads.pop(download.record.id, None)
        await self._save(download)
        record = download.record
        self._publish(
            events.FetchFailed(
                time=self._clock.wall(),
                id=record.id,
                name=record.name,
                content_id=content_id_text(record.content),
                reason=str(error),
                hint=error.hint,
                exit_code=int(error.exit_code),
            )
        )

    async def _halt(self, download: Download) -> None:
        task, fetch = download.task, download.fetch
        if task is None:
            return
        if fetch is not None:
            self._note(
                download,
                done=fetch.done,
                seconds=download.record.seconds + self._clock.monotonic() - download.began,
            )
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    # --- the store --------------------------------------------------------------------------------

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(SAVE_S)
            changed = []
            for download in self.current:
                fetch = download.fetch
                if fetch is not None and fetch.done != download.record.done:
                    self._note(download, done=fetch.done)
                    changed.append(download)
            await self._save(*changed)

    def _note(self, download: Download, **changes: object) -> None:
        download.record = msgspec.structs.replace(download.record, **changes)

    async def _save(self, *downloads: Download) -> None:
        if downloads:
            await self._table.save(*(download.record for download in downloads))

    def _tell_state(self, download: Download) -> None:
        record = download.record
        self._publish(
            events.FetchStateChanged(
                time=self._clock.wall(),
                id=record.id,
                name=record.name,
                state=record.state,
                reason=record.reason,
            )
        )

    def _find(self, transfer_id: TransferId) -> Download:
        download = self._downloads.get(transfer_id)
        if download is None:
            raise _no_download(transfer_id)
        return download


def _job(record: TransferRecord, patience_s: float | None) -> FetchJob:
    endpoint = None
    if record.address:
        endpoint = Endpoint(*parse_address(record.address, 0))
    return FetchJob(
        id=record.id,
        content=record.content,
        name=record.name,
        folder=Path(record.folder),
        endpoint=endpoint,
        patience_s=patience_s,
    )


def _no_download(transfer_id: TransferId) -> P2PError:
    return not_found(
        "No such download",
        f"There is no running download {transfer_id}.",
        "`transfers` lists them with their numbers.",
    )
