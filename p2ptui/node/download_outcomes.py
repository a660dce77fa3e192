"""Outcomes: what becomes of downloads, noted in the book and told to front-ends.

Running fetches tell it as it happens; the queue (`downloads`) tells how their runs end.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.node import download_events, events
from p2ptui.node.download import Download
from p2ptui.node.download_book import DownloadBook
from p2ptui.node.fetch import Fetch
from p2ptui.node.manifest import Manifest
from p2ptui.node.source import Source
from p2ptui.node.store_values import TransferRecord


class DownloadOutcomes:
    """Hears of all downloads of a node."""

    def __init__(
        self,
        book: DownloadBook,
        adopt: Callable[[Path, Manifest], Awaitable[object]],
        publish: Callable[[events.NodeEvent], None],
        clock: Clock,
    ) -> None:
        """`adopt` lists a finished file as shared; `publish` tells an event."""
        self._book = book
        self._adopt = adopt
        self._publish = publish
        self._clock = clock
        self.over: Callable[[Sequence[TransferRecord]], None] = lambda _records: None
        """Hears of downloads that are over."""

    async def placed(self, fetch: Fetch, path: Path) -> None:
        """The file is under its final name: note it before the partial goes."""
        download = self._book.get(fetch.job.id)
        manifest = fetch.manifest
        if download is None or manifest is None:
            return
        await self._adopt(path, manifest)
        download.note_progress(self._clock.monotonic())
        download.note(
            state="finished",
            reason="",
            size=manifest.size,
            path=str(path),
            name=path.name,
            finished=self._clock.wall(),
        )
        await self._book.save(download)
        self._book.drop(download)
        self.over([download.record])

    def prepared(self, fetch: Fetch) -> None:
        """The size is known and the partial open."""
        download = self._book.get(fetch.job.id)
        if download is None or fetch.manifest is None:
            return
        download.manifest = fetch.manifest
        download.note(size=fetch.manifest.size)
        self._publish(download_events.started(download.record, fetch, self._clock.wall()))

    def state_changed(self, fetch: Fetch) -> None:
        """A fetch is in another state."""
        download = self._book.get(fetch.job.id)
        if download is not None and fetch.state != "finishing":
            before = download.record.state
            download.note(state=fetch.state, reason=fetch.reason)
            if fetch.state in {"stalled", "no_space", "active"}:
                self.tell_state(download, before)

    def source_lost(self, fetch: Fetch, source: Source) -> None:
        """A source of a fetch went away or was dropped."""
        self._publish(download_events.source_lost(fetch, source, self._clock.wall()))

    async def failed(self, download: Download, error: P2PError) -> None:
        """A run ended without success, for good."""
        download.note_progress(self._clock.monotonic())
        download.note(state="failed", reason=str(error), finished=self._clock.wall())
        self._book.drop(download)
        await self._book.save(download)
        self.over([download.record])
        self._publish(download_events.failed(download.record, error, self._clock.wall()))

    def tell_state(self, download: Download, before: str = "") -> None:
        """Tell front-ends in which state it is now."""
        now = self._clock.wall()
        self._publish(download_events.state_changed(download.record, now, before))
