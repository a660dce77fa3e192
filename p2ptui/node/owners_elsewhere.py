"""OwnersElsewhere: how many other members online have our contents, as the library shows it.

What is known is told at once; the tracker is asked behind that, a batch at a time, for what was
asked of us lately. So a page of the library never waits for the tracker.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import msgspec

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId, parse_content_id
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.node.api import FileRow
from p2ptui.node.tracker_link import TrackerLink

FRESH_S = 30.0
"""A count is asked for again when it is older."""
PAUSE_S = 5.0
"""After a question that the tracker did not answer."""
MAX_WANTED = 2_000
"""Contents that wait to be asked for; those that were wanted last stay."""
MAX_KEPT = 20_000


class OwnersElsewhere:
    """Counts of owners, kept for half a minute."""

    def __init__(self, tracker: Callable[[], TrackerLink | None], clock: Clock) -> None:
        """`tracker` gives the link, None while there is no swarm at work."""
        self._tracker = tracker
        self._clock = clock
        self._asked: TrackerLink | None = None
        """Whose counts these are: another swarm has others."""
        self._counts: dict[ContentId, tuple[int, float]] = {}
        """Count, and when it was told; the oldest first."""
        self._wanted: dict[ContentId, None] = {}
        self._coming: frozenset[ContentId] = frozenset()
        """Those that are being asked for."""
        self._pause_until = 0.0
        self._tasks = TaskSet()

    def fill(self, rows: Sequence[FileRow]) -> tuple[FileRow, ...]:
        """Rows with what is known of their owners."""
        contents = {
            row.content_id: content
            for row in rows
            if (content := parse_content_id(row.content_id)) is not None
        }
        counts = self.of(contents.values())
        owners = {text: counts.get(content) for text, content in contents.items()}
        return tuple(
            msgspec.structs.replace(row, owners=owners.get(row.content_id)) for row in rows
        )

    def of(self, contents: Collection[ContentId]) -> dict[ContentId, int]:
        """What is known now; the rest, and what has grown old, is asked for behind this."""
        tracker, now = self._tracker(), self._clock.monotonic()
        if tracker is not self._asked:
            self._asked = tracker
            self._counts.clear()
            self._pause_until = 0.0
        if tracker is None or not tracker.up.is_set():
            return {}  # nobody knows who is online now
        known: dict[ContentId, int] = {}
        for content in contents:
            count, told = self._counts.get(content, (None, -FRESH_S))
            if count is not None:
                known[content] = count
            if now - told >= FRESH_S and content not in self._coming:
                self._wanted.pop(content, None)
                self._wanted[content] = None
        while len(self._wanted) > MAX_WANTED:
            del self._wanted[next(iter(self._wanted))]
        if self._wanted and not len(self._tasks) and now >= self._pause_until:
            self._tasks.spawn(self._ask(tracker), name="owners-elsewhere")
        return known

    async def close(self) -> None:
        """Ask no more."""
        await self._tasks.cancel_all()

    async def _ask(self, tracker: TrackerLink) -> None:
        while self._wanted and tracker is self._asked:
            batch = tuple(self._wanted)[-m.MAX_PAGE :]
            for content in batch:
                del self._wanted[content]
            self._coming = frozenset(batch)
            try:
                found = await tracker.ask(partial(m.CountOwners, contents=batch), m.OwnerCounts)
            except P2PError:
                self._wanted.clear()  # who still shows them asks again
                self._pause_until = self._clock.monotonic() + PAUSE_S
                return
            finally:
                self._coming = frozenset()
            if tracker is self._asked:
                self._keep(batch, found.counts)

    def _keep(self, batch: tuple[ContentId, ...], counts: tuple[int, ...]) -> None:
        now = self._clock.monotonic()
        for content, count in zip(batch, counts, strict=False):  # theirs may be too short
            self._counts.pop(content, None)
            self._counts[content] = (count, now)
        while len(self._counts) > MAX_KEPT:
            del self._counts[next(iter(self._counts))]
