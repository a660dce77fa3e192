"""Announcer: keeps the tracker's list of our share up to date, by deltas (PROTOCOL.md 3).

The tracker says which revision it has; what came since is sent in batches in the order of
revisions, so that an interruption at any batch loses nothing. When the digests differ, all is sent
anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.net.wire import messages as m

log = logging.getLogger(__name__)

SETTLE_S = 0.3
"""Changes that come within so long go out together."""
RETRY_S = 30.0

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
        self, share: ShareLog, clock: Clock, on_published: Callable[[float], None]
    ) -> None:
        """`on_published` is told the seconds it took, each time the tracker has everything."""
        self._share = share
        self._clock = clock
        self._on_published = on_published

    async def run(self, ask: Ask, known: int) -> None:
        """Announce from the revision that the tracker knows, until cancelled."""
        first = True
        while True:
            self._share.changed.clear()
            began = self._clock.monotonic()
            try:
                reached = await self._send(ask, known)
            except P2PError as error:
                log.warning("announcing failed: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            if reached != known or first:
                self._on_published(self._clock.monotonic() - began)
            known, first = reached, False
            await self._share.changed.wait()
            await asyncio.sleep(SETTLE_S)

    async def _send(self, ask: Ask, known: int) -> int:
        """Send all that is new; the revision that the tracker then has."""
        if known > self._share.revision:
            # Our own library was lost or put back from a copy: the tracker's list is not ours.
            known = 0
        restarts = 0
        # An empty share is announced as well, or the tracker would keep an old list.
        pending = known == 0 or known < self._share.revision
        while pending:
            changes = await self._share.changes_since(known, m.MAX_BATCH)

            def make(number: int, base: int = known, batch: ShareChanges = changes) -> m.Announce:
                return m.Announce(
                    number, base, batch.revision, batch.added, batch.removed, batch.digest
                )

            accepted = await ask(make, m.Accepted)
            if accepted.revision == 0 and changes.revision != 0:
                restarts += 1
                if restarts > 1:
                    raise P2PError("The tracker's list of our share differs again and again")
                known = 0
                continue
            known = changes.revision
            pending = known < self._share.revision
        return known
