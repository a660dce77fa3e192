"""A folder that is fetched as one job: its record, and what becomes of its files. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from p2ptui.base.ids import TransferId
from p2ptui.node.api import TransferRow, TransferState
from p2ptui.node.download import Download
from p2ptui.node.history import parts_of, with_parts
from p2ptui.node.rows import record_row
from p2ptui.node.store_values import TransferRecord

_WORDS: tuple[TransferState, ...] = (
    "active", "finishing", "no_space", "locating", "stalled", "queued", "paused",
)  # fmt: skip
"""States of files, the one that tells most of the whole first."""


@dataclass(slots=True, eq=False)
class FolderJob:
    """A job that is not over. Times are monotonic seconds."""

    record: TransferRecord
    began: float
    open: dict[TransferId, Download] = field(default_factory=dict)
    """Its files that are not over."""
    failed: int = 0
    cancelled: int = 0
    patience_s: float | None = None
    """Seconds without any source after which it is given up; None: it waits for ever."""
    given_up: str = ""
    """Why it was."""

    @property
    def files_done(self) -> int:
        """Files that are here."""
        return self.record.files - len(self.open) - self.failed - self.cancelled

    @property
    def done(self) -> int:
        """Bytes that are here; of files that ended without success nothing counts."""
        left = sum(each.record.size for each in self.open.values())
        come = sum(
            min(each.fetch.done if each.fetch is not None else each.record.done, each.record.size)
            for each in self.open.values()
        )
        return max(0, self.record.size - left + come)

    def is_fed(self, now: float) -> bool:
        """Whether something comes, or need not come now."""
        if self.state == "paused":
            return True
        return any(
            (each.fetch is not None and each.fetch.active)
            or (each.bundle is not None and each.bundle.meter.rate(now) > 0)
            for each in self.open.values()
        )

    @property
    def state(self) -> TransferState:
        """In a word what its files do."""
        states = {
            each.fetch.state if each.fetch is not None else each.record.state
            for each in self.open.values()
        }
        return next((word for word in _WORDS if word in states), "finishing")

    def note(self, **changes: object) -> None:
        """Change its record."""
        self.record = msgspec.structs.replace(self.record, **changes)

    def rest(self, now: float) -> None:
        """Count the time until now."""
        self.note(seconds=self.record.seconds + now - self.began)
        self.began = now

    def take(self, downloads: Iterable[Download]) -> None:
        """These of its files are to be fetched."""
        self.open.update({each.record.id: each for each in downloads})

    def over(self, records: Iterable[TransferRecord]) -> bool:
        """Files are over; whether any was one of ours that was not."""
        ours = [each for each in records if self.open.pop(each.id, None) is not None]
        self.failed += sum(each.state == "failed" for each in ours)
        self.cancelled += sum(each.state == "cancelled" for each in ours)
        without = sum(each.size for each in ours if each.state != "finished")
        parts = chain.from_iterable(parts_of(each.peers) for each in ours)
        self.note(
            peers=with_parts(self.record.peers, parts), size=max(0, self.record.size - without)
        )
        return bool(ours)

    def row(self, now: float) -> TransferRow:
        """As front-ends see it."""
        fetches = [each.fetch for each in self.open.values() if each.fetch is not None]
        bundles = {each.bundle for each in self.open.values() if each.bundle is not None}
        rate = sum(round(fetch.meter.rate(now)) for fetch in fetches if fetch.state == "active")
        rate += sum(round(bundle.meter.rate(now)) for bundle in bundles)
        done, state = self.done, self.state
        reasons = (fetch.reason for fetch in fetches if fetch.state == state and fetch.reason)
        hosts = frozenset(bundle.host for bundle in bundles)
        running = 0.0 if state == "paused" else now - self.began
        return msgspec.structs.replace(
            record_row(self.record),
            done=done,
            rate_bps=rate,
            state=state,
            reason=next(reasons, ""),
            sources=len(hosts.union(*(fetch.crew.active for fetch in fetches))),
            known=len(hosts.union(*(fetch.sources for fetch in fetches))),
            eta_s=round((self.record.size - done) / rate, 1) if rate else None,
            seconds=round(self.record.seconds + running, 3),
            files_done=self.files_done,
        )
