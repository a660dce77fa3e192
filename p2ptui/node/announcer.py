"""Announcer: keeps the tracker's list of our share up to date, by deltas (PROTOCOL.md 3).

The tracker says which revision it has; what came since is sent in batches in the order of
revisions, so that an interruption at any batch loses nothing. When the digests differ, all is sent
anew. A refusal (too many files) is told to the user and tried again more and more rarely.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from p2ptui.base.clock import Clock
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.wire import messages as m
from p2ptui.node.listing import fits

log = logging.getLogger(__name__)

SETTLE_S = 0.3
"""Changes that come within so long go out together."""
RETRY_S = 30.0
MAX_RETRY_S = 600.0

Ask = Callable[[Callable[[int], object], type[m.Accepted]], Awaitable[m.Accepted]]


class ShareChanges(Protocol):
    """Changes of the share in the order of their revisions."""

    @property
    def revision(self) -> int:
        """The last one of this batch; the tracker has it once the batch is accepted."""
        ...

    @property
    def added(self) -> tuple[m.Entry, ...]:
        """Entries added or replaced, at most 500."""
        ...

    @property
    def removed(self) -> tuple[m.Path, ...]:
        """Paths withdrawn, at most 500."""
        ...

    @property
    def digest(self) -> bytes:
        """Digest of the whole share when the batch ends at its latest revision; else empty."""
        ...


class ShareLog(Protocol):
    """What the announcer needs of the library."""

    @property
    def revision(self) -> int:
        """Number of the latest change."""
        ...

    @property
    def changed(self) -> asyncio.Event:
        """Set after each change; cleared by the announcer."""
        ...

    async def changes_since(self, revision: int, limit: int) -> ShareChanges:
        """The next changes after a revision; after 0: every entry there is."""
        ...


class Announcer:
    """Brings the tracker up to date, again whenever the share changes."""

    def __init__(
        self,
        share: ShareLog,
        clock: Clock,
        on_published: Callable[[float], None],
        on_refused: Callable[[P2PError], None] = lambda _: None,
    ) -> None:
        """`on_published` is told the seconds it took, each time the tracker has everything.

        `on_refused` hears of a refusal once, until something else happens.
        """
        self._share = share
        self._clock = clock
        self._on_published = on_published
        self._on_refused = on_refused
        self._known = 0
        """The revision that the tracker has."""

    async def run(self, ask: Ask, known: int) -> None:
        """Announce from the revision that the tracker knows, until cancelled."""
        self._known = known
        first, told, retry_s = True, "", RETRY_S
        while True:
            self._share.changed.clear()
            began, before = self._clock.monotonic(), self._known
            try:
                await self._send(ask)
            except P2PError as error:
                log.warning("announcing failed: %s", error)
                if error.exit_code is not ExitCode.UNREACHABLE and str(error) != told:
                    told = str(error)
                    self._on_refused(error)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, MAX_RETRY_S)
                continue
            if self._known != before or first:
                self._on_published(self._clock.monotonic() - began)
            first, told, retry_s = False, "", RETRY_S
            await self._share.changed.wait()
            await asyncio.sleep(SETTLE_S)

    async def _send(self, ask: Ask) -> None:
        """Send all that is new."""
        if self._known > self._share.revision:
            # Our own library was lost or put back from a copy: the tracker's list is not ours.
            self._known = 0
        restarts = 0
        # An empty share is announced as well, or the tracker would keep an old list.
        pending = self._known == 0 or self._known < self._share.revision
        while pending:
            known, changes = self._known, await self._next_batch()

            def make(number: int, base: int = known, batch: ShareChanges = changes) -> m.Announce:
                return m.Announce(
                    number, base, batch.revision, batch.added, batch.removed, batch.digest
                )

            accepted = await ask(make, m.Accepted)
            if accepted.revision == 0 and changes.revision != 0:
                self._known = 0
                restarts += 1
                if restarts > 1:
                    raise P2PError("The tracker's list of our share differs again and again")
                continue
            self._known = changes.revision
            pending = known < changes.revision < self._share.revision

    async def _next_batch(self) -> ShareChanges:
        """The next changes, as many as fit into one message: paths may be long."""
        limit = m.MAX_BATCH
        while True:
            changes = await self._share.changes_since(self._known, limit)
            if limit == 1 or fits(changes.added, changes.removed):
                return changes
            limit //= 2
